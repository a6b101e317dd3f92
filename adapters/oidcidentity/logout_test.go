package oidcidentity_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/ports/identity"
)

const event = "http://schemas.openid.net/event/backchannel-logout"

// A5: logout tokens, right and wrong in one thing each.
func TestProvider_ParseLogout(t *testing.T) {
	t.Parallel()
	p := newIDP(t)
	client := p.client(t)
	at := p.clock.Unix()
	for name, c := range map[string]struct {
		change, head object
		want         identity.Reason
	}{
		"as it should be":   {nil, nil, ""},
		"no typ":            {nil, object{"typ": nil}, ""},
		"typ JWT":           {nil, object{"typ": "JWT"}, ""},
		"typ in capitals":   {nil, object{"typ": "LOGOUT+JWT"}, ""},
		"typ of another":    {nil, object{"typ": "at+jwt"}, identity.ReasonLogout},
		"sub alone":         {object{"sid": nil}, nil, ""},
		"sid alone":         {object{"sub": nil}, nil, ""},
		"neither":           {object{"sub": nil, "sid": nil}, nil, identity.ReasonLogout},
		"long sid":          {object{"sid": strings.Repeat("s", 256)}, nil, identity.ReasonLogout},
		"long jti":          {object{"jti": strings.Repeat("s", 256)}, nil, identity.ReasonLogout},
		"sub with U+0000":   {object{"sub": "a\x00"}, nil, identity.ReasonLogout},
		"no jti":            {object{"jti": nil}, nil, identity.ReasonLogout},
		"no events":         {object{"events": nil}, nil, identity.ReasonLogout},
		"other events":      {object{"events": object{"x": object{}}}, nil, identity.ReasonLogout},
		"events null":       {object{"events": object{event: null}}, nil, identity.ReasonLogout},
		"events text":       {object{"events": object{event: "yes"}}, nil, identity.ReasonLogout},
		"events a list":     {object{"events": []string{event}}, nil, identity.ReasonLogout},
		"an event's fields": {object{"events": object{event: object{"x": 1}}}, nil, ""},
		"nonce":             {object{"nonce": "n"}, nil, identity.ReasonLogout},
		"nonce empty":       {object{"nonce": ""}, nil, identity.ReasonLogout},
		"expired":           {object{"exp": at - 1}, nil, identity.ReasonExpired},
		"no exp":            {object{"exp": nil}, nil, identity.ReasonLogout},
		"old":               {object{"iat": at - 301, "exp": at + 3600}, nil, identity.ReasonExpired},
		"nearly old":        {object{"iat": at - 299, "exp": at + 3600}, nil, ""},
		"from the future":   {object{"iat": at + 301, "exp": at + 3600}, nil, identity.ReasonExpired},
		"no iat":            {object{"iat": nil}, nil, identity.ReasonExpired},
		"another's":         {object{"aud": "other"}, nil, identity.ReasonAudience},
		"ours among others": {object{"aud": []string{"other", clientID}}, nil, ""},
		"another issuer":    {object{"iss": "https://evil.example.com"}, nil, identity.ReasonIssuer},
		"alg none":          {nil, object{"alg": "none"}, identity.ReasonSignature},
		"unknown kid":       {nil, object{"kid": "nine"}, identity.ReasonSignature},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := client.ParseLogout(t.Context(), p.logoutToken(c.change, c.head))
			require.Equal(t, c.want, identity.ReasonOf(err), "%v", err)
			if c.want != "" {
				require.Zero(t, got)
				return
			}
			require.NoError(t, err)
			require.Equal(t, "jti-1", got.ID)
			require.Equal(t, p.URL, got.Issuer)
			require.Equal(t, got.At.Add(5*time.Minute), got.Until, "a repetition is refused by age past this")
		})
	}
	got, err := client.ParseLogout(t.Context(), p.logoutToken(object{"sub": nil}, nil))
	require.NoError(t, err)
	require.Equal(t, "sid-1", got.SID)
	require.Empty(t, got.Subject)
	_, err = client.ParseLogout(t.Context(), p.must(t, client).Grant.IDToken)
	require.Equal(t, identity.ReasonLogout, identity.ReasonOf(err), "an ID token is none")
}

func TestProvider_LogoutURL(t *testing.T) {
	t.Parallel()
	p := newIDP(t)
	client := p.client(t)
	grant := p.must(t, client).Grant
	text, err := client.LogoutURL(t.Context(), grant, "https://chat.example.com/")
	require.NoError(t, err)
	u, err := url.Parse(text)
	require.NoError(t, err)
	require.Equal(t, p.URL+"/logout", u.Scheme+"://"+u.Host+u.Path)
	require.Equal(t, url.Values{
		"x": {"1"}, "client_id": {clientID}, "id_token_hint": {grant.IDToken}, "post_logout_redirect_uri": {"https://chat.example.com/"},
	}, u.Query())
	grant.IDToken = strings.Repeat("a", 5<<10)
	text, err = client.LogoutURL(t.Context(), grant, "https://chat.example.com/")
	require.NoError(t, err)
	require.NotContains(t, text, "id_token_hint", "too long for an address")
}
