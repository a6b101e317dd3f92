package oidcidentity_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/oidcidentity"
	"github.com/archibot/archibotchat/ports/identity"
)

func TestConfig_Validate(t *testing.T) {
	t.Parallel()
	good := oidcidentity.Config{ID: "entra-1", Name: "Contoso", Issuer: "https://login.example.com/t/v2.0", ClientID: "c", Secret: secret, Rule: identity.RuleNone}
	require.NoError(t, good.Validate())
	for _, issuer := range []string{"https://idp.example.com/", "http://127.0.0.1:9/x", "http://localhost", "http://[::1]:8"} {
		c := good
		c.Issuer = issuer
		require.NoError(t, c.Validate(), issuer)
	}
	for _, issuer := range []string{
		"", "idp.example.com", "http://idp.example.com", "http://10.0.0.1", "ftp://127.0.0.1", "https://u:p@idp.example.com", "https://idp.example.com/?a=b",
		"https://idp.example.com?", "https://idp.example.com/#x", "https://", "://", "https:opaque",
	} {
		c := good
		c.Issuer = issuer
		require.ErrorContains(t, c.Validate(), "issuer", issuer)
	}
	bad := oidcidentity.Config{ID: "A/b", Secret: "a b", Rule: "maybe", GroupsClaims: []string{""}, Scopes: []string{"a b"}, Timeout: -1}
	err := bad.Validate()
	for _, want := range []string{"ID is 1 to 32", "name of at most", "issuer", "client ID", "client secret", "required or none", "groups claim", "scope", "time limit"} {
		require.ErrorContains(t, err, want)
	}
	_, err = oidcidentity.New(bad)
	require.Error(t, err)
}

func TestConfig_NeverPrints(t *testing.T) {
	t.Parallel()
	c := oidcidentity.Config{Secret: secret}
	var out bytes.Buffer
	for _, v := range []any{c, &c, c.Secret, []oidcidentity.Secret{secret}} {
		fmt.Fprintf(&out, "%v %+v %#v %s %q %x", v, v, v, v, v, v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "v", v)
	}
	require.NotContains(t, out.String(), secret)
	require.NotContains(t, out.String(), fmt.Sprintf("%x", secret))
}
