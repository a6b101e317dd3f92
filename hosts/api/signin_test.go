package api_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/sessions"
	"github.com/archibot/archibotchat/hosts/api"
	"github.com/archibot/archibotchat/ports/identity"
	"github.com/archibot/archibotchat/ports/store"
)

// browser keeps cookies over TLS, as a browser does, and follows nothing.
type browser struct {
	h       *house
	cookies map[string]string
}

func (h *house) browser() *browser { return &browser{h, map[string]string{}} }

func (b *browser) do(t *testing.T, method, target, form string, change ...func(*http.Request)) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(form))
	r.Header.Set("Accept", "text/html,*/*;q=0.8")
	if form != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	b.h.secure.ServeHTTP(w, r)
	res := w.Result()
	for _, c := range res.Cookies() {
		require.True(t, strings.HasPrefix(c.Name, "__Host-") && c.Secure && c.HttpOnly && c.Path == "/" && c.Domain == "" && c.SameSite == http.SameSiteLaxMode, c.String())
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c.Value
		}
	}
	return res
}

// start begins a sign-in and returns the callback that brings code back.
func (b *browser) start(t *testing.T, query, code string) string {
	t.Helper()
	res := b.do(t, "GET", "/auth/acme/start"+query, "")
	require.Equal(t, http.StatusSeeOther, res.StatusCode)
	to, err := res.Location()
	require.NoError(t, err)
	require.Equal(t, "https://chat.example/auth/acme/callback", to.Query().Get("redirect_uri"))
	return "/auth/acme/callback?" + url.Values{"state": {to.Query().Get("state")}, "code": {code}}.Encode()
}

// signIn signs in and returns where that leads.
func (b *browser) signIn(t *testing.T, query, code string) string {
	t.Helper()
	res := b.do(t, "GET", b.start(t, query, code), "")
	require.Equal(t, http.StatusSeeOther, res.StatusCode)
	return res.Header.Get("Location")
}

func (b *browser) me(t *testing.T) (api.Me, int) {
	t.Helper()
	res := b.do(t, "GET", "/api/me", "")
	r := read(t, res)
	if r.StatusCode != http.StatusOK {
		return api.Me{}, r.StatusCode
	}
	return into[api.Me](t, r), r.StatusCode
}

const sessionCookie = "__Host-archibot_session"

// stray returns the token of somebody who is signed in, but a member of nothing.
func (h *house) stray(t *testing.T) string {
	t.Helper()
	h.acme.Put(identity.Identity{Subject: "stray"})
	b := h.browser()
	b.signIn(t, "", "stray")
	return b.cookies[sessionCookie]
}

func ann(groups ...access.Group) identity.Identity {
	return identity.Identity{Subject: "ann", Name: "Ann <Ä>", Email: "ann@acme.example", EmailVerified: true, Groups: access.NewGroups(groups...), SID: "sid-ann"}
}

