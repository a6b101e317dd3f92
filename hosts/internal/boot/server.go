package boot

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/archibot/archibotchat/hosts/internal/gather"
)

// Limits of every HTTP server. There is no write timeout: streams last, and
// their handlers bound each chunk themselves.
const (
	readHeaderTimeout = 5 * time.Second
	idleTimeout       = 120 * time.Second
	maxHeaderBytes    = 32 << 10
)

// Server is an HTTP server on a listener of its own, which counts the requests
// that are in its handler.
type Server struct {
	http     *http.Server
	listener net.Listener
	busy     atomic.Int64
	cut      context.CancelFunc
}

// Listen opens address and returns a server for it that does not serve yet.
func Listen(ctx context.Context, address string, handler http.Handler, log *slog.Logger) (*Server, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	s := &Server{}
	base, cut := context.WithCancel(context.WithoutCancel(ctx))
	s.cut = cut
	s.http = &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s.busy.Add(1)
			defer s.busy.Add(-1)
			handler.ServeHTTP(w, r)
		}),
		ReadHeaderTimeout: readHeaderTimeout,
		IdleTimeout:       idleTimeout,
		// net/http allows 4 KiB beyond its limit for the request line and slack.
		MaxHeaderBytes: maxHeaderBytes - 4<<10,
		BaseContext:    func(net.Listener) context.Context { return base },
		ErrorLog:       slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	s.listener = gather.On(s.http, l)
	return s, nil
}

// Address returns where the server listens, host:port.
func (s *Server) Address() string { return s.listener.Addr().String() }

// Serve serves until Stop; it returns nil then.
func (s *Server) Serve() error {
	if err := s.http.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Stop closes the listener and lets open requests go on for grace. What is
// open then has its context ended and its connection closed. Stop returns
// when no handler runs any more, or cutWait after the cut.
func (s *Server) Stop(grace time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	err := s.http.Shutdown(ctx)
	s.cut()
	if err != nil {
		_ = s.http.Close()
	}
	_ = s.listener.Close() // where Serve was never called
	limit, look := time.NewTimer(cutWait), time.NewTicker(5*time.Millisecond)
	defer limit.Stop()
	defer look.Stop()
	for s.busy.Load() > 0 {
		select {
		case <-look.C:
		case <-limit.C:
			return
		}
	}
}

// cutWait is how long a handler may take to notice that it was cut off.
const cutWait = 5 * time.Second
