package ledger_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/ledger"
)

func TestApply_Grant(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	o := b.must(grant("lot_a", 100))
	lot := ledger.Lot{ID: "lot_a", Account: acct, Source: ledger.SourceInvoice, State: ledger.LotLive, Granted: 100, Remaining: 100, GrantedAt: start, ExpiresAt: start.Add(year)}
	require.Equal(t, lot, o.Lot)
	require.Equal(t, []ledger.Entry{{Account: acct, Seq: 1, Lot: "lot_a", Kind: ledger.EntryGrant, Amount: 100, Reason: "paid", Actor: "pat", At: start}}, o.Entries)
	require.Equal(t, int64(100), o.Available)

	b.now = start.Add(time.Hour)
	o = b.must(grant("lot_a", 100)) // L5
	require.True(t, o.Replayed)
	require.Equal(t, lot, o.Lot)
	require.Empty(t, o.Entries)
	require.Equal(t, start, b.LastAt, "a replay is no op")
}

func TestApply_Settle(t *testing.T) { // L8
	t.Parallel()
	for name, c := range map[string]struct {
		held, cost, debited, lost int64
		entries                   int
		a, b                      [2]int64
	}{
		"nothing":               {120, 0, 0, 0, 0, [2]int64{100, 0}, [2]int64{100, 30}},
		"below":                 {120, 50, 50, 0, 1, [2]int64{50, 0}, [2]int64{100, 30}},
		"over a split":          {120, 110, 110, 0, 2, [2]int64{0, 0}, [2]int64{90, 30}},
		"exact":                 {120, 120, 120, 0, 2, [2]int64{0, 0}, [2]int64{80, 30}},
		"above":                 {120, 150, 150, 0, 2, [2]int64{0, 0}, [2]int64{50, 30}},
		"above, first lot left": {60, 80, 80, 0, 1, [2]int64{20, 0}, [2]int64{100, 30}},
		"all that is unheld":    {120, 170, 170, 0, 2, [2]int64{0, 0}, [2]int64{30, 30}},
		"more than there is":    {120, 200, 170, 30, 2, [2]int64{0, 0}, [2]int64{30, 30}},
		"an empty hold":         {0, 20, 20, 0, 1, [2]int64{80, 0}, [2]int64{100, 30}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBook(t, grant("lot_a", 100), grant("lot_b", 100), hold("req_1", c.held))
			other := "lot_b"
			if c.held < 100 { // so that the other's hold lies in lot_b in every case
				b.must(hold("fill", 100-c.held))
			}
			b.must(hold("other", 30))
			if c.held < 100 {
				b.must(release("fill"))
			}
			o := b.must(settle("req_1", c.cost))
			require.Equal(t, c.debited, o.Debited)
			require.Equal(t, c.lost, o.Uncollected)
			require.Len(t, o.Entries, c.entries)
			require.Equal(t, c.a, b.left("lot_a"))
			require.Equal(t, c.b, b.left(other), "what another holds is out of reach")
			h, ok := b.Hold("req_1")
			require.True(t, ok)
			require.Equal(t, o.Hold, h)
			require.Equal(t, ledger.HoldSettled, h.State)
			require.Equal(t, c.debited, h.Debited)
			require.Equal(t, c.lost, h.Uncollected)
			require.Equal(t, ledger.Usage{Output: c.cost}, h.Usage)
			require.Equal(t, b.now, h.ClosedAt)
			for _, e := range o.Entries {
				require.Equal(t, "req_1", e.Request)
				require.Equal(t, ledger.EntryDebit, e.Kind)
			}
			require.Empty(t, b.audit())

			again := b.must(settle("req_1", c.cost)) // L5
			require.True(t, again.Replayed)
			require.Equal(t, c.debited, again.Debited)
			require.Equal(t, c.lost, again.Uncollected)
			require.Empty(t, again.Entries)
			require.Empty(t, b.audit())
		})
	}
}

func TestApply_SettleWithoutHold(t *testing.T) { // HOTPATH 6: a hold deleted, then settled
	t.Parallel()
	b := newBook(t, grant("lot_a", 100))
	o := b.must(settle("req_1", 30))
	require.Equal(t, int64(30), o.Debited)
	require.Equal(t, ledger.HoldSettled, o.Hold.State)
	require.Equal(t, "rep_1", o.Hold.Replica)
	require.True(t, b.must(settle("req_1", 30)).Replayed)
	o = b.must(settle("req_2", 90))
	require.Equal(t, int64(70), o.Debited)
	require.Equal(t, int64(20), o.Uncollected)
	o = b.must(settle("req_3", 5))
	require.Zero(t, o.Debited)
	require.Equal(t, int64(5), o.Uncollected)
	require.ErrorIs(t, b.do(release("req_1")).Err, ledger.ErrHoldClosed)
	require.Empty(t, b.audit())
}

func TestApply_Release(t *testing.T) { // L7
	t.Parallel()
	b := newBook(t, grant("lot_a", 100), grant("lot_b", 100), hold("req_1", 150))
	o := b.must(release("req_1"))
	require.Empty(t, o.Entries)
	require.Equal(t, int64(200), o.Available)
	require.Equal(t, ledger.HoldReleased, o.Hold.State)
	require.Equal(t, "why", o.Hold.Reason)
	require.True(t, b.must(release("req_1")).Replayed)
	require.True(t, b.must(hold("req_1", 150)).Replayed, "the hold's own retry, late")
	require.Equal(t, [2]int64{100, 0}, b.left("lot_a"))
	require.Empty(t, b.audit())
}

