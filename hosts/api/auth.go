package api

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/archibot/archibotchat/core/app/sessions"
)

const sessionScheme = "session"

// CookieName returns the name of the session cookie. The __Host- prefix binds
// it to one host over TLS (RFC 6265bis); plain HTTP on loopback has none.
func CookieName(secure bool) string {
	if secure {
		return "__Host-archibot_session"
	}
	return "archibot_session"
}

// Cookie returns the session cookie for a token; the empty token takes the
// cookie away.
func Cookie(token string, secure bool) *http.Cookie {
	//nolint:gosec // Secure is the caller's: plain HTTP on loopback has no other way
	c := &http.Cookie{Name: CookieName(secure), Value: token, Path: "/", HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode}
	if token == "" {
		c.MaxAge = -1
	}
	return c
}

// authenticate puts the session of the cookie into the context, or answers
// 401. It comes before the input is read, so that strangers learn nothing
// about it. Two cookies of the name are none: one of them is somebody else's.
func (s *server) authenticate(ctx huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(ctx)
	cookies := r.CookiesNamed(CookieName(s.Secure))
	if len(cookies) != 1 {
		s.fail(w, r, sessions.ErrNotSignedIn)
		return
	}
	session, account, err := s.Sessions.Resolve(r.Context(), cookies[0].Value)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	next(huma.WithContext(ctx, sessions.With(ctx.Context(), sessions.Current{Session: session, Account: account})))
}
