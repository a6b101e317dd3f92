//go:build e2e

package doors_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/e2e/harness"
)

func escape(text string) string { return url.QueryEscape(text) }

// logoutTokens: nobody ends sessions but their provider, and once per token.
func (h *signInHouse) logoutTokens(t *testing.T) {
	l := h.liar
	const backchannel = "http://schemas.openid.net/event/backchannel-logout"
	defer l.honest()
	in := func(sid, subject string) *visitor {
		l.set(func() { l.person = object{"sub": subject, "sid": sid} })
		v := visit(h.replica)
		v.signIn(t, l, "")
		l.honest()
		return v
	}
	post := func(form, kind string) answer {
		return visit(h.replica).do(t, http.MethodPost, "/auth/liar/back-channel-logout", form, http.Header{"Content-Type": {kind}})
	}
	const formKind = "application/x-www-form-urlencoded"
	send := func(token string) answer { return post("logout_token="+escape(token), formKind) }
	n := 0
	claims := func(change object) object {
		n++
		return over(object{
			"iss": l.URL, "aud": liarClient, "iat": time.Now().Unix(), "exp": time.Now().Add(2 * time.Minute).Unix(), "jti": "jti-" + strings.Repeat("x", n),
			"sid": "sid-bo", "sub": "bo", "events": object{backchannel: object{}},
		}, change)
	}
	signed := func(c object) string {
		return rs256(l.key, object{"alg": "RS256", "kid": l.kid, "typ": "logout+jwt"}, c)
	}

	bo, her := in("sid-bo", "bo"), in("sid-her", "her")
	live := func(v *visitor) bool {
		_, status := v.me(t)
		return status == http.StatusOK
	}
	for name, token := range map[string]string{
		"aud another":     signed(claims(object{"aud": "another"})),
		"iss the other":   signed(claims(object{"iss": h.other.URL})),
		"with a nonce":    signed(claims(object{"nonce": "x"})), // as an ID token has
		"no events":       signed(claims(object{"events": nil})),
		"another event":   signed(claims(object{"events": object{"x": object{}}})),
		"event no object": signed(claims(object{"events": object{backchannel: "x"}})),
		"no jti":          signed(claims(object{"jti": nil})),
		"nobody":          signed(claims(object{"sid": nil, "sub": nil})),
		"expired":         signed(claims(object{"exp": time.Now().Add(-time.Hour).Unix()})),
		"issued long ago": signed(claims(object{"iat": time.Now().Add(-24 * time.Hour).Unix()})),
		"in an hour":      signed(claims(object{"iat": time.Now().Add(time.Hour).Unix()})),
		"alg none":        part(object{"alg": "none", "typ": "logout+jwt"}) + "." + part(claims(nil)) + ".",
		"HS256":           l.hs256(claims(nil)),
		"another's key":   rs256(liarKeys()[1], object{"alg": "RS256", "kid": l.kid}, claims(nil)),
		"an ID token":     l.honestly(over(l.claims("n"), object{"sid": "sid-bo", "sub": "bo"})),
		"another's kind":  rs256(l.key, object{"alg": "RS256", "kid": l.kid, "typ": "at+jwt"}, claims(nil)),
		"no token":        "canary",
		"empty":           "",
	} {
		a := send(token)
		require.Equal(t, http.StatusBadRequest, a.status, "%s: %s", name, a.body)
		require.NotContains(t, a.body, "canary")
		require.True(t, live(bo), name)
	}
	good := signed(claims(nil))
	for name, a := range map[string]answer{
		"as JSON":      post(`{"logout_token":"`+good+`"}`, "application/json"),
		"in the query": visit(h.replica).do(t, http.MethodPost, "/auth/liar/back-channel-logout?logout_token="+good, "", http.Header{"Content-Type": {formKind}}),
		"twice":        post("logout_token="+good+"&logout_token="+good, formKind),
		"huge":         post("logout_token="+strings.Repeat("a", 65<<10), formKind),
		"at the other": visit(h.replica).do(t, http.MethodPost, "/auth/other/back-channel-logout", "logout_token="+good, http.Header{"Content-Type": {formKind}}),
	} {
		require.Equal(t, http.StatusBadRequest, a.status, "%s: %s", name, a.body)
		require.True(t, live(bo), name)
	}
	require.Equal(t, http.StatusOK, send(good).status)
	require.False(t, live(bo))
	require.True(t, live(her), "hers is another")

	back := in("sid-bo", "bo") // the provider keeps its session's name
	require.Equal(t, http.StatusBadRequest, send(good).status, "replayed")
	require.True(t, live(back))
	require.Equal(t, http.StatusOK, send(signed(claims(object{"sid": nil}))).status, "all of his")
	require.False(t, live(back))
	require.True(t, live(her))
	require.Equal(t, http.StatusOK, send(signed(claims(object{"sid": "sid-her", "sub": nil}))).status)
	require.False(t, live(her))
}

