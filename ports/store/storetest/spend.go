package storetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/ledger"
)

func spendCases() []testCase {
	return []testCase{
		{"spend/first_to_expire_first", nil, func(t *testing.T, h harness) { // L3, L10
			s, clock := h.clocked(t)
			addAccounts(t, s, "acct_1")
			a := apply(t, s, grant("acct_1", "lot_z", 100))[0].Lot
			clock.Add(time.Hour)
			apply(t, s, grant("acct_1", "lot_b", 100), grant("acct_1", "lot_a", 100)) // a tie, but for the ID

			clock.Set(a.ExpiresAt.Add(-time.Microsecond))
			o := apply(t, s, hold("acct_1", "req_1", 250))[0]
			require.Equal(t, []ledger.Part{{Lot: "lot_z", Amount: 100}, {Lot: "lot_a", Amount: 100}, {Lot: "lot_b", Amount: 50}}, o.Hold.Parts)
			apply(t, s, release("acct_1", "req_1", ""))

			clock.Set(a.ExpiresAt) // the first instant at which lot_z lends nothing
			require.ErrorIs(t, commit(t, s, hold("acct_1", "req_2", 201))[0].Err, ledger.ErrExhausted)
			o = apply(t, s, hold("acct_1", "req_3", 150))[0]
			require.Equal(t, []ledger.Part{{Lot: "lot_a", Amount: 100}, {Lot: "lot_b", Amount: 50}}, o.Hold.Parts)
			require.Equal(t, int64(50), o.Available)
			r := verified(t, s, "acct_1")
			require.Equal(t, []string{"lot_z", "lot_a", "lot_b"}, []string{r.Lots[0].ID, r.Lots[1].ID, r.Lots[2].ID})
			require.Equal(t, ledger.Balance{Balance: 300, Held: 150, Expired: 100, Available: 50}, r.balance(clock.Now()))
		}},
		{"spend/settle_below_at_and_above", nil, func(t *testing.T, h harness) { // L8
			s := h.store(t)
			funded(t, s, "acct_1", 100)
			for _, c := range []struct {
				request                 string
				cost, debited, lost, rm int64
			}{{"req_1", 10, 10, 0, 90}, {"req_2", 40, 40, 0, 50}, {"req_3", 45, 45, 0, 5}, {"req_4", 9, 5, 4, 0}} {
				held := min(c.rm+c.debited, 40)
				outs := apply(t, s, hold("acct_1", c.request, held), settle("acct_1", c.request, c.cost))
				require.Equal(t, c.debited, outs[1].Debited)
				require.Equal(t, c.lost, outs[1].Uncollected)
				require.Equal(t, c.rm, outs[1].Available)
				r := verified(t, s, "acct_1")
				require.Equal(t, c.rm, r.Lots[0].Remaining)
			}
		}},
		{"spend/overage_spares_other_holds", nil, func(t *testing.T, h harness) { // HOTPATH 10
			s := h.store(t)
			funded(t, s, "acct_1", 100)
			apply(t, s, hold("acct_1", "req_1", 30), hold("acct_1", "req_2", 60))
			o := apply(t, s, settle("acct_1", "req_1", 90))[0]
			require.Equal(t, int64(40), o.Debited)
			require.Equal(t, int64(50), o.Uncollected)
			require.Equal(t, int64(60), apply(t, s, settle("acct_1", "req_2", 60))[0].Debited)
			require.Zero(t, verified(t, s, "acct_1").Lots[0].Remaining)
		}},
		{"spend/extend", nil, func(t *testing.T, h harness) { // HOTPATH 10
			s := h.store(t)
			addAccounts(t, s, "acct_1", "acct_2")
			apply(t, s, grant("acct_1", "lot_1", 100), grant("acct_1", "lot_2", 100))
			first := apply(t, s, hold("acct_1", "req_1", 60), hold("acct_1", "req_2", 30))[0].Hold
			before := read(t, s, "acct_1")

			refused := commit(t, s, extend("acct_1", "req_1", 171), extend("acct_1", "req_9", 10), extend("acct_2", "req_1", 70))
			require.ErrorIs(t, refused[0].Err, ledger.ErrExhausted)
			require.ErrorIs(t, refused[1].Err, ledger.ErrUnknownHold)
			require.ErrorIs(t, refused[2].Err, ledger.ErrUnknownHold, "another account's")
			require.Equal(t, before, read(t, s, "acct_1"))

			for range 2 {
				o := apply(t, s, extend("acct_1", "req_1", 150))[0]
				want := first
				want.Amount, want.Parts = 150, []ledger.Part{{Lot: "lot_1", Amount: 70}, {Lot: "lot_2", Amount: 80}}
				require.Equal(t, want, o.Hold)
				require.Equal(t, int64(20), o.Available)
			}
			r := verified(t, s, "acct_1")
			require.Equal(t, before.Events, r.Events, "the end tells the story")
			require.Equal(t, int64(150), r.Holds[0].Hold.Amount)

			o := apply(t, s, settle("acct_1", "req_1", 155))[0]
			require.Equal(t, int64(155), o.Debited)
			require.Zero(t, o.Uncollected)
			require.ErrorIs(t, commit(t, s, extend("acct_1", "req_1", 160))[0].Err, ledger.ErrHoldClosed)

			apply(t, s, extend("acct_1", "req_2", 40)) // one lot: settled in one round trip where that is offered
			o = apply(t, s, settle("acct_1", "req_2", 38))[0]
			require.Equal(t, int64(38), o.Debited)
			require.Equal(t, int64(7), o.Available)
			verified(t, s, "acct_1")
		}},
		{"spend/settle_without_a_hold", nil, func(t *testing.T, h harness) { // HOTPATH 6
			s := h.store(t)
			funded(t, s, "acct_1", 100)
			require.Equal(t, int64(30), apply(t, s, settle("acct_1", "req_1", 30))[0].Debited)
			o := apply(t, s, settle("acct_1", "req_2", 80))[0]
			require.Equal(t, int64(70), o.Debited)
			require.Equal(t, int64(10), o.Uncollected)
			require.Equal(t, int64(10), verified(t, s, "acct_1").Holds[1].Hold.Uncollected)
		}},
	}
}

