//go:build e2e

package doors_test

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/system"
	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/e2e/harness"
	"github.com/archibot/archibotchat/ports/store"
)

// signInHouse is a server with two providers that lie.
type signInHouse struct {
	site    *harness.Site
	replica *harness.Replica
	desk    *harness.Desk
	db      *sql.DB
	liar    *liar // sends groups
	other   *liar // sends none
}

func newSignInHouse(t *testing.T, db harness.Database) *signInHouse {
	t.Helper()
	h := &signInHouse{liar: newLiar(t), other: newLiar(t)}
	h.site = harness.NewSite(t, db, harness.Options{Variables: map[string]string{
		"ARCHIBOT_TRUSTED_PROXIES": trustedPeer + "/32", "ARCHIBOT_PUBLIC_URL": "https://" + publicHost,
		"ARCHIBOT_PROVIDER_ID": "liar", "ARCHIBOT_PROVIDER_NAME": "Liar Ltd", "ARCHIBOT_PROVIDER_ISSUER": h.liar.URL,
		"ARCHIBOT_PROVIDER_CLIENT_ID": liarClient, "ARCHIBOT_PROVIDER_CLIENT_SECRET": h.liar.secret,
		"ARCHIBOT_PROVIDER_2_ID": "other", "ARCHIBOT_PROVIDER_2_NAME": "Other Ltd", "ARCHIBOT_PROVIDER_2_ISSUER": h.other.URL,
		"ARCHIBOT_PROVIDER_2_CLIENT_ID": liarClient, "ARCHIBOT_PROVIDER_2_CLIENT_SECRET": h.other.secret, "ARCHIBOT_PROVIDER_2_GROUPS": "none",
	}})
	h.replica, h.desk, h.db = h.site.Start(t), h.site.Desk(t), db.Open(t)
	return h
}

// join makes a user a member of an account, as an operator does.
func (h *signInHouse) join(t *testing.T, user, account string, role access.Role) {
	t.Helper()
	require.NoError(t, h.desk.Store.Do(t.Context(), func(ctx context.Context, tx store.Stores) error {
		return tx.Members().Add(ctx, store.Member{Account: account, User: user, Role: role, CreatedAt: system.Now()})
	}))
}

// refused requires that a callback let nobody in, and why, as the log has it.
func (h *signInHouse) refused(t *testing.T, v *visitor, a answer, status int, code, reason string) {
	t.Helper()
	require.Equal(t, status, a.status, a.body)
	require.Contains(t, a.body, "<code>"+code+"</code>", "people get a page")
	require.Contains(t, a.body, a.request)
	require.NotContains(t, v.cookies, session)
	require.Empty(t, a.header.Get("Location"))
	require.Contains(t, a.header.Get("Content-Security-Policy"), "default-src 'none'")
	if reason == "" {
		return
	}
	for line := range strings.SplitSeq(h.replica.Log(t), "\n") {
		if strings.Contains(line, a.request) && strings.Contains(line, "sign-in failed") {
			require.Regexp(t, `"?reason"?[=:]"?`+reason+`\b`, line)
			return
		}
	}
	t.Fatalf("the log does not tell of %s", a.request)
}

// SECURITY, sign-in: every way in that is none, at a running server.
func TestSignIn(t *testing.T) {
	harness.Each(t, func(t *testing.T, db harness.Database) {
		h := newSignInHouse(t, db)
		t.Run("tokens", h.tokens)
		t.Run("callbacks", h.callbacks)
		t.Run("groups", h.groups)
		t.Run("people", h.people)
		t.Run("returns", h.returns)
		t.Run("logout tokens", h.logoutTokens)
		t.Run("sessions", h.sessions)
		t.Run("foreign posts", h.foreignPosts)
		t.Run("keys", h.keys)
		h.nothingLeaked(t)
		h.site.VerifyAudit(t)
	})
}

