package boot_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/hosts/internal/boot"
)

const public = "https://chat.example.com"

func TestSettings_Providers(t *testing.T) { // A1, A3
	t.Parallel()
	s, err := settings(t, nil, "")
	require.NoError(t, err)
	require.Empty(t, s.Providers)
	s, err = settings(t, map[string]string{
		"ARCHIBOT_PUBLIC_URL":      public,
		"ARCHIBOT_PROVIDER_ISSUER": "https://login.example.com/app/", "ARCHIBOT_PROVIDER_CLIENT_ID": "one", "ARCHIBOT_PROVIDER_CLIENT_SECRET": "secret-canary-1",
		"ARCHIBOT_PROVIDER_2_ID": "entra", "ARCHIBOT_PROVIDER_2_NAME": "Contoso & Söhne", "ARCHIBOT_PROVIDER_2_ISSUER": "https://login.microsoftonline.com/t/v2.0",
		"ARCHIBOT_PROVIDER_2_CLIENT_ID": "two", "ARCHIBOT_PROVIDER_2_CLIENT_SECRET": "secret-canary-2", "ARCHIBOT_PROVIDER_2_GROUPS_CLAIM": "groups, roles",
		"ARCHIBOT_PROVIDER_2_GROUP_MAP": "cn=staff,dc=example = chat, api ; Admins=operator;", "ARCHIBOT_PROVIDER_2_SCOPES": "openid, email profile",
		"ARCHIBOT_PROVIDER_3_ID": "google", "ARCHIBOT_PROVIDER_3_ISSUER": "https://accounts.google.com", "ARCHIBOT_PROVIDER_3_CLIENT_ID": "three",
		"ARCHIBOT_PROVIDER_3_CLIENT_SECRET": "secret-canary-3", "ARCHIBOT_PROVIDER_3_GROUPS": "none", "ARCHIBOT_PROVIDER_3_FRESH": "return",
	}, "")
	require.NoError(t, err)
	require.Equal(t, []boot.Provider{
		{ID: "sso", Name: "login.example.com", Issuer: "https://login.example.com/app/", ClientID: "one", ClientSecret: boot.NewSecret("secret-canary-1"), Rule: "required", GroupsClaims: []string{"groups"}, Scopes: []string{}, Fresh: "auth_time"},
		{
			ID: "entra", Name: "Contoso & Söhne", Issuer: "https://login.microsoftonline.com/t/v2.0", ClientID: "two", ClientSecret: boot.NewSecret("secret-canary-2"), Rule: "required",
			GroupsClaims: []string{"groups", "roles"}, Scopes: []string{"openid", "email", "profile"}, Fresh: "auth_time",
			GroupMap: map[string]access.Groups{"cn=staff,dc=example": access.NewGroups("api", "chat"), "Admins": access.NewGroups("operator")},
		},
		{ID: "google", Name: "accounts.google.com", Issuer: "https://accounts.google.com", ClientID: "three", ClientSecret: boot.NewSecret("secret-canary-3"), Rule: "none", GroupsClaims: []string{"groups"}, Scopes: []string{}, Fresh: "return"},
	}, s.Providers)
	for _, p := range s.Providers {
		require.Equal(t, "[redacted]", boot.Redact(p.ClientSecret.Reveal(), s.Secrets()...))
	}
}

// The list in the file says who, variables may bring the secrets.
func TestSettings_ProvidersInTheFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(path, []byte("from-a-file\n"), 0o600))
	s, err := settings(t, map[string]string{"ARCHIBOT_PUBLIC_URL": public, "ARCHIBOT_PROVIDER_2_CLIENT_SECRET": "from-a-variable"}, `providers:
  - {issuer: "https://one.example.com", client_id: one, client_secret_file: `+path+`, groups_claim: [groups, roles]}
  - {id: two, issuer: "https://two.example.com", client_id: two, groups: none}
`)
	require.NoError(t, err)
	require.Len(t, s.Providers, 2)
	require.Equal(t, "from-a-file", s.Providers[0].ClientSecret.Reveal())
	require.Equal(t, []string{"groups", "roles"}, s.Providers[0].GroupsClaims)
	require.Equal(t, "from-a-variable", s.Providers[1].ClientSecret.Reveal())
	s, err = settings(t, map[string]string{"ARCHIBOT_PUBLIC_URL": public}, "provider_issuer: https://one.example.com\nprovider_client_id: one\nprovider_client_secret: s\n")
	require.NoError(t, err)
	require.Equal(t, "https://one.example.com", s.Providers[0].Issuer)
}