// sessions: a session is new at every sign-in and gone after it (A5).
func (h *signInHouse) sessions(t *testing.T) {
	l := h.liar
	status := func(cookies map[string]string) int {
		v := visit(h.replica)
		v.cookies = cookies
		_, status := v.me(t)
		return status
	}
	t.Run("fixation", func(t *testing.T) {
		made := strings.Repeat("A", 43)
		v := visit(h.replica)
		v.cookies[session] = made // which somebody planted
		v.signIn(t, l, "")
		require.NotEqual(t, made, v.cookies[session])
		require.Equal(t, http.StatusUnauthorized, status(map[string]string{session: made}))

		mallory, victim := visit(h.replica), visit(h.replica)
		mallory.signIn(t, l, "")
		planted := mallory.cookies[session]
		victim.cookies[session] = planted
		l.set(func() { l.person = object{"sub": "victim"} })
		victim.signIn(t, l, "")
		l.honest()
		require.NotEqual(t, planted, victim.cookies[session])
		require.Equal(t, http.StatusUnauthorized, status(map[string]string{session: planted}), "it is not the victim's, nor anybody's")
	})
	t.Run("rotation", func(t *testing.T) {
		v := visit(h.replica)
		v.signIn(t, l, "")
		old := v.cookies[session]
		v.signIn(t, l, "?fresh=0")
		require.NotEqual(t, old, v.cookies[session])
		require.Equal(t, http.StatusUnauthorized, status(map[string]string{session: old}))
	})
	t.Run("odd cookies", func(t *testing.T) {
		v := visit(h.replica)
		v.signIn(t, l, "")
		token := v.cookies[session]
		require.Equal(t, http.StatusOK, status(map[string]string{session: token}))
		for name, cookies := range map[string]string{
			"without its prefix": "archibot_session=" + token, "another prefix": "__Secure-archibot_session=" + token, "lower case": strings.ToLower(session) + "=" + token,
			"two": session + "=" + token + "; " + session + "=" + strings.Repeat("A", 43), "two alike": session + "=" + token + "; " + session + "=" + token,
			"cut": session + "=" + token[:42], "longer": session + "=" + token + "A", "alias": session + "=" + alias(token), "padded": session + "=" + token + "=",
			"empty": session + "=", "percent": session + "=%" + token, "upper": session + "=" + strings.ToUpper(token),
		} {
			a := visit(h.replica).do(t, http.MethodGet, "/api/me", "", http.Header{"Cookie": {cookies}})
			require.Equal(t, http.StatusUnauthorized, a.status, name)
			require.Equal(t, "not_signed_in", a.code(), name)
		}
		for name, header := range map[string]http.Header{
			"as a bearer": {"Authorization": {"Bearer " + token}}, "as Basic": {"Authorization": {"Basic " + token}}, "as a header": {"X-Session": {token}},
		} {
			require.Equal(t, http.StatusUnauthorized, visit(h.replica).do(t, http.MethodGet, "/api/me", "", header).status, name)
		}
		require.Equal(t, http.StatusUnauthorized, visit(h.replica).get(t, "/api/me?"+session+"="+token).status)
	})
	t.Run("after sign-out", func(t *testing.T) {
		for name, out := range map[string]func(v *visitor) answer{
			"API": func(v *visitor) answer {
				return v.do(t, http.MethodDelete, "/api/session", "", http.Header{"Sec-Fetch-Site": {"same-origin"}})
			},
		} {
			v := visit(h.replica)
			v.signIn(t, l, "")
			old := map[string]string{session: v.cookies[session]}
			require.Equal(t, http.StatusOK, status(old))
			require.Equal(t, http.StatusOK, out(v).status, name)
			require.Empty(t, v.cookies, name)
			require.Equal(t, http.StatusUnauthorized, status(old), name)
			for _, a := range []answer{
				visitWith(h.replica, old).do(t, http.MethodDelete, "/api/session", "", nil), visitWith(h.replica, old).get(t, "/api/sessions"),
				visitWith(h.replica, old).do(t, http.MethodPost, "/api/keys", `{"name":"x"}`, jsonBody),
			} {
				require.Equal(t, http.StatusUnauthorized, a.status, name)
			}
		}
	})
	t.Run("of others", func(t *testing.T) {
		v, w := visit(h.replica), visit(h.replica)
		v.signIn(t, l, "")
		l.set(func() { l.person = object{"sub": "stranger"} })
		w.signIn(t, l, "")
		l.honest()
		m, _ := v.me(t)
		for _, id := range []string{m.Session.ID, "ses_0", "ses_" + strings.Repeat("0", 26), "%2e%2e"} {
			a := w.do(t, http.MethodDelete, "/api/sessions/"+id, "", http.Header{"Sec-Fetch-Site": {"same-origin"}})
			require.Equal(t, http.StatusNotFound, a.status, id)
		}
		require.Equal(t, http.StatusOK, status(map[string]string{session: v.cookies[session]}))
	})
}