// tokens: whatever is wrong with an ID token, nobody is signed in by it.
func (h *signInHouse) tokens(t *testing.T) {
	l := h.liar
	change := func(c object) func() { return func() { l.person = c } }
	sign := func(f func(c object) string) func() { return func() { l.sign = f } }
	header := func(more object) func() {
		return sign(func(c object) string { return rs256(l.key, over(object{"alg": "RS256", "kid": l.kid}, more), c) })
	}
	before := harness.Count(t, h.db, "sessions", "") + harness.Count(t, h.db, "users", "")
	for name, c := range map[string]struct {
		lie    func()
		reason string
	}{
		"iss of the other":    {change(object{"iss": h.other.URL}), "issuer"},
		"iss with a slash":    {change(object{"iss": l.URL + "/"}), "issuer"},
		"iss missing":         {change(object{"iss": nil}), "issuer"},
		"aud another client":  {change(object{"aud": "another"}), "audience"},
		"aud others":          {change(object{"aud": []string{"another", "one more"}}), "audience"},
		"aud missing":         {change(object{"aud": nil}), "audience"},
		"aud many, no azp":    {change(object{"aud": []string{liarClient, "another"}}), "audience"},
		"azp another":         {change(object{"azp": "another"}), "audience"},
		"aud many, azp other": {change(object{"aud": []string{liarClient, "another"}, "azp": "another"}), "audience"},
		"nonce another":       {change(object{"nonce": strings.Repeat("n", 43)}), "nonce"},
		"nonce missing":       {change(object{"nonce": nil}), "nonce"},
		"nonce empty":         {change(object{"nonce": ""}), "nonce"},
		"nonce null":          {change(object{"nonce": null}), "nonce"},
		"expired":             {change(object{"exp": time.Now().Add(-time.Hour).Unix()}), "expired"},
		"issued in an hour":   {change(object{"iat": time.Now().Add(time.Hour).Unix()}), "expired"},
		"valid in an hour":    {change(object{"nbf": time.Now().Add(time.Hour).Unix()}), "(expired|token)"},
		"exp missing":         {change(object{"exp": nil}), "expired"},
		"sub missing":         {change(object{"sub": nil}), "subject"},
		"sub empty":           {change(object{"sub": ""}), "subject"},
		"sub a number":        {change(object{"sub": 7}), "token"},
		"sub of 300":          {change(object{"sub": strings.Repeat("a", 300)}), "subject"},
		"sub with U+0000":     {change(object{"sub": "alice\x00"}), "subject"},
		"Sub for sub":         {change(object{"sub": nil, "Sub": "alice"}), "token"},
		"alg none":            {sign(func(c object) string { return part(object{"alg": "none"}) + "." + part(c) + "." }), "(signature|token)"},
		"alg nOnE":            {sign(func(c object) string { return part(object{"alg": "nOnE"}) + "." + part(c) + "." }), "(signature|token)"},
		"alg none, signed":    {header(object{"alg": "none"}), "(signature|token)"},
		"HS256 by RSA's key":  {sign(l.hs256), "(signature|token)"},
		"says ES256":          {header(object{"alg": "ES256"}), "(signature|token)"},
		"says PS256":          {header(object{"alg": "PS256"}), "(signature|token)"},
		"unknown kid":         {header(object{"kid": "nine"}), "(signature|token)"},
		"unknown crit":        {header(object{"crit": []string{"x"}, "x": 1}), "(signature|token)"},
		"another's key": {sign(func(c object) string {
			return rs256(liarKeys()[1], object{"alg": "RS256", "kid": l.kid}, c)
		}), "(signature|token)"},
		"a key of its own": {sign(func(c object) string {
			k := liarKeys()[1]
			return rs256(k, object{"alg": "RS256", "kid": l.kid, "jwk": object{"kty": "RSA", "n": b64(k.N.Bytes()), "e": "AQAB", "kid": l.kid}}, c)
		}), "(signature|token)"},
		"claims changed": {sign(l.swapped), "(signature|token)"},
		"no signature":   {sign(func(c object) string { return part(object{"alg": "RS256", "kid": l.kid}) + "." + part(c) + "." }), "(signature|token)"},
		"empty":          {sign(func(object) string { return "" }), "(signature|token)"},
		"no token":       {sign(func(object) string { return "canary" }), "(signature|token)"},
		"of 600 KB":      {sign(func(object) string { return strings.Repeat("a", 600<<10) }), "(signature|token)"},
		"in JSON form":   {sign(func(object) string { return `{"payload":"e30","signatures":[]}` }), "(signature|token)"},
	} {
		t.Run(name, func(t *testing.T) {
			l.set(c.lie)
			defer l.honest()
			v := visit(h.replica)
			a := v.back(t, "liar", l.approve(t, v.start(t, "liar", "")))
			h.refused(t, v, a, http.StatusUnauthorized, "sign_in_failed", c.reason)
			require.Empty(t, v.cookies)
		})
	}
	require.Equal(t, before, harness.Count(t, h.db, "sessions", "")+harness.Count(t, h.db, "users", ""), "nobody came of it")
	for _, reason := range []string{"issuer", "audience", "nonce", "expired", "subject", "token", "signature"} { // G6, folded
		harness.Eventually(t, time.Minute, "there is an event for "+reason, func() error {
			if harness.Count(t, h.db, "all_events", "kind = 'signin.failed' AND reason = $1", reason) == 0 {
				return errors.New("there is none yet")
			}
			return nil
		})
	}
	v := visit(h.replica)
	require.Equal(t, "/", v.signIn(t, l, ""), "the truth opens")
}

