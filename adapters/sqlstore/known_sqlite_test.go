package sqlstore_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/sqlstore"
	"github.com/archibot/archibotchat/adapters/sqlstore/row"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

func TestSQLite_KnownEqualsRead(t *testing.T) {
	t.Parallel()
	knownEqualsRead(t, func(clock func() time.Time) rivals {
		shared := "sqlite:" + filepath.Join(t.TempDir(), "store.db")
		all := rivals{
			known: open(t, shared, clock), other: open(t, shared, clock), reads: open(t, "sqlite:"+filepath.Join(t.TempDir(), "store.db"), clock),
			dump: dumpSQLite,
		}
		all.before = func(batch int) {
			// As if another committer had been there: nothing is believed.
			require.NoError(t, all.reads.Exec(t.Context(), "PRAGMA user_version = 1"))
			if batch%3 == 0 { // another writer was
				require.NoError(t, all.known.Exec(t.Context(), "UPDATE accounts SET updated_at = updated_at + 1"))
			}
		}
		return all
	})
}

// knownHold is a hold of acct_1 in the tests of what is known.
func knownHold(request string, amount int64) ledger.Op {
	return ledger.Op{Kind: ledger.OpHold, Account: "acct_1", Request: request, Nonce: "n", Amount: amount, Replica: "rep_1", Deadline: time.Hour}
}

func one(t *testing.T, s *sqlstore.Store, op ledger.Op) ledger.Outcome {
	t.Helper()
	outs, err := s.Commit(t.Context(), store.Replica{}, []ledger.Op{op})
	require.NoError(t, err)
	return outs[0]
}

// What others do between two batches is seen by the second, also if a batch of
// another account came between, or a batch that changed nothing.
func TestSQLite_KnownElsewhere(t *testing.T) {
	t.Parallel()
	exec := func(statement string) func(*testing.T, *sqlstore.Store) {
		return func(t *testing.T, other *sqlstore.Store) {
			t.Helper()
			require.NoError(t, other.Exec(t.Context(), statement))
		}
	}
	op := func(op ledger.Op) func(*testing.T, *sqlstore.Store) {
		return func(t *testing.T, other *sqlstore.Store) { t.Helper(); require.NoError(t, one(t, other, op).Err) }
	}
	next := knownHold("req_2", 60)
	gated := next
	gated.Epoch = 1
	settle := next
	settle.Kind, settle.Request = ledger.OpSettle, "req_1"
	release := settle
	release.Kind = ledger.OpRelease
	late := grant("acct_1", "lot_2", 50)
	for name, c := range map[string]struct {
		others func(*testing.T, *sqlstore.Store)
		then   ledger.Op
		want   error
		avails int64
	}{
		"nothing":                      {exec("SELECT 1"), next, nil, 30},
		"a grant":                      {op(late), next, nil, 80},
		"a hold at the same time":      {op(knownHold("req_3", 50)), next, ledger.ErrExhausted, 40},
		"its hold ends":                {op(release), settle, ledger.ErrHoldClosed, 100},
		"its hold is gone":             {exec("DELETE FROM holds"), settle, nil, 30},
		"the epoch rises":              {exec("UPDATE accounts SET epoch = 2"), gated, ledger.ErrEpoch, 90},
		"a lot is edited":              {exec("UPDATE lots SET remaining = 90"), next, nil, 20},
		"a lot is edited, none enough": {exec("UPDATE lots SET remaining = 40"), next, ledger.ErrExhausted, 30},
		"a lot is edited, enough":      {exec("UPDATE lots SET held = 0"), knownHold("req_2", 95), nil, 5},
		"a lot is closed":              {exec("UPDATE lots SET state = 'closed'"), next, ledger.ErrExhausted, 0},
	} {
		for between, account := range map[string]string{"at once": "", "after another account's": "acct_2", "after a batch that changes nothing": "acct_none"} {
			t.Run(name+", "+between, func(t *testing.T) {
				t.Parallel()
				at := now()
				clock := func() time.Time { return at }
				file := "sqlite:" + filepath.Join(t.TempDir(), "store.db")
				s, other := open(t, file, clock), open(t, file, clock)
				create(t, s, "acct_1")
				create(t, s, "acct_2")
				require.NoError(t, s.Exec(t.Context(), "UPDATE accounts SET epoch = 1"))
				commit(t, s, grant("acct_1", "lot_1", 100), grant("acct_2", "lot_of_2", 100))
				commit(t, s, knownHold("req_1", 10))
				c.others(t, other)
				if account != "" {
					aside := knownHold("req_of_2", 1)
					aside.Account = account
					one(t, s, aside)
				}
				got := one(t, s, c.then)
				require.ErrorIs(t, got.Err, c.want)
				require.Equal(t, c.avails, got.Available)
			})
		}
	}
}

