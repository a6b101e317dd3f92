package ledger_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/ledger"
)

const acct = "acct_1"

var (
	start = time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC)
	year  = ledger.Expiry(start).Sub(start)
)

func grant(lot string, amount int64) ledger.Op {
	return ledger.Op{Kind: ledger.OpGrant, Account: acct, Lot: lot, Amount: amount, Source: ledger.SourceInvoice, Reason: "paid", Actor: "pat"}
}

func step(kind ledger.OpKind, request string, amount int64) ledger.Op {
	return ledger.Op{
		Kind: kind, Account: acct, Request: request, Amount: amount, Nonce: "n", Replica: "rep_1", Deadline: time.Minute,
		Work: ledger.Work{Model: "m"}, Reason: "why", Usage: ledger.Usage{Output: amount},
	}
}

func hold(request string, amount int64) ledger.Op   { return step(ledger.OpHold, request, amount) }
func settle(request string, amount int64) ledger.Op { return step(ledger.OpSettle, request, amount) }
func release(request string) ledger.Op              { return step(ledger.OpRelease, request, 0) }
func mark(request string) ledger.Op                 { return step(ledger.OpMark, request, 0) }
func clawback(lot string) ledger.Op {
	return ledger.Op{Kind: ledger.OpClawback, Account: acct, Lot: lot, Reason: "refund"}
}

var (
	sweep   = ledger.Op{Kind: ledger.OpSweep, Account: acct}
	closing = ledger.Op{Kind: ledger.OpClose, Account: acct, Reason: "closed"}
)

// book is a state with all that was ever written, as a store would keep it.
type book struct {
	t testing.TB
	*ledger.State
	now     time.Time
	entries []ledger.Entry
	shelf   struct { // what a store would have, once stored was called
		holds    map[string]ledger.Hold
		counters map[string]ledger.Counter
	}
}

func newBook(t testing.TB, ops ...ledger.Op) *book {
	b := &book{t: t, State: ledger.NewState(acct, 0, time.Time{}, nil, nil), now: start}
	for _, op := range ops {
		b.must(op)
	}
	return b
}

func (b *book) do(op ledger.Op) ledger.Outcome {
	o := ledger.Apply(b.State, []ledger.Op{op}, b.now)[0]
	b.entries = append(b.entries, o.Entries...)
	return o
}

func (b *book) must(op ledger.Op) ledger.Outcome {
	b.t.Helper()
	o := b.do(op)
	require.NoError(b.t, o.Err, "%s %s%s", op.Kind, op.Request, op.Lot)
	return o
}

func (b *book) holds() []ledger.Hold {
	c, _ := b.Changes()
	return c.Holds
}

// left returns remaining and held of a lot.
func (b *book) left(lot string) [2]int64 {
	b.t.Helper()
	lots := b.Lots()
	i := slices.IndexFunc(lots, func(l ledger.Lot) bool { return l.ID == lot })
	require.GreaterOrEqual(b.t, i, 0, lot)
	return [2]int64{lots[i].Remaining, lots[i].Held}
}

// audit proves the book, or returns what does not add up.
func (b *book) audit() []ledger.Difference { return audit(b.entries, b.holds(), b.Lots(), b.Seq) }

func audit(entries []ledger.Entry, holds []ledger.Hold, lots []ledger.Lot, seq int64) (diffs []ledger.Difference) {
	a := ledger.NewAuditor(acct)
	debits := map[string]int64{}
	for _, e := range entries {
		a.Entry(e)
		if e.Kind == ledger.EntryDebit {
			debits[e.Request] -= e.Amount
		}
	}
	r, settled := ledger.NewReserves(acct), map[string]bool{}
	for _, h := range holds {
		diffs = append(diffs, ledger.AuditHold(h, debits[h.Request])...)
		settled[h.Request] = h.State == ledger.HoldSettled
		if h.State == ledger.HoldOpen {
			r.Hold(h)
		}
	}
	for _, l := range lots {
		a.Lot(l)
	}
	for _, e := range entries {
		if e.Kind == ledger.EntryDebit && !settled[e.Request] {
			diffs = append(diffs, ledger.Unheld(e))
		}
	}
	return slices.Concat(diffs, a.Differences(seq), r.Differences(lots))
}

