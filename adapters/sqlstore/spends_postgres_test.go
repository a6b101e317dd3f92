//go:build engines

package sqlstore_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/sqlstore"
	"github.com/archibot/archibotchat/adapters/sqlstore/blank"
	"github.com/archibot/archibotchat/adapters/sqlstore/row"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/e2e/engine/localpg"
	"github.com/archibot/archibotchat/ports/store"
)

func TestPostgres_Spends(t *testing.T) {
	t.Parallel()
	oneRowTellsAsThree(t, func(clock func() time.Time) *sqlstore.Store { return open(t, localpg.Copy(t, blank.Migrate), clock) })
}

// spend appends the event of a request that is one row, and returns its ID.
func spend(t *testing.T, s *sqlstore.Store) string {
	t.Helper()
	request := newID("req")
	commit(t, s, ledger.Op{Kind: ledger.OpSpend, Account: "acct_1", Request: request, Nonce: "n", Amount: 2, Cost: 1, Work: spendWork(1)})
	return "evt_" + strings.TrimPrefix(request, "req_")
}

// HOTPATH 21, for events that holds tell.
func TestPostgres_SpendsAcrossASeal(t *testing.T) {
	t.Parallel()
	s := open(t, localpg.Copy(t, blank.Migrate), nil)
	create(t, s, "acct_1")
	create(t, s, "acct_2")
	commit(t, s, grant("acct_1", "lot_1", 100))
	first := spend(t, s)
	require.Contains(t, sealed(t, s, 2), first)
	var second, third string
	require.NoError(t, s.Do(t.Context(), func(ctx context.Context, tx store.Stores) error {
		a, err := tx.Accounts().Get(ctx, "acct_2")
		if err != nil {
			return err
		}
		if err := tx.Accounts().Set(ctx, a); err != nil { // it writes: now it has a number
			return err
		}
		second = spend(t, s) // begins later, commits first
		require.Empty(t, step(t, s))
		loose, _, err := s.SealLog().Loose(t.Context(), "", 10)
		require.NoError(t, err)
		require.Len(t, loose, 1)
		require.Equal(t, second, loose[0].ID)
		require.Equal(t, store.Pending, loose[0].Why)
		return tx.Events().Append(ctx, event("evt_between"))
	}))
	third = spend(t, s)
	require.Equal(t, []string{"evt_between", second, third}, sealed(t, s, 3), "by transaction, not by commit, nor by table")
	requireAllSealed(t, s, 5)
}

func TestPostgres_SpendsOfAMovedDatabase(t *testing.T) {
	t.Parallel()
	s := open(t, localpg.Copy(t, blank.Migrate), nil)
	exec := func(statement string) { require.NoError(t, s.Exec(t.Context(), statement), statement) }
	create(t, s, "acct_1")
	commit(t, s, grant("acct_1", "lot_1", 100))
	old := spend(t, s)
	require.Contains(t, sealed(t, s, 2), old)
	unsealed := spend(t, s)
	exec("ALTER TABLE holds DISABLE TRIGGER USER")
	exec("UPDATE holds SET xact = '9000000000000'") // as they were numbered where they came from
	exec("ALTER TABLE holds ENABLE TRIGGER USER")
	note(t, s, "evt_0")
	between := spend(t, s)
	exec("UPDATE audit_head SET cluster = 'other'")
	require.Equal(t, []string{"evt_0", unsealed, between}, sealed(t, s, 3), "what was there is swept in by ID")
	after := spend(t, s)
	note(t, s, "evt_1")
	require.Equal(t, []string{after, "evt_1"}, sealed(t, s, 2))
	requireAllSealed(t, s, 7)
}

// A sealer that is far behind reads a batch of spends, too, not all that is due.
func TestPostgres_NextReadsABatchOfSpends(t *testing.T) {
	t.Parallel()
	s := open(t, localpg.Copy(t, blank.Migrate), nil)
	create(t, s, "acct_1")
	commit(t, s, grant("acct_1", "lot_1", 100))
	spend(t, s)
	sealed(t, s, 2)
	others := strings.TrimPrefix(row.HoldColumns, "request_id, ")
	require.NoError(t, s.Exec(t.Context(), "CREATE TABLE one AS SELECT * FROM holds"))
	require.NoError(t, s.Exec(t.Context(), `DO $$ BEGIN FOR i IN 1..2000 LOOP
		INSERT INTO holds (request_id, entry_seq, event_seq, `+others+`) SELECT 'req_' || i || '_' || j, 10 * i + j, 10 * i + j, `+others+` FROM one, generate_series(0, 9) AS j;
		COMMIT; END LOOP; END $$`))
	nextReadsABatch(t, s, "holds", "holds_sealing")
}
