package oidcidentity_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/oidcidentity"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/ports/identity"
)

// SECURITY, sign-in: every ID token that is wrong in one thing.
func TestProvider_Finish_Tokens(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change object
		want   identity.Reason // none: it is taken
	}{
		"as it should be":          {object{}, identity.ReasonNone},
		"nonce of another":         {object{"nonce": "0123456789abcdef0123456789abcdef"}, identity.ReasonNonce},
		"nonce missing":            {object{"nonce": nil}, identity.ReasonNonce},
		"nonce empty":              {object{"nonce": ""}, identity.ReasonNonce},
		"nonce null":               {object{"nonce": null}, identity.ReasonNonce},
		"nonce a number":           {object{"nonce": 7}, identity.ReasonToken},
		"iss of another":           {object{"iss": "https://evil.example.com"}, identity.ReasonIssuer},
		"iss with a slash more":    {object{"iss": "http://127.0.0.1/"}, identity.ReasonIssuer},
		"iss missing":              {object{"iss": nil}, identity.ReasonIssuer},
		"aud of another":           {object{"aud": "other"}, identity.ReasonAudience},
		"aud missing":              {object{"aud": nil}, identity.ReasonAudience},
		"aud a prefix":             {object{"aud": "archibot"}, identity.ReasonAudience},
		"two aud without azp":      {object{"aud": []string{clientID, "other"}}, identity.ReasonAudience},
		"two aud, azp of another":  {object{"aud": []string{clientID, "other"}, "azp": "other"}, identity.ReasonAudience},
		"two aud, azp ours":        {object{"aud": []string{"other", clientID}, "azp": clientID}, identity.ReasonNone},
		"azp of another":           {object{"azp": "other"}, identity.ReasonAudience},
		"azp null":                 {object{"azp": null}, identity.ReasonAudience},
		"azp a list":               {object{"azp": []string{clientID}}, identity.ReasonAudience},
		"azp ours":                 {object{"azp": clientID}, identity.ReasonNone},
		"expired":                  {object{"exp": 1_700_000_000}, identity.ReasonExpired},
		"exp missing":              {object{"exp": nil}, identity.ReasonExpired},
		"exp text":                 {object{"exp": "tomorrow"}, identity.ReasonToken},
		"not yet":                  {object{"nbf": 4_000_000_000}, identity.ReasonToken},
		"issued in the future":     {object{"iat": 4_000_000_000}, identity.ReasonExpired},
		"iat missing":              {object{"iat": nil}, identity.ReasonExpired},
		"sub missing":              {object{"sub": nil}, identity.ReasonSubject},
		"sub empty":                {object{"sub": ""}, identity.ReasonSubject},
		"sub too long":             {object{"sub": strings.Repeat("a", 256)}, identity.ReasonSubject},
		"sub of 255":               {object{"sub": strings.Repeat("a", 255)}, identity.ReasonNone},
		"sub with U+0000":          {object{"sub": "alice\x00"}, identity.ReasonSubject},
		"sub a number":             {object{"sub": 7}, identity.ReasonToken},
		"sub only in another case": {object{"sub": nil, "Sub": "alice"}, identity.ReasonToken},
		"sub by another letter":    {object{"\u017fub": "mallory"}, identity.ReasonToken},
		"nonce in another case":    {object{"nonce": nil, "Nonce": "no"}, identity.ReasonToken},
		"at_hash of another":       {object{"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}, identity.ReasonToken},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newIDP(t)
			p.person = c.change
			got, err := p.signIn(t, p.client(t))
			require.Equal(t, c.want, identity.ReasonOf(err), "%v", err)
			if c.want == identity.ReasonNone {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, identity.ErrFailed)
			require.Zero(t, got, "nothing of it comes out")
			require.NotContains(t, err.Error(), "alice")
		})
	}
}

