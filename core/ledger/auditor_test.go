package ledger_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/ledger"
)

func TestAuditor_NamesTheFault(t *testing.T) { // L5: `ledger verify`
	t.Parallel()
	sound := newBook(t, grant("lot_a", 100), grant("lot_b", 100), hold("req_1", 120), settle("req_1", 110), hold("req_2", 20), hold("req_3", 5), release("req_3"))
	require.Empty(t, sound.audit())
	for name, c := range map[string]struct {
		edit         func(es *[]ledger.Entry, hs []ledger.Hold, ls *[]ledger.Lot, seq *int64)
		lot, request string
	}{
		"amount":        {func(es *[]ledger.Entry, _ []ledger.Hold, _ *[]ledger.Lot, _ *int64) { (*es)[3].Amount++ }, "lot_b", ""},
		"grant":         {func(es *[]ledger.Entry, _ []ledger.Hold, _ *[]ledger.Lot, _ *int64) { (*es)[0].Amount-- }, "lot_a", ""},
		"turned sign":   {func(es *[]ledger.Entry, _ []ledger.Hold, _ *[]ledger.Lot, _ *int64) { (*es)[2].Amount *= -1 }, "lot_a", "req_1"},
		"missing first": {func(es *[]ledger.Entry, _ []ledger.Hold, _ *[]ledger.Lot, _ *int64) { *es = (*es)[1:] }, "lot_a", ""},
		"missing last":  {func(es *[]ledger.Entry, _ []ledger.Hold, _ *[]ledger.Lot, _ *int64) { *es = (*es)[:3] }, "lot_b", ""},
		"other lot":     {func(es *[]ledger.Entry, _ []ledger.Hold, _ *[]ledger.Lot, _ *int64) { (*es)[3].Lot = "lot_a" }, "lot_a", ""},
		"unknown lot":   {func(es *[]ledger.Entry, _ []ledger.Hold, _ *[]ledger.Lot, _ *int64) { (*es)[3].Lot = "lot_z" }, "lot_z", ""},
		"other request": {func(es *[]ledger.Entry, _ []ledger.Hold, _ *[]ledger.Lot, _ *int64) { (*es)[3].Request = "req_9" }, "lot_a", "req_1"},
		"remaining":     {func(_ *[]ledger.Entry, _ []ledger.Hold, ls *[]ledger.Lot, _ *int64) { (*ls)[1].Remaining++ }, "lot_b", ""},
		"granted":       {func(_ *[]ledger.Entry, _ []ledger.Hold, ls *[]ledger.Lot, _ *int64) { (*ls)[0].Granted++ }, "lot_a", ""},
		"held":          {func(_ *[]ledger.Entry, _ []ledger.Hold, ls *[]ledger.Lot, _ *int64) { (*ls)[1].Held-- }, "lot_b", ""},
		"deleted lot":   {func(_ *[]ledger.Entry, _ []ledger.Hold, ls *[]ledger.Lot, _ *int64) { *ls = (*ls)[1:] }, "lot_a", ""},
		"debited":       {func(_ *[]ledger.Entry, hs []ledger.Hold, _ *[]ledger.Lot, _ *int64) { hs[0].Debited++ }, "lot_a", "req_1"},
		"unsettled": {func(_ *[]ledger.Entry, hs []ledger.Hold, _ *[]ledger.Lot, _ *int64) {
			hs[0].State = ledger.HoldReleased
		}, "lot_a", "req_1"},
		"reopened": {func(_ *[]ledger.Entry, hs []ledger.Hold, _ *[]ledger.Lot, _ *int64) { hs[0].State = ledger.HoldOpen }, "lot_a", "req_1"},
		"closed open": {func(_ *[]ledger.Entry, hs []ledger.Hold, _ *[]ledger.Lot, _ *int64) {
			hs[1].State = ledger.HoldReleased
		}, "lot_b", ""},
		"held in no lot": {func(_ *[]ledger.Entry, hs []ledger.Hold, _ *[]ledger.Lot, _ *int64) {
			hs[1].Parts = []ledger.Part{{Lot: "lot_z", Amount: 20}}
		}, "lot_z", ""},
		"count of entries": {func(_ *[]ledger.Entry, _ []ledger.Hold, _ *[]ledger.Lot, seq *int64) { *seq++ }, "", ""},
	} {
		es, hs, ls, seq := slices.Clone(sound.entries), sound.holds(), sound.Lots(), sound.Seq
		c.edit(&es, hs, &ls, &seq)
		diffs := audit(es, hs, ls, seq)
		require.True(t, slices.ContainsFunc(diffs, func(d ledger.Difference) bool {
			return d.Account == acct && d.Lot == c.lot && (c.request == "" || d.Request == c.request) && d.Text != ""
		}), "%s: %+v", name, diffs)
	}
}
