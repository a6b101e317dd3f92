package api

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/archibot/archibotchat/core/app/sessions"
)

const (
	sessionScheme = "session"
	// public marks operations that need no session.
	public = "public"
)

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
	if token == "" {
		return hostCookie(CookieName(secure), "", gone, secure)
	}
	return hostCookie(CookieName(secure), token, 0, secure)
}

// gone is the age of a cookie that is taken away.
const gone = -1

// hostCookie returns a cookie of this host alone, which no script reads and no
// other site's request carries, save that of a link that somebody follows. It
// lasts as long as the browser unless seconds says otherwise.
func hostCookie(name, value string, seconds int, secure bool) *http.Cookie {
	//nolint:gosec // Secure is the caller's: plain HTTP on loopback has no other way
	return &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: seconds, HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode}
}

// soleCookie returns the value of the cookie of a name. Two of them are none:
// one is somebody else's.
func soleCookie(r *http.Request, name string) string {
	cookies := r.CookiesNamed(name)
	if len(cookies) != 1 {
		return ""
	}
	return cookies[0].Value
}

// Background is the header of a GET that a page sends by itself while nobody
// uses it. It does not put off the end of a session that rests (A5).
const Background = "X-Archibot-Background"

// SessionOf returns the session that a request came with, and notes its use
// unless it is in the background; sessions.ErrNotSignedIn if there is none that
// works.
func SessionOf(r *http.Request, service *sessions.Service, secure bool) (sessions.Current, error) {
	find := service.Resolve
	if r.Method == http.MethodGet && r.Header.Get(Background) != "" {
		find = service.Glance
	}
	session, account, err := find(r.Context(), soleCookie(r, CookieName(secure)))
	return sessions.Current{Session: session, Account: account}, err
}

// authenticate puts the session of the cookie into the context, or answers
// 401. It comes before the input is read, so that strangers learn nothing
// about it.
func (s *server) authenticate(ctx huma.Context, next func(huma.Context)) {
	if _, free := ctx.Operation().Metadata[public]; free {
		next(ctx)
		return
	}
	r, w := humago.Unwrap(ctx)
	current, err := SessionOf(r, s.Sessions, s.Secure)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	next(huma.WithContext(ctx, sessions.With(ctx.Context(), current)))
}
