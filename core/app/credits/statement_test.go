package credits_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/app/credits"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

// L16, L10: whatever happened and whichever period is asked for, a statement is
// what adding up every entry would say.
func TestService_Statement_anyPeriod(t *testing.T) {
	t.Parallel()
	h := build(t)
	r := rand.New(rand.NewPCG(3, 5))
	start := h.now
	for n := range 150 {
		h.now = h.now.Add(time.Duration(r.IntN(10*24)) * time.Hour)
		op := ledger.Op{Kind: ledger.OpSettle, Account: "acct_1", Request: fmt.Sprint("req_", n), Nonce: "n", Amount: r.Int64N(40)}
		switch r.IntN(8) {
		case 0, 1:
			op = ledger.Op{Kind: ledger.OpGrant, Account: "acct_1", Lot: fmt.Sprint("lot_", n), Amount: 1 + r.Int64N(300), Source: ledger.SourceDemo}
		case 2:
			op = ledger.Op{Kind: ledger.OpSweep, Account: "acct_1"}
		case 3:
			op.Kind, op.Deadline = ledger.OpHold, time.Hour
		case 4:
			op = ledger.Op{Kind: ledger.OpClawback, Account: "acct_1", Lot: fmt.Sprint("lot_", r.IntN(n+1))}
		}
		_, err := h.store.Commit(t.Context(), store.Replica{}, []ledger.Op{op})
		require.NoError(t, err)
	}
	end := h.now.Add(time.Second)
	whole, err := h.Statement(t.Context(), "acct_1", start, end)
	require.NoError(t, err)
	var all []ledger.Entry // those that no sweep has written come last
	require.NoError(t, h.StatementLines(t.Context(), whole, func(e ledger.Entry) error { all = append(all, e); return nil }))
	kinds := map[ledger.EntryKind]bool{}
	for _, e := range all {
		kinds[e.Kind] = true
	}
	require.Subset(t, kinds, map[ledger.EntryKind]bool{ledger.EntryGrant: true, ledger.EntryDebit: true, ledger.EntryExpiry: true, ledger.EntryClawback: true})

	for n := range 200 {
		from := start.Add(time.Duration(r.Int64N(int64(end.Sub(start)))))
		to := from.Add(1 + time.Duration(r.Int64N(int64(end.Sub(from)))))
		switch e := all[r.IntN(len(all))]; n % 4 { // edges that hit
		case 0:
			from, to = e.At, e.At.Add(time.Microsecond)
		case 1:
			from, to = start.AddDate(-1, 0, 0), e.At.Add(time.Microsecond)
		}
		var opening, closing int64
		var want []ledger.Entry
		for _, e := range all {
			switch {
			case e.At.Before(from):
				opening += e.Amount
			case e.At.Before(to):
				want = append(want, e)
			}
			if e.At.Before(to) {
				closing += e.Amount
			}
		}
		st, err := h.Statement(t.Context(), "acct_1", from, to)
		require.NoError(t, err)
		require.Equal(t, []int64{opening, closing, int64(len(want))}, []int64{st.Opening, st.Closing, st.Lines}, "%v to %v", from, to)
		require.Equal(t, st.Closing, st.Opening+st.Grants+st.Debits+st.Expiries+st.Other)
		var got []ledger.Entry
		require.NoError(t, h.StatementLines(t.Context(), st, func(e ledger.Entry) error { got = append(got, e); return nil }))
		require.Equal(t, want, got, "%v to %v", from, to)
	}
}

// reading counts what is read of entries.
type reading struct {
	store.Store
	entries, summed int64
}

func (r *reading) Ledger() store.Ledger { return readingLedger{r.Store.Ledger(), r} }

type readingLedger struct {
	store.Ledger
	r *reading
}

func (l readingLedger) Entries(ctx context.Context, account string, after int64, limit int) ([]ledger.Entry, error) {
	es, err := l.Ledger.Entries(ctx, account, after, limit)
	l.r.entries += int64(len(es))
	return es, err
}

func (l readingLedger) Sums(ctx context.Context, account string, after, until int64, from, to time.Time) ([]store.EntrySum, error) {
	l.r.summed += until - after
	return l.Ledger.Sums(ctx, account, after, until, from, to)
}

// HOTPATH 24: a statement does not read what was written before its period,
// and its lines not what comes after the last of them.
func TestService_Statement_readsItsPeriod(t *testing.T) {
	t.Parallel()
	h := build(t)
	fill(t, h.store, "acct_1", 3000)
	h.now = h.now.AddDate(0, 0, 1)
	from := h.now
	h.spend(t, "req_1", 3)
	h.now = h.now.AddDate(0, 0, 1)
	to := h.now
	fill(t, h.store, "acct_2", 1)
	h.spend(t, "req_2", 5)
	r := &reading{Store: h.store}
	svc := credits.New(credits.Deps{Store: r, Now: func() time.Time { return h.now }})
	st, err := svc.Statement(t.Context(), "acct_1", from, to)
	require.NoError(t, err)
	require.Equal(t, []int64{24000, -3, 23997, 1}, []int64{st.Opening, st.Debits, st.Closing, st.Lines})
	require.EqualValues(t, 2, r.summed, "the period's entry and the one after it")
	lines := 0
	require.NoError(t, svc.StatementLines(t.Context(), st, func(ledger.Entry) error { lines++; return nil }))
	require.Equal(t, 1, lines)
	require.EqualValues(t, 2, r.entries)
}

// L5, L16: a statement of all that ever was says so if it does not add up.
func TestService_Statement_mismatch(t *testing.T) {
	t.Parallel()
	h := build(t)
	h.grant(t, 100)
	h.spend(t, "req_1", 10)
	h.exec(t, "UPDATE lots SET remaining = remaining - 1")
	_, err := h.Statement(t.Context(), "acct_1", h.now, h.now.Add(time.Hour))
	require.ErrorIs(t, err, credits.ErrStatement)
}
