package keyring_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/app/keyring"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/keys"
)

func TestCheckText(t *testing.T) { // S2
	t.Parallel()
	for _, good := range []string{
		"build server", "CI – Düsseldorf (2026)", "my-very-long-hyphenated-name-for-a-service", "Backend v2.11.0 staging",
		"skunk-works key", "order 4711", "phone 0211 123456", "Gäste-WLAN", "日本語の鍵", "release-2026-03-01", "sk", "session key for tests",
		"acct_06b1v5k9ehq7r4m2d8t0s3n1cg",
	} {
		_, err := keyring.CheckText(good, "name")
		require.NoError(t, err, good)
	}
	for _, bad := range []string{
		keys.Mint([32]byte{1, 2, 3}).Reveal(), "the key is abk_4fT9abcdefgh", "ABK_12345678", "sk-proj-abcdefgh12", "sk_live_1234567890", "ghp_abcdefghijkl",
		"github_pat_11ABCDEFG", "AKIAIOSFODNN7EXAMPLE", "AIzaSyA1234567", "xoxb-123456789012", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIi", "-----BEGIN PRIVATE KEY-----",
		"Bearer abcdefghij", "password: hunter2", "pwd=x", "4111 1111 1111 1111", "4111-1111-1111-1111", "d41d8cd98f00b204e9800998ecf8427e",
		"__Host-archibot_session=abcdefgh", strings.Repeat("aB3", 8),
	} {
		_, err := keyring.CheckText(bad, "name")
		require.Equal(t, "secret_in_text", fault.CodeOf(err), bad)
		require.NotContains(t, err.Error(), bad)
	}
}
