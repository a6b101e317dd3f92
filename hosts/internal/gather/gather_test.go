package gather_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/hosts/internal/gather"
)

// pieces notes what is written to a connection, write by write.
type pieces struct {
	mu  sync.Mutex
	all []string
}

func (p *pieces) through(w io.Writer) io.Writer { return &tap{p, w} }

func (p *pieces) take() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer func() { p.all = nil }()
	return p.all
}

type tap struct {
	p *pieces
	w io.Writer
}

func (t *tap) Write(b []byte) (int, error) {
	t.p.mu.Lock()
	t.p.all = append(t.p.all, string(b))
	t.p.mu.Unlock()
	return t.w.Write(b)
}

// serve starts a server that gathers, and returns its URL.
func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &http.Server{Handler: h, ReadHeaderTimeout: time.Second}
	on := gather.On(s, l)
	done := make(chan error, 1)
	go func() { done <- s.Serve(on) }()
	t.Cleanup(func() {
		require.NoError(t, s.Close())
		require.ErrorIs(t, <-done, http.ErrServerClosed)
	})
	return "http://" + l.Addr().String()
}

func get(t *testing.T, url string) (string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	require.NoError(t, err)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	return string(body), err
}

func TestConn(t *testing.T) {
	t.Parallel()
	var seen pieces
	for _, tt := range []struct {
		name   string
		answer func(c *gather.Conn, w http.ResponseWriter)
		body   int
		writes int
	}{
		{"a whole answer", func(c *gather.Conn, w http.ResponseWriter) {
			c.Hold()
			_, _ = w.Write(bytes.Repeat([]byte("a"), 9000))
			_, _ = w.Write(bytes.Repeat([]byte("b"), 9000))
		}, 18000, 1},
		{"frames, of which the first must leave", func(c *gather.Conn, w http.ResponseWriter) {
			c.Hold()
			_, _ = w.Write(bytes.Repeat([]byte("a"), 9000))
			_ = http.NewResponseController(w).Flush()
			_ = c.Flush()
			c.Hold()
			_, _ = w.Write(bytes.Repeat([]byte("b"), 9000))
		}, 18000, 2},
		{"nothing", func(c *gather.Conn, _ http.ResponseWriter) { c.Hold() }, 0, 1},
		{"a deadline", func(c *gather.Conn, w http.ResponseWriter) {
			c.Hold()
			_, _ = w.Write(bytes.Repeat([]byte("a"), 9000))
			_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(time.Minute))
		}, 9000, 2},
		{"nobody asked", func(_ *gather.Conn, w http.ResponseWriter) {
			_, _ = w.Write(bytes.Repeat([]byte("a"), 3000))
			_, _ = w.Write(bytes.Repeat([]byte("b"), 3000))
		}, 6000, 2},
	} {
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			c := gather.Of(r.Context())
			c.Through(seen.through)
			tt.answer(c, w)
		})
		for range 2 { // the second one on the same connection
			body, err := get(t, url)
			require.NoError(t, err, tt.name)
			require.Len(t, body, tt.body, tt.name)
			require.Len(t, seen.take(), tt.writes, tt.name)
		}
	}
}

// What is more than a connection holds is passed on, in its order.
func TestConn_bounded(t *testing.T) {
	t.Parallel()
	var seen pieces
	want := strings.Repeat("0123456789", 30_000)
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		c := gather.Of(r.Context())
		c.Through(seen.through)
		for rest := want; rest != ""; rest = rest[min(len(rest), 7000):] {
			c.Hold()
			_, _ = io.WriteString(w, rest[:min(len(rest), 7000)])
		}
	})
	body, err := get(t, url)
	require.NoError(t, err)
	require.Equal(t, want, body)
	for _, p := range seen.take() {
		require.LessOrEqual(t, len(p), 64<<10)
	}
}

// What is held when a handler breaks the connection off does not leave.
func TestConn_broken(t *testing.T) {
	t.Parallel()
	var seen pieces
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		c := gather.Of(r.Context())
		c.Through(seen.through)
		c.Hold()
		_, _ = w.Write(bytes.Repeat([]byte("a"), 9000))
		panic(http.ErrAbortHandler)
	})
	_, err := get(t, url)
	require.ErrorIs(t, err, io.EOF)
	require.Empty(t, seen.take())
}

// The request that comes next does not wait for what the one before held.
func TestConn_nextRequest(t *testing.T) {
	t.Parallel()
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/held" {
			gather.Of(r.Context()).Hold()
		}
		_, _ = io.WriteString(w, r.URL.Path)
		if r.URL.Path == "/plain" {
			_ = http.NewResponseController(w).Flush()
		}
	})
	for range 3 {
		for _, path := range []string{"/held", "/plain"} {
			body, err := get(t, url+path)
			require.NoError(t, err)
			require.Equal(t, path, body)
		}
	}
}

func TestOf_nobody(t *testing.T) {
	t.Parallel()
	c := gather.Of(context.Background())
	c.Hold()
	require.NoError(t, c.Flush())
}
