//go:build engines

package sqlstore_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/sqlstore"
	"github.com/archibot/archibotchat/adapters/sqlstore/blank"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/e2e/engine/localpg"
	"github.com/archibot/archibotchat/ports/store"
)

func TestPostgres_LogIsAppendOnly(t *testing.T) {
	t.Parallel()
	s := open(t, localpg.Copy(t, blank.Migrate), nil)
	logAppendOnly(t, s)
	for _, table := range []string{"audit_leaves", "audit_nodes", "audit_checkpoints"} {
		require.ErrorContains(t, s.Exec(t.Context(), "TRUNCATE "+table), "append-only")
	}
}

// HOTPATH 21: an event that was written before a seal and committed after it
// is sealed then. Until it is, nothing that was written later is.
func TestPostgres_TransactionOpenAcrossASeal(t *testing.T) {
	t.Parallel()
	s := open(t, localpg.Copy(t, blank.Migrate), nil)
	create(t, s, "acct_1")
	create(t, s, "acct_2")
	note(t, s, "evt_1")
	require.Equal(t, []string{"evt_1"}, sealed(t, s, 1))
	require.NoError(t, s.Do(t.Context(), func(ctx context.Context, tx store.Stores) error {
		a, err := tx.Accounts().Get(ctx, "acct_2")
		if err != nil {
			return err
		}
		if err := tx.Accounts().Set(ctx, a); err != nil { // it writes: now it has a number
			return err
		}
		note(t, s, "evt_3") // begins later, commits first
		require.Empty(t, step(t, s))
		loose, _, err := s.SealLog().Loose(t.Context(), "", 10)
		require.NoError(t, err)
		require.Len(t, loose, 1)
		require.Equal(t, store.Pending, loose[0].Why)
		return tx.Events().Append(ctx, event("evt_2"))
	}))
	require.Equal(t, []string{"evt_2", "evt_3"}, sealed(t, s, 2), "by transaction, not by commit")

	// A transaction that has begun, but not yet written, holds up nobody.
	require.NoError(t, s.Do(t.Context(), func(ctx context.Context, tx store.Stores) error {
		if _, err := tx.Accounts().Get(ctx, "acct_1"); err != nil {
			return err
		}
		note(t, s, "evt_5")
		require.Equal(t, []string{"evt_5"}, sealed(t, s, 1))
		return tx.Events().Append(ctx, event("evt_4"))
	}))
	require.Equal(t, []string{"evt_4"}, sealed(t, s, 1))
	requireAllSealed(t, s, 5)
}

func TestPostgres_OneSealsAtATime(t *testing.T) {
	t.Parallel()
	s := open(t, localpg.Copy(t, blank.Migrate), nil)
	require.NoError(t, s.Do(t.Context(), func(ctx context.Context, tx store.Stores) error {
		if _, err := tx.Seals().Take(ctx); err != nil {
			return err
		}
		begun := time.Now()
		err := s.Do(t.Context(), func(ctx context.Context, tx store.Stores) error { _, err := tx.Seals().Take(ctx); return err })
		require.ErrorIs(t, err, store.ErrSealing)
		require.Less(t, time.Since(begun), 2*time.Second, "at once")
		return nil
	}))
	require.NoError(t, s.Do(t.Context(), func(ctx context.Context, tx store.Stores) error { _, err := tx.Seals().Take(ctx); return err }))
}

// A database that was restored on another cluster has rows whose transactions
// that cluster has not come to yet. None is lost, none is sealed twice.
func TestPostgres_LogOfAMovedDatabase(t *testing.T) {
	t.Parallel()
	for name, statement := range map[string]string{
		"another cluster":                "UPDATE audit_head SET cluster = 'other'",
		"the count is behind":            "UPDATE audit_head SET xact = '9000000000000', cluster = ''",
		"a cluster that may not be told": "UPDATE audit_head SET xact = '9000000000000'",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, localpg.Copy(t, blank.Migrate), nil)
			exec := func(statement string) { require.NoError(t, s.Exec(t.Context(), statement), statement) }
			create(t, s, "acct_1")
			for _, id := range []string{"evt_1", "evt_2"} {
				note(t, s, id)
				sealed(t, s, 1)
			}
			note(t, s, "evt_3")
			exec("ALTER TABLE events DISABLE TRIGGER USER")
			exec("UPDATE events SET xact = '9000000000000'") // as they were numbered where they came from
			exec("ALTER TABLE events ENABLE TRIGGER USER")
			note(t, s, "evt_0") // written here before anybody has noticed
			exec(statement)
			require.Equal(t, []string{"evt_0", "evt_3"}, sealed(t, s, 2))
			note(t, s, "evt_4")
			note(t, s, "evt_2b")
			require.Equal(t, []string{"evt_4", "evt_2b"}, sealed(t, s, 2))
			requireAllSealed(t, s, 6)
		})
	}
}

// What was there before there was a log is sealed by ID, in pages.
func TestPostgres_LogOfOldEvents(t *testing.T) {
	t.Parallel()
	s := open(t, localpg.Copy(t, blank.Migrate), nil)
	create(t, s, "acct_1")
	const old = 11_000 // more than two pages
	require.NoError(t, s.Exec(t.Context(), fmt.Sprintf(`INSERT INTO events (era, id, account_id, seq, at, kind, actor_kind, actor_id, area, request_id, key_id, amount, reason, subject, model, count)
		SELECT 0, 'evt_' || lpad(i::text, 6, '0'), 'acct_1', i, i, 'key.created', '', '', '', '', '', 0, '', '', '', 1 FROM generate_series(1, %d) AS i`, old)))
	require.NoError(t, s.Exec(t.Context(), fmt.Sprintf("UPDATE accounts SET event_seq = %d", old)))
	note(t, s, "evt_000000")
	ids := sealed(t, s, old+1)
	require.IsIncreasing(t, ids[:old])
	require.Equal(t, "evt_000000", ids[old])
	requireAllSealed(t, s, old+1)
}

