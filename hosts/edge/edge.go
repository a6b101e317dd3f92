package edge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/fault"
)

// Config is what an Edge needs. NewRequestID and Log are required.
type Config struct {
	// PublicURL is where browsers reach the service, scheme and host. If it is
	// nil, any Host is answered, and nothing says that TLS is to be used.
	PublicURL *url.URL
	// Proxies are those whose word is taken on where a request came from.
	Proxies Proxies
	// NewRequestID makes the ID of a request. A client's own x-request-id is
	// never taken over.
	NewRequestID func() string
	Log          *slog.Logger

	BodyWait  time.Duration // for a whole body to arrive; 30 s if 0
	WriteWait time.Duration // for a client to take what is written; 15 s if 0
}

// Edge wraps handlers. It is safe for concurrent use.
type Edge struct {
	Config
	host string // of the public URL, in lower case, without the port of its scheme
	tls  bool
}

// New returns an Edge.
func New(c Config) *Edge {
	e := &Edge{Config: c}
	if e.BodyWait == 0 {
		e.BodyWait = 30 * time.Second
	}
	if e.WriteWait == 0 {
		e.WriteWait = 15 * time.Second
	}
	if c.PublicURL != nil {
		e.tls = c.PublicURL.Scheme == "https"
		e.host = plainHost(c.PublicURL.Host, c.PublicURL.Scheme)
	}
	return e
}

// marks are the keys of what the edge puts into a context.
type mark uint8

const (
	markClient mark = iota
	markEdge
)

// Client returns the address that a request came from: its network is known by
// it, and limits of attempts are kept by it. It has no zone, and is the zero
// Addr, which no network has, where nobody trusted could tell. Only requests
// that came through an Edge have one.
func Client(ctx context.Context) netip.Addr {
	a, _ := ctx.Value(markClient).(netip.Addr)
	return a
}

// Wrap puts the request's ID and its client's address into the context and the
// common headers onto the answer, turns a panic into a 500, logs refusals, and
// waits for nobody longer than BodyWait and WriteWait say. A handler that takes
// large bodies sets a read deadline of its own.
// What was wrapped by this Edge already is left as it is.
func (e *Edge) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		if outer, _ := ctx.Value(markEdge).(*Edge); outer == e {
			next.ServeHTTP(w, r)
			return
		}
		id := access.Request(ctx)
		if id == "" {
			id = e.NewRequestID()
			ctx = access.WithRequest(ctx, id)
		}
		ctx = context.WithValue(ctx, markClient, e.Proxies.Client(r))
		r = r.WithContext(context.WithValue(ctx, markEdge, e))
		w.Header().Set("X-Request-Id", id)
		e.secure(w.Header())
		patience, r := e.wait(w, r)
		defer patience.end()
		out := &answer{ResponseWriter: w, patience: patience}
		defer func() { e.caught(recover(), out, r) }()
		next.ServeHTTP(out, r)
		if out.status >= http.StatusBadRequest { // its event may be folded into another's; here is every request ID
			e.Log.InfoContext(ctx, "request refused", "request_id", id, "status", out.status, "method", r.Method)
		}
	})
}

// Browser is Wrap for what browsers use. With a public URL, a request to any
// other host is refused with 421, so that neither a name that somebody else
// pointed here nor a Host that a proxy let through gets a page or a cookie.
// What changes something is refused with 403 if a page of another origin sent
// it, by Sec-Fetch-Site or else by Origin (http.CrossOriginProtection); with a
// public URL its scheme counts too.
func (e *Edge) Browser(next http.Handler) http.Handler {
	cross := http.NewCrossOriginProtection()
	cross.SetDenyHandler(http.HandlerFunc(foreign))
	protected := cross.Handler(next)
	return e.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case e.host != "" && plainHost(r.Host, e.PublicURL.Scheme) != e.host:
			Refuse(w, r, http.StatusMisdirectedRequest, errHost)
		case !e.ownOrigin(r):
			foreign(w, r)
		default:
			protected.ServeHTTP(w, r)
		}
	}))
}

// ownOrigin reports whether a request that changes something may have come from
// a page of the public URL. Plain HTTP of the same host is another origin.
func (e *Edge) ownOrigin(r *http.Request) bool {
	origins := r.Header["Origin"]
	if e.host == "" || len(origins) == 0 || r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions {
		return true
	}
	scheme, host, _ := strings.Cut(origins[0], "://")
	return len(origins) == 1 && scheme == e.PublicURL.Scheme && plainHost(host, scheme) == e.host
}

func foreign(w http.ResponseWriter, r *http.Request) {
	Refuse(w, r, http.StatusForbidden, errForeign)
}

var (
	errHost    = fault.New(fault.Invalid, "misdirected_request", "This server does not answer under that name. Use its public address.")
	errForeign = fault.New(fault.Forbidden, "cross_origin", "This request came from another site and was refused.")
)

// plainHost returns a host in lower case without the scheme's own port.
func plainHost(host, scheme string) string {
	port := ":80"
	if scheme == "https" {
		port = ":443"
	}
	return strings.TrimSuffix(strings.ToLower(host), port)
}

// caught turns a panic into a 500, or cuts the answer if it has begun.
func (e *Edge) caught(p any, w *answer, r *http.Request) {
	if p == nil {
		return
	}
	if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(p)
	}
	// Its type alone: the text might be anything, a secret too.
	e.Log.ErrorContext(r.Context(), "handler panicked", "request_id", access.Request(r.Context()), "panic", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
	if w.begun {
		panic(http.ErrAbortHandler)
	}
	Refuse(w, r, http.StatusInternalServerError, fault.From(errPanic))
}

var errPanic = errors.New("handler panicked")

// answer remembers whether anything was written, and the status.
type answer struct {
	http.ResponseWriter
	patience patience
	begun    bool
	status   int
}

// WriteHeader notes the first status.
func (a *answer) WriteHeader(status int) {
	if !a.begun && status >= http.StatusOK {
		a.begun, a.status = true, status
	}
	a.ResponseWriter.WriteHeader(status)
}

// Write passes on.
func (a *answer) Write(b []byte) (int, error) {
	a.begun = true
	a.patience.write()
	return a.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
