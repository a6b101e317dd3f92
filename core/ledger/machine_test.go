package ledger_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/ledger"
)

// happened counts what the random histories went through. A machine that
// never gets there proves nothing, so a zero fails the test.
type happened map[string]int

// TestApply_Machine drives random histories through Apply and a model of its
// own arithmetic, and audits the books after every op (L3, L5, L6, L8, L10).
func TestApply_Machine(t *testing.T) {
	t.Parallel()
	seen := happened{}
	rapid.Check(t, func(rt *rapid.T) { history(rt, seen) })
	for _, what := range []string{
		"expiry inside a hold", "retry", "hold over several lots", "debit over several lots", "refusal", "overage", "uncollected",
		"settle without a hold", "return to a dead lot", "conflict", "reload", "planted edit",
		"correction over several lots", "correction that gives back", "correction that makes a lot", "correction refused",
	} {
		require.Positive(t, seen[what], "no history had: %s", what)
	}
}

func history(rt *rapid.T, seen happened) {
	m := &model{holds: map[string]*modelHold{}, now: start}
	b := &book{t: nil, State: ledger.NewState(acct, 0, time.Time{}, nil, nil), now: start}
	all := map[string]ledger.Hold{}
	var done []ledger.Op
	steps := rapid.IntRange(50, 90).Draw(rt, "steps")
	for range steps {
		b.now = b.now.Add(wait(rt, m))
		m.now = b.now
		op := nextOp(rt, done)
		done = append(done, op)
		check(rt, m, b, op, all, seen)
		if rapid.IntRange(0, 9).Draw(rt, "reload") == 0 {
			seen["reload"]++
			b.State = ledger.NewState(acct, b.Seq, b.LastAt, b.Lots(), values(all))
			b.Recall(corrections(b.entries)...)
		}
	}
	holds := values(all)
	require.Empty(rt, audit(b.entries, holds, b.Lots(), b.Seq))
	plant(rt, b, holds, seen)
	seen["expiry inside a hold"] += m.seen.expiryInHold
	seen["hold over several lots"] += m.seen.splitHold
	seen["overage"] += m.seen.overage
	seen["uncollected"] += m.seen.lost
	seen["settle without a hold"] += m.seen.unheld
	seen["return to a dead lot"] += m.seen.deadReturn
	seen["correction over several lots"] += m.seen.splitCorrection
	seen["correction that gives back"] += m.seen.gaveBack
	seen["correction that makes a lot"] += m.seen.madeLot
	seen["correction refused"] += m.seen.notCorrected
}

// check applies one op to both and compares all there is to see.
func check(rt *rapid.T, m *model, b *book, op ledger.Op, all map[string]ledger.Hold, seen happened) {
	before := ledgerView(b, all)
	want, got := m.apply(op), b.do(op)
	if h, ok := b.Hold(op.Request); ok {
		all[op.Request] = h
	}
	code := ""
	if got.Err != nil {
		code = fault.CodeOf(got.Err)
		seen["refusal"]++
	}
	require.Equal(rt, want, answer{code, got.Replayed, got.Debited, got.Uncollected}, "%+v", op)
	require.Equal(rt, m.available(), got.Available)
	if code == "request_conflict" {
		seen["conflict"]++
	}
	if got.Replayed {
		seen["retry"]++
	}
	if code != "" || got.Replayed {
		require.Equal(rt, before, ledgerView(b, all), "a refused or repeated op changed something")
	}
	debits := 0
	for _, e := range got.Entries {
		if e.Kind == ledger.EntryDebit {
			debits++
		}
	}
	if debits > 1 {
		seen["debit over several lots"]++
	}
	invariants(rt, m, b, all)
}