func TestProvider_Finish_Signatures(t *testing.T) {
	t.Parallel()
	for name, sign := range map[string]func(p *idp, claims object) string{
		"none":                 func(_ *idp, c object) string { return unsigned(object{"alg": "none"}, c) + "." },
		"None":                 func(_ *idp, c object) string { return unsigned(object{"alg": "None"}, c) + "." },
		"none, signed":         func(p *idp, c object) string { return rs256(p.key, object{"alg": "none", "kid": p.kid}, c) },
		"HS256, RSA's key":     func(p *idp, c object) string { return hs256(&p.key.PublicKey, p.kid, c) },
		"another's key":        func(p *idp, c object) string { return rs256(keys()[1], object{"alg": "RS256", "kid": p.kid}, c) },
		"another's, no kid":    func(_ *idp, c object) string { return rs256(keys()[1], object{"alg": "RS256"}, c) },
		"unknown kid":          func(p *idp, c object) string { return rs256(p.key, object{"alg": "RS256", "kid": "nine"}, c) },
		"a key of its own":     func(_ *idp, c object) string { return embedded(c) },
		"says ES256":           func(p *idp, c object) string { return rs256(p.key, object{"alg": "ES256", "kid": p.kid}, c) },
		"says PS256":           func(p *idp, c object) string { return rs256(p.key, object{"alg": "PS256", "kid": p.kid}, c) },
		"no signature":         func(p *idp, c object) string { return unsigned(object{"alg": "RS256", "kid": p.kid}, c) + "." },
		"claims changed after": func(p *idp, c object) string { return swapped(p, c) },
		"unknown crit": func(p *idp, c object) string {
			return rs256(p.key, object{"alg": "RS256", "kid": p.kid, "crit": []string{"x"}, "x": 1}, c)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newIDP(t)
			p.sign = func(c object) string { return sign(p, c) }
			_, err := p.signIn(t, p.client(t))
			require.ErrorIs(t, err, identity.ErrFailed)
			require.Contains(t, []identity.Reason{identity.ReasonSignature, identity.ReasonToken}, identity.ReasonOf(err))
			p.set(func() { p.sign = nil })
			p.must(t, p.client(t))
		})
	}
}

// embedded signs with a key that the token brings along.
func embedded(c object) string {
	key := keys()[1]
	jwk := object{"kty": "RSA", "n": b64(key.N.Bytes()), "e": "AQAB", "kid": "one"}
	return rs256(key, object{"alg": "RS256", "kid": "one", "jwk": jwk}, c)
}

// swapped puts other claims under a good signature.
func swapped(p *idp, c object) string {
	parts := strings.Split(rs256(p.key, object{"alg": "RS256", "kid": p.kid}, c), ".")
	other := strings.Split(unsigned(object{}, with(c, object{"sub": "mallory"})), ".")
	return parts[0] + "." + other[1] + "." + parts[2]
}

func TestProvider_Finish_Malformed(t *testing.T) {
	t.Parallel()
	for name, token := range map[string]string{
		"empty": "", "text": "hello", "dots": "..", "two parts": "e30.e30", "four parts": "e30.e30.e30.e30", "no JSON": "e30.AAAA.AAAA",
		"JSON form": `{"payload":"e30","signatures":[]}`, "large": strings.Repeat("a", 600<<10),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newIDP(t)
			p.sign = func(object) string { return token }
			_, err := p.signIn(t, p.client(t))
			require.ErrorIs(t, err, identity.ErrFailed)
		})
	}
}

// SECURITY, sign-in: the callback, and RFC 9207's iss in it.
func TestProvider_Finish_Callback(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change   func(q url.Values)
		promised bool // discovery says that iss is sent
		want     identity.Reason
		is       error
	}{
		"as it should be":       {func(url.Values) {}, true, "", nil},
		"iss missing":           {func(q url.Values) { q.Del("iss") }, true, identity.ReasonIssuer, nil},
		"iss never promised":    {func(q url.Values) { q.Del("iss") }, false, "", nil},
		"iss of another":        {func(q url.Values) { q.Set("iss", "https://evil.example.com") }, true, identity.ReasonIssuer, nil},
		"iss of another, extra": {func(q url.Values) { q.Set("iss", "https://evil.example.com") }, false, identity.ReasonIssuer, nil},
		"iss empty":             {func(q url.Values) { q.Set("iss", "") }, false, identity.ReasonIssuer, nil},
		"iss with a slash":      {func(q url.Values) { q.Set("iss", q.Get("iss")+"/") }, true, identity.ReasonIssuer, nil},
		"iss twice":             {func(q url.Values) { q.Add("iss", q.Get("iss")) }, true, identity.ReasonCallback, nil},
		"iss wrong with error":  {func(q url.Values) { q.Set("error", "access_denied"); q.Del("iss") }, true, identity.ReasonIssuer, nil},
		"state missing":         {func(q url.Values) { q.Del("state") }, true, identity.ReasonState, nil},
		"state empty":           {func(q url.Values) { q.Set("state", "") }, true, identity.ReasonState, nil},
		"state twice":           {func(q url.Values) { q.Add("state", q.Get("state")) }, true, identity.ReasonCallback, nil},
		"state of another":      {func(q url.Values) { q.Set("state", strings.Repeat("a", 52)) }, true, identity.ReasonState, nil},
		"code missing":          {func(q url.Values) { q.Del("code") }, true, identity.ReasonCallback, nil},
		"code twice":            {func(q url.Values) { q.Add("code", "x") }, true, identity.ReasonCallback, nil},
		"code huge":             {func(q url.Values) { q.Set("code", strings.Repeat("a", 9<<10)) }, true, identity.ReasonCallback, nil},
		"code unknown":          {func(q url.Values) { q.Set("code", "guess") }, true, identity.ReasonCode, nil},
		"refused":               {func(q url.Values) { q.Set("error", "access_denied") }, true, "", identity.ErrRefused},
		"down for a while":      {func(q url.Values) { q.Set("error", "temporarily_unavailable") }, true, "", identity.ErrUnavailable},
		"another error":         {func(q url.Values) { q.Set("error", "canary\r\nx") }, true, identity.ReasonCallback, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newIDP(t)
			p.document["authorization_response_iss_parameter_supported"] = c.promised
			client := p.client(t)
			f := p.flow()
			address, err := client.Begin(t.Context(), f)
			require.NoError(t, err)
			q := p.approve(t, address)
			c.change(q)
			_, err = client.Finish(t.Context(), f, q)
			if c.is != nil {
				require.ErrorIs(t, err, c.is)
				return
			}
			require.Equal(t, c.want, identity.ReasonOf(err), "%v", err)
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.NotContains(t, err.Error(), "canary")
			if c.want != identity.ReasonCode {
				require.Zero(t, p.count("/token"), "nothing is asked of the provider")
			}
		})
	}
}

