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

// HOTPATH 1: a settle alone, in one round trip, leaves the same rows and has
// the same outcome as one in company, in two.
func TestPostgres_LoneSettleEqualsBatch(t *testing.T) {
	t.Parallel()
	at := time.Date(2025, 3, 1, 12, 0, 0, 123_457_000, time.UTC)
	clock := func() time.Time { return at }
	alone, company := open(t, localpg.URL(t), clock), open(t, localpg.URL(t), clock)
	both := func(ops ...ledger.Op) {
		t.Helper()
		got, err := alone.Commit(t.Context(), store.Replica{}, ops)
		require.NoError(t, err)
		want, err := company.Commit(t.Context(), store.Replica{}, append(ops, ledger.Op{Kind: ledger.OpSweep, Account: "acct_none"}))
		require.NoError(t, err)
		want = want[:len(ops)]
		for i := range want {
			require.ErrorIs(t, got[i].Err, want[i].Err)
			got[i].Err, want[i].Err = nil, nil
		}
		require.Equal(t, want, got)
		require.Equal(t, dump(t, company), dump(t, alone), "%+v", ops)
	}
	r := rand.New(rand.NewPCG(3, 4))
	create(t, alone, "acct_1")
	create(t, company, "acct_1")
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
	for i := range 60 {
		request := fmt.Sprint("req_", i)
		amount := r.Int64N(90)
		if i%4 == 0 {
			both(grant("acct_1", fmt.Sprint("lot_", i), 10+r.Int64N(300)))
		}
		op := ledger.Op{
			Kind: ledger.OpHold, Account: "acct_1", Request: request, Nonce: "n", Amount: amount, Replica: "rep_1", Deadline: time.Hour,
			Work: ledger.Work{Key: "key_1", User: "user_1", Area: "api", Route: "/v1/responses", Model: "m", PriceVersion: "p"},
		}
		both(op)
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

// dump is every row that batches write, without the IDs and transactions of events.
func dump(t *testing.T, s *sqlstore.Store) string {
	t.Helper()
	text, err := s.Text(t.Context(), `SELECT concat(
		(SELECT json_agg(a ORDER BY id) FROM (SELECT id, epoch, event_seq, entry_seq, ledger_at FROM accounts) AS a),
		(SELECT json_agg(l ORDER BY id) FROM lots AS l), (SELECT json_agg(h ORDER BY request_id) FROM holds AS h),
		(SELECT json_agg(o ORDER BY request_id) FROM open_holds AS o), (SELECT json_agg(e ORDER BY seq) FROM entries AS e),
		(SELECT json_agg(to_jsonb(v) - 'id' - 'xact' ORDER BY seq) FROM events AS v))`)
	require.NoError(t, err)
	return text
}