func TestSignIn(t *testing.T) { // A1, A5
	t.Parallel()
	h := build(t)
	h.acme.Put(ann(access.GroupAPI))
	b := h.browser()
	list := into[api.SignInProviderList](t, read(t, b.do(t, "GET", "/api/providers", "")))
	require.Equal(t, api.SignInProvider{ID: "acme", Name: "Acme & Söhne", URL: "/auth/acme/start"}, list.Data[0])

	require.Equal(t, "/keys?new=1", b.signIn(t, "?return="+url.QueryEscape("/keys?new=1"), "ann"))
	require.Len(t, b.cookies, 1, "the cookie of the flow is gone")
	require.Len(t, b.cookies[sessionCookie], 43)
	me, code := b.me(t)
	require.Equal(t, http.StatusOK, code)
	require.Nil(t, me.Account)
	require.Empty(t, me.Session.Role)
	require.Equal(t, "ann@acme.example", me.User.Email)
	require.Equal(t, "acme", me.User.Provider)
	require.Equal(t, "account_pending", me.Areas[1].Reasons[0].Code)
	require.Equal(t, []string{"chat", "api", "workspace", "operator"}, []string{me.Areas[0].Area, me.Areas[1].Area, me.Areas[2].Area, me.Areas[3].Area})
	require.Regexp(t, "^req_", me.RequestID)
	require.Nil(t, me.Session.FreshUntil)

	require.NoError(t, h.store.Members().Add(t.Context(), store.Member{Account: h.account.ID, User: me.User.ID, Role: access.RoleAdmin, CreatedAt: h.now}))
	require.NoError(t, h.store.Members().Add(t.Context(), store.Member{Account: h.foreign.ID, User: me.User.ID, Role: access.RoleMember, CreatedAt: h.now}))
	me = into[api.Me](t, read(t, b.do(t, "PUT", "/api/session/account", `{"account_id":"`+h.account.ID+`"}`, asJSON)))
	require.Equal(t, h.account.ID, me.Account.ID)
	require.Equal(t, "admin", me.Session.Role)
	require.Len(t, me.Accounts, 2)
	require.True(t, me.Areas[1].Allowed, me.Areas[1].Reasons)
	me = into[api.Me](t, read(t, b.do(t, "PUT", "/api/session/account", `{"account_id":"`+h.foreign.ID+`"}`, asJSON)))
	require.Equal(t, "member", me.Session.Role)
	b.do(t, "PUT", "/api/session/account", `{"account_id":"`+h.account.ID+`"}`, asJSON)

	t.Run("step-up", func(t *testing.T) {
		p := problem(t, read(t, b.do(t, "POST", "/api/keys", `{"name":"x"}`, asJSON)), http.StatusForbidden, "fresh_sign_in_required")
		require.NotEmpty(t, p.NextStep)
		require.Equal(t, "/keys", b.signIn(t, "?fresh=1&return=/keys", "ann"))
		me, _ := b.me(t)
		require.Equal(t, h.account.ID, me.Account.ID, "the account stays")
		require.Equal(t, h.now.Add(5*time.Minute), *me.Session.FreshUntil)
		require.Equal(t, http.StatusCreated, b.do(t, "POST", "/api/keys", `{"name":"x"}`, asJSON).StatusCode)
	})
	t.Run("sessions of one's own", func(t *testing.T) {
		second := h.browser()
		second.signIn(t, "", "ann")
		list := into[api.OwnSessionList](t, read(t, b.do(t, "GET", "/api/sessions", "")))
		require.Len(t, list.Data, 2, "the one before the step-up has ended")
		require.Equal(t, []bool{false, true}, []bool{list.Data[0].Current, list.Data[1].Current})
		require.Equal(t, http.StatusNoContent, b.do(t, "DELETE", "/api/sessions/"+list.Data[0].ID, "").StatusCode)
		_, code := second.me(t)
		require.Equal(t, http.StatusUnauthorized, code)
	})
	t.Run("sign-out", func(t *testing.T) {
		old := b.cookies[sessionCookie]
		out := into[api.SignedOut](t, read(t, b.do(t, "DELETE", "/api/session", "")))
		require.Equal(t, "https://id.acme.example/logout?id_token_hint=id-token-of-ann&post_logout_redirect_uri=https%3A%2F%2Fchat.example%2F", out.LogoutURL)
		require.Empty(t, b.cookies)
		b.cookies[sessionCookie] = old
		_, code := b.me(t)
		require.Equal(t, http.StatusUnauthorized, code, "the old cookie is dead")
	})
}

func asJSON(r *http.Request) { r.Header.Set("Content-Type", "application/json") }

func TestSignIn_fixation(t *testing.T) { // SECURITY: session
	t.Parallel()
	h := build(t)
	h.acme.Put(ann())
	h.acme.Put(identity.Identity{Subject: "eve"})
	eve, victim := h.browser(), h.browser()
	eve.signIn(t, "", "eve")
	planted := eve.cookies[sessionCookie]
	victim.cookies[sessionCookie] = planted
	victim.signIn(t, "", "ann")
	require.NotEqual(t, planted, victim.cookies[sessionCookie])
	_, code := eve.me(t)
	require.Equal(t, http.StatusUnauthorized, code, "whoever planted it has nothing")
	me, _ := victim.me(t)
	require.Equal(t, "ann@acme.example", me.User.Email)
}

