package ledger_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/ledger"
)

func correct(request string, amount int64) ledger.Op {
	return ledger.Op{Kind: ledger.OpCorrect, Account: acct, Request: request, Amount: amount, Spare: "lot_" + request, Reason: "double charge", Actor: "pat"}
}

func ofLot(op ledger.Op, lot string) ledger.Op {
	op.Lot = lot
	return op
}

// TestApply_Correct: three lots in spending order, a to c. Of a 40 are left, of b 90
// with 50 held, and c is untouched.
func TestApply_Correct(t *testing.T) { // L11
	t.Parallel()
	for name, c := range map[string]struct {
		op      ledger.Op
		want    error
		a, b, c [2]int64
		spare   int64
	}{
		"takes from the first":       {correct("cor", -30), nil, [2]int64{10, 0}, [2]int64{90, 50}, [2]int64{100, 0}, 0},
		"takes on from the next":     {correct("cor", -60), nil, [2]int64{0, 0}, [2]int64{70, 50}, [2]int64{100, 0}, 0},
		"leaves what is held":        {correct("cor", -100), nil, [2]int64{0, 0}, [2]int64{50, 50}, [2]int64{80, 0}, 0},
		"takes all there is":         {correct("cor", -180), nil, [2]int64{0, 0}, [2]int64{50, 50}, [2]int64{0, 0}, 0},
		"takes no more than that":    {correct("cor", -181), ledger.ErrNotCovered, [2]int64{40, 0}, [2]int64{90, 50}, [2]int64{100, 0}, 0},
		"takes from one lot":         {ofLot(correct("cor", -40), "lot_b"), nil, [2]int64{40, 0}, [2]int64{50, 50}, [2]int64{100, 0}, 0},
		"and only from that":         {ofLot(correct("cor", -41), "lot_b"), ledger.ErrNotCovered, [2]int64{40, 0}, [2]int64{90, 50}, [2]int64{100, 0}, 0},
		"gives back to the last":     {correct("cor", 10), nil, [2]int64{40, 0}, [2]int64{100, 50}, [2]int64{100, 0}, 0},
		"to one that has room":       {correct("cor", 11), nil, [2]int64{51, 0}, [2]int64{90, 50}, [2]int64{100, 0}, 0},
		"to none, so to its own":     {correct("cor", 61), nil, [2]int64{40, 0}, [2]int64{90, 50}, [2]int64{100, 0}, 61},
		"gives back to one lot":      {ofLot(correct("cor", 5), "lot_a"), nil, [2]int64{45, 0}, [2]int64{90, 50}, [2]int64{100, 0}, 0},
		"not above what was granted": {ofLot(correct("cor", 11), "lot_b"), ledger.ErrLotFull, [2]int64{40, 0}, [2]int64{90, 50}, [2]int64{100, 0}, 0},
		"unknown lot":                {ofLot(correct("cor", 1), "lot_z"), ledger.ErrUnknownLot, [2]int64{40, 0}, [2]int64{90, 50}, [2]int64{100, 0}, 0},
		"dead lot":                   {ofLot(correct("cor", 1), "lot_dead"), ledger.ErrLotNotLive, [2]int64{40, 0}, [2]int64{90, 50}, [2]int64{100, 0}, 0},
		"dead lot, less":             {ofLot(correct("cor", -1), "lot_dead"), ledger.ErrLotNotLive, [2]int64{40, 0}, [2]int64{90, 50}, [2]int64{100, 0}, 0},
		"nothing":                    {correct("cor", 0), ledger.ErrAmount, [2]int64{40, 0}, [2]int64{90, 50}, [2]int64{100, 0}, 0},
		"no request":                 {correct("", -1), ledger.ErrAmount, [2]int64{40, 0}, [2]int64{90, 50}, [2]int64{100, 0}, 0},
		"too much":                   {correct("cor", ledger.MaxAmount), ledger.ErrOverflow, [2]int64{40, 0}, [2]int64{90, 50}, [2]int64{100, 0}, 0},
		"far too much":               {correct("cor", ledger.MaxAmount+1), ledger.ErrAmount, [2]int64{40, 0}, [2]int64{90, 50}, [2]int64{100, 0}, 0},
		"far too little":             {correct("cor", -ledger.MaxAmount-1), ledger.ErrAmount, [2]int64{40, 0}, [2]int64{90, 50}, [2]int64{100, 0}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBook(t, grant("lot_dead", 10), clawback("lot_dead"), grant("lot_a", 100), grant("lot_b", 100), grant("lot_c", 100),
				settle("req_1", 60), hold("req_2", 40), hold("req_3", 50), settle("req_4", 0))
			b.must(ofLot(correct("before", -10), "lot_b"))
			b.must(release("req_2"))
			b.now = b.now.Add(time.Hour)
			before := b.Seq
			o := b.do(c.op)
			require.ErrorIs(t, o.Err, c.want)
			require.Equal(t, [3][2]int64{c.a, c.b, c.c}, [3][2]int64{b.left("lot_a"), b.left("lot_b"), b.left("lot_c")})
			if c.want != nil {
				require.Equal(t, before, b.Seq)
				require.Empty(t, b.audit())
				return
			}
			var sum int64
			for _, e := range o.Entries {
				require.Equal(t, ledger.EntryCorrection, e.Kind)
				require.Equal(t, [3]string{"cor", "double charge", "pat"}, [3]string{e.Request, e.Reason, e.Actor})
				sum += e.Amount
			}
			require.Equal(t, c.op.Amount, sum)
			require.Equal(t, o.Entries, o.Correction)
			if c.spare > 0 {
				l := b.Lots()[len(b.Lots())-1]
				require.Equal(t, ledger.Lot{
					ID: "lot_cor", Account: acct, Source: ledger.SourceCorrection, State: ledger.LotLive, Granted: c.spare, Remaining: c.spare,
					GrantedAt: b.now, ExpiresAt: ledger.Expiry(b.now),
				}, l)
			}
			require.Empty(t, b.audit())

			again := b.must(c.op) // L5: once, however often it is sent
			require.True(t, again.Replayed)
			require.Empty(t, again.Entries)
			require.Equal(t, o.Entries, again.Correction)
			other := c.op
			other.Amount++
			require.ErrorIs(t, b.do(other).Err, ledger.ErrConflict)
			require.ErrorIs(t, b.do(ofLot(c.op, "lot_dead")).Err, ledger.ErrConflict)
			require.Empty(t, b.audit())
		})
	}
}