func lifeCases() []testCase {
	sweep := ledger.Op{Kind: ledger.OpSweep, Account: "acct_1"}
	closing := ledger.Op{Kind: ledger.OpClose, Account: "acct_1", Reason: "closed_by_owner", Actor: "pat", ActorKind: "operator"}
	return []testCase{
		{"life/sweep", []string{"Ledger.Expired"}, func(t *testing.T, h harness) { // L10
			s, clock := h.clocked(t)
			funded(t, s, "acct_1", 100)
			lot := verified(t, s, "acct_1").Lots[0]
			clock.Add(24 * time.Hour)
			funded(t, s, "acct_2", 100)
			clock.Set(lot.ExpiresAt.Add(-time.Microsecond))
			apply(t, s, hold("acct_1", "req_1", 30))
			require.Empty(t, expired(t, s))
			apply(t, s, sweep)
			require.Equal(t, ledger.LotLive, verified(t, s, "acct_1").Lots[0].State)

			clock.Set(lot.ExpiresAt)
			require.Equal(t, []string{"acct_1"}, expired(t, s))
			clock.Add(time.Hour)
			o := apply(t, s, sweep)[0]
			require.Len(t, o.Entries, 1)
			require.Equal(t, lot.ExpiresAt, o.Entries[0].At, "dated at the expiry, not at the sweep")
			require.Equal(t, int64(-70), o.Entries[0].Amount, "only what is unheld")
			require.Empty(t, expired(t, s))
			require.Empty(t, apply(t, s, sweep)[0].Entries)
			verified(t, s, "acct_1")

			outs := apply(t, s, settle("acct_1", "req_1", 20)) // HOTPATH 11: the rest is breakage
			require.Len(t, outs[0].Entries, 2)
			r := verified(t, s, "acct_1")
			require.Equal(t, ledger.EntryExpiry, r.Entries[3].Kind)
			require.Equal(t, int64(-10), r.Entries[3].Amount)
			require.Equal(t, lot.ExpiresAt, r.Entries[3].At)
			require.Zero(t, r.Lots[0].Remaining)
			require.ErrorIs(t, commit(t, s, hold("acct_1", "req_2", 1))[0].Err, ledger.ErrExhausted)

			clock.Add(48 * time.Hour)
			require.Equal(t, []string{"acct_2"}, expired(t, s))
		}},
		{"life/clawback_under_a_hold", nil, func(t *testing.T, h harness) { // L14
			s := h.store(t)
			funded(t, s, "acct_1", 100)
			apply(t, s, hold("acct_1", "req_1", 30), hold("acct_1", "req_2", 20))
			o := apply(t, s, clawback("acct_1", "lot_acct_1"))[0]
			require.Equal(t, int64(-50), o.Entries[0].Amount)
			require.Zero(t, o.Available)
			require.Empty(t, apply(t, s, settle("acct_1", "req_1", 30))[0].Entries[1:])
			require.Equal(t, ledger.EntryClawback, apply(t, s, release("acct_1", "req_2", ""))[0].Entries[0].Kind)
			require.Zero(t, verified(t, s, "acct_1").Lots[0].Remaining)
		}},
		{"life/close_under_a_hold", nil, func(t *testing.T, h harness) {
			s := h.store(t)
			funded(t, s, "acct_1", 100)
			apply(t, s, grant("acct_1", "lot_b", 50), hold("acct_1", "req_1", 120))
			o := apply(t, s, closing)[0]
			require.Len(t, o.Entries, 1)
			require.Equal(t, int64(-30), o.Entries[0].Amount)
			require.Equal(t, ledger.EntryClosure, o.Entries[0].Kind)
			require.Empty(t, apply(t, s, closing)[0].Entries)
			apply(t, s, settle("acct_1", "req_1", 110))
			r := verified(t, s, "acct_1")
			require.Zero(t, r.Lots[0].Remaining+r.Lots[1].Remaining)
			require.ErrorIs(t, commit(t, s, hold("acct_1", "req_2", 1))[0].Err, ledger.ErrExhausted)
		}},
		{"life/correction", nil, func(t *testing.T, h harness) { // L11
			s, clock := h.clocked(t)
			addAccounts(t, s, "acct_1", "acct_2")
			granted := apply(t, s, grant("acct_1", "lot_a", 100), grant("acct_1", "lot_b", 100), grant("acct_2", "lot_c", 100), hold("acct_1", "req_1", 80))
			less, more, all := correct("acct_1", "cor_less", -50), correct("acct_1", "cor_more", 25), correct("acct_1", "cor_all", 60)
			outs := apply(t, s, less, more, all)
			require.Len(t, outs[0].Entries, 2, "what lot_a lends beside the hold, then lot_b")
			require.Equal(t, "lot_b", outs[1].Entries[0].Lot, "the last that has room")
			require.Equal(t, "lot_cor_all", outs[2].Entries[0].Lot, "neither has")
			r := verified(t, s, "acct_1")
			require.Equal(t, ledger.SourceCorrection, r.Lots[2].Source)
			require.Equal(t, int64(235), r.balance(clock.Now()).Balance)
			require.Equal(t, told(ops(grant("acct_1", "lot_a", 100), grant("acct_1", "lot_b", 100), less, more, all), append(granted[:2:2], outs...)), anonymous(r.Events))
			for i, op := range ops(less, more, all) { // L5
				clock.Add(time.Hour)
				again := apply(t, s, op)[0]
				require.True(t, again.Replayed)
				require.Equal(t, outs[i].Entries, again.Correction)
				other := op
				other.Amount += 2
				require.ErrorIs(t, commit(t, s, other)[0].Err, ledger.ErrConflict)
			}
			require.Equal(t, r, verified(t, s, "acct_1"))
			elsewhere := correct("acct_2", "cor_less", -50) // one request may correct several accounts
			elsewhere.Spare = ""
			require.Len(t, apply(t, s, elsewhere)[0].Entries, 1)
			verified(t, s, "acct_2")
		}},
		{"life/a_dead_lot_is_still_known", nil, func(t *testing.T, h harness) { // L5: a grant repeated late is no second grant
			s, clock := h.clocked(t)
			addAccounts(t, s, "acct_1")
			apply(t, s, grant("acct_1", "lot_swept", 10), grant("acct_1", "lot_clawed", 10), clawback("acct_1", "lot_clawed"))
			spent := grant("acct_1", "lot_spent", 10)
			clock.Set(ledger.Expiry(start))
			apply(t, s, sweep, spent, settle("acct_1", "req_1", 10))
			apply(t, s, grant("acct_1", "lot_closed", 10), closing)
			before := read(t, s, "acct_1")
			for _, op := range ops(grant("acct_1", "lot_swept", 10), grant("acct_1", "lot_clawed", 10), spent, grant("acct_1", "lot_closed", 10)) {
				o := commit(t, s, op)[0]
				require.NoError(t, o.Err, op.Lot)
				require.True(t, o.Replayed, op.Lot)
				op.Amount = 11
				require.ErrorIs(t, commit(t, s, op)[0].Err, ledger.ErrConflict, op.Lot)
			}
			require.Equal(t, before, read(t, s, "acct_1"))
			verified(t, s, "acct_1")
		}},
		{"life/money_time_never_runs_back", nil, func(t *testing.T, h harness) { // HOTPATH 4
			s, clock := h.clocked(t)
			funded(t, s, "acct_1", 100)
			clock.Add(time.Hour)
			last := apply(t, s, hold("acct_1", "req_1", 10))[0].At
			clock.Add(-24 * time.Hour)
			for _, op := range ops(settle("acct_1", "req_1", 5), grant("acct_1", "lot_b", 5), settle("acct_1", "req_2", 5), sweep) {
				require.Equal(t, last, apply(t, s, op)[0].At)
			}
			addAccounts(t, s, "acct_2")
			require.Equal(t, clock.Now(), apply(t, s, grant("acct_2", "lot_2", 5))[0].At, "it is the account's time, not everybody's")
			clock.Add(48 * time.Hour)
			require.Equal(t, clock.Now(), apply(t, s, settle("acct_1", "req_3", 5))[0].At)
			r := verified(t, s, "acct_1")
			for i := 1; i < len(r.Entries); i++ {
				require.False(t, r.Entries[i].At.Before(r.Entries[i-1].At))
			}
		}},
	}
}