func TestSignIn_refused(t *testing.T) { // SECURITY: sign-in
	t.Parallel()
	h := build(t)
	h.acme.Put(ann())
	for name, c := range map[string]struct {
		bend   func(b *browser, callback string) string
		status int
		code   string
	}{
		"no state":            {func(_ *browser, _ string) string { return "/auth/acme/callback?code=ann" }, 401, "sign_in_failed"},
		"two states":          {func(_ *browser, c string) string { return c + "&state=x" }, 401, "sign_in_failed"},
		"another browser":     {func(b *browser, c string) string { clear(b.cookies); return c }, 401, "sign_in_failed"},
		"another provider":    {func(_ *browser, c string) string { return strings.Replace(c, "acme", "local", 1) }, 401, "sign_in_failed"},
		"unknown provider":    {func(_ *browser, c string) string { return strings.Replace(c, "acme", "none", 1) }, 404, "no_such_provider"},
		"too late":            {func(_ *browser, c string) string { h.now = h.now.Add(10 * time.Minute); return c }, 401, "sign_in_failed"},
		"the person said no":  {func(_ *browser, c string) string { return c + "&error=access_denied" }, 401, "sign_in_refused"},
		"a code of nobody":    {func(_ *browser, c string) string { return strings.Replace(c, "code=ann", "code=nobody", 1) }, 401, "sign_in_failed"},
		"the provider is out": {func(_ *browser, c string) string { h.acme.SetDown(true); return c }, 503, "provider_unavailable"},
	} {
		b := h.browser()
		callback := c.bend(b, b.start(t, "", "ann"))
		res := read(t, b.do(t, "GET", callback, ""))
		h.acme.SetDown(false)
		require.Equal(t, c.status, res.StatusCode, name)
		require.Equal(t, "text/html; charset=utf-8", res.Header.Get("Content-Type"), name)
		require.Equal(t, "no-store", res.Header.Get("Cache-Control"))
		require.Contains(t, res.Header.Get("Content-Security-Policy"), "default-src 'none'; style-src 'nonce-")
		require.Contains(t, res.text, res.Header.Get("X-Request-Id"), name)
		require.Contains(t, res.text, c.code, name)
		require.Equal(t, c.code != "no_such_provider", strings.Contains(res.text, `/start">Try again</a>`), name)
		require.NotRegexp(t, `(?i)<script|<img|<link[^>]*href="[^d]|\son\w+=|https?://|nobody|state=`, res.text, name)
		require.Empty(t, b.cookies[sessionCookie], name)
		if name == "two states" || name == "no state" || c.code == "no_such_provider" {
			continue
		}
		require.Equal(t, 401, b.do(t, "GET", callback, "").StatusCode, "%s: used up", name)
	}
	kinds := map[string]bool{}
	for _, e := range h.refusals.list {
		require.Equal(t, "signin.failed", string(e.Kind))
		require.NotEmpty(t, e.Request)
		kinds[e.Reason] = true
	}
	require.Equal(t, map[string]bool{"state": true, "code": true, "sign_in_refused": true, "provider_unavailable": true}, kinds)

	b := h.browser()
	problem(t, read(t, b.do(t, "GET", "/auth/none/start", "", func(r *http.Request) { r.Header.Del("Accept") })), 404, "no_such_provider")
	h.acme.SetDown(true)
	require.Equal(t, 503, b.do(t, "GET", "/auth/acme/start", "").StatusCode)
	require.Empty(t, b.cookies)
}

func TestSignIn_tabs(t *testing.T) {
	t.Parallel()
	h := build(t)
	h.acme.Put(ann())
	b := h.browser()
	first, second := b.start(t, "?return=/one", "ann"), b.start(t, "?return=/two", "ann")
	require.Len(t, b.cookies, 2)
	require.Equal(t, "/two", b.do(t, "GET", second, "").Header.Get("Location"))
	require.Equal(t, "/one", b.do(t, "GET", first, "").Header.Get("Location"))
	require.Equal(t, http.StatusUnauthorized, b.do(t, "GET", first, "").StatusCode, "once")
	for range 30 {
		b.start(t, "", "ann")
	}
	require.LessOrEqual(t, len(b.cookies), 9, "cookies do not pile up")
	last := b.start(t, "", "ann")
	require.Equal(t, http.StatusSeeOther, b.do(t, "GET", last, "").StatusCode)
}