func TestApply_Correct_spareTaken(t *testing.T) {
	t.Parallel()
	b := newBook(t, grant("lot_cor", 10))
	require.ErrorIs(t, b.do(correct("cor", 5)).Err, ledger.ErrConflict)
	require.Equal(t, [2]int64{10, 0}, b.left("lot_cor"))
}

// A lot that is past its time takes part in no correction, swept or not (L10).
func TestApply_Correct_expired(t *testing.T) {
	t.Parallel()
	b := newBook(t, grant("lot_a", 100), settle("req_1", 50))
	b.now = start.Add(year)
	require.ErrorIs(t, b.do(correct("less", -1)).Err, ledger.ErrNotCovered)
	require.ErrorIs(t, b.do(ofLot(correct("more", 1), "lot_a")).Err, ledger.ErrLotNotLive)
	o := b.must(correct("more", 1))
	require.Equal(t, "lot_more", o.Entries[0].Lot)
	require.Equal(t, int64(1), o.Available)
	require.Empty(t, b.audit())
}

// A planted correction is no explanation of a lot (L5).
func TestAuditor_Correction(t *testing.T) {
	t.Parallel()
	b := newBook(t, grant("lot_a", 100), correct("less", -10), correct("more", 20))
	require.Empty(t, b.audit())
	for i := range b.entries {
		was := b.entries[i]
		b.entries[i].Amount++
		require.NotEmpty(t, b.audit(), "an amount")
		b.entries[i] = was
	}
	b.entries[0].Kind = ledger.EntryCorrection
	require.Empty(t, audit(b.entries[:1], nil, newBook(t, grant("lot_a", 100)).Lots(), 1), "a correction may make a lot")
	b.entries[0].Kind = ledger.EntryGrant
	b.entries[1].Lot = "lot_more"
	require.NotEmpty(t, b.audit())
}
