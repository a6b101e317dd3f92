package sqlstore_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/sqlstore"
	"github.com/archibot/archibotchat/core/keys"
)

func TestSQLite_ChangesByHand(t *testing.T) {
	t.Parallel()
	changesByHand(t, open(t, "sqlite:"+filepath.Join(t.TempDir(), "store.db"), nil))
}

// changesByHand edits rows as a person or an older server would: what matters
// is the column, not who writes it (HOTPATH 19).
func changesByHand(t *testing.T, s *sqlstore.Store) {
	truth := "true"
	create(t, s, "acct_1")
	create(t, s, "acct_2")
	require.NoError(t, s.Keys().Create(t.Context(), keys.Key{ID: "key_1", Account: "acct_1", Digest: keys.Digest{1}, CreatedAt: time.Now(), ExpiresAt: time.Now()}))
	for _, c := range []struct {
		statement string
		want      []string
	}{
		{"UPDATE accounts SET entry_seq = 1, event_seq = 1, ledger_at = 1", nil},
		{"UPDATE accounts SET name = 'Other', updated_at = 1", nil},
		{"UPDATE api_keys SET last_used_at = 1", nil},
		{"INSERT INTO users (id, issuer, subject, provider, email, email_verified, name, group_rule, groups, created_at, updated_at, seen_at)" +
			" VALUES ('user_1', 'i', 's', '', '', " + truth + ", '', 'required', '', 1, 1, 1)", nil},
		{"INSERT INTO members (account_id, user_id, role, created_at) VALUES ('acct_2', 'user_1', 'member', 1)", []string{"acct_2"}},
		{"INSERT INTO members (account_id, user_id, role, created_at) VALUES ('acct_1', 'user_1', 'member', 1)", []string{"acct_1"}},
		{"UPDATE users SET seen_at = 2, email = 'x', name = 'x', groups = '', group_rule = 'required'", nil},
		{"UPDATE users SET groups = 'api'", []string{"acct_1", "acct_2"}},
		{"UPDATE users SET group_rule = 'none'", []string{"acct_1", "acct_2"}},
		{"UPDATE members SET role = 'admin' WHERE account_id = 'acct_1'", []string{"acct_1"}},
		{"DELETE FROM members WHERE account_id = 'acct_2'", []string{"acct_2"}},
		{"UPDATE users SET groups = ''", []string{"acct_1"}},
		{"UPDATE api_keys SET notice_at = 1", nil},
		{"UPDATE accounts SET status = 'closed' WHERE id = 'acct_1'", []string{"acct_1"}},
		{"UPDATE accounts SET groups = '' WHERE id = 'acct_2'", []string{"acct_2"}},
		{"UPDATE accounts SET billing = 'review' WHERE id = 'acct_1'", []string{"acct_1"}},
		{"UPDATE accounts SET epoch = epoch + 1 WHERE id = 'acct_1'", []string{"acct_1"}},
		{"UPDATE api_keys SET expires_at = 1", []string{"acct_1"}},
		{"UPDATE api_keys SET scopes = '[]', last_used_at = 2", []string{"acct_1"}},
		{"UPDATE api_keys SET networks = '[]'", []string{"acct_1"}},
		{"UPDATE api_keys SET family = 'key_0'", []string{"acct_1"}},
		{"INSERT INTO limits (account_id, scope, monthly, requests, tokens, updated_at) VALUES ('acct_1', 'acct_1', 1, 0, 0, 1)", []string{"acct_1"}},
		{"UPDATE limits SET monthly = 2", []string{"acct_1"}},
		{"DELETE FROM limits", []string{"acct_1"}},
		{"INSERT INTO counters (account_id, scope, window_at, reserved, spent, requests_at, tokens_at) VALUES ('acct_1', 'acct_1', 1, 0, 0, 0, 0)", nil},
		{"UPDATE api_keys SET revoked_at = 1", []string{"acct_1"}},
		{"UPDATE api_keys SET account_id = 'acct_2'", []string{"acct_1", "acct_2"}},
		{"DELETE FROM api_keys", []string{"acct_2"}},
	} {
		at, err := s.Changes().Head(t.Context())
		require.NoError(t, err)
		require.NoError(t, s.Exec(t.Context(), c.statement))
		list, err := s.Changes().Since(t.Context(), at, 10)
		require.NoError(t, err)
		var got []string
		for _, change := range list {
			got = append(got, change.Account)
		}
		require.ElementsMatch(t, c.want, got, c.statement)
	}
}
