package oidcidentity_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/oidcidentity"
	"github.com/archibot/archibotchat/ports/identity"
)

// A5: by a refresh token that brings an ID token.
func TestProvider_Recheck_Refresh(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		refresh object
		want    identity.Reason
		is      error
	}{
		"same person":      {object{"groups": []string{"chat"}}, "", nil},
		"same nonce":       {object{"nonce": "same"}, "", nil},
		"another nonce":    {object{"nonce": "0123456789abcdef0123456789abcdef"}, identity.ReasonNonce, nil},
		"another person":   {object{"sub": "mallory"}, identity.ReasonSubject, nil},
		"another audience": {object{"aud": "other"}, identity.ReasonAudience, nil},
		"another issuer":   {object{"iss": "https://evil.example.com"}, identity.ReasonIssuer, nil},
		"azp of another":   {object{"azp": "other"}, identity.ReasonAudience, nil},
		"expired":          {object{"exp": 1_700_000_000}, identity.ReasonExpired, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newIDP(t)
			client := p.client(t)
			f := p.flow()
			address, err := client.Begin(t.Context(), f)
			require.NoError(t, err)
			first, err := client.Finish(t.Context(), f, p.approve(t, address))
			require.NoError(t, err)
			if c.refresh["nonce"] == "same" {
				c.refresh = object{"nonce": f.Nonce}
			}
			p.set(func() { p.refresh = c.refresh })
			now, keep, err := client.Recheck(t.Context(), first.Grant)
			require.Equal(t, "refresh-2", keep.Refresh, "the provider has forgotten the old one, whatever came with the new")
			require.NotEmpty(t, keep.IDToken)
			require.Equal(t, c.want, identity.ReasonOf(err), "%v", err)
			if c.want != "" {
				require.Zero(t, now)
				return
			}
			require.NoError(t, err)
			require.Equal(t, "alice", now.Subject)
		})
	}
}

func TestProvider_Recheck_Answers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   object
		want   error
	}{
		"invalid_grant":        {400, object{"error": "invalid_grant"}, identity.ErrRefused},
		"invalid_grant, 401":   {401, object{"error": "invalid_grant"}, identity.ErrRefused},
		"interaction_required": {400, object{"error": "interaction_required"}, identity.ErrRefused},
		"access_denied":        {403, object{"error": "access_denied"}, identity.ErrRefused},
		"our secret is wrong":  {401, object{"error": "invalid_client"}, identity.ErrUnavailable},
		"no error":             {400, object{}, identity.ErrUnavailable},
		"limited":              {429, object{"error": "slow_down"}, identity.ErrUnavailable},
		"down":                 {503, object{"error": "invalid_grant"}, identity.ErrUnavailable},
		"moved":                {302, object{"error": "invalid_grant"}, identity.ErrUnavailable},
		"no token":             {200, object{"token_type": "Bearer"}, identity.ErrUnavailable},
		"error in a 200":       {200, object{"error": "invalid_grant"}, identity.ErrRefused},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newIDP(t)
			client := p.client(t)
			grant := p.must(t, client).Grant
			p.set(func() {
				p.answer["/token"] = func(w http.ResponseWriter, _ *http.Request) { respond(w, c.status, c.body) }
			})
			_, keep, err := client.Recheck(t.Context(), grant)
			require.ErrorIs(t, err, c.want)
			require.True(t, keep.Empty())
			require.Equal(t, 2, p.count("/token"), "asked once")
		})
	}
}

// A refresh token that works while keys or userinfo are down: the new one is kept.
func TestProvider_Recheck_HalfDown(t *testing.T) {
	t.Parallel()
	p := newIDP(t)
	p.info = object{}
	client := p.client(t)
	grant := p.must(t, client).Grant
	down := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }
	p.set(func() { p.refresh, p.answer["/userinfo"] = nil, down })
	_, grant, err := client.Recheck(t.Context(), grant)
	require.ErrorIs(t, err, identity.ErrUnavailable)
	require.Equal(t, "refresh-2", grant.Refresh)
	p.set(func() { p.refresh, p.answer["/keys"], p.clock = object{}, down, p.clock.Add(2*time.Hour) })
	_, grant, err = client.Recheck(t.Context(), grant)
	require.ErrorIs(t, err, identity.ErrUnavailable)
	require.Equal(t, "refresh-3", grant.Refresh)
	p.set(func() { clear(p.answer) })
	_, _, err = client.Recheck(t.Context(), grant)
	require.NoError(t, err)
}