// visitWith is a visitor with cookies.
func visitWith(replica *harness.Replica, cookies map[string]string) *visitor {
	v := visit(replica)
	for name, value := range cookies {
		v.cookies[name] = value
	}
	return v
}

// alias is another text that decodes to the same bytes where nobody looks at
// the bits that are left over.
func alias(token string) string {
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(digits, token[len(token)-1])
	return token[:len(token)-1] + string(digits[last^1])
}

// foreignPosts: another site cannot act in a browser of ours (CSRF).
func (h *signInHouse) foreignPosts(t *testing.T) {
	l := h.liar
	account := h.site.Account(t, harness.NewAccount{Credits: harness.Credit}).ID
	l.set(func() { l.person = object{"sub": "csrf"} })
	defer l.honest()
	v := visit(h.replica)
	v.signIn(t, l, "")
	m, _ := v.me(t)
	h.join(t, m.User.ID, account, access.RoleMember)
	require.Equal(t, http.StatusOK, v.do(t, http.MethodPut, "/api/session/account", `{"account_id":"`+account+`"}`, jsonBody).status)
	before := harness.Count(t, h.db, "api_keys", "")
	const urlencoded, text = "application/x-www-form-urlencoded", "text/plain"
	calls := []struct{ method, path, body string }{
		{http.MethodPost, "/api/keys", `{"name":"x"}`},
		{http.MethodPut, "/api/session/account", `{"account_id":"` + account + `"}`},
		{http.MethodDelete, "/api/session", ""},
		{http.MethodDelete, "/api/sessions/" + m.Session.ID, ""},
	}
	for name, from := range map[string]http.Header{
		"another site":         {"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example"}},
		"another site, quiet":  {"Sec-Fetch-Site": {"cross-site"}},
		"a host of the domain": {"Sec-Fetch-Site": {"same-site"}, "Origin": {"https://other.example.com"}},
		"an old browser":       {"Origin": {"https://evil.example"}},
		"a sandbox":            {"Origin": {"null"}},
		"our host, no TLS":     {"Sec-Fetch-Site": {"cross-site"}, "Origin": {"http://" + publicHost}},
		"another port":         {"Sec-Fetch-Site": {"same-site"}, "Origin": {"https://" + publicHost + ":8443"}},
	} {
		for _, c := range calls {
			for _, kind := range []string{"application/json", text, urlencoded, "multipart/form-data; boundary=x", ""} {
				header := from.Clone()
				if kind != "" {
					header["Content-Type"] = []string{kind}
				}
				a := v.do(t, c.method, c.path, c.body, header)
				require.Equal(t, http.StatusForbidden, a.status, "%s: %s %s as %s", name, c.method, c.path, kind)
				require.Equal(t, "cross_origin", a.code())
			}
		}
	}
	for _, kind := range []string{text, urlencoded, "multipart/form-data; boundary=x", "text/json", "application/jsonp", "application/json; charset=utf-16", "text/plain; application/json", ""} {
		for _, c := range calls[:2] { // of our own origin, still no JSON
			header := http.Header{"Sec-Fetch-Site": {"same-origin"}}
			if kind != "" {
				header["Content-Type"] = []string{kind}
			}
			require.Equal(t, http.StatusUnsupportedMediaType, v.do(t, c.method, c.path, c.body, header).status, "%s as %q", c.path, kind)
		}
	}
	for _, header := range []http.Header{{"X-Http-Method-Override": {"DELETE"}}, {"X-Method-Override": {"DELETE"}}} {
		require.Equal(t, http.StatusMethodNotAllowed, v.do(t, http.MethodGet, "/api/session", "", header).status)
	}
	require.Equal(t, http.StatusMethodNotAllowed, v.do(t, http.MethodGet, "/api/session?_method=DELETE", "", nil).status)
	_, status := v.me(t)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, before, harness.Count(t, h.db, "api_keys", ""))
	for _, header := range []http.Header{jsonBody, {"Content-Type": {"application/json; charset=utf-8"}, "Origin": {"https://" + publicHost}}, {"Content-Type": {"application/json"}}} {
		require.Equal(t, http.StatusCreated, v.do(t, http.MethodPost, "/api/keys", `{"name":"x"}`, header).status, "%v", header)
	}
}

