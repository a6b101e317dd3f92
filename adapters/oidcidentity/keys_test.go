package oidcidentity_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/archibot/archibotchat/adapters/oidcidentity"
	"github.com/archibot/archibotchat/ports/identity"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// SECURITY, sign-in: keys that change, go, or cannot be had.
func TestProvider_Keys_Rotated(t *testing.T) {
	t.Parallel()
	p := newIDP(t)
	client := p.client(t)
	p.must(t, client)
	p.must(t, client)
	require.Equal(t, 1, p.count("/keys"), "they are kept")
	p.set(func() { p.key, p.kid, p.clock = keys()[1], "two", p.clock.Add(10*time.Second) })
	p.must(t, client)
	require.Equal(t, 2, p.count("/keys"), "a new kid is looked up")
}

func TestProvider_Keys_Withdrawn(t *testing.T) {
	t.Parallel()
	p := newIDP(t)
	client := p.client(t)
	p.must(t, client)
	stolen, kid := p.key, p.kid
	p.set(func() {
		p.key, p.kid = keys()[1], "two"
		p.sign = func(c object) string { return rs256(stolen, object{"alg": "RS256", "kid": kid}, c) }
		p.clock = p.clock.Add(time.Hour)
	})
	_, err := p.signIn(t, client)
	require.Equal(t, identity.ReasonSignature, identity.ReasonOf(err), "%v", err)
}

func TestProvider_Keys_Down(t *testing.T) {
	t.Parallel()
	p := newIDP(t)
	client := p.client(t)
	down := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }
	p.answer["/keys"] = down
	_, err := p.signIn(t, client)
	require.ErrorIs(t, err, identity.ErrUnavailable)
	p.set(func() { clear(p.answer) })
	p.must(t, client)
	p.set(func() { p.answer["/keys"] = down })
	p.must(t, client) // a known key needs no query
	// Discovery and keys fail past their age: the document serves on, keys do not.
	p.set(func() { p.answer["/.well-known/openid-configuration"], p.clock = down, p.clock.Add(time.Hour) })
	_, err = client.Begin(t.Context(), p.flow())
	require.NoError(t, err)
	_, err = p.signIn(t, client)
	require.ErrorIs(t, err, identity.ErrUnavailable)
	p.set(func() { delete(p.answer, "/keys") })
	p.must(t, client)
}

// Whoever posts tokens with keys that nobody knows makes few queries.
func TestProvider_Keys_Flood(t *testing.T) {
	t.Parallel()
	p := newIDP(t)
	client := p.client(t)
	p.must(t, client)
	for range 20 {
		_, err := client.ParseLogout(t.Context(), p.logoutToken(nil, object{"kid": "unknown"}))
		require.Equal(t, identity.ReasonSignature, identity.ReasonOf(err), "%v", err)
	}
	require.Equal(t, 1, p.count("/keys"))
}

// A provider that is down at the start is found once it is up, and is not
// asked for its document at each sign-in.
func TestProvider_Discovery(t *testing.T) {
	t.Parallel()
	const path = "/.well-known/openid-configuration"
	p := newIDP(t)
	client := p.client(t)
	require.Zero(t, p.count(path), "New asks nobody")
	p.answer[path] = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }
	_, err := client.Begin(t.Context(), p.flow())
	require.ErrorIs(t, err, identity.ErrUnavailable)
	p.set(func() { clear(p.answer) })
	p.must(t, client)
	p.must(t, client)
	require.Equal(t, 2, p.count(path))
	p.set(func() { p.clock = p.clock.Add(time.Hour); p.document["end_session_endpoint"] = nil })
	address, err := client.LogoutURL(t.Context(), identity.Grant{}, "https://chat.example.com/")
	require.NoError(t, err)
	require.Empty(t, address, "the document is read anew after an hour")
	require.Equal(t, 3, p.count(path))
}

func TestProvider_Discovery_Refused(t *testing.T) {
	t.Parallel()
	for name, document := range map[string]object{
		"another issuer":         {"issuer": "https://evil.example.com"},
		"no issuer":              {"issuer": nil},
		"no token endpoint":      {"token_endpoint": nil},
		"a file for keys":        {"jwks_uri": "file:///etc/passwd"},
		"no keys":                {"jwks_uri": nil},
		"a password":             {"authorization_endpoint": "https://u:p@idp.example.com/"},
		"a script":               {"authorization_endpoint": "javascript:alert(1)"},
		"no asymmetric way":      {"id_token_signing_alg_values_supported": []string{"HS256", "none"}},
		"algorithms of no shape": {"id_token_signing_alg_values_supported": "RS256"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newIDP(t)
			p.document = document
			_, err := p.client(t).Begin(t.Context(), p.flow())
			require.ErrorIs(t, err, identity.ErrUnavailable)
		})
	}
}

// Discovery cannot send us to this machine or to a metadata service by another
// name than the issuer's.
func TestProvider_Discovery_InnerAddresses(t *testing.T) {
	t.Parallel()
	for _, host := range []string{
		"169.254.169.254", "[fd00:ec2::254]", "[fe80::1]", "[::ffff:169.254.169.254]", "[64:ff9b::a9fe:a9fe]", "100.100.100.200", "168.63.129.16",
		"0.0.0.0", "[::]", "[::1]", "127.0.0.2", "localhost", "224.0.0.1",
	} {
		t.Run(host, func(t *testing.T) {
			t.Parallel()
			p := newIDP(t)
			p.document["token_endpoint"] = "http://" + host + ":1/token"
			_, err := p.signIn(t, p.client(t))
			require.ErrorIs(t, err, identity.ErrUnavailable)
			require.ErrorContains(t, err, "no provider may point to")
		})
	}
}

func TestProvider_ClientSecretPost(t *testing.T) {
	t.Parallel()
	p := newIDP(t)
	p.document["token_endpoint_auth_methods_supported"] = []string{"client_secret_post"}
	var form http.Header
	p.answer["/token"] = func(w http.ResponseWriter, r *http.Request) {
		form = http.Header{"Secret": {r.PostFormValue("client_secret")}, "Basic": {r.Header.Get("Authorization")}}
		respond(w, http.StatusBadRequest, object{"error": "invalid_grant"})
	}
	_, err := p.signIn(t, p.client(t))
	require.Equal(t, identity.ReasonCode, identity.ReasonOf(err))
	require.Equal(t, http.Header{"Secret": {secret}, "Basic": {""}}, form)
	_, err = p.signIn(t, p.client(t, func(c *oidcidentity.Config) { c.Secret = "" }))
	require.Equal(t, identity.ReasonCode, identity.ReasonOf(err))
	require.Equal(t, http.Header{"Secret": {""}, "Basic": {""}}, form, "a public client")
}
