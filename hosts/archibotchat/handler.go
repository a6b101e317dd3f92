package main

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/hosts/internal/boot"
)

// site is the handler of the listener: it hands /api and /v1 to their
// surfaces and answers the rest itself. It is a switch and no ServeMux, which
// redirects untidy paths and answers wrong methods in plain text.
type site struct {
	api, v1  http.Handler
	metrics  *metrics
	newID    func(prefix string) string
	log      *slog.Logger
	ready    func(ctx context.Context) error
	draining atomic.Bool
	// scrape answers /metrics; nil where it is not offered here.
	scrape http.Handler
}

// readyWait bounds what /readyz waits for the database.
const readyWait = 2 * time.Second

// ServeHTTP answers one request.
func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch path := r.URL.Path; {
	case under(path, "/v1"):
		s.metrics.serve("v1", s.v1, w, r)
	case under(path, "/api"):
		s.metrics.serve("api", s.api, w, r)
	default:
		s.metrics.serve("site", http.HandlerFunc(s.own), w, r)
	}
}

func under(path, root string) bool {
	rest, ok := strings.CutPrefix(path, root)
	return ok && (rest == "" || rest[0] == '/')
}

// own answers what is no surface's.
func (s *site) own(w http.ResponseWriter, r *http.Request) {
	id := s.newID("req")
	head(w, id)
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(p)
		}
		s.log.Error("handler panicked", "request_id", id, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		problem(w, id, http.StatusInternalServerError, fault.From(errors.New("panic")))
	}()
	var answer http.HandlerFunc
	switch r.URL.Path {
	case "/":
		answer = page
	case "/healthz":
		answer = func(w http.ResponseWriter, _ *http.Request) { status(w, http.StatusOK, "ok") }
	case "/readyz":
		answer = s.readyz
	case "/metrics":
		if s.scrape != nil {
			answer = s.scrape.ServeHTTP
		}
	}
	switch {
	case answer == nil:
		problem(w, id, http.StatusNotFound, fault.New(fault.NotFound, "not_found", "There is nothing at this address."))
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		problem(w, id, http.StatusMethodNotAllowed, fault.New(fault.Invalid, "method_not_allowed", "This address takes GET and HEAD only."))
	default:
		answer(w, r)
	}
}

// readyz says whether this server may be sent requests. That no migration is
// pending was made sure of before it began to listen.
func (s *site) readyz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyWait)
	defer cancel()
	if s.draining.Load() {
		status(w, http.StatusServiceUnavailable, "draining")
	} else if err := s.ready(ctx); err != nil {
		s.log.Debug("not ready", "error", err)
		status(w, http.StatusServiceUnavailable, fault.CodeOf(err))
	} else {
		status(w, http.StatusOK, "ready")
	}
}

// head sets what every answer of the site's own carries.
func head(w http.ResponseWriter, id string) {
	h := w.Header()
	h.Set("X-Request-Id", id)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	h.Set("Referrer-Policy", "no-referrer")
}

func status(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	encode(w, map[string]string{"status": text})
}

// encode writes v as JSON; a reader that has gone is nobody's concern.
func encode(w io.Writer, v any) {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return
	}
}

// problem answers with a problem document (RFC 9457).
func problem(w http.ResponseWriter, id string, code int, f *fault.Error) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(code)
	encode(w, struct {
		Type      string `json:"type"`
		Title     string `json:"title"`
		Status    int    `json:"status"`
		Detail    string `json:"detail"`
		Code      string `json:"code"`
		RequestID string `json:"request_id"`
	}{"about:blank", http.StatusText(code), code, f.Message, f.Code, id})
}

// guarded asks for a bearer token before h; an empty token asks for none.
func guarded(h http.Handler, token boot.Secret, newID func(string) string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given := r.Header.Values("Authorization")
		if !token.Empty() && (len(given) != 1 || subtle.ConstantTimeCompare([]byte(given[0]), []byte("Bearer "+token.Reveal())) != 1) {
			id := w.Header().Get("X-Request-Id")
			if id == "" {
				id = newID("req")
				head(w, id)
			}
			w.Header().Set("WWW-Authenticate", "Bearer")
			problem(w, id, http.StatusUnauthorized, fault.New(fault.Unauthenticated, "invalid_token", "Send the metrics token as a bearer token."))
			return
		}
		h.ServeHTTP(w, r)
	})
}