// A mark may show in the row of its hold only.
func TestSQLite_KnownMarks(t *testing.T) { // HOTPATH 8
	t.Parallel()
	at := now()
	clock := func() time.Time { return at }
	file := "sqlite:" + filepath.Join(t.TempDir(), "store.db")
	s, other := open(t, file, clock), open(t, file, clock)
	create(t, s, "acct_1")
	commit(t, s, grant("acct_1", "lot_1", 100))
	op := knownHold("req_1", 10)
	commit(t, s, op)
	mark := op
	mark.Kind, mark.Mark = ledger.OpMark, ledger.Mark{Accepted: true, Cost: 7}
	commit(t, other, mark)
	op.Kind, op.Amount = ledger.OpExtend, 20
	commit(t, s, op)
	cost, err := s.Count(t.Context(), "SELECT mark_cost FROM holds")
	require.NoError(t, err)
	require.EqualValues(t, 7, cost)
}

// One request is one account's, whatever is known of them.
func TestSQLite_KnownRequests(t *testing.T) { // HOTPATH 6
	t.Parallel()
	s := open(t, "sqlite:"+filepath.Join(t.TempDir(), "store.db"), nil)
	create(t, s, "acct_1")
	create(t, s, "acct_2")
	commit(t, s, grant("acct_1", "lot_1", 100), grant("acct_2", "lot_2", 100))
	mine := knownHold("req_1", 10)
	require.NoError(t, one(t, s, mine).Err)
	theirs := mine
	theirs.Account = "acct_2"
	require.ErrorIs(t, one(t, s, theirs).Err, ledger.ErrConflict)
	theirs.Amount = 1000
	require.ErrorIs(t, one(t, s, theirs).Err, ledger.ErrConflict)
	end := mine
	end.Kind = ledger.OpSettle
	require.NoError(t, one(t, s, end).Err)
	require.True(t, one(t, s, mine).Replayed, "it is known no more, but there")
	mine.Nonce, mine.Amount = "another", 1000
	require.ErrorIs(t, one(t, s, mine).Err, ledger.ErrConflict, "not that it cannot be paid")
	sound, err := s.Count(t.Context(), "SELECT remaining - held FROM lots WHERE id = 'lot_2'")
	require.NoError(t, err)
	require.EqualValues(t, 100, sound)
}

// A batch that nobody waits for any more leaves nothing that the next believes.
func TestSQLite_KnownUndone(t *testing.T) {
	t.Parallel()
	at, during := now(), func() {}
	s := open(t, "sqlite:"+filepath.Join(t.TempDir(), "store.db"), func() time.Time { during(); return at })
	create(t, s, "acct_1")
	commit(t, s, grant("acct_1", "lot_1", 100))
	commit(t, s, knownHold("req_1", 10))
	ctx, cancel := context.WithCancel(t.Context())
	during = cancel
	_, err := s.Commit(ctx, store.Replica{}, []ledger.Op{knownHold("req_2", 80)})
	require.Error(t, err)
	during = func() {}
	got := one(t, s, knownHold("req_3", 70))
	require.NoError(t, got.Err)
	require.EqualValues(t, 20, got.Available)
}

// HOTPATH 7: a fence that was looked at is looked at again once anybody wrote.
func TestSQLite_KnownFence(t *testing.T) {
	t.Parallel()
	s := open(t, "sqlite:"+filepath.Join(t.TempDir(), "store.db"), nil)
	create(t, s, "acct_1")
	commit(t, s, grant("acct_1", "lot_1", 100))
	by, err := s.Replicas().Join(t.Context(), "rep_1", time.Hour)
	require.NoError(t, err)
	for i := range 3 {
		_, err = s.Commit(t.Context(), by, []ledger.Op{knownHold(fmt.Sprint("req_", i), 1)})
		require.NoError(t, err)
	}
	_, err = s.Commit(t.Context(), store.Replica{ID: "rep_2", Fence: by.Fence}, []ledger.Op{knownHold("req_x", 1)})
	require.ErrorIs(t, err, store.ErrFenced)
	require.NoError(t, s.Exec(t.Context(), "UPDATE replicas SET fence = fence + 1"))
	_, err = s.Commit(t.Context(), by, []ledger.Op{knownHold("req_y", 1)})
	require.ErrorIs(t, err, store.ErrFenced)
}

// dumpSQLite is every row that batches write, without the IDs of events.
func dumpSQLite(t *testing.T, s *sqlstore.Store) string {
	t.Helper()
	var all strings.Builder
	for _, table := range []struct{ name, columns, order string }{
		{"accounts", "id, epoch, event_seq, entry_seq, ledger_at", "id"},
		{"lots", row.LotColumns, "id"},
		{"holds", row.HoldColumns, "request_id"},
		{"open_holds", "request_id, replica_id", "request_id"},
		{"counters", row.CounterColumns, "scope"},
		{"entries", row.EntryColumns, "seq"},
		{"events", strings.TrimPrefix(row.EventColumns, "id, "), "seq"},
	} {
		text, err := s.Text(t.Context(), "SELECT json_group_array(json_array("+table.columns+") ORDER BY "+table.order+") FROM "+table.name)
		require.NoError(t, err)
		all.WriteString(table.name + text + "\n")
	}
	return all.String()
}
