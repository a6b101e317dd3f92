package storetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

func expired(t *testing.T, s store.Store) []string {
	t.Helper()
	accounts, err := s.Ledger().Expired(t.Context(), 10)
	require.NoError(t, err)
	return accounts
}

func requests(hs []ledger.Hold) (ids []string) {
	for _, h := range hs {
		ids = append(ids, h.Request)
	}
	return ids
}

func seqs(es []ledger.Entry) (ns []int64) {
	for _, e := range es {
		ns = append(ns, e.Seq)
	}
	return ns
}

func entriesAfter(t *testing.T, s store.Store, account string, after int64) []ledger.Entry {
	t.Helper()
	es, err := s.Ledger().Entries(t.Context(), account, after, store.MaxPage)
	require.NoError(t, err)
	return es
}

func readCases() []testCase {
	return []testCase{
		{"read/funds", []string{"Ledger.Funds"}, func(t *testing.T, h harness) { // HOTPATH 13
			s, clock := h.clocked(t)
			funded(t, s, "acct_1", 100)
			first, err := s.Ledger().Lots(t.Context(), "acct_1")
			require.NoError(t, err)
			clock.Add(time.Hour)
			apply(t, s, ledger.Op{Kind: ledger.OpGrant, Account: "acct_1", Lot: "lot_more", Amount: 50, Source: ledger.SourceOperator})
			apply(t, s, hold("acct_1", "req_1", 30))
			addAccounts(t, s, "acct_2")
			funds := func() map[string]store.Funds {
				found, err := s.Ledger().Funds(t.Context(), []string{"acct_1", "acct_2", "acct_none"})
				require.NoError(t, err)
				by := map[string]store.Funds{}
				for _, f := range found {
					by[f.Account] = f
				}
				require.Len(t, by, len(found))
				return by
			}
			require.Equal(t, map[string]store.Funds{
				"acct_1": {Account: "acct_1", Available: 120, Until: first[0].ExpiresAt}, "acct_2": {Account: "acct_2"},
			}, funds())
			clock.Set(first[0].ExpiresAt)
			require.Equal(t, int64(50), funds()["acct_1"].Available, "L10: an expired lot lends nothing, swept or not")
			none, err := s.Ledger().Funds(t.Context(), nil)
			require.NoError(t, err)
			require.Empty(t, none)
		}},
		{"read/entries_by_keyset", []string{"Ledger.Entries", "Ledger.EntriesBefore"}, func(t *testing.T, h harness) {
			s := h.store(t)
			funded(t, s, "acct_1", 100)
			funded(t, s, "acct_2", 100)
			for n := range 6 {
				apply(t, s, settle("acct_1", id("req", n), 1), settle("acct_2", id("req2", n), 1))
			}
			for _, c := range []struct {
				after int64
				limit int
				want  []int64
			}{{0, 3, []int64{1, 2, 3}}, {3, 3, []int64{4, 5, 6}}, {6, 3, []int64{7}}, {7, 3, nil}, {99, 3, nil}} {
				got, err := s.Ledger().Entries(t.Context(), "acct_1", c.after, c.limit)
				require.NoError(t, err)
				require.Equal(t, c.want, seqs(got), "after %d", c.after)
			}
			for _, c := range []struct {
				before int64
				limit  int
				want   []int64
			}{{0, 3, []int64{7, 6, 5}}, {5, 3, []int64{4, 3, 2}}, {2, 3, []int64{1}}, {1, 3, nil}} {
				got, err := s.Ledger().EntriesBefore(t.Context(), "acct_1", c.before, c.limit)
				require.NoError(t, err)
				require.Equal(t, c.want, seqs(got), "before %d", c.before)
				for _, e := range got {
					require.Equal(t, "acct_1", e.Account)
				}
			}
		}},
		{"read/first_entry_since_a_date", []string{"Ledger.FirstSince"}, func(t *testing.T, h harness) { // L16
			s, clock := h.clocked(t)
			addAccounts(t, s, "acct_1", "acct_2")
			apply(t, s, grant("acct_1", "lot_a", 1000))
			var dates []time.Time // of entries 2 to 101, two of each date
			for n := range 100 {
				if n%2 == 0 {
					clock.Add(time.Hour)
				}
				apply(t, s, settle("acct_1", id("req", n), 1))
				dates = append(dates, clock.Now())
			}
			first := func(account string, at time.Time) int64 {
				n, err := s.Ledger().FirstSince(t.Context(), account, at)
				require.NoError(t, err)
				return n
			}
			require.EqualValues(t, 1, first("acct_1", time.Time{}))
			require.EqualValues(t, 1, first("acct_1", start))
			for n, at := range dates {
				require.EqualValues(t, n-n%2+2, first("acct_1", at))
				require.EqualValues(t, n-n%2+4, first("acct_1", at.Add(time.Microsecond)))
			}
			require.EqualValues(t, 1, first("acct_2", start), "an account without entries")
			_, err := s.Ledger().FirstSince(t.Context(), "acct_none", start)
			require.ErrorIs(t, err, store.ErrNotFound)

			// An expiry is written late, in the lot's name: it is no sign of where a date begins.
			died := ledger.Expiry(start)
			clock.Set(died.AddDate(0, 1, 0))
			apply(t, s, ledger.Op{Kind: ledger.OpSweep, Account: "acct_1"}, grant("acct_1", "lot_b", 10))
			require.Equal(t, []int64{102, 103}, seqs(entriesAfter(t, s, "acct_1", 101)))
			require.EqualValues(t, 102, first("acct_1", died))
			require.EqualValues(t, 102, first("acct_1", died.Add(time.Hour)), "the expiry may stand there too")
			require.LessOrEqual(t, first("acct_1", clock.Now()), int64(103))
			require.EqualValues(t, 104, first("acct_1", clock.Now().Add(time.Microsecond)))
		}},
		{"read/sums_by_kind_and_date", []string{"Ledger.Sums"}, func(t *testing.T, h harness) { // L16
			s, clock := h.clocked(t)
			funded(t, s, "acct_2", 500)
			addAccounts(t, s, "acct_1")
			apply(t, s, grant("acct_1", "lot_a", 100))
			clock.Add(time.Hour)
			from := clock.Now()
			apply(t, s, settle("acct_1", "req_1", 7), grant("acct_1", "lot_b", 50), settle("acct_1", "req_2", 5))
			clock.Add(time.Hour)
			to := clock.Now()
			apply(t, s, settle("acct_1", "req_3", 3))
			sums := func(after, until int64) []store.EntrySum {
				list, err := s.Ledger().Sums(t.Context(), "acct_1", after, until, from, to)
				require.NoError(t, err)
				return list
			}
			require.ElementsMatch(t, []store.EntrySum{
				{Kind: ledger.EntryGrant, Dated: store.DatedBefore, Amount: 100, Lines: 1},
				{Kind: ledger.EntryGrant, Dated: store.DatedWithin, Amount: 50, Lines: 1},
				{Kind: ledger.EntryDebit, Dated: store.DatedWithin, Amount: -12, Lines: 2},
				{Kind: ledger.EntryDebit, Dated: store.DatedAfter, Amount: -3, Lines: 1},
			}, sums(0, store.MaxSums))
			require.ElementsMatch(t, []store.EntrySum{
				{Kind: ledger.EntryGrant, Dated: store.DatedWithin, Amount: 50, Lines: 1},
				{Kind: ledger.EntryDebit, Dated: store.DatedWithin, Amount: -5, Lines: 1},
			}, sums(2, 4))
			require.Empty(t, sums(5, 9))
			_, err := s.Ledger().Sums(t.Context(), "acct_1", 0, store.MaxSums+1, from, to)
			require.Error(t, err, "a step is bounded")
		}},
		{"read/hold_of_the_account_only", nil, func(t *testing.T, h harness) { // W4
			s := h.store(t)
			funded(t, s, "acct_1", 100)
			addAccounts(t, s, "acct_2")
			apply(t, s, hold("acct_1", "req_1", 10))
			for _, c := range [][2]string{{"acct_2", "req_1"}, {"acct_1", "req_2"}, {"acct_none", "req_1"}} {
				_, err := s.Ledger().Hold(t.Context(), c[0], c[1])
				require.ErrorIs(t, err, store.ErrNotFound)
			}
			r := read(t, s, "acct_2")
			require.Empty(t, r.Holds)
			require.Empty(t, r.Lots)
			require.Empty(t, r.Entries)
			require.Empty(t, r.Events)
		}},
		{"read/holds_with_their_debits", []string{"Ledger.Unheld"}, func(t *testing.T, h harness) { // `ledger verify`
			s := h.store(t)
			addAccounts(t, s, "acct_1")
			funded(t, s, "acct_2", 10)
			apply(t, s, grant("acct_1", "lot_a", 20), grant("acct_1", "lot_b", 20))
			apply(t, s, hold("acct_2", "req_5", 1), settle("acct_1", "req_3", 25), hold("acct_1", "req_1", 5), release("acct_1", "req_1", ""),
				hold("acct_1", "req_2", 8), settle("acct_1", "req_2", 3), settle("acct_1", "req_4", 0))
			var seen []string
			debits := map[string]int64{}
			page := store.Page{Limit: 2}
			for range 4 {
				hs, err := s.Ledger().Holds(t.Context(), page)
				require.NoError(t, err)
				require.LessOrEqual(t, len(hs), 2)
				for _, h := range hs {
					seen = append(seen, h.Hold.Request)
					debits[h.Hold.Request] = h.Debits
					page.After = h.Hold.Request
				}
			}
			require.Equal(t, []string{"req_1", "req_2", "req_3", "req_4", "req_5"}, seen)
			require.Equal(t, map[string]int64{"req_1": 0, "req_2": 3, "req_3": 25, "req_4": 0, "req_5": 0}, debits)
			verified(t, s, "acct_1")
			_, err := s.Ledger().Unheld(t.Context(), "acct_1", 0, store.MaxSums+1)
			require.Error(t, err, "a step is bounded")
		}},
		{"read/open_holds", []string{"Ledger.OpenHolds"}, func(t *testing.T, h harness) { // HOTPATH 8
			s, clock := h.clocked(t)
			funded(t, s, "acct_1", 100)
			funded(t, s, "acct_2", 100)
			brief := hold("acct_2", "req_2", 1)
			brief.Deadline = time.Minute
			foreign := hold("acct_1", "req_4", 1)
			foreign.Replica = "rep_2"
			for _, op := range ops(hold("acct_1", "req_3", 1), brief, hold("acct_1", "req_1", 1), foreign, hold("acct_2", "req_5", 1)) {
				apply(t, s, op)
				clock.Add(time.Second)
			}
			open := func(replica string, expired bool, limit int) []string {
				hs, err := s.Ledger().OpenHolds(t.Context(), replica, expired, limit)
				require.NoError(t, err)
				for _, h := range hs {
					want, err := s.Ledger().Hold(t.Context(), h.Account, h.Request)
					require.NoError(t, err)
					require.Equal(t, plain(want), plain(h))
				}
				return requests(hs)
			}
			require.Equal(t, []string{"req_3", "req_2", "req_1", "req_5"}, open("rep_1", false, 10), "oldest first, over all accounts")
			require.Equal(t, []string{"req_3", "req_2"}, open("rep_1", false, 2))
			require.Equal(t, []string{"req_4"}, open("rep_2", false, 10))
			require.Empty(t, open("rep_3", false, 10))
			require.Empty(t, open("rep_1", true, 10))
			clock.Set(start.Add(time.Second + time.Minute - time.Microsecond))
			require.Empty(t, open("rep_1", true, 10))
			clock.Add(time.Second)
			require.Equal(t, []string{"req_2"}, open("rep_1", true, 10))
			apply(t, s, release("acct_2", "req_2", ledger.ReasonAbandoned), settle("acct_1", "req_3", 1))
			require.Empty(t, open("rep_1", true, 10))
			require.Equal(t, []string{"req_1", "req_5"}, open("rep_1", false, 10))
		}},
		{"read/open_holds_of_an_account", []string{"Ledger.OpenHoldsOf"}, func(t *testing.T, h harness) { // `ledger verify`
			s := h.store(t)
			funded(t, s, "acct_1", 100)
			funded(t, s, "acct_2", 100)
			foreign := hold("acct_1", "req_4", 1)
			foreign.Replica = "rep_2"
			apply(t, s, hold("acct_1", "req_3", 1), hold("acct_2", "req_2", 1), hold("acct_1", "req_1", 1), foreign, hold("acct_1", "req_5", 1), settle("acct_1", "req_5", 1))
			open := func(account, after string, limit int) []string {
				hs, err := s.Ledger().OpenHoldsOf(t.Context(), account, store.Page{After: after, Limit: limit})
				require.NoError(t, err)
				for _, h := range hs {
					want, err := s.Ledger().Hold(t.Context(), account, h.Request)
					require.NoError(t, err)
					require.Equal(t, plain(want), plain(h))
				}
				return requests(hs)
			}
			require.Equal(t, []string{"req_1", "req_3", "req_4"}, open("acct_1", "", 10), "of every replica")
			require.Equal(t, []string{"req_1", "req_3"}, open("acct_1", "", 2))
			require.Equal(t, []string{"req_4"}, open("acct_1", "req_3", 2))
			require.Empty(t, open("acct_1", "req_4", 2))
			require.Equal(t, []string{"req_2"}, open("acct_2", "", 10))
			require.Empty(t, open("acct_3", "", 10))
			apply(t, s, release("acct_1", "req_3", ""))
			require.Equal(t, []string{"req_1", "req_4"}, open("acct_1", "", 10))
		}},
	}
}