func TestApply_Allocation(t *testing.T) { // L3
	t.Parallel()
	b := newBook(t, grant("lot_c", 10), grant("lot_b", 10))
	b.now = start.Add(time.Hour)
	b.must(grant("lot_a", 10))
	part := func(lot string, n int64) ledger.Part { return ledger.Part{Lot: lot, Amount: n} }
	for _, c := range []struct {
		now    time.Time
		amount int64
		want   []ledger.Part
	}{
		{b.now, 0, nil},
		{b.now, 10, []ledger.Part{part("lot_b", 10)}}, // the tie goes by ID
		{b.now, 11, []ledger.Part{part("lot_b", 10), part("lot_c", 1)}},
		{b.now, 30, []ledger.Part{part("lot_b", 10), part("lot_c", 10), part("lot_a", 10)}},
		{start.Add(year - 1), 30, []ledger.Part{part("lot_b", 10), part("lot_c", 10), part("lot_a", 10)}},
		{start.Add(year), 10, []ledger.Part{part("lot_a", 10)}}, // L10
	} {
		b.now = c.now
		require.Equal(t, c.want, b.must(hold(c.now.String()+string(rune('a'+c.amount)), c.amount)).Hold.Parts)
		b.must(release(c.now.String() + string(rune('a'+c.amount))))
	}
	b.now = start.Add(year)
	require.ErrorIs(t, b.do(hold("req", 11)).Err, ledger.ErrExhausted)
	b.now = start.Add(year + time.Hour)
	require.ErrorIs(t, b.do(hold("req", 1)).Err, ledger.ErrExhausted)
	require.Empty(t, b.audit())
}

func TestApply_Allocation_byGrantTime(t *testing.T) { // L3: same expiry, earlier grant first
	t.Parallel()
	end := start.Add(time.Hour)
	lots := []ledger.Lot{
		{ID: "lot_a", Account: acct, State: ledger.LotLive, Granted: 5, Remaining: 5, GrantedAt: start, ExpiresAt: end},
		{ID: "lot_b", Account: acct, State: ledger.LotLive, Granted: 5, Remaining: 5, GrantedAt: start.Add(-time.Hour), ExpiresAt: end},
	}
	s := ledger.NewState(acct, 2, start, lots, nil)
	o := ledger.Apply(s, []ledger.Op{hold("req_1", 6)}, start)[0]
	require.Equal(t, []ledger.Part{{Lot: "lot_b", Amount: 5}, {Lot: "lot_a", Amount: 1}}, o.Hold.Parts)
}