// The code is worth nothing without the verifier of the flow, or elsewhere.
func TestProvider_Finish_PKCE(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*identity.Flow){
		"verifier": func(f *identity.Flow) { f.Verifier = strings.Repeat("b", 52) },
		"redirect": func(f *identity.Flow) { f.Redirect = "https://chat.example.com/auth/other/callback" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newIDP(t)
			client := p.client(t)
			f := p.flow()
			address, err := client.Begin(t.Context(), f)
			require.NoError(t, err)
			back := p.approve(t, address)
			change(&f)
			_, err = client.Finish(t.Context(), f, back)
			require.Equal(t, identity.ReasonCode, identity.ReasonOf(err), "%v", err)
		})
	}
}

func TestProvider_Begin(t *testing.T) {
	t.Parallel()
	p := newIDP(t)
	f := p.flow()
	address, err := p.client(t).Begin(t.Context(), f)
	require.NoError(t, err)
	u, err := url.Parse(address)
	require.NoError(t, err)
	q := u.Query()
	require.Len(t, q["code_challenge"], 1)
	q.Del("code_challenge")
	require.Equal(t, url.Values{
		"client_id": {clientID}, "response_type": {"code"}, "scope": {"openid email profile offline_access"}, "state": {f.State}, "nonce": {f.Nonce},
		"redirect_uri": {callback}, "code_challenge_method": {"S256"},
	}, q)
	f.Fresh = true
	address, err = p.client(t, func(c *oidcidentity.Config) { c.Scopes = []string{"email", "openid", "roles"} }).Begin(t.Context(), f)
	require.NoError(t, err)
	require.Contains(t, address, "prompt=login")
	require.Contains(t, address, "max_age=0")
	require.Contains(t, address, "scope=openid+email+roles&")
	for _, change := range []func(*identity.Flow){
		func(f *identity.Flow) { f.State = "short" }, func(f *identity.Flow) { f.Nonce = "" }, func(f *identity.Flow) { f.Verifier = "short" },
		func(f *identity.Flow) { f.Redirect = "" }, func(f *identity.Flow) { f.Began = time.Time{} },
	} {
		bad := f
		change(&bad)
		_, err = p.client(t).Begin(t.Context(), bad)
		require.Error(t, err)
	}
}

