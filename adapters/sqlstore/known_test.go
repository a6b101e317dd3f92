package sqlstore_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/sqlstore"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

// rivals are a store whose batches go by what it knows, another one on the same
// database, and one on a database of its own whose batches read.
type rivals struct {
	known, other, reads *sqlstore.Store
	before              func(batch int) // is run before each
	dump                func(*testing.T, *sqlstore.Store) string
}

// HOTPATH 1: batches of accounts that are known leave the same rows and have the
// same outcomes as those that read them first, whoever else writes in between.
func knownEqualsRead(t *testing.T, opened func(clock func() time.Time) rivals) {
	t.Helper()
	at := time.Date(2025, 3, 1, 12, 0, 0, 123_457_000, time.UTC)
	clock := func() time.Time { return at }
	stores := opened(clock)
	known, other, reads := stores.known, stores.other, stores.reads
	r := rand.New(rand.NewPCG(3, 4))
	alone, batches := true, 0
	both := func(ops ...ledger.Op) {
		t.Helper()
		batches++
		stores.before(batches)
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
		require.Equal(t, stores.dump(t, reads), stores.dump(t, known), "%+v", ops)
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