// Without a new ID token, userinfo tells, where it tells groups at all.
func TestProvider_Recheck_UserInfo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		person, info object
		rule         string
		want         string
		is           error
	}{
		"groups in both":             {object{}, object{"groups": []string{"chat"}}, identity.RuleRequired, "chat", nil},
		"groups in the token alone":  {object{}, object{}, identity.RuleRequired, "", identity.ErrNoRecheck},
		"groups in userinfo alone":   {object{"groups": nil}, object{"groups": []string{"chat"}}, identity.RuleRequired, "chat", nil},
		"the last group taken away":  {object{"groups": nil}, object{}, identity.RuleRequired, "", nil},
		"groups turned to text":      {object{}, object{"groups": "chat"}, identity.RuleRequired, "", nil},
		"no groups by rule":          {object{}, object{}, identity.RuleNone, "", nil},
		"overage":                    {object{"hasgroups": true}, object{}, identity.RuleRequired, "", identity.ErrNoRecheck},
		"another person in userinfo": {object{}, object{"sub": "mallory"}, identity.RuleRequired, "", identity.ErrFailed},
	} {
		for _, refresh := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				p := newIDP(t)
				p.person, p.refresh, p.info = c.person, nil, object{"groups": []string{"chat"}}
				client := p.client(t, func(cfg *oidcidentity.Config) { cfg.Rule = c.rule })
				grant := p.must(t, client).Grant
				if !refresh {
					grant.Refresh = ""
				}
				p.set(func() { p.info = c.info })
				now, keep, err := client.Recheck(t.Context(), grant)
				require.False(t, keep.Empty())
				require.Equal(t, grant.IDToken, keep.IDToken)
				if c.is != nil {
					require.ErrorIs(t, err, c.is)
					return
				}
				require.NoError(t, err)
				require.Equal(t, c.want, now.Groups.String())
				require.Equal(t, "alice@example.com", now.Email, "as the ID token said")
				require.Equal(t, "sid-1", now.SID)
			})
		}
	}
}

// An access token alone: it tells while it lives; refused before its time, the
// person is.
func TestProvider_Recheck_AccessToken(t *testing.T) {
	t.Parallel()
	p := newIDP(t)
	p.info = object{"groups": []string{"chat"}}
	client := p.client(t)
	grant := p.must(t, client).Grant
	grant.Refresh = ""
	_, _, err := client.Recheck(t.Context(), grant)
	require.NoError(t, err)
	p.set(func() { clear(p.tokens) })
	_, _, err = client.Recheck(t.Context(), grant)
	require.ErrorIs(t, err, identity.ErrRefused)
	p.set(func() { p.clock = p.clock.Add(10 * time.Minute) })
	_, _, err = client.Recheck(t.Context(), grant)
	require.ErrorIs(t, err, identity.ErrNoRecheck, "its time is over")
	for name, g := range map[string]identity.Grant{
		"no time": {Access: grant.Access, IDToken: grant.IDToken}, "nobody": {Refresh: "refresh-1"}, "garbage": {Refresh: "refresh-1", IDToken: "a.b.c"},
	} {
		_, _, err = client.Recheck(t.Context(), g)
		require.ErrorIs(t, err, identity.ErrNoRecheck, name)
	}
	p.set(func() { p.document["userinfo_endpoint"] = nil })
	grant = p.must(t, p.client(t)).Grant
	grant.Refresh = ""
	_, _, err = p.client(t).Recheck(t.Context(), grant)
	require.ErrorIs(t, err, identity.ErrNoRecheck)
}
