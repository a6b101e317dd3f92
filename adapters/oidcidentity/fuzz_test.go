package oidcidentity_test

import (
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/oidcidentity"
)

// Whatever a provider says, what is kept can be stored and shown.
func FuzzClaims(f *testing.F) {
	for _, seed := range []string{
		`{}`, `null`, `{"groups":["chat","api"],"email":"a@b","email_verified":"true","name":"A","auth_time":1}`, `{"groups":null,"hasgroups":true}`,
		`{"realm_access":{"roles":["chat",null]},"_claim_names":{"groups":"x"}}`, `{"email":"\u0000@\u202e","name":"\ud800","auth_time":1e308}`, `{"groups":[["chat"]],"realm_access":[]}`,
	} {
		f.Add([]byte(seed), "realm_access.roles")
	}
	f.Fuzz(func(t *testing.T, raw []byte, path string) {
		got := oidcidentity.ReadClaims(raw, []string{"groups", path})
		for _, text := range []string{got.Email, got.Name} {
			require.True(t, utf8.ValidString(text))
			require.NotContains(t, text, "\x00")
			require.NotContains(t, text, "\u202e")
			for _, r := range text {
				require.False(t, unicode.IsControl(r), "%q", text)
			}
		}
		require.LessOrEqual(t, len(got.Email), 320)
		require.LessOrEqual(t, utf8.RuneCountInString(got.Name), 100)
		require.LessOrEqual(t, len(got.Groups.List()), 4)
		require.True(t, got.AuthAt.IsZero() || got.AuthAt.Unix() > 0)
	})
}

func FuzzToken(f *testing.F) {
	f.Add("eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.AAAA")
	f.Add("..")
	f.Fuzz(func(t *testing.T, raw string) {
		algorithm, claims := oidcidentity.ReadToken(raw)
		require.True(t, algorithm == "" && claims == 0 || len(raw) > 2)
	})
}