// An event that claims to be of a transaction to come would never be sealed.
func TestPostgres_StrayEvents(t *testing.T) {
	t.Parallel()
	s := open(t, localpg.Copy(t, blank.Migrate), nil)
	create(t, s, "acct_1")
	note(t, s, "evt_1")
	sealed(t, s, 1)
	for i, position := range []string{"1, '1'", "1, '9000000000000'", "2, '1'"} {
		require.NoError(t, s.Exec(t.Context(), fmt.Sprintf(`INSERT INTO events (era, xact, id, account_id, seq, at, kind, actor_kind, actor_id, area, request_id, key_id, amount, reason, subject, model, count)
			VALUES (%s, 'evt_0%d', 'acct_1', %d, 1, 'key.created', '', '', '', '', '', 0, '', '', '', 1)`, position, i, 10+i)))
	}
	list, _, err := s.SealLog().Loose(t.Context(), "", 10)
	require.NoError(t, err)
	require.Len(t, list, 3)
	for _, e := range list {
		require.Equal(t, store.Stray, e.Why, e.ID)
	}
}

func TestPostgres_LogWithoutHead(t *testing.T) {
	t.Parallel()
	s := open(t, localpg.Copy(t, blank.Migrate), nil)
	require.NoError(t, s.Exec(t.Context(), "DELETE FROM audit_head"))
	err := s.Do(t.Context(), func(ctx context.Context, tx store.Stores) error { _, err := tx.Seals().Take(ctx); return err })
	require.ErrorContains(t, err, "audit_head")
	require.False(t, errors.Is(err, store.ErrSealing) || fault.KindOf(err) == fault.Unavailable)
}

// What a sealer still does after its transaction was undone must not stand alone.
func TestPostgres_LogAfterTheEndOfItsTransaction(t *testing.T) {
	t.Parallel()
	s := open(t, localpg.Copy(t, blank.Migrate), nil)
	create(t, s, "acct_1")
	note(t, s, "evt_1")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	require.Error(t, s.Do(ctx, func(_ context.Context, tx store.Stores) error {
		_, err := tx.Seals().Take(t.Context())
		require.NoError(t, err)
		cancel()
		require.Eventually(t, func() bool { _, err := tx.Seals().Take(t.Context()); return err != nil }, 20*time.Second, time.Millisecond)
		require.Error(t, tx.Seals().Add(t.Context(), []store.Leaf{{Event: "evt_1"}}, nil))
		return nil
	}))
	require.Eventually(t, func() bool { // its connection is dropped, and PostgreSQL notices in a while
		return s.Do(t.Context(), func(ctx context.Context, tx store.Stores) error { _, err := tx.Seals().Take(ctx); return err }) == nil
	}, 20*time.Second, 5*time.Millisecond)
	require.Equal(t, []string{"evt_1"}, sealed(t, s, 1))
}

// A sealer that is far behind reads a batch, not all that is due.
func TestPostgres_NextReadsABatch(t *testing.T) {
	t.Parallel()
	s := open(t, localpg.Copy(t, blank.Migrate), nil)
	create(t, s, "acct_1")
	require.NoError(t, s.Exec(t.Context(), `DO $$ BEGIN FOR i IN 1..2000 LOOP
		INSERT INTO events (id, account_id, seq, at, kind, actor_kind, actor_id, area, request_id, key_id, amount, reason, subject, model, count)
		SELECT 'evt_' || i || '_' || j, 'acct_1', 10 * i + j, i, 'key.created', '', '', '', '', '', 0, '', '', '', 1 FROM generate_series(0, 9) AS j;
		COMMIT; END LOOP; END $$`))
	nextReadsABatch(t, s, "events", "events_sealing")
}

// nextReadsABatch seals five batches of 20,000 events that an index knows.
func nextReadsABatch(t *testing.T, s *sqlstore.Store, table, index string) {
	t.Helper()
	require.NoError(t, s.Exec(t.Context(), "UPDATE audit_head SET swept = TRUE"))
	read := func() int64 {
		require.NoError(t, s.Exec(t.Context(), "SELECT pg_stat_force_next_flush()"))
		n, err := s.Count(t.Context(), "SELECT idx_tup_read FROM pg_stat_user_indexes WHERE indexrelname = '"+index+"'")
		require.NoError(t, err)
		return n
	}
	for _, analyzed := range []bool{false, true} { // whatever the planner thinks
		if analyzed {
			require.NoError(t, s.Exec(t.Context(), "ANALYZE "+table))
		}
		before := read()
		sealed(t, s, 500)
		require.Eventually(t, func() bool { return read() > before }, 20*time.Second, 50*time.Millisecond)
		require.Less(t, read()-before, int64(5_000), "of 20,000")
	}
}

// requireAllSealed checks that n events have a leaf each and none has two.
func requireAllSealed(t *testing.T, s interface {
	SealLog() store.SealLog
}, n int,
) {
	t.Helper()
	head, err := s.SealLog().Head(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, n, head.Size)
	for after := ""; ; {
		loose, last, err := s.SealLog().Loose(t.Context(), after, 1000)
		require.NoError(t, err)
		require.Empty(t, loose)
		if last == "" {
			return
		}
		after = last
	}
}
