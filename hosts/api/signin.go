package api

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/archibot/archibotchat/core/app/signin"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/ports/identity"
)

// The routes that browsers navigate, and the one that providers call.
const (
	startRoute    = "GET /auth/{provider}/start"
	callbackRoute = "GET /auth/{provider}/callback"
	logoutRoute   = "POST /auth/{provider}/back-channel-logout"
	// linkRoute would conflict with startRoute in a ServeMux, see route.
	linkRoute = "GET /auth/local/{ticket}"
	linkPath  = "/auth/local/"

	// maxFlows is how many sign-ins a browser may have under way; each is a
	// cookie until it is brought back, or ten minutes old.
	maxFlows = 8
	// maxLogout bounds the body of a back-channel logout.
	maxLogout = 64 << 10
)

// registerSignIn mounts them. They are no Huma operations: they answer with
// pages, cookies and redirects, and take forms.
func (s *server) registerSignIn() {
	for route, h := range map[string]http.HandlerFunc{
		startRoute: s.start, callbackRoute: s.callback, logoutRoute: s.backChannelLogout,
	} {
		s.mux.HandleFunc(route, h)
	}
	s.describeSignIn()
}

// route returns the handler of a request, and the pattern of its route; empty
// if it has none.
func (s *server) route(r *http.Request) (http.Handler, string) {
	h, pattern := s.mux.Handler(r)
	ticket, ok := strings.CutPrefix(r.URL.Path, linkPath)
	if ok && pattern == "" && (r.Method == http.MethodGet || r.Method == http.MethodHead) && ticket != "" && !strings.Contains(ticket, "/") {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.link(w, r, ticket) }), linkRoute
	}
	return h, pattern
}

// isSignIn reports whether a path is one of those.
func isSignIn(path string) bool { return path == "/auth" || strings.HasPrefix(path, "/auth/") }

// signIn serves one of the routes. They take forms, not JSON. What they do
// happens once, so that asking for the headers alone is refused.
func (s *server) signIn(w http.ResponseWriter, r *http.Request, h http.Handler, pattern string) {
	if r.Method == http.MethodHead {
		w.Header().Set("Allow", http.MethodGet)
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	if pattern == linkRoute {
		h.ServeHTTP(w, r)
		return
	}
	s.mux.ServeHTTP(w, r) // which finds the provider in the path
}

// flowCookie returns the name of the cookie of a sign-in under way. Each has
// its own, so that two tabs do not disturb each other.
func flowCookie(name string, secure bool) string {
	if secure {
		return "__Host-archibot_flow_" + name
	}
	return "archibot_flow_" + name
}

// forget takes the cookie of a sign-in away.
func (s *server) forget(w http.ResponseWriter, name string) {
	http.SetCookie(w, hostCookie(name, "", gone, s.Secure))
}

// callbackURL returns where a provider sends people back to.
func (s *server) callbackURL(provider string) string {
	return s.Base() + "/auth/" + url.PathEscape(provider) + "/callback"
}

// start sends the browser to the provider.
func (s *server) start(w http.ResponseWriter, r *http.Request) {
	provider, q := r.PathValue("provider"), r.URL.Query()
	n := signin.Start{Provider: provider, Redirect: s.callbackURL(provider), ReturnTo: q.Get("return"), Fresh: q.Get("fresh") == "1"}
	if current, err := SessionOf(r, s.Sessions, s.Secure); err == nil {
		n.Session = current.Session.ID
	}
	b, err := s.SignIn.Begin(r.Context(), n)
	if err != nil {
		s.failSignIn(w, r, provider, err)
		return
	}
	s.thinFlows(w, r)
	http.SetCookie(w, hostCookie(flowCookie(b.Name, s.Secure), b.Binding.Reveal(), int(signin.FlowLife/time.Second), s.Secure))
	seeOther(w, b.URL)
}

// thinFlows takes the cookies of sign-ins away that are too many: they would
// fill the headers of every request.
func (s *server) thinFlows(w http.ResponseWriter, r *http.Request) {
	var names []string
	for _, c := range r.Cookies() {
		if strings.HasPrefix(c.Name, flowCookie("", s.Secure)) {
			names = append(names, c.Name)
		}
	}
	for len(names) >= maxFlows {
		s.forget(w, names[0])
		names = names[1:]
	}
}

// callback takes the person in whom the provider sends back.
func (s *server) callback(w http.ResponseWriter, r *http.Request) {
	provider, q := r.PathValue("provider"), r.URL.Query()
	flow := flowCookie(signin.FlowName(q.Get("state")), s.Secure)
	done, err := s.SignIn.Finish(r.Context(), signin.Return{
		Provider: provider, Redirect: s.callbackURL(provider), Values: q, Binding: soleCookie(r, flow), Old: soleCookie(r, CookieName(s.Secure)),
	})
	s.forget(w, flow)
	s.enter(w, r, provider, done, err)
}

// link takes in whoever opens a link that the server printed (local only).
func (s *server) link(w http.ResponseWriter, r *http.Request, ticket string) {
	done, err := s.SignIn.Link(r.Context(), ticket, soleCookie(r, CookieName(s.Secure)))
	s.enter(w, r, "local", done, err)
}

// enter gives the browser its new session, or says why it gets none.
func (s *server) enter(w http.ResponseWriter, r *http.Request, provider string, done signin.Done, err error) {
	if err != nil {
		s.failSignIn(w, r, provider, err)
		return
	}
	http.SetCookie(w, Cookie(done.Token.Reveal(), s.Secure))
	seeOther(w, done.ReturnTo)
}

// backChannelLogout ends sessions as a provider says (OpenID Connect
// Back-Channel Logout 1.0, 2.5 to 2.8).
func (s *server) backChannelLogout(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxLogout)
	if err := r.ParseForm(); err != nil || len(r.PostForm["logout_token"]) != 1 {
		s.refuseLogout(w, r, identity.Failed(identity.ReasonLogout, err))
		return
	}
	if err := s.SignIn.Logout(r.Context(), r.PathValue("provider"), r.PostForm.Get("logout_token")); err != nil {
		s.refuseLogout(w, r, err)
		return
	}
	w.WriteHeader(http.StatusOK)
}

// refuseLogout answers with a problem; a token that does not check out is a
// bad request to its sender.
func (s *server) refuseLogout(w http.ResponseWriter, r *http.Request, err error) {
	p := s.problem(r.Context(), err)
	if fault.KindOf(err) == fault.Unauthenticated {
		p.Status, p.Title = http.StatusBadRequest, http.StatusText(http.StatusBadRequest)
	}
	s.write(w, r, p)
}

func seeOther(w http.ResponseWriter, to string) {
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}