func invariants(rt *rapid.T, m *model, b *book, all map[string]ledger.Hold) {
	sums, held := map[string]int64{}, map[string]int64{}
	for i, e := range b.entries {
		require.Equal(rt, int64(i+1), e.Seq)
		sums[e.Lot] += e.Amount
	}
	for _, h := range all {
		if h.State != ledger.HoldOpen {
			continue
		}
		total := int64(0)
		for _, p := range h.Parts {
			held[p.Lot] += p.Amount
			total += p.Amount
		}
		require.Equal(rt, h.Amount, total)
	}
	lots := b.Lots()
	require.Len(rt, lots, len(m.lots))
	for _, l := range lots {
		w := m.lot(l.ID)
		require.Equal(rt, sums[l.ID], l.Remaining, "L5: entries sum to remaining")
		require.Equal(rt, held[l.ID], l.Held, "holds sum to held")
		require.True(rt, 0 <= l.Held && l.Held <= l.Remaining && l.Remaining <= l.Granted, "%+v", l)
		require.Equal(rt, [2]int64{w.left, w.reserved}, [2]int64{l.Remaining, l.Held}, "%+v", l)
		require.True(rt, l.ExpiresAt.Equal(w.dies) && l.GrantedAt.Equal(w.born), "%+v", l) // L2
		fate := string(l.State)
		if l.State == ledger.LotLive {
			fate = ""
		}
		require.Equal(rt, w.fate, fate)
	}
}

type view struct {
	lots  []ledger.Lot
	holds []ledger.Hold
	seq   int64
	last  time.Time
}

func ledgerView(b *book, all map[string]ledger.Hold) view {
	holds := values(all)
	for i := range holds {
		holds[i], _ = b.Hold(holds[i].Request)
		holds[i].Parts = slices.Clone(holds[i].Parts)
	}
	return view{b.Lots(), holds, b.Seq, b.LastAt}
}

func values(all map[string]ledger.Hold) []ledger.Hold {
	holds := make([]ledger.Hold, 0, len(all))
	for _, h := range all {
		holds = append(holds, h)
	}
	slices.SortFunc(holds, func(a, b ledger.Hold) int {
		if a.Request < b.Request {
			return -1
		}
		return 1
	})
	return holds
}

// corrections picks those of the entries, as a store gives them back.
func corrections(entries []ledger.Entry) (found []ledger.Entry) {
	for _, e := range slices.Backward(entries) {
		if e.Kind == ledger.EntryCorrection {
			found = append(found, e)
		}
	}
	return found
}

// wait draws a step of time: often none, often just to the edge of an expiry.
func wait(rt *rapid.T, m *model) time.Duration {
	switch rapid.IntRange(0, 11).Draw(rt, "wait") {
	case 0, 1:
		return time.Duration(rapid.IntRange(1, 90*24).Draw(rt, "hours")) * time.Hour
	case 2, 3:
		for _, l := range m.lots {
			if l.dies.After(m.now) {
				return l.dies.Sub(m.now) - time.Duration(rapid.IntRange(0, 1).Draw(rt, "before"))*time.Microsecond
			}
		}
	case 4, 5, 6:
		return time.Duration(rapid.IntRange(1, 600).Draw(rt, "seconds")) * time.Second
	}
	return 0
}

// nextOp draws an op over few names, so that they meet again, or repeats one.
func nextOp(rt *rapid.T, done []ledger.Op) ledger.Op {
	kind := rapid.IntRange(0, 26).Draw(rt, "kind")
	if kind >= 25 && len(done) > 0 {
		return rapid.SampledFrom(done).Draw(rt, "again")
	}
	request := fmt.Sprint("req_", rapid.IntRange(0, 30).Draw(rt, "request"))
	lot := fmt.Sprint("lot_", rapid.IntRange(0, 15).Draw(rt, "lot"))
	amount := rapid.Int64Range(0, 120).Draw(rt, "amount")
	var op ledger.Op
	switch {
	case kind < 5:
		op = grant(lot, rapid.SampledFrom([]int64{0, 60, 100, 100, ledger.MaxAmount}).Draw(rt, "sum"))
		if op.Amount == ledger.MaxAmount && len(done) < 40 { // a balance of a billion would refuse nothing
			op.Amount = 100
		}
	case kind < 12:
		op = hold(request, amount)
	case kind < 16:
		op = settle(request, amount)
	case kind < 18:
		op = release(request)
	case kind == 18:
		op = mark(request)
	case kind == 19:
		op = sweep
	case kind == 20 && amount < 60:
		op = clawback(lot)
	case kind == 20 && amount > 115:
		op = closing
	case kind >= 22:
		op = correct(fmt.Sprint("cor_", rapid.IntRange(0, 30).Draw(rt, "correction")), amount-rapid.Int64Range(0, 150).Draw(rt, "less"))
		if rapid.IntRange(0, 3).Draw(rt, "one lot") == 0 {
			op.Lot = lot
		}
	default:
		op = hold(request, -amount-1)
	}
	if op.Request != "" && rapid.IntRange(0, 15).Draw(rt, "stranger") == 0 {
		op.Nonce = "other"
	}
	return op
}

