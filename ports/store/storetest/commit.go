package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

func ops(list ...ledger.Op) []ledger.Op { return list }

// told returns the events that ops and outcomes leave, as the store numbers
// them from seq on. IDs are the store's own.
func told(list []ledger.Op, outs []ledger.Outcome) (es []audit.Event) {
	for i, o := range outs {
		es = append(es, audit.OfLedger(list[i], o)...)
	}
	for i := range es {
		es[i].Seq = int64(i + 1)
	}
	return es
}

func anonymous(es []audit.Event) []audit.Event {
	out := make([]audit.Event, len(es))
	for i, e := range es {
		e.ID = ""
		out[i] = e
	}
	return out
}

func commitCases() []testCase {
	return []testCase{
		{"commit/what_it_says_is_what_it_wrote", []string{"Store.Commit", "Ledger.Lots", "Ledger.Entries", "Ledger.Hold", "Ledger.Holds"}, func(t *testing.T, h harness) {
			s, clock := h.clocked(t)
			addAccounts(t, s, "acct_1")
			progress := ledger.Mark{Accepted: true, Delivered: true, Cost: 44, Usage: ledger.Usage{Input: 9, Cached: 3, Output: 5, Estimated: true}}
			steps := ops(grant("acct_1", "lot_a", 100), grant("acct_1", "lot_b", 100), hold("acct_1", "req_1", 150), mark("acct_1", "req_1", progress),
				hold("acct_1", "req_2", 30), settle("acct_1", "req_1", 120), release("acct_1", "req_2", "upstream_refused"), clawback("acct_1", "lot_b"),
				hold("acct_1", "req_0", 0))
			var outs []ledger.Outcome
			for _, op := range steps {
				clock.Add(time.Second)
				o := apply(t, s, op)[0]
				require.Equal(t, clock.Now(), o.At)
				require.False(t, o.Replayed)
				outs = append(outs, o)
				if op.Request != "" {
					got, err := s.Ledger().Hold(t.Context(), "acct_1", op.Request)
					require.NoError(t, err)
					require.Equal(t, plain(o.Hold), plain(got))
				}
			}
			r := verified(t, s, "acct_1")
			var entries []ledger.Entry
			for _, o := range outs {
				entries = append(entries, o.Entries...)
			}
			require.Equal(t, entries, r.Entries)
			require.Equal(t, told(steps, outs), anonymous(r.Events)) // U1
			require.Equal(t, int64(120), outs[5].Debited)
			require.Equal(t, int64(0), r.balance(clock.Now()).Balance)
			require.Len(t, r.Lots, 2)
			require.Equal(t, ledger.LotClawedBack, r.Lots[1].State)
			require.Equal(t, int64(len(entries)), r.Account.Entries)
			got, err := s.Ledger().Hold(t.Context(), "acct_1", "req_1")
			require.NoError(t, err)
			require.Equal(t, outs[2].Hold.Parts, got.Parts)
			progress.At = outs[3].At
			require.Equal(t, progress, got.Mark)
			require.Equal(t, work, got.Work)
			require.Equal(t, outs[2].At.Add(10*time.Minute), got.Deadline)
		}},
		{"commit/one_batch", nil, func(t *testing.T, h harness) {
			s := h.store(t)
			addAccounts(t, s, "acct_1")
			list := ops(grant("acct_1", "lot_a", 100), grant("acct_1", "lot_b", 100), hold("acct_1", "req_1", 150), settle("acct_1", "req_1", 120),
				hold("acct_1", "req_2", 81), hold("acct_1", "req_3", 80), release("acct_1", "req_3", "refused"))
			outs := commit(t, s, list...)
			for i, o := range outs {
				if i == 4 {
					require.ErrorIs(t, o.Err, ledger.ErrExhausted)
					continue
				}
				require.NoError(t, o.Err, i)
				require.Equal(t, outs[0].At, o.At, "one batch, one instant")
			}
			r := verified(t, s, "acct_1")
			require.Equal(t, told(list, outs), anonymous(r.Events))
			require.Equal(t, int64(80), r.balance(outs[0].At).Available)
			require.Equal(t, int64(80), outs[6].Available)
			require.Len(t, r.Holds, 2, "a refused hold leaves no row")
		}},
		{"commit/nothing", nil, func(t *testing.T, h harness) {
			outs, err := h.store(t).Commit(t.Context(), store.Replica{}, nil)
			require.NoError(t, err)
			require.Empty(t, outs)
		}},
		{"commit/several_accounts_one_unknown", nil, func(t *testing.T, h harness) {
			s := h.store(t)
			addAccounts(t, s, "acct_1", "acct_2", "acct_3")
			outs := commit(t, s, grant("acct_2", "lot_2", 20), grant("acct_1", "lot_1", 10), hold("acct_none", "req_n", 0), hold("acct_3", "req_3", 1),
				hold("acct_1", "req_1", 10), grant("acct_none", "lot_n", 5), settle("acct_2", "req_2", 5), release("acct_1", "req_1", ""))
			for i, want := range []error{nil, nil, store.ErrNotFound, ledger.ErrExhausted, nil, store.ErrNotFound, nil, nil} {
				if want == nil {
					require.NoError(t, outs[i].Err, i)
					continue
				}
				require.ErrorIs(t, outs[i].Err, want, i)
			}
			require.Equal(t, "lot_2", outs[0].Lot.ID)
			require.Equal(t, "req_1", outs[4].Hold.Request)
			require.Equal(t, int64(15), verified(t, s, "acct_2").Lots[0].Remaining)
			require.Equal(t, int64(10), verified(t, s, "acct_1").Lots[0].Remaining)
			require.Empty(t, verified(t, s, "acct_3").Events)
		}},
		{"commit/a_full_batch", nil, func(t *testing.T, h harness) { // HOTPATH 3: 256 ops
			s := h.store(t)
			var list []ledger.Op
			for a := range 16 {
				acct := id("acct", a)
				funded(t, s, acct, 1000)
				for i := range 8 {
					req := id("req", a*8+i)
					list = append(list, hold(acct, req, 100), settle(acct, req, int64(10*i)))
				}
			}
			require.Len(t, list, 256)
			apply(t, s, list...)
			for a := range 16 {
				r := verified(t, s, id("acct", a))
				require.Equal(t, int64(1000-280), r.Lots[0].Remaining)
				require.Len(t, r.Holds, 8)
			}
		}},
		{"commit/a_repeated_batch_is_replayed", nil, func(t *testing.T, h harness) { // L5, HOTPATH 6
			s := h.store(t)
			addAccounts(t, s, "acct_1")
			for _, list := range [][]ledger.Op{
				ops(grant("acct_1", "lot_a", 100), grant("acct_1", "lot_b", 100)),
				ops(hold("acct_1", "req_1", 150), hold("acct_1", "req_2", 10)),
				ops(settle("acct_1", "req_1", 120), release("acct_1", "req_2", "refused")),
				ops(settle("acct_1", "req_3", 7)),
				ops(hold("acct_1", "req_4", 5), settle("acct_1", "req_4", 5)),
				ops(clawback("acct_1", "lot_b")),
			} {
				first := apply(t, s, list...)
				before := read(t, s, "acct_1")
				second := apply(t, s, list...)
				for i, o := range second {
					require.True(t, o.Replayed, "%s", list[i].Kind)
					require.Empty(t, o.Entries)
					require.Equal(t, first[i].Debited, o.Debited)
					require.Equal(t, first[i].Uncollected, o.Uncollected)
				}
				require.Equal(t, before, read(t, s, "acct_1"))
			}
			verified(t, s, "acct_1")
		}},
		{"commit/same_request_twice_in_a_batch", nil, func(t *testing.T, h harness) {
			s := h.store(t)
			funded(t, s, "acct_1", 100)
			foreign := hold("acct_1", "req_1", 30)
			foreign.Nonce = "somebody else's"
			outs := commit(t, s, hold("acct_1", "req_1", 30), hold("acct_1", "req_1", 30), foreign, hold("acct_1", "req_1", 31),
				settle("acct_1", "req_1", 20), settle("acct_1", "req_1", 20), settle("acct_1", "req_1", 21), release("acct_1", "req_1", ""))
			require.NoError(t, outs[0].Err)
			require.True(t, outs[1].Replayed)
			require.ErrorIs(t, outs[2].Err, ledger.ErrConflict)
			require.ErrorIs(t, outs[3].Err, ledger.ErrConflict)
			require.NoError(t, outs[4].Err)
			require.True(t, outs[5].Replayed)
			require.Equal(t, int64(20), outs[5].Debited)
			require.ErrorIs(t, outs[6].Err, ledger.ErrHoldClosed)
			require.ErrorIs(t, outs[7].Err, ledger.ErrHoldClosed)
			r := verified(t, s, "acct_1")
			require.Equal(t, int64(80), r.Lots[0].Remaining)
			require.Len(t, r.Entries, 2)
		}},
		{"commit/a_refusal_leaves_the_rows_alone", nil, func(t *testing.T, h harness) { // L6
			s := h.store(t)
			funded(t, s, "acct_1", 100)
			addAccounts(t, s, "acct_2")
			apply(t, s, hold("acct_1", "req_1", 40), settle("acct_1", "req_2", 10))
			before := read(t, s, "acct_1")
			stranger := release("acct_1", "req_1", "")
			stranger.Nonce = "somebody else's"
			negative, wrong := hold("acct_1", "req_9", -1), hold("acct_1", "req_9", 1)
			wrong.Kind = 99
			huge := grant("acct_1", "lot_9", ledger.MaxAmount)
			funded(t, s, "acct_3", 100)
			lotted, spared := correct("acct_1", "cor_9", -1), correct("acct_1", "cor_9", 99)
			lotted.Lot, spared.Spare = "lot_acct_3", "lot_acct_3"
			for name, c := range map[string]struct {
				op   ledger.Op
				want error
			}{
				"exhausted":        {hold("acct_1", "req_9", 51), ledger.ErrExhausted},
				"empty account":    {hold("acct_2", "req_9", 1), ledger.ErrExhausted},
				"negative":         {negative, ledger.ErrAmount},
				"overflow":         {huge, ledger.ErrOverflow},
				"unknown step":     {wrong, ledger.ErrUnknownOp},
				"unknown hold":     {release("acct_1", "req_9", ""), ledger.ErrUnknownHold},
				"unknown mark":     {mark("acct_1", "req_9", ledger.Mark{}), ledger.ErrUnknownHold},
				"stranger":         {stranger, ledger.ErrConflict},
				"other amount":     {hold("acct_1", "req_1", 41), ledger.ErrConflict},
				"other lot amount": {grant("acct_1", "lot_acct_1", 99), ledger.ErrConflict},
				"closed":           {release("acct_1", "req_2", ""), ledger.ErrHoldClosed},
				"unknown lot":      {clawback("acct_1", "lot_9"), ledger.ErrUnknownLot},
				"correction":       {correct("acct_1", "cor_9", -51), ledger.ErrNotCovered},
				"no correction":    {correct("acct_1", "cor_9", 0), ledger.ErrAmount},
				"lot of another":   {lotted, ledger.ErrUnknownLot},
				"lot ID taken":     {spared, ledger.ErrConflict},
			} {
				require.ErrorIs(t, commit(t, s, c.op)[0].Err, c.want, name)
				require.Equal(t, before, read(t, s, "acct_1"), name)
			}
			require.Empty(t, read(t, s, "acct_2").Events)
		}},
		{"commit/other_accounts_work", nil, func(t *testing.T, h harness) { // W4: IDs of others open nothing
			s := h.store(t)
			funded(t, s, "acct_1", 100)
			funded(t, s, "acct_2", 100)
			apply(t, s, hold("acct_1", "req_1", 40))
			before := read(t, s, "acct_1")
			require.ErrorIs(t, commit(t, s, release("acct_2", "req_1", ""))[0].Err, ledger.ErrUnknownHold)
			require.ErrorIs(t, commit(t, s, mark("acct_2", "req_1", ledger.Mark{}))[0].Err, ledger.ErrUnknownHold)
			require.ErrorIs(t, commit(t, s, clawback("acct_2", "lot_acct_1"))[0].Err, ledger.ErrUnknownLot)
			for _, op := range ops(hold("acct_2", "req_1", 1), settle("acct_2", "req_1", 1), grant("acct_2", "lot_acct_1", 100)) {
				outs := commit(t, s, op, settle("acct_2", "req_of_"+op.Kind.String(), 1))
				require.ErrorIs(t, outs[0].Err, ledger.ErrConflict, "%s", op.Kind)
				require.NoError(t, outs[1].Err, "the batch's other ops go on")
				require.Equal(t, before, read(t, s, "acct_1"), "%s", op.Kind)
				verified(t, s, "acct_2")
			}
			outs := commit(t, s, hold("acct_2", "req_new", 1), hold("acct_1", "req_new", 1)) // two claim it in one batch
			require.ErrorIs(t, errors.Join(outs[0].Err, outs[1].Err), ledger.ErrConflict)
			require.True(t, outs[0].Err == nil || outs[1].Err == nil, "one of them has it")
			verified(t, s, "acct_1")
			verified(t, s, "acct_2")
			_, err := s.Ledger().Hold(t.Context(), "acct_1", "req_1")
			require.NoError(t, err)
		}},
	}
}
