//go:build engines

package sqlstore_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/sqlstore"
	"github.com/archibot/archibotchat/adapters/sqlstore/blank"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/e2e/engine/localpg"
	"github.com/archibot/archibotchat/ports/store"
)

func TestPostgres_KnownEqualsRead(t *testing.T) {
	t.Parallel()
	knownEqualsRead(t, func(clock func() time.Time) rivals {
		shared := localpg.Copy(t, blank.Migrate)
		return rivals{known: open(t, shared, clock), other: open(t, shared, clock), reads: open(t, localpg.Copy(t, blank.Migrate), clock), before: func(int) {}, dump: dump}
	})
}

// A row that was edited by hand is not written over: the batch reads it.
func TestPostgres_KnownLotsEdited(t *testing.T) {
	t.Parallel()
	s := open(t, localpg.Copy(t, blank.Migrate), nil)
	create(t, s, "acct_1")
	commit(t, s, grant("acct_1", "lot_1", 1000))
	op := ledger.Op{Kind: ledger.OpHold, Account: "acct_1", Request: "req_1", Nonce: "n", Amount: 100, Replica: "rep_1", Deadline: time.Hour}
	commit(t, s, op)
	require.NoError(t, s.Exec(t.Context(), "UPDATE lots SET remaining = 500"))
	op.Request = "req_2"
	outs, err := s.Commit(t.Context(), store.Replica{}, []ledger.Op{op})
	require.NoError(t, err)
	require.NoError(t, outs[0].Err)
	require.EqualValues(t, 300, outs[0].Available)
	n, err := s.Count(t.Context(), "SELECT remaining FROM lots")
	require.NoError(t, err)
	require.EqualValues(t, 500, n)
}

// What a batch believed is not enough to refuse by: a grant that came in
// elsewhere is seen at once.
func TestPostgres_KnownRefusals(t *testing.T) { // L4
	t.Parallel()
	url := localpg.Copy(t, blank.Migrate)
	s, other := open(t, url, nil), open(t, url, nil)
	create(t, s, "acct_1")
	commit(t, s, grant("acct_1", "lot_1", 100))
	hold := func(request string) ledger.Outcome {
		outs, err := s.Commit(t.Context(), store.Replica{}, []ledger.Op{{Kind: ledger.OpHold, Account: "acct_1", Request: request, Nonce: "n", Amount: 80, Deadline: time.Hour}})
		require.NoError(t, err)
		return outs[0]
	}
	require.NoError(t, hold("req_1").Err)
	require.ErrorIs(t, hold("req_2").Err, ledger.ErrExhausted)
	commit(t, other, grant("acct_1", "lot_2", 100))
	require.NoError(t, hold("req_3").Err)
	require.ErrorIs(t, hold("req_4").Err, ledger.ErrExhausted)

	// Nor does it help to be beside one that is granted.
	for _, n := range []string{"0", "2"} {
		create(t, s, "acct_"+n)
		commit(t, s, grant("acct_"+n, "lot_of_"+n, 100))
	}
	commit(t, s, ledger.Op{Kind: ledger.OpHold, Account: "acct_2", Request: "req_2_1", Nonce: "n", Amount: 80, Deadline: time.Hour})
	commit(t, other, grant("acct_2", "lot_3", 100))
	outs, err := s.Commit(t.Context(), store.Replica{}, []ledger.Op{
		{Kind: ledger.OpHold, Account: "acct_0", Request: "req_5", Nonce: "n", Amount: 80, Deadline: time.Hour},
		{Kind: ledger.OpHold, Account: "acct_2", Request: "req_6", Nonce: "n", Amount: 80, Deadline: time.Hour},
	})
	require.NoError(t, err)
	require.NoError(t, outs[0].Err)
	require.NoError(t, outs[1].Err)
}

// HOTPATH 4: money time is the database's own, and never ahead of it.
func TestPostgres_KnownTime(t *testing.T) {
	t.Parallel()
	s := open(t, localpg.Copy(t, blank.Migrate), nil)
	create(t, s, "acct_1")
	commit(t, s, grant("acct_1", "lot_1", 1_000_000))
	for i := range 200 {
		before, err := s.Count(t.Context(), micros)
		require.NoError(t, err)
		outs, err := s.Commit(t.Context(), store.Replica{}, []ledger.Op{{Kind: ledger.OpHold, Account: "acct_1", Request: fmt.Sprint("req_", i), Nonce: "n", Amount: 1, Deadline: time.Hour}})
		require.NoError(t, err)
		require.NoError(t, outs[0].Err)
		after, err := s.Count(t.Context(), micros)
		require.NoError(t, err)
		require.LessOrEqual(t, outs[0].At.UnixMicro(), after)
		require.GreaterOrEqual(t, outs[0].At.UnixMicro(), before-100_000)
	}
}

const micros = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"

// dump is every row that batches write, without the IDs and transactions of events.
func dump(t *testing.T, s *sqlstore.Store) string {
	t.Helper()
	text, err := s.Text(t.Context(), `SELECT concat(
		(SELECT json_agg(a ORDER BY id) FROM (SELECT id, epoch, event_seq, entry_seq, ledger_at FROM accounts) AS a),
		(SELECT json_agg(l ORDER BY id) FROM lots AS l), (SELECT json_agg(to_jsonb(h) - 'xact' ORDER BY request_id) FROM holds AS h),
		(SELECT json_agg(o ORDER BY request_id) FROM open_holds AS o), (SELECT json_agg(c ORDER BY scope) FROM counters AS c), (SELECT json_agg(e ORDER BY seq) FROM entries AS e),
		(SELECT json_agg(to_jsonb(v) - 'id' - 'xact' ORDER BY seq) FROM events AS v))`)
	require.NoError(t, err)
	return text
}