func TestSignIn_returns(t *testing.T) { // SECURITY: open redirects
	t.Parallel()
	h := build(t)
	h.acme.Put(ann())
	for _, bad := range []string{"//evil.example", `/\evil.example`, "/%2f%2fevil.example", "https:evil.example", "/\t/evil.example", "\x00//evil.example", "/\r\nSet-Cookie: a=b"} {
		require.Equal(t, "/", h.browser().signIn(t, "?return="+url.QueryEscape(bad), "ann"), "%q", bad)
	}
	require.Equal(t, "/", h.browser().signIn(t, "?return=/a&return=//evil.example", "ann")[:1])
}

func TestSignIn_link(t *testing.T) {
	t.Parallel()
	h := build(t)
	h.local.Put(identity.Identity{Subject: "owner"})
	b := h.browser()
	res := b.do(t, "GET", "/auth/local/nobody", "")
	require.Equal(t, http.StatusUnauthorized, res.StatusCode)
	require.Empty(t, b.cookies)
	require.Equal(t, http.StatusMethodNotAllowed, b.do(t, "HEAD", "/auth/local/owner", "").StatusCode, "asking for headers uses nothing up")
	require.Equal(t, http.StatusMethodNotAllowed, b.do(t, "HEAD", "/auth/acme/start", "").StatusCode)
	res = b.do(t, "GET", "/auth/local/owner", "")
	require.Equal(t, http.StatusSeeOther, res.StatusCode)
	require.Equal(t, "/", res.Header.Get("Location"))
	_, code := b.me(t)
	require.Equal(t, http.StatusOK, code)
}