func TestApply_Mark(t *testing.T) { // HOTPATH 8
	t.Parallel()
	b := newBook(t, grant("lot_a", 100), hold("req_1", 50))
	b.now = start.Add(time.Second)
	op := mark("req_1")
	op.Mark = ledger.Mark{Accepted: true, Delivered: true, Cost: 7, Usage: ledger.Usage{Output: 3}, At: start.Add(time.Hour)}
	o := b.must(op)
	op.Mark.At = b.now // the ledger's time, not the caller's
	require.Equal(t, op.Mark, o.Hold.Mark)
	require.Empty(t, o.Entries)
	resolved := b.must(o.Hold.Resolution())
	require.Equal(t, int64(7), resolved.Debited)
	require.Equal(t, ledger.ReasonRecovered, resolved.Hold.Reason)
	require.Empty(t, b.audit())
}

// TestApply_Returns is HOTPATH 11: what a hold gives back follows the state
// that its lot is in by then.
func TestApply_Returns(t *testing.T) {
	t.Parallel()
	late := start.Add(year + time.Hour)
	for name, c := range map[string]struct {
		end   ledger.Op // sweep, clawback, close; none for a live lot
		now   time.Time
		kind  ledger.EntryKind
		dated time.Time
		state ledger.LotState
	}{
		"live":        {ledger.Op{}, start.Add(time.Hour), "", time.Time{}, ledger.LotLive},
		"past":        {ledger.Op{}, late, "", time.Time{}, ledger.LotLive}, // the sweep will tell
		"expired":     {sweep, late, ledger.EntryExpiry, start.Add(year), ledger.LotExpired},
		"clawed back": {clawback("lot_a"), start.Add(time.Hour), ledger.EntryClawback, start.Add(time.Hour), ledger.LotClawedBack},
		"closed":      {closing, start.Add(time.Hour), ledger.EntryClosure, start.Add(time.Hour), ledger.LotClosed},
	} {
		for _, cost := range []int64{-1, 0, 15, 40, 60} { // −1: released; held are 40 of 100
			b := newBook(t, grant("lot_a", 100), hold("req_1", 40))
			b.now = c.now
			unheld := int64(60)
			if c.end.Kind != 0 {
				o := b.must(c.end)
				require.Len(t, o.Entries, 1, name)
				require.Equal(t, int64(-60), o.Entries[0].Amount, "only what is unheld")
				require.Equal(t, c.kind, o.Entries[0].Kind)
				require.Equal(t, c.dated, o.Entries[0].At)
				unheld = 0
			}
			op := release("req_1")
			if cost >= 0 {
				op = settle("req_1", cost)
			}
			o := b.must(op)
			cost = max(cost, 0)
			debited := min(cost, 40)
			if name == "live" {
				debited = cost
			}
			require.Equal(t, debited, o.Debited, "%s %d", name, cost)
			require.Equal(t, cost-debited, o.Uncollected)
			back := 40 - min(debited, 40)
			want := [2]int64{unheld + 40 - debited, 0}
			if c.kind != "" {
				want = [2]int64{}
				if back > 0 {
					e := o.Entries[len(o.Entries)-1]
					require.Equal(t, c.kind, e.Kind)
					require.Equal(t, -back, e.Amount)
					require.Equal(t, c.dated, e.At)
				}
			}
			require.Equal(t, want, b.left("lot_a"), "%s %d", name, cost)
			require.Equal(t, c.state, b.Lots()[0].State)
			require.Empty(t, b.audit())
			if name == "past" {
				swept := b.must(sweep)
				require.Equal(t, start.Add(year), swept.Entries[0].At)
				require.Equal(t, [2]int64{}, b.left("lot_a"))
				require.Empty(t, b.audit())
			}
		}
	}
}

func TestApply_Sweep(t *testing.T) { // L10
	t.Parallel()
	b := newBook(t, grant("lot_a", 100))
	b.now = start.Add(time.Hour)
	b.must(grant("lot_c", 100))
	b.must(grant("lot_b", 100))
	b.now = start.Add(year - 1)
	require.Empty(t, b.must(sweep).Entries)
	b.now = start.Add(year)
	o := b.must(sweep)
	require.Len(t, o.Entries, 1)
	require.Equal(t, "lot_a", o.Entries[0].Lot)
	require.Empty(t, b.must(sweep).Entries, "swept once")
	b.now = start.Add(2 * year)
	o = b.must(sweep)
	require.Equal(t, []string{"lot_b", "lot_c"}, []string{o.Entries[0].Lot, o.Entries[1].Lot}, "in spending order")
	require.Empty(t, b.audit())
}

func TestApply_ClawbackAndClose(t *testing.T) { // L14
	t.Parallel()
	b := newBook(t, grant("lot_b", 100), grant("lot_a", 100), settle("req_1", 30))
	o := b.must(clawback("lot_a"))
	require.Equal(t, int64(-70), o.Entries[0].Amount)
	require.Equal(t, "refund", o.Entries[0].Reason)
	require.Equal(t, ledger.LotClawedBack, o.Lot.State)
	require.Equal(t, int64(100), o.Available)
	require.True(t, b.must(clawback("lot_a")).Replayed)
	o = b.must(closing)
	require.Len(t, o.Entries, 1)
	require.Equal(t, int64(-100), o.Entries[0].Amount)
	require.Empty(t, b.must(closing).Entries)
	require.Zero(t, b.must(sweep).Available)
	require.Empty(t, b.audit())
}
