package main

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/hosts/edge"
	"github.com/archibot/archibotchat/hosts/internal/boot"
)

// site is the handler of the listener: it hands /api and /v1 to their
// surfaces and answers the rest itself. It is a switch and no ServeMux, which
// redirects untidy paths and answers wrong methods in plain text.
type site struct {
	api, v1  http.Handler
	metrics  *metrics
	edge     *edge.Edge
	log      *slog.Logger
	ready    func(ctx context.Context) error
	draining atomic.Bool
	// web is the web app, and answers where there is nothing.
	web http.Handler
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
	case under(path, "/api") || under(path, "/auth"):
		s.metrics.serve("api", s.api, w, r)
	default:
		s.metrics.serve("site", s.edge.Wrap(http.HandlerFunc(s.own)), w, r)
	}
}

func under(path, root string) bool {
	rest, ok := strings.CutPrefix(path, root)
	return ok && (rest == "" || rest[0] == '/')
}

// own answers what is no surface's. A probe calls health by whatever name the
// machine has; the web app is for browsers.
func (s *site) own(w http.ResponseWriter, r *http.Request) {
	var answer http.Handler
	switch r.URL.Path {
	case "/healthz":
		answer = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { status(w, http.StatusOK, "ok") })
	case "/readyz":
		answer = http.HandlerFunc(s.readyz)
	case "/metrics":
		answer = s.scrape
	}
	switch {
	case answer == nil && (r.URL.Path == "/metrics" || s.web == nil):
		s.edge.Browser(http.HandlerFunc(nothing)).ServeHTTP(w, r)
	case answer == nil:
		s.web.ServeHTTP(w, r)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		edge.Refuse(w, r, http.StatusMethodNotAllowed, fault.New(fault.Invalid, "method_not_allowed", "This address takes GET and HEAD only."))
	default:
		answer.ServeHTTP(w, r)
	}
}

func nothing(w http.ResponseWriter, r *http.Request) {
	edge.Refuse(w, r, http.StatusNotFound, fault.New(fault.NotFound, "not_found", "There is nothing at this address."))
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

// guarded asks for a bearer token before h; an empty token asks for none.
func guarded(h http.Handler, token boot.Secret) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given := r.Header.Values("Authorization")
		if !token.Empty() && (len(given) != 1 || subtle.ConstantTimeCompare([]byte(given[0]), []byte("Bearer "+token.Reveal())) != 1) {
			w.Header().Set("WWW-Authenticate", "Bearer")
			edge.Refuse(w, r, http.StatusUnauthorized, fault.New(fault.Unauthenticated, "invalid_token", "Send the metrics token as a bearer token."))
			return
		}
		h.ServeHTTP(w, r)
	})
}