func TestBackChannelLogout(t *testing.T) { // A5
	t.Parallel()
	h := build(t)
	h.acme.Put(ann())
	b, provider := h.browser(), h.browser()
	b.signIn(t, "", "ann")
	const target = "/auth/acme/back-channel-logout"
	form := func(l identity.Logout) string {
		l.At = h.now
		return url.Values{"logout_token": {h.acme.LogoutToken(l)}}.Encode()
	}
	good := form(identity.Logout{SID: "sid-ann", ID: "jti-1"})
	for name, bad := range map[string]string{
		"nothing": "x=y", "two": good + "&" + good, "garbage": "logout_token=%25zz", "no ID": form(identity.Logout{SID: "sid-ann"}),
		"too large": "logout_token=" + strings.Repeat("a", 70<<10),
	} {
		problem(t, read(t, provider.do(t, "POST", target, bad)), http.StatusBadRequest, "sign_in_failed")
		_, code := b.me(t)
		require.Equal(t, http.StatusOK, code, name)
	}
	problem(t, read(t, provider.do(t, "POST", target+"?"+good, "")), http.StatusBadRequest, "sign_in_failed")
	problem(t, read(t, provider.do(t, "POST", "/auth/none/back-channel-logout", good)), http.StatusNotFound, "no_such_provider")
	problem(t, read(t, provider.do(t, "POST", target, good, func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") })), http.StatusForbidden, "cross_origin")

	res := provider.do(t, "POST", target, good)
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Equal(t, "no-store", res.Header.Get("Cache-Control"))
	_, code := b.me(t)
	require.Equal(t, http.StatusUnauthorized, code)
	problem(t, read(t, provider.do(t, "POST", target, good)), http.StatusBadRequest, "sign_in_failed")
}

// SECURITY: session. What another site can make a browser send changes nothing.
func TestCrossSite(t *testing.T) {
	t.Parallel()
	h := build(t)
	h.acme.Put(ann())
	b := h.browser()
	b.signIn(t, "", "ann")
	crossSite := func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }
	for name, change := range map[string]func(*http.Request){
		"another origin": func(r *http.Request) { asJSON(r); r.Header.Set("Origin", "https://evil.example") },
		"cross-site":     func(r *http.Request) { asJSON(r); crossSite(r) },
		"a sister site":  func(r *http.Request) { asJSON(r); r.Header.Set("Sec-Fetch-Site", "same-site") },
		"no origin":      func(r *http.Request) { asJSON(r); r.Header.Set("Origin", "null") },
	} {
		for _, call := range [][3]string{
			{"DELETE", "/api/session", ""}, {"PUT", "/api/session/account", `{"account_id":"acct_1"}`}, {"POST", "/api/keys", `{"name":"x"}`}, {"DELETE", "/api/sessions/ses_1", ""},
		} {
			problem(t, read(t, b.do(t, call[0], call[1], call[2], change)), http.StatusForbidden, "cross_origin")
		}
		_, code := b.me(t)
		require.Equal(t, http.StatusOK, code, name)
	}
	for _, media := range []string{"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json, text/plain", ""} {
		res := read(t, b.do(t, "PUT", "/api/session/account", `{"account_id":"acct_1"}`, func(r *http.Request) { r.Header.Set("Content-Type", media) }))
		problem(t, res, http.StatusUnsupportedMediaType, "unsupported_media_type")
	}
}

// The flags of every cookie, as a golden file.
func TestCookies_golden(t *testing.T) { // A5
	t.Parallel()
	h := build(t)
	h.acme.Put(ann())
	var text strings.Builder
	note := func(what string, res *http.Response) {
		text.WriteString(what + "\n")
		for _, line := range res.Header.Values("Set-Cookie") {
			name, rest, _ := strings.Cut(line, "=")
			value, flags, _ := strings.Cut(rest, ";")
			if strings.Contains(name, "_flow_") {
				name = name[:len(name)-8] + "<8>"
			}
			if value != "" {
				value = "<" + map[bool]string{true: "43", false: "other"}[len(value) == 43] + ">"
			}
			text.WriteString("  " + name + "=" + value + ";" + flags + "\n")
		}
	}
	b := h.browser()
	res := b.do(t, "GET", "/auth/acme/start", "")
	note("a sign-in begins", res)
	to, err := res.Location()
	require.NoError(t, err)
	q := url.Values{"state": {to.Query().Get("state")}, "code": {"ann"}}.Encode()
	note("it is finished", b.do(t, "GET", "/auth/acme/callback?"+q, ""))
	note("it is brought back again", b.do(t, "GET", "/auth/acme/callback?"+q, ""))
	note("a request", b.do(t, "GET", "/api/me", ""))
	note("sign-out", b.do(t, "DELETE", "/api/session", ""))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/auth/acme/start", nil))
	note("a sign-in begins, on loopback", w.Result())

	file := filepath.Join("testdata", "cookies.golden")
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(file, []byte(text.String()), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), text.String(), "run: go test ./hosts/api -update")
}

// A5, G7: what the provider says in the middle of a session counts at once.
func TestSignIn_recheck(t *testing.T) {
	t.Parallel()
	h := build(t)
	h.acme.Put(ann(access.GroupAPI))
	b := h.browser()
	b.signIn(t, "?fresh=1", "ann")
	me, _ := b.me(t)
	require.NoError(t, h.store.Members().Add(t.Context(), store.Member{Account: h.account.ID, User: me.User.ID, Role: access.RoleMember, CreatedAt: h.now}))
	require.Equal(t, http.StatusOK, b.do(t, "PUT", "/api/session/account", `{"account_id":"`+h.account.ID+`"}`, asJSON).StatusCode)
	makeKey := func() reply { return read(t, b.do(t, "POST", "/api/keys", `{"name":"x"}`, asJSON)) }
	require.Equal(t, http.StatusCreated, makeKey().StatusCode)

	h.acme.Put(ann())
	h.now = h.now.Add(sessions.Recheck)
	require.Equal(t, http.StatusCreated, makeKey().StatusCode, "nobody has asked yet")
	require.NoError(t, h.signin.Check(t.Context()))
	problem(t, makeKey(), http.StatusForbidden, "no_product_group")
	me, _ = b.me(t)
	require.Equal(t, "no_product_group", me.Areas[1].Reasons[0].Code)

	h.acme.Put(ann(access.GroupAPI, access.GroupOperator))
	h.now = h.now.Add(sessions.Recheck - time.Second)
	b.me(t)
	h.now = h.now.Add(time.Second)
	require.NoError(t, h.signin.Check(t.Context()))
	me, _ = b.me(t)
	require.True(t, me.Areas[1].Allowed)
	require.True(t, me.Session.Operator, "and with it come staff's limits")
	require.Equal(t, me.Session.CreatedAt.Add(8*time.Hour), me.Session.ExpiresAt)

	h.acme.Block("ann")
	for range 2 { // staff rest for 15 minutes at most
		h.now = h.now.Add(sessions.Recheck / 2)
		b.me(t)
	}
	require.NoError(t, h.signin.Check(t.Context()))
	_, code := b.me(t)
	require.Equal(t, http.StatusUnauthorized, code)
}
