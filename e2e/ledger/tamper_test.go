//go:build e2e

package ledger_test

import (
	"database/sql"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/e2e/harness"
)

// Whoever edits the rows themselves is found out by `ledger verify`, which
// names the account and the lot. L5, L11
func TestVerify_Tampering(t *testing.T) {
	harness.Each(t, func(t *testing.T, db harness.Database) {
		site := harness.NewSite(t, db, harness.Options{})
		replica := site.Start(t)
		honest := site.Account(t, harness.NewAccount{Name: "honest", Credits: harness.Credit})
		victim := site.Account(t, harness.NewAccount{Name: "victim", Credits: harness.Credit})
		for _, id := range []string{honest.ID, victim.ID} {
			client := harness.NewClient(replica.BaseURL(), site.Key(t, id).Key)
			for _, shape := range harness.Shapes {
				_, err := client.Ask(t.Context(), shape, "tok-chunks2")
				require.NoError(t, err)
			}
		}
		replica.Stop(t)
		site.Verify(t)

		rows := db.Open(t)
		var lot string
		var remaining int64
		require.NoError(t, rows.QueryRow("SELECT id, remaining FROM lots WHERE account_id = $1", victim.ID).Scan(&lot, &remaining))

		t.Run("the database refuses to change entries and events", func(t *testing.T) {
			for _, statement := range []string{
				"UPDATE entries SET amount = amount - 1", "DELETE FROM entries", "UPDATE events SET amount = 0", "DELETE FROM events",
				"UPDATE holds SET debited = 1 WHERE entry_seq IS NOT NULL", "DELETE FROM holds",
			} {
				_, err := rows.Exec(statement)
				require.ErrorContains(t, err, "append-only", statement)
			}
			site.Verify(t)
		})

		// The account's first request was held first; of the others most are one row.
		var apart, one, last int64
		require.NoError(t, rows.QueryRow("SELECT min(seq) FROM entries WHERE account_id = $1 AND kind = 'debit'", victim.ID).Scan(&apart))
		require.NoError(t, rows.QueryRow("SELECT min(entry_seq), max(entry_seq) FROM holds WHERE account_id = $1", victim.ID).Scan(&one, &last))

		disarm(t, db.Kind, rows)
		for _, c := range []struct {
			name, statement string
			argument        any
		}{
			{"a debit made smaller", "UPDATE entries SET amount = amount + 1 WHERE account_id = $1 AND seq = $2", apart},
			{"a grant made larger", "UPDATE entries SET amount = amount + 1 WHERE account_id = $1 AND seq = $2", 1},
			{"a debit moved to another request", "UPDATE entries SET request_id = 'req_forged' WHERE account_id = $1 AND seq = $2", apart},
			{"a debit deleted", "DELETE FROM entries WHERE account_id = $1 AND seq = $2", apart},
			{"a spend made smaller", "UPDATE holds SET debited = debited - 1 WHERE account_id = $1 AND entry_seq = $2", one},
			{"a spend of another lot", "UPDATE holds SET parts = '[{\"lot\":\"' || (SELECT min(id) FROM lots WHERE account_id = $1) || 'x\",\"amount\":1}]' WHERE account_id = $1 AND entry_seq = $2", one},
			{"a spend made unreadable", "UPDATE holds SET parts = 'x' WHERE account_id = $1 AND entry_seq = $2", one},
			{"a spend that tells of nothing", "UPDATE holds SET entry_seq = NULL, event_seq = NULL WHERE account_id = $1 AND entry_seq = $2", one},
			{"a spend deleted", "DELETE FROM holds WHERE account_id = $1 AND entry_seq = $2", one},
			{"the last spend deleted", "DELETE FROM holds WHERE account_id = $1 AND entry_seq = $2", last},
			{"a lot's remainder raised", "UPDATE lots SET remaining = remaining + 1 WHERE account_id = $1 AND id = $2", lot},
			{"a lot's grant raised", "UPDATE lots SET granted = granted + 1 WHERE account_id = $1 AND id = $2", lot},
			{"a lot said to be held", "UPDATE lots SET held = held + 1 WHERE account_id = $1 AND id = $2", lot},
		} {
			t.Run(c.name, func(t *testing.T) {
				restore := snapshot(t, rows, victim.ID)
				result, err := rows.Exec(c.statement, victim.ID, c.argument)
				require.NoError(t, err)
				n, err := result.RowsAffected()
				require.NoError(t, err)
				require.EqualValues(t, 1, n)

				stdout, stderr, code := site.Run(t, "ledger", "verify")
				require.Equal(t, 1, code, "%s%s", stdout, stderr)
				require.Contains(t, stdout+stderr, victim.ID)
				require.Contains(t, stdout+stderr, lot)
				require.NotContains(t, stdout+stderr, honest.ID)

				restore()
				site.Verify(t)
			})
		}
	})
}

// disarm removes what keeps rows from being changed, as a superuser can.
func disarm(t *testing.T, kind harness.Kind, rows *sql.DB) {
	t.Helper()
	statements := []string{"ALTER TABLE entries DISABLE TRIGGER USER", "ALTER TABLE holds DISABLE TRIGGER USER"}
	if kind == harness.SQLite {
		statements = []string{"DROP TRIGGER entries_no_update", "DROP TRIGGER entries_no_delete", "DROP TRIGGER holds_no_update", "DROP TRIGGER holds_no_delete"}
	}
	for _, statement := range statements {
		_, err := rows.Exec(statement)
		require.NoError(t, err)
	}
}

// snapshot keeps an account's entries, holds and lots and returns what puts them back.
func snapshot(t *testing.T, rows *sql.DB, account string) (restore func()) {
	t.Helper()
	exec := func(statement string, args ...any) {
		_, err := rows.Exec(statement, args...)
		require.NoError(t, err)
	}
	exec("CREATE TABLE kept_entries AS SELECT * FROM entries WHERE account_id = $1", account)
	exec("CREATE TABLE kept_holds AS SELECT * FROM holds WHERE account_id = $1", account)
	exec("CREATE TABLE kept_lots AS SELECT * FROM lots WHERE account_id = $1", account)
	return func() {
		exec("DELETE FROM entries WHERE account_id = $1", account)
		exec("INSERT INTO entries SELECT * FROM kept_entries")
		exec("DELETE FROM holds WHERE account_id = $1", account)
		exec("INSERT INTO holds SELECT * FROM kept_holds")
		exec("UPDATE lots SET (granted, remaining, held) = (SELECT granted, remaining, held FROM kept_lots k WHERE k.id = lots.id) WHERE account_id = $1", account)
		exec("DROP TABLE kept_entries")
		exec("DROP TABLE kept_holds")
		exec("DROP TABLE kept_lots")
	}
}