// plant edits one figure of a sound book and demands that the auditor sees it.
func plant(rt *rapid.T, b *book, holds []ledger.Hold, seen happened) {
	if len(b.entries) == 0 {
		return
	}
	by := rapid.SampledFrom([]int64{-7, -1, 1, 1000}).Draw(rt, "by")
	i := rapid.IntRange(0, len(b.entries)-1).Draw(rt, "entry")
	lots := b.Lots()
	l := rapid.IntRange(0, len(lots)-1).Draw(rt, "lot")
	found := func(what string, es []ledger.Entry, hs []ledger.Hold, ls []ledger.Lot) {
		require.NotEmpty(rt, audit(es, hs, ls, b.Seq), "%s went unseen", what)
		seen["planted edit"]++
	}
	edit := slices.Clone(b.entries)
	edit[i].Amount += by
	found("an entry's amount", edit, holds, lots)
	found("a deleted entry", slices.Delete(slices.Clone(b.entries), i, i+1), holds, lots)
	found("an inserted entry", slices.Insert(slices.Clone(b.entries), i, b.entries[i]), holds, lots)
	for what, change := range map[string]func(*ledger.Lot){
		"remaining": func(l *ledger.Lot) { l.Remaining += by },
		"granted":   func(l *ledger.Lot) { l.Granted += by },
		"held":      func(l *ledger.Lot) { l.Held += by },
	} {
		edited := slices.Clone(lots)
		change(&edited[l])
		found("a lot's "+what, b.entries, holds, edited)
	}
	found("a deleted lot", b.entries, holds, slices.Delete(slices.Clone(lots), l, l+1))
	for j, h := range holds {
		edited := slices.Clone(holds)
		switch {
		case h.State == ledger.HoldSettled:
			edited[j].Debited += by
			found("a hold's debit", b.entries, edited, lots)
		case h.State == ledger.HoldOpen && h.Amount > 0:
			found("a deleted open hold", b.entries, slices.Delete(edited, j, j+1), lots)
		}
	}
}

func TestApply_BatchEqualsOneByOne(t *testing.T) { // HOTPATH 1
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		batch, single := newBook(t), newBook(t)
		var outs, want []ledger.Outcome
		for range rapid.IntRange(1, 5).Draw(rt, "batches") {
			var ops []ledger.Op
			for range rapid.IntRange(1, 30).Draw(rt, "ops") {
				ops = append(ops, nextOp(rt, ops))
			}
			outs = append(outs, ledger.Apply(batch.State, ops, batch.now)...)
			for _, op := range ops {
				want = append(want, single.do(op))
				// Between two single ops the state goes through the store.
				single.State = reloaded(single)
				single.Recall(corrections(single.entries)...)
			}
			batch.now = batch.now.Add(100 * 24 * time.Hour)
			single.now = batch.now
		}
		require.Equal(rt, want, outs)
		require.Equal(rt, single.Lots(), batch.Lots())
		require.Equal(rt, single.Seq, batch.Seq)
	})
}

// reloaded is the state as a store would give it back.
func reloaded(b *book) *ledger.State {
	c, _ := b.Changes()
	held := map[string]ledger.Hold{}
	for i := range 31 {
		if h, ok := b.Hold(fmt.Sprint("req_", i)); ok {
			held[h.Request] = h
		}
	}
	lots := b.Lots()
	slices.Reverse(lots) // in whatever order
	return ledger.NewState(acct, c.Seq, c.LastAt, lots, values(held))
}