// In local, a provider on this machine needs neither https nor a secret.
func TestSettings_ProvidersInLocal(t *testing.T) {
	t.Parallel()
	s, err := settings(t, map[string]string{
		"ARCHIBOT_ENVIRONMENT": "local", "ARCHIBOT_LISTEN": "127.0.0.1:0", "ARCHIBOT_DATABASE_URL": "-", "ARCHIBOT_PEPPERS": "-", "ARCHIBOT_AUDIT_KEY": "-",
		"ARCHIBOT_PROVIDER_ISSUER": "http://127.0.0.1:9000/realms/x", "ARCHIBOT_PROVIDER_CLIENT_ID": "dev",
	}, "")
	require.NoError(t, err)
	require.True(t, s.Providers[0].ClientSecret.Empty())
}

func TestSettings_ProvidersRefuses(t *testing.T) {
	t.Parallel()
	good := func(change map[string]string) map[string]string {
		out := map[string]string{
			"ARCHIBOT_PUBLIC_URL": public, "ARCHIBOT_PROVIDER_ISSUER": "https://login.example.com", "ARCHIBOT_PROVIDER_CLIENT_ID": "one", "ARCHIBOT_PROVIDER_CLIENT_SECRET": "s",
		}
		for k, v := range change {
			out[k] = v
		}
		return out
	}
	for name, c := range map[string]struct {
		vars  map[string]string
		yaml  string
		wants []string
	}{
		"all of it at once": {
			map[string]string{
				"ARCHIBOT_PROVIDER_ID": "A/b", "ARCHIBOT_PROVIDER_NAME": "a\u202eb", "ARCHIBOT_PROVIDER_ISSUER": "http://login.example.com", "ARCHIBOT_PROVIDER_CLIENT_SECRET": "",
				"ARCHIBOT_PROVIDER_GROUPS": "maybe", "ARCHIBOT_PROVIDER_GROUPS_CLAIM": ", ", "ARCHIBOT_PROVIDER_GROUP_MAP": "staff=chef", "ARCHIBOT_PROVIDER_SCOPES": "opénid",
				"ARCHIBOT_PROVIDER_2_CLIENT_ID": "a b", "ARCHIBOT_PROVIDER_2_CLIENT_SECRET": "a b",
			},
			"",
			[]string{
				"ARCHIBOT_PROVIDER_ID is 1 to 32", "ARCHIBOT_PROVIDER_NAME is 1 to 100", "ARCHIBOT_PROVIDER_ISSUER must begin with https", "ARCHIBOT_PROVIDER_CLIENT_ID is missing",
				"ARCHIBOT_PROVIDER_CLIENT_SECRET is missing", "ARCHIBOT_PROVIDER_GROUPS is required, or none", "ARCHIBOT_PROVIDER_GROUPS_CLAIM names", "ARCHIBOT_PROVIDER_GROUP_MAP maps",
				"ARCHIBOT_PROVIDER_SCOPES lists", "ARCHIBOT_PROVIDER_2_ISSUER is missing", "ARCHIBOT_PROVIDER_2_CLIENT_ID is missing", "ARCHIBOT_PROVIDER_2_CLIENT_SECRET holds",
				"ARCHIBOT_PUBLIC_URL is missing",
			},
		},
		"no secret":            {good(map[string]string{"ARCHIBOT_PROVIDER_CLIENT_SECRET": "-"}), "", []string{"ARCHIBOT_PROVIDER_CLIENT_SECRET is missing"}},
		"the same issuer":      {good(map[string]string{"ARCHIBOT_PROVIDER_2_ISSUER": "https://login.example.com", "ARCHIBOT_PROVIDER_2_CLIENT_ID": "c", "ARCHIBOT_PROVIDER_2_CLIENT_SECRET": "s"}), "", []string{"ARCHIBOT_PROVIDER_2_ISSUER is that of another"}},
		"the same ID":          {good(map[string]string{"ARCHIBOT_PROVIDER_2_ID": "sso", "ARCHIBOT_PROVIDER_2_ISSUER": "https://x.example.com"}), "", []string{"ARCHIBOT_PROVIDER_2_ID is that of another"}},
		"the ID of links":      {good(map[string]string{"ARCHIBOT_PROVIDER_ID": "local"}), "", []string{"ARCHIBOT_PROVIDER_ID is that of another"}},
		"a password":           {good(map[string]string{"ARCHIBOT_PROVIDER_ISSUER": "https://u:p@x.example.com"}), "", []string{"ARCHIBOT_PROVIDER_ISSUER must not hold"}},
		"a query":              {good(map[string]string{"ARCHIBOT_PROVIDER_ISSUER": "https://x.example.com/?a=b"}), "", []string{"ARCHIBOT_PROVIDER_ISSUER must be"}},
		"a map without =":      {good(map[string]string{"ARCHIBOT_PROVIDER_GROUP_MAP": "staff"}), "", []string{"ARCHIBOT_PROVIDER_GROUP_MAP maps"}},
		"an empty map":         {good(map[string]string{"ARCHIBOT_PROVIDER_GROUP_MAP": ";"}), "", []string{"ARCHIBOT_PROVIDER_GROUP_MAP maps"}},
		"one of theirs twice":  {good(map[string]string{"ARCHIBOT_PROVIDER_GROUP_MAP": "a=chat;a=api"}), "", []string{"ARCHIBOT_PROVIDER_GROUP_MAP maps"}},
		"theirs empty":         {good(map[string]string{"ARCHIBOT_PROVIDER_GROUP_MAP": "=chat"}), "", []string{"ARCHIBOT_PROVIDER_GROUP_MAP maps"}},
		"ours empty":           {good(map[string]string{"ARCHIBOT_PROVIDER_GROUP_MAP": "a="}), "", []string{"ARCHIBOT_PROVIDER_GROUP_MAP maps"}},
		"none, with a map":     {good(map[string]string{"ARCHIBOT_PROVIDER_GROUPS": "none", "ARCHIBOT_PROVIDER_GROUP_MAP": "a=chat"}), "", []string{"ARCHIBOT_PROVIDER_GROUPS is none, although"}},
		"no public URL":        {good(map[string]string{"ARCHIBOT_PUBLIC_URL": "-"}), "", []string{"ARCHIBOT_PUBLIC_URL is missing"}},
		"a gap":                {good(map[string]string{"ARCHIBOT_PROVIDER_3_ISSUER": "https://x"}), "", []string{"ARCHIBOT_PROVIDER_3 and the like are set, but no provider 2 is"}},
		"only the second":      {map[string]string{"ARCHIBOT_PROVIDER_2_ISSUER": "https://x"}, "", []string{"no provider 1 is"}},
		"too many":             {good(map[string]string{"ARCHIBOT_PROVIDER_9_ISSUER": "https://x"}), "", []string{"there may be 8 providers"}},
		"secret twice":         {good(map[string]string{"ARCHIBOT_PROVIDER_CLIENT_SECRET_FILE": "f"}), "", []string{"ARCHIBOT_PROVIDER_CLIENT_SECRET and ARCHIBOT_PROVIDER_CLIENT_SECRET_FILE are both set"}},
		"list and setting":     {nil, "provider_issuer: https://x\nproviders: [{issuer: 'https://y'}]\n", []string{"provider_issuer is set twice"}},
		"an unknown field":     {nil, "providers: [{url: 'https://y'}]\n", []string{`a provider has no field "url"`}},
		"no list":              {nil, "providers: {issuer: 'https://y'}\n", []string{"providers must be a list"}},
		"an odd setting":       {nil, "provider_url: https://y\n", []string{`there is no setting "provider_url"`}},
		"an odd second":        {nil, "provider_1_issuer: https://y\n", []string{`there is no setting "provider_1_issuer"`}},
		"a map as a structure": {nil, "providers: [{issuer: 'https://y', group_map: {a: chat}}]\n", []string{"provider_group_map must be a single value"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := settings(t, c.vars, c.yaml)
			for _, want := range c.wants {
				require.ErrorContains(t, err, want)
			}
			require.NotContains(t, err.Error(), "u:p@")
		})
	}
}