// keys: those of the provider may change, and be out of reach for a while.
func (h *signInHouse) keys(t *testing.T) {
	l := h.liar
	t.Run("rotated", func(t *testing.T) {
		l.set(func() { l.key, l.kid = liarKeys()[1], "two" })
		harness.Eventually(t, time.Minute, "the new key is taken", func() error {
			v := visit(h.replica)
			a := v.back(t, "liar", l.approve(t, v.start(t, "liar", "")))
			if a.status != http.StatusSeeOther {
				return errStatus(a.status)
			}
			return nil
		})
	})
	t.Run("down", func(t *testing.T) {
		l.set(func() { l.kid, l.down["/keys"] = "three", http.StatusInternalServerError })
		defer l.honest()
		harness.Eventually(t, time.Minute, "they are asked for", func() error {
			v := visit(h.replica)
			a := v.back(t, "liar", l.approve(t, v.start(t, "liar", "")))
			if a.status != http.StatusServiceUnavailable {
				return errStatus(a.status)
			}
			h.refused(t, v, a, http.StatusServiceUnavailable, "provider_unavailable", "provider_unavailable")
			return nil
		})
		l.set(func() { clear(l.down) })
		visit(h.replica).signIn(t, l, "")
	})
	t.Run("token endpoint down", func(t *testing.T) {
		defer l.honest()
		for _, status := range []int{http.StatusInternalServerError, http.StatusServiceUnavailable, http.StatusTooManyRequests} {
			l.set(func() { l.down["/token"] = status })
			v := visit(h.replica)
			h.refused(t, v, v.back(t, "liar", l.approve(t, v.start(t, "liar", ""))), http.StatusServiceUnavailable, "provider_unavailable", "provider_unavailable")
		}
	})
	t.Run("the others work", func(t *testing.T) {
		l.set(func() { l.down["/token"], l.down["/keys"] = 500, 500 })
		defer l.honest()
		v := visit(h.replica)
		require.Equal(t, http.StatusSeeOther, v.back(t, "other", h.other.approve(t, v.start(t, "other", ""))).status)
		_, status := v.me(t)
		require.Equal(t, http.StatusOK, status)
	})
}

// nothingLeaked looks for what was secret in the log and the database.
func (h *signInHouse) nothingLeaked(t *testing.T) {
	t.Helper()
	log, dump := h.replica.Log(t), h.site.Database.Dump(t)
	for _, l := range []*liar{h.liar, h.other} {
		require.NotContains(t, log, l.secret)
		require.NotEmpty(t, l.issued)
		for _, text := range l.issued {
			if len(text) < 20 { // what was told in place of a token
				continue
			}
			require.NotContains(t, log, text)
			for place, content := range dump {
				require.False(t, bytes.Contains(content, []byte(text)), "%.12s… is in the database: %s", text, place)
			}
		}
	}
	require.NotContains(t, log, "@example.com", "addresses of people")
}

// errStatus is another status than the one hoped for.
type errStatus int

func (s errStatus) Error() string { return fmt.Sprintf("status %d", int(s)) }
