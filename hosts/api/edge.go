package api

import (
	"mime"
	"net/http"
	"path"
	"strings"

	"github.com/archibot/archibotchat/core/fault"
)

// maxBody bounds request bodies: 1 MiB. Huma reads up to it and answers 413;
// the byte beyond lets it see that there is more.
const maxBody = 1 << 20

// handler wraps the operations with what holds for every request.
func (s *server) handler() http.Handler {
	return s.Edge.Browser(http.HandlerFunc(s.serve))
}

// serve answers paths and methods that no operation has, which Huma does not
// see, and bodies that are not declared as JSON.
func (s *server) serve(w http.ResponseWriter, r *http.Request) {
	r, done := patient(r)
	defer done()
	if r.URL.Path != path.Clean(r.URL.Path) || strings.Contains(r.URL.Path, "\x00") {
		s.fail(w, r, errNoOperation)
		return
	}
	h, pattern := s.route(r)
	if pattern == "" {
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
	if !s.attempted(w, r, pattern) {
		return
	}
	if isSignIn(r.URL.Path) {
		s.signIn(w, r, h, pattern)
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
