//go:build e2e

package idp_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/oidcidentity"
	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/e2e/idp"
	"github.com/archibot/archibotchat/ports/identity"
	"github.com/archibot/archibotchat/ports/identity/identitytest"
)

const (
	secret   = "s3cret"
	callback = "http://127.0.0.1:8080/auth/main/callback" // that of identitytest's flows
	after    = "https://chat.example.com/?signed=out"     // as identitytest has it
)

// site is a client of a provider that runs, and its ear for logout tokens.
type site struct {
	*idp.IDP
	provider *oidcidentity.Provider
	tokens   chan string
}

func start(t *testing.T, userInfoOnly bool) *site {
	t.Helper()
	s := &site{tokens: make(chan string, 16)}
	s.IDP = idp.Start(t, idp.Config{UserInfoOnly: userInfoOnly, Users: map[string]idp.User{
		"alice": {Email: "alice@example.com", Name: "Alice", Groups: []string{"chat", "api", "staff"}},
		"bob":   {Email: "bob@example.com", Name: "Bob"},
	}})
	ear := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { s.tokens <- r.PostFormValue("logout_token") }))
	t.Cleanup(ear.Close)
	s.AddClient(t, "chat", idp.Client{Secret: secret, Redirects: []string{callback}, AfterOut: []string{after}, BackLogout: ear.URL})
	var err error
	s.provider, err = oidcidentity.New(oidcidentity.Config{ID: "main", Name: "Main", Issuer: s.Issuer, ClientID: "chat", Secret: secret, Rule: identity.RuleRequired})
	require.NoError(t, err)
	t.Cleanup(s.provider.Close)
	return s
}

// signIn goes the whole way in a browser.
func (s *site) signIn(t *testing.T, b *idp.Browser, user string) identity.Identity {
	t.Helper()
	f := identitytest.NewFlow(time.Now())
	address, err := s.provider.Begin(t.Context(), f)
	require.NoError(t, err)
	got, err := s.provider.Finish(t.Context(), f, b.SignIn(t, address, user).Query())
	require.NoError(t, err)
	return got
}

// token waits for a logout token that the provider sends.
func (s *site) token(t *testing.T) string {
	t.Helper()
	select {
	case token := <-s.tokens:
		return token
	case <-time.After(20 * time.Second):
		require.Fail(t, "no logout token came")
		return ""
	}
}

// A1, A2, A3 and the whole port, with claims in ID tokens and without.
func TestIDP_Conformance(t *testing.T) {
	for name, only := range map[string]bool{"ID token": false, "userinfo": true} {
		t.Run(name, func(t *testing.T) {
			identitytest.Run(t, func(t *testing.T) identitytest.Harness {
				s := start(t, only)
				b := s.NewBrowser(t)
				return identitytest.Harness{
					Provider: s.provider, Subject: "alice", Now: time.Now,
					Approve: func(t *testing.T, address string) url.Values { return b.SignIn(t, address, "alice").Query() },
					SetGroups: func(g access.Groups) {
						var names []string
						for _, group := range g.List() {
							names = append(names, string(group))
						}
						s.SetGroups(t, "alice", names...)
					},
					Block: func() { s.Block(t, "alice") },
					SetDown: func(down bool) {
						if s.Break(t, 0); down {
							s.Break(t, http.StatusServiceUnavailable)
						}
					},
				}
			})
		})
	}
}

func TestIDP_SignIn(t *testing.T) {
	s := start(t, false)
	b := s.NewBrowser(t)
	got := s.signIn(t, b, "alice")
	require.NotEmpty(t, got.SID)
	require.NotEmpty(t, got.Grant.Refresh)
	got.Grant, got.SID = identity.Grant{}, ""
	require.Equal(t, identity.Identity{
		Issuer: s.Issuer, Subject: "alice", Email: "alice@example.com", EmailVerified: true, Name: "Alice",
		Groups: access.NewGroups("api", "chat"), Rule: identity.RuleRequired, AuthAt: got.AuthAt,
	}, got)
	require.True(t, s.signIn(t, s.NewBrowser(t), "bob").Groups.Empty(), "who has none there has none here")
	// The provider remembers the browser; a person who says no does not get in.
	f := identitytest.NewFlow(time.Now())
	f.Fresh = true
	address, err := s.provider.Begin(t.Context(), f)
	require.NoError(t, err)
	_, err = s.provider.Finish(t.Context(), f, b.Cancel(t, address).Query())
	require.ErrorIs(t, err, identity.ErrRefused)
}

// Two providers side by side, in one browser, each with a session of its own.
func TestIDP_Two(t *testing.T) {
	one, two := start(t, false), start(t, true)
	b := one.NewBrowser(t)
	require.Equal(t, "alice", one.signIn(t, b, "alice").Subject)
	require.Equal(t, "bob", two.signIn(t, b.At(two.IDP), "bob").Subject)
	got := one.signIn(t, b, "nobody is asked")
	require.Equal(t, "alice", got.Subject)
	require.Equal(t, one.Issuer, got.Issuer)
	got = two.signIn(t, b.At(two.IDP), "nobody is asked")
	require.Equal(t, "bob", got.Subject)
	require.Equal(t, two.Issuer, got.Issuer)
	// What one gave, the other does not take (RFC 9207).
	f := identitytest.NewFlow(time.Now())
	address, err := one.provider.Begin(t.Context(), f)
	require.NoError(t, err)
	_, err = two.provider.Finish(t.Context(), f, b.SignIn(t, address, "alice").Query())
	require.Equal(t, identity.ReasonIssuer, identity.ReasonOf(err), "%v", err)
}

// A5: sign-out at the provider, from here and from there.
func TestIDP_SignOut(t *testing.T) {
	s := start(t, false)
	b := s.NewBrowser(t)
	got := s.signIn(t, b, "alice")
	address, err := s.provider.LogoutURL(t.Context(), got.Grant, after)
	require.NoError(t, err)
	require.Equal(t, after, b.SignOut(t, address).String())
	out, err := s.provider.ParseLogout(t.Context(), s.token(t))
	require.NoError(t, err)
	require.Equal(t, got.SID, out.SID)
	require.Equal(t, "alice", out.Subject)
	_, _, err = s.provider.Recheck(t.Context(), got.Grant)
	require.ErrorIs(t, err, identity.ErrRefused, "what it gave ends with the session")

	got = s.signIn(t, b, "alice")
	s.End(t, "alice")
	again, err := s.provider.ParseLogout(t.Context(), s.token(t))
	require.NoError(t, err)
	require.Equal(t, got.SID, again.SID)
	require.NotEqual(t, out.ID, again.ID)
	_, _, err = s.provider.Recheck(t.Context(), got.Grant)
	require.ErrorIs(t, err, identity.ErrRefused)
}

func TestIDP_Stop(t *testing.T) {
	s := start(t, false)
	got := s.signIn(t, s.NewBrowser(t), "alice")
	s.Stop()
	_, _, err := s.provider.Recheck(t.Context(), got.Grant)
	require.ErrorIs(t, err, identity.ErrUnavailable)
}