// A provider that ignores what was asked for does not pass for fresh.
func TestProvider_Finish_Fresh(t *testing.T) {
	t.Parallel()
	p := newIDP(t)
	for name, c := range map[string]struct {
		at any
		ok bool
	}{
		"now": {p.clock.Unix(), true}, "half a minute ago": {p.clock.Add(-30 * time.Second).Unix(), true}, "with a fraction": {float64(p.clock.Unix()) + 0.5, true},
		"two minutes ago": {p.clock.Add(-2 * time.Minute).Unix(), false}, "yesterday": {p.clock.AddDate(0, 0, -1).Unix(), false},
		"in an hour": {p.clock.Add(time.Hour).Unix(), false}, "missing": {nil, false}, "null": {null, false}, "text": {"now", false}, "negative": {-1, false}, "huge": {1e300, false},
	} {
		t.Run(name, func(t *testing.T) {
			p.set(func() { p.person = object{"auth_time": c.at} })
			client := p.client(t)
			f := p.flow()
			f.Fresh = true
			address, err := client.Begin(t.Context(), f)
			require.NoError(t, err)
			_, err = client.Finish(t.Context(), f, p.approve(t, address))
			if c.ok {
				require.NoError(t, err)
				return
			}
			require.Equal(t, identity.ReasonNotFresh, identity.ReasonOf(err), "%v", err)
			p.must(t, client) // an ordinary sign-in does not mind
		})
	}
}

// A provider that never says when is believed to have asked, if it is configured
// so; one that says when is held to it all the same.
func TestProvider_Finish_FreshReturn(t *testing.T) {
	t.Parallel()
	p := newIDP(t)
	client := p.client(t, func(c *oidcidentity.Config) { c.Fresh = oidcidentity.FreshReturn })
	for name, c := range map[string]struct {
		person object
		ok     bool
	}{
		"not said": {object{}, true}, "now": {object{"auth_time": p.clock.Unix()}, true},
		"yesterday": {object{"auth_time": p.clock.AddDate(0, 0, -1).Unix()}, false}, "null": {object{"auth_time": null}, false},
	} {
		t.Run(name, func(t *testing.T) {
			p.set(func() { p.person = c.person })
			f := p.flow()
			f.Fresh = true
			address, err := client.Begin(t.Context(), f)
			require.NoError(t, err)
			require.Contains(t, address, "prompt=select_account")
			require.NotContains(t, address, "max_age")
			_, err = client.Finish(t.Context(), f, p.approve(t, address))
			if c.ok {
				require.NoError(t, err)
				return
			}
			require.Equal(t, identity.ReasonNotFresh, identity.ReasonOf(err), "%v", err)
		})
	}
	require.ErrorContains(t, oidcidentity.Config{Fresh: "soon"}.Validate(), "fresh sign-in")
}

// SECURITY, faults: a provider that is down, slow, huge, or sends us elsewhere.
func TestProvider_Answers(t *testing.T) {
	t.Parallel()
	reply := func(status int, kind, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
	}
	elsewhere := newIDP(t)
	faults := map[string]http.HandlerFunc{
		"500":       reply(500, "text/html", "<h1>oh</h1>"),
		"503":       reply(503, "application/json", `{"error":"invalid_grant"}`),
		"429":       reply(429, "application/json", `{}`),
		"HTML":      reply(200, "text/html", "<h1>hello</h1>"),
		"half JSON": reply(200, "application/json", `{"keys":[`),
		"empty":     reply(200, "application/json", ""),
		"huge":      reply(200, "application/json", `{"x":"`+strings.Repeat("a", 2<<20)+`"}`),
		"cut": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte("{"))
		},
		"hung up": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"redirected": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+r.URL.Path, http.StatusTemporaryRedirect)
		},
		"big head": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Big", strings.Repeat("a", 64<<10))
		},
	}
	for _, path := range []string{"/.well-known/openid-configuration", "/keys", "/token", "/userinfo"} {
		for name, handler := range faults {
			t.Run(path[1:]+" "+name, func(t *testing.T) {
				t.Parallel()
				p := newIDP(t)
				p.answer[path] = handler
				p.person = object{"groups": nil} // so that userinfo is asked
				client := p.client(t)
				_, err := p.signIn(t, client)
				require.ErrorIs(t, err, identity.ErrUnavailable, "never a failed sign-in, never ours")
				require.Less(t, len(err.Error()), 1000)
				p.set(func() { clear(p.answer); p.clock = p.clock.Add(time.Minute) })
				p.must(t, client)
			})
		}
	}
	t.Cleanup(func() { require.Zero(t, elsewhere.count("/token"), "no secret follows a redirect") })
}

func TestProvider_Slow(t *testing.T) {
	t.Parallel()
	p := newIDP(t)
	done := make(chan struct{})
	t.Cleanup(func() { close(done) })
	p.answer["/.well-known/openid-configuration"] = func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-done:
		case <-r.Context().Done():
		}
	}
	_, err := p.signIn(t, p.client(t, func(c *oidcidentity.Config) { c.Timeout = 50 * time.Millisecond }))
	require.ErrorIs(t, err, identity.ErrUnavailable)
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
}
