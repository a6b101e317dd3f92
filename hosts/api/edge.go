package api

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"path"
	"runtime/debug"
	"strings"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/fault"
)

// maxBody bounds request bodies: 1 MiB. Huma reads up to it and answers 413;
// the byte beyond lets it see that there is more.
const maxBody = 1 << 20

// edge wraps the operations with what holds for every request.
func (s *server) edge() http.Handler {
	cross := http.NewCrossOriginProtection()
	cross.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, fault.New(fault.Forbidden, "cross_origin", "This request came from another site and was refused."))
	}))
	inner := cross.Handler(http.HandlerFunc(s.serve))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := access.Request(r.Context())
		if id == "" {
			id = s.NewRequestID()
			r = r.WithContext(access.WithRequest(r.Context(), id))
		}
		h := w.Header()
		h.Set("X-Request-Id", id)
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		out := &answer{ResponseWriter: w}
		defer func() { s.caught(recover(), out, r) }()
		inner.ServeHTTP(out, r)
		if out.status >= http.StatusBadRequest { // its event may be folded into another's; here is every request ID
			s.Log.InfoContext(r.Context(), "request refused", "request_id", id, "status", out.status, "method", r.Method)
		}
	})
}

// caught turns a panic into a 500, or cuts the answer if it has begun.
func (s *server) caught(p any, w *answer, r *http.Request) {
	if p == nil {
		return
	}
	if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(p)
	}
	s.Log.ErrorContext(r.Context(), "handler panicked", "request_id", access.Request(r.Context()), "panic", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
	if w.begun {
		panic(http.ErrAbortHandler)
	}
	s.write(w, r, problemOf(r.Context(), fault.From(errPanic)))
}

var errPanic = errors.New("handler panicked")

// answer remembers whether anything was written, and the status.
type answer struct {
	http.ResponseWriter
	begun  bool
	status int
}

func (a *answer) WriteHeader(status int) {
	if !a.begun {
		a.begun, a.status = true, status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(b []byte) (int, error) {
	a.begun = true
	return a.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// serve answers paths and methods that no operation has, which Huma does not
// see, and bodies that are not declared as JSON.
func (s *server) serve(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != path.Clean(r.URL.Path) || strings.Contains(r.URL.Path, "\x00") {
		s.fail(w, r, errNoOperation)
		return
	}
	if h, pattern := s.mux.Handler(r); pattern == "" {
		probe := &prober{header: http.Header{}}
		h.ServeHTTP(probe, r)
		if allow := probe.header.Get("Allow"); probe.status == http.StatusMethodNotAllowed && allow != "" {
			w.Header().Set("Allow", allow)
			p := problemOf(r.Context(), errMethod)
			p.Status, p.Title = http.StatusMethodNotAllowed, http.StatusText(http.StatusMethodNotAllowed)
			s.write(w, r, p)
			return
		}
		s.fail(w, r, errNoOperation)
		return
	}
	if r.Method == http.MethodPost || r.ContentLength != 0 {
		if !declaredJSON(r) {
			p := problemOf(r.Context(), errMediaType)
			p.Status, p.Title = http.StatusUnsupportedMediaType, http.StatusText(http.StatusUnsupportedMediaType)
			s.write(w, r, p)
			return
		}
		r = r.WithContext(r.Context()) // a copy, whose header may be changed
		r.Header = r.Header.Clone()
		r.Header.Set("Content-Type", "application/json") // Huma knows this spelling only
		r.Body = http.MaxBytesReader(w, r.Body, maxBody+1)
	}
	s.mux.ServeHTTP(w, r)
}

// declaredJSON reports whether the body is declared as JSON. A browser cannot
// send that from a foreign form.
func declaredJSON(r *http.Request) bool {
	types := r.Header.Values("Content-Type")
	if len(types) != 1 {
		return false
	}
	media, params, err := mime.ParseMediaType(types[0])
	charset, has := params["charset"]
	return err == nil && media == "application/json" && (!has || strings.EqualFold(charset, "utf-8"))
}

var (
	errNoOperation = fault.New(fault.NotFound, "no_such_operation", "There is nothing at this address.")
	errMethod      = fault.New(fault.Invalid, "method_not_allowed", "This address does not take this method; see the Allow header.")
	errMediaType   = fault.New(fault.Invalid, "unsupported_media_type", "Send the body as application/json in UTF-8.")
)

// prober takes what ServeMux would have answered.
type prober struct {
	header http.Header
	status int
}

func (p *prober) Header() http.Header         { return p.header }
func (p *prober) Write(b []byte) (int, error) { return len(b), nil }
func (p *prober) WriteHeader(status int)      { p.status = status }