// callbacks: what a browser brings back counts once, and for it alone.
func (h *signInHouse) callbacks(t *testing.T) {
	l := h.liar
	for name, c := range map[string]struct {
		change func(q url.Values)
		reason string
	}{
		"state missing":        {func(q url.Values) { q.Del("state") }, "state"},
		"state empty":          {func(q url.Values) { q.Set("state", "") }, "state"},
		"state twice":          {func(q url.Values) { q.Add("state", q.Get("state")) }, "(state|callback)"},
		"state longer":         {func(q url.Values) { q.Set("state", q.Get("state")+"A") }, "state"},
		"state in other case":  {func(q url.Values) { q.Set("state", strings.ToLower(q.Get("state"))) }, "state"},
		"state guessed":        {func(q url.Values) { q.Set("state", strings.Repeat("A", 43)) }, "state"},
		"state with SQL":       {func(q url.Values) { q.Set("state", "' OR '1'='1") }, "state"},
		"code missing":         {func(q url.Values) { q.Del("code") }, "callback"},
		"code twice":           {func(q url.Values) { q.Add("code", "x") }, "callback"},
		"code guessed":         {func(q url.Values) { q.Set("code", "guess") }, "code"},
		"code huge":            {func(q url.Values) { q.Set("code", strings.Repeat("a", 9<<10)) }, "callback"},
		"iss missing":          {func(q url.Values) { q.Del("iss") }, "issuer"}, // RFC 9207
		"iss of the other":     {func(q url.Values) { q.Set("iss", h.other.URL) }, "issuer"},
		"iss twice":            {func(q url.Values) { q.Add("iss", l.URL) }, "callback"},
		"an odd error":         {func(q url.Values) { q.Set("error", "canary\r\nSet-Cookie: x=y") }, "callback"},
		"an error and no code": {func(q url.Values) { q.Del("code"); q.Set("error", "invalid_scope") }, "callback"},
	} {
		t.Run(name, func(t *testing.T) {
			v := visit(h.replica)
			q := l.approve(t, v.start(t, "liar", ""))
			c.change(q)
			a := v.back(t, "liar", q)
			h.refused(t, v, a, http.StatusUnauthorized, "sign_in_failed", c.reason)
			require.NotContains(t, a.body, "canary")
		})
	}
	t.Run("refused by the person", func(t *testing.T) {
		v := visit(h.replica)
		q := l.approve(t, v.start(t, "liar", ""))
		q.Del("code")
		q.Set("error", "access_denied")
		a := v.back(t, "liar", q)
		require.Less(t, a.status, 500)
		h.refused(t, v, a, a.status, "sign_in_refused", "")
	})
	t.Run("state reused", func(t *testing.T) {
		v := visit(h.replica)
		location := v.start(t, "liar", "")
		cookies := map[string]string{}
		for name, value := range v.cookies {
			cookies[name] = value
		}
		require.Equal(t, http.StatusSeeOther, v.back(t, "liar", l.approve(t, location)).status)
		own := v.cookies[session]
		v.cookies = cookies // even with the cookie of the flow
		h.refused(t, v, v.back(t, "liar", l.approve(t, location)), http.StatusUnauthorized, "sign_in_failed", "state")
		v.cookies = map[string]string{session: own}
		_, status := v.me(t)
		require.Equal(t, http.StatusOK, status, "who is in stays in")
	})
	t.Run("state of another browser", func(t *testing.T) { // sign-in CSRF
		mallory, victim := visit(h.replica), visit(h.replica)
		q := l.approve(t, mallory.start(t, "liar", ""))
		h.refused(t, victim, victim.back(t, "liar", q), http.StatusUnauthorized, "sign_in_failed", "state")
		h.refused(t, mallory, mallory.back(t, "liar", q), http.StatusUnauthorized, "sign_in_failed", "state") // it is spent
	})
	t.Run("cookie of another flow", func(t *testing.T) {
		mallory, victim := visit(h.replica), visit(h.replica)
		q := l.approve(t, mallory.start(t, "liar", ""))
		victim.start(t, "liar", "")
		var binding string
		for _, value := range victim.cookies {
			binding = value
		}
		for name := range mallory.cookies { // a name that mallory knows, a value that the victim has
			victim.cookies[name] = binding
		}
		h.refused(t, victim, victim.back(t, "liar", q), http.StatusUnauthorized, "sign_in_failed", "state")
	})
	t.Run("state of another provider", func(t *testing.T) { // mix-up
		v := visit(h.replica)
		q := l.approve(t, v.start(t, "liar", ""))
		q.Set("iss", h.other.URL)
		asked := h.other.asked["/token"]
		h.refused(t, v, v.back(t, "other", q), http.StatusUnauthorized, "sign_in_failed", "state")
		require.Equal(t, asked, h.other.asked["/token"], "nobody else gets the code")
	})
	t.Run("code replayed", func(t *testing.T) {
		v, w := visit(h.replica), visit(h.replica)
		q := l.approve(t, v.start(t, "liar", ""))
		require.Equal(t, http.StatusSeeOther, v.back(t, "liar", q).status)
		theirs := l.approve(t, w.start(t, "liar", ""))
		theirs.Set("code", q.Get("code"))
		h.refused(t, w, w.back(t, "liar", theirs), http.StatusUnauthorized, "sign_in_failed", "code")
	})
	t.Run("code of another's flow", func(t *testing.T) { // PKCE
		v, w := visit(h.replica), visit(h.replica)
		stolen := l.approve(t, v.start(t, "liar", "")).Get("code")
		q := l.approve(t, w.start(t, "liar", ""))
		q.Set("code", stolen)
		h.refused(t, w, w.back(t, "liar", q), http.StatusUnauthorized, "sign_in_failed", "code")
	})
	t.Run("ten minutes later", func(t *testing.T) {
		v := visit(h.replica)
		q := l.approve(t, v.start(t, "liar", ""))
		_, err := h.db.ExecContext(t.Context(), "UPDATE signin_flows SET expires_at = $1", time.Now().Add(-time.Second).UnixMicro())
		require.NoError(t, err)
		h.refused(t, v, v.back(t, "liar", q), http.StatusUnauthorized, "sign_in_failed", "state")
	})
	t.Run("no such provider", func(t *testing.T) {
		v := visit(h.replica)
		for _, id := range []string{"nobody", "local", "LIAR", "liar%00", "%2e%2e"} {
			for _, rest := range []string{"/start", "/callback?state=x&code=y"} {
				a := v.get(t, "/auth/"+id+rest)
				require.Equal(t, http.StatusNotFound, a.status, "%s: %s", id, a.body)
				require.Empty(t, v.cookies)
			}
		}
	})
	t.Run("all at once", func(t *testing.T) { // one of twenty gets in
		v := visit(h.replica)
		q := l.approve(t, v.start(t, "liar", ""))
		statuses := make([]int, 20)
		var all sync.WaitGroup
		for i := range statuses {
			all.Go(func() {
				c := visit(h.replica)
				for name, value := range v.cookies {
					c.cookies[name] = value
				}
				statuses[i] = c.back(t, "liar", q).status
			})
		}
		all.Wait()
		in := 0
		for _, status := range statuses {
			if status == http.StatusSeeOther {
				in++
			} else {
				require.Equal(t, http.StatusUnauthorized, status)
			}
		}
		require.Equal(t, 1, in)
	})
	t.Run("HEAD spends nothing", func(t *testing.T) {
		v := visit(h.replica)
		q := l.approve(t, v.start(t, "liar", ""))
		require.Equal(t, http.StatusMethodNotAllowed, v.do(t, http.MethodHead, "/auth/liar/callback?"+q.Encode(), "", nil).status)
		require.Equal(t, http.StatusSeeOther, v.back(t, "liar", q).status)
	})
}