func TestApply_Refusals(t *testing.T) { // L6
	t.Parallel()
	other := func(op ledger.Op) ledger.Op { op.Account = "acct_2"; return op }
	nonce := func(op ledger.Op) ledger.Op { op.Nonce = "other"; return op }
	source := grant("lot_a", 100)
	source.Source = ledger.SourcePack
	for name, c := range map[string]struct {
		op   ledger.Op
		want error
	}{
		"other account":            {other(grant("lot_z", 1)), ledger.ErrConflict},
		"unknown step":             {ledger.Op{Kind: 77, Account: acct}, ledger.ErrUnknownOp},
		"no step":                  {ledger.Op{Account: acct}, ledger.ErrUnknownOp},
		"negative grant":           {grant("lot_z", -1), ledger.ErrAmount},
		"negative hold":            {hold("req_z", math.MinInt64), ledger.ErrAmount},
		"negative settle":          {settle("req_open", -5), ledger.ErrAmount},
		"hold beyond all":          {hold("req_z", math.MaxInt64), ledger.ErrAmount},
		"settle beyond all":        {settle("req_open", ledger.MaxAmount+1), ledger.ErrAmount},
		"empty grant":              {grant("lot_z", 0), ledger.ErrAmount},
		"grant without a lot":      {grant("", 5), ledger.ErrAmount},
		"grant past the bound":     {grant("lot_z", ledger.MaxAmount-150), ledger.ErrOverflow}, // L1
		"grant of another amount":  {grant("lot_a", 101), ledger.ErrConflict},
		"grant of another source":  {source, ledger.ErrConflict},
		"hold without a request":   {hold("", 1), ledger.ErrConflict},
		"hold beyond the free":     {hold("req_z", 131), ledger.ErrExhausted},
		"hold of another amount":   {hold("req_open", 41), ledger.ErrConflict},
		"hold by another":          {nonce(hold("req_open", 40)), ledger.ErrConflict},
		"mark of nothing":          {mark("req_z"), ledger.ErrUnknownHold},
		"mark by another":          {nonce(mark("req_open")), ledger.ErrConflict},
		"mark after the end":       {mark("req_settled"), ledger.ErrHoldClosed},
		"settle without a request": {settle("", 1), ledger.ErrConflict},
		"settle by another":        {nonce(settle("req_open", 1)), ledger.ErrConflict},
		"settle by another, late":  {nonce(settle("req_settled", 30)), ledger.ErrConflict},
		"settle of a released":     {settle("req_released", 1), ledger.ErrHoldClosed},
		"settle of another amount": {settle("req_settled", 31), ledger.ErrHoldClosed},
		"release of nothing":       {release("req_z"), ledger.ErrUnknownHold},
		"release by another":       {nonce(release("req_open")), ledger.ErrConflict},
		"release of a settled":     {release("req_settled"), ledger.ErrHoldClosed},
		"clawback of nothing":      {clawback("lot_z"), ledger.ErrUnknownLot},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBook(t, grant("lot_a", 100), grant("lot_b", 100), hold("req_open", 40), hold("req_settled", 30), settle("req_settled", 30),
				hold("req_released", 10), release("req_released"), mark("req_open"))
			lots, holds, seq, last := b.Lots(), b.holds(), b.Seq, b.LastAt
			before, _ := b.Changes()
			b.now = start.Add(time.Hour)
			o := b.do(c.op)
			require.ErrorIs(t, o.Err, c.want)
			require.False(t, o.Replayed)
			require.Empty(t, o.Entries)
			require.Zero(t, o.Debited+o.Uncollected)
			require.Equal(t, int64(130), o.Available)
			after, _ := b.Changes()
			require.Equal(t, before, after)
			require.Equal(t, lots, b.Lots())
			require.Equal(t, holds, b.holds())
			require.Equal(t, seq, b.Seq)
			require.Equal(t, last, b.LastAt)
			require.Empty(t, b.audit())
		})
	}
}

func TestApply_RefusalOnEmptyState(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	require.ErrorIs(t, b.do(hold("req_1", 1)).Err, ledger.ErrExhausted)
	_, changed := b.Changes()
	require.False(t, changed, "nothing to write")
	_, ok := b.Hold("req_1")
	require.False(t, ok)
}

func TestApply_Overflow(t *testing.T) { // L1
	t.Parallel()
	b := newBook(t, grant("lot_a", ledger.MaxAmount))
	require.ErrorIs(t, b.do(grant("lot_b", 1)).Err, ledger.ErrOverflow)
	require.ErrorIs(t, b.do(grant("lot_b", ledger.MaxAmount)).Err, ledger.ErrOverflow)
	require.ErrorIs(t, b.do(grant("lot_b", math.MaxInt64)).Err, ledger.ErrAmount)
	b.must(hold("req_1", ledger.MaxAmount))
	require.ErrorIs(t, b.do(grant("lot_b", 1)).Err, ledger.ErrOverflow, "what is held is still there")
	o := b.must(settle("req_1", ledger.MaxAmount))
	require.Equal(t, ledger.MaxAmount, o.Debited)
	b.must(grant("lot_b", ledger.MaxAmount))
	require.Empty(t, b.audit())

	// A database that says impossible things must not make sums wrap.
	lots := []ledger.Lot{{ID: "lot_a", Account: acct, State: ledger.LotLive, Granted: 1, Remaining: math.MaxInt64, GrantedAt: start, ExpiresAt: start.Add(year)}}
	s := ledger.NewState(acct, 1, start, lots, nil)
	require.ErrorIs(t, ledger.Apply(s, []ledger.Op{grant("lot_b", 1)}, start)[0].Err, ledger.ErrOverflow)
}

func TestApply_TimeNeverRunsBack(t *testing.T) { // HOTPATH 4
	t.Parallel()
	b := newBook(t, grant("lot_a", 100))
	b.now = start.Add(time.Hour)
	b.must(hold("req_1", 10))
	b.now = start.Add(-24 * time.Hour)
	o := b.must(settle("req_1", 5))
	require.Equal(t, start.Add(time.Hour), o.At)
	require.Equal(t, o.At, o.Entries[0].At)
	require.Equal(t, ledger.Expiry(o.At), b.must(grant("lot_b", 5)).Lot.ExpiresAt)
}
