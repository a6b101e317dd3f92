//go:build engines

package sqlstore_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/sqlstore"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/e2e/engine/localpg"
	"github.com/archibot/archibotchat/ports/store"
)

// HOTPATH 1: batches of accounts that are known, in one round trip, leave the
// same rows and have the same outcomes as those that read them first, whoever
// else writes in between.
func TestPostgres_KnownEqualsRead(t *testing.T) {
	t.Parallel()
	at := time.Date(2025, 3, 1, 12, 0, 0, 123_457_000, time.UTC)
	clock := func() time.Time { return at }
	shared := localpg.URL(t)
	known, other, reads := open(t, shared, clock), open(t, shared, clock), open(t, localpg.URL(t), clock)
	r := rand.New(rand.NewPCG(3, 4))
	alone := true
	both := func(ops ...ledger.Op) {
		t.Helper()
		by := known
		if !alone && r.IntN(5) == 0 {
			by = other
		}
		got, err := by.Commit(t.Context(), store.Replica{}, ops)
		require.NoError(t, err)
		want, err := reads.Commit(t.Context(), store.Replica{}, append(ops, ledger.Op{Kind: ledger.OpSweep, Account: "acct_none"}))
		require.NoError(t, err)
		want = want[:len(ops)]
		for i := range want {
			require.ErrorIs(t, got[i].Err, want[i].Err)
			got[i].Err, want[i].Err = nil, nil
		}
		require.Equal(t, want, got)
		require.Equal(t, dump(t, reads), dump(t, known), "%+v", ops)
	}
	create(t, known, "acct_1")
	create(t, reads, "acct_1")
	both(grant("acct_1", "lot_standing", 200))
	both(ledger.Op{Kind: ledger.OpHold, Account: "acct_1", Request: "req_standing", Nonce: "n", Amount: 100, Replica: "rep_1", Deadline: time.Hour})
	for _, end := range []ledger.OpKind{ledger.OpSettle, ledger.OpRelease} { // ended once, whatever else is held on the lot
		op := ledger.Op{Kind: ledger.OpHold, Account: "acct_1", Request: "req_" + end.String(), Nonce: "n", Amount: 50, Replica: "rep_1", Deadline: time.Hour}
		both(op)
		op.Kind, op.Amount = end, 0
		both(op)
		op.Kind = ledger.OpSettle
		both(op)
	}
	limits := []ledger.Limit{{Scope: "key_1", Monthly: 100_000, Requests: 1000, Tokens: 100_000}}
	for i := range 120 {
		request := fmt.Sprint("req_", i)
		alone = i < 60
		amount := r.Int64N(90)
		if i%4 == 0 {
			both(grant("acct_1", fmt.Sprint("lot_", i), 10+r.Int64N(300)))
		}
		op := ledger.Op{
			Kind: ledger.OpHold, Account: "acct_1", Request: request, Nonce: "n", Amount: amount, Replica: "rep_1", Deadline: time.Hour,
			Work: ledger.Work{Key: "key_1", User: "user_1", Area: "api", Route: "/v1/responses", Model: "m", PriceVersion: "p"},
		}
		if i%3 == 0 {
			op.Limits, op.Tokens = limits, 50
		}
		if i%5 == 0 { // one step, and once more
			spend := op
			spend.Kind, spend.Request, spend.Cost, spend.Usage = ledger.OpSpend, request+"s", amount/2, ledger.Usage{Input: 3, Output: 4}
			both(spend)
			both(spend)
		}
		both(op)
		if i%6 == 0 {
			more := op
			more.Kind, more.Amount = ledger.OpExtend, amount+10
			both(more)
			op.Amount = more.Amount
		}
		if i%8 == 0 {
			mark := op
			mark.Kind, mark.Mark = ledger.OpMark, ledger.Mark{Accepted: true, Delivered: i%16 == 0, Cost: amount / 3}
			both(mark)
		}
		last := at
		switch at = at.Add(time.Duration(r.Int64N(int64(10 * 24 * time.Hour)))).Truncate(time.Microsecond); i % 10 {
		case 3:
			both(ledger.Op{Kind: ledger.OpSweep, Account: "acct_1"})
		case 6:
			at = last.Add(-time.Hour) // HOTPATH 4: a clock that runs back
		case 8:
			both(ledger.Op{Kind: ledger.OpClawback, Account: "acct_1", Lot: fmt.Sprint("lot_", i/4*4), Reason: "refund"})
		}
		op.Kind, op.Usage, op.Reason = ledger.OpSettle, ledger.Usage{Input: 7, Cached: 3, Output: 2, Estimated: i%2 == 0}, []string{"", "client_gone"}[i%2]
		op.Amount = []int64{0, amount, amount / 2, max(amount-1, 0), amount + 5}[r.IntN(5)]
		if i%7 == 0 {
			stranger := op
			stranger.Nonce = "somebody else's"
			both(stranger)
		}
		both(op)
		both(op) // replayed
	}
}

// A row that was edited by hand is not written over: the batch reads it.
func TestPostgres_KnownLotsEdited(t *testing.T) {
	t.Parallel()
	s := open(t, localpg.URL(t), nil)
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
	url := localpg.URL(t)
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
}

// HOTPATH 4: money time is the database's own, and never ahead of it.
func TestPostgres_KnownTime(t *testing.T) {
	t.Parallel()
	s := open(t, localpg.URL(t), nil)
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
		(SELECT json_agg(l ORDER BY id) FROM lots AS l), (SELECT json_agg(h ORDER BY request_id) FROM holds AS h),
		(SELECT json_agg(o ORDER BY request_id) FROM open_holds AS o), (SELECT json_agg(c ORDER BY scope) FROM counters AS c), (SELECT json_agg(e ORDER BY seq) FROM entries AS e),
		(SELECT json_agg(to_jsonb(v) - 'id' - 'xact' ORDER BY seq) FROM events AS v))`)
	require.NoError(t, err)
	return text
}
