package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

func event(n int, account string, kind audit.Kind) audit.Event {
	return audit.Event{
		ID: id("evt", n), Account: account, At: start.Add(time.Duration(n) * time.Minute), Kind: kind,
		Actor: audit.Actor{Kind: audit.ActorUser, ID: "user_1"}, Area: "api", Request: id("req", n), Key: id("key", n%2), Amount: int64(-n),
		Reason: "why", Subject: "thing_1", Model: "m", Count: int64(n),
	}
}

// listed returns the numbers in the IDs of a query's events.
func listed(t *testing.T, s store.Store, q store.EventQuery) (ids []string) {
	t.Helper()
	got, err := s.Events().List(t.Context(), q)
	require.NoError(t, err)
	for _, e := range got {
		ids = append(ids, e.ID)
	}
	return ids
}

func evts(ns ...int) (ids []string) {
	for _, n := range ns {
		ids = append(ids, id("evt", n))
	}
	return ids
}

func eventCases() []testCase {
	return []testCase{
		{"events/append_numbers_by_account", []string{"Events.Append", "Events.List"}, func(t *testing.T, h harness) { // U1
			s := h.store(t)
			addAccounts(t, s, "acct_1", "acct_2")
			e1, e2, e3, e4 := event(1, "acct_1", audit.KeyCreated), event(2, "acct_2", audit.KeyCreated), event(3, "acct_1", audit.KeyRevoked), event(4, "acct_1", audit.GateDenied)
			e1.Seq = 77 // the store's to give
			require.NoError(t, s.Events().Append(t.Context(), e1, e2, e3))
			require.NoError(t, s.Events().Append(t.Context(), e4))
			require.NoError(t, s.Events().Append(t.Context()))
			e1.Seq, e2.Seq, e3.Seq, e4.Seq = 1, 1, 2, 3
			got, err := s.Events().List(t.Context(), store.EventQuery{Account: "acct_1"})
			require.NoError(t, err)
			require.Equal(t, []audit.Event{e4, e3, e1}, got)
			got, err = s.Events().List(t.Context(), store.EventQuery{Account: "acct_2"})
			require.NoError(t, err)
			require.Equal(t, []audit.Event{e2}, got)
		}},
		{"events/append_is_all_or_nothing", nil, func(t *testing.T, h harness) {
			s := h.store(t)
			addAccounts(t, s, "acct_1")
			err := s.Events().Append(t.Context(), event(1, "acct_1", audit.KeyCreated), event(2, "acct_none", audit.KeyCreated))
			require.ErrorIs(t, err, store.ErrNotFound)
			require.Empty(t, listed(t, s, store.EventQuery{Account: "acct_1"}))
			require.NoError(t, s.Events().Append(t.Context(), event(3, "acct_1", audit.KeyCreated)))
			require.Len(t, verified(t, s, "acct_1").Events, 1)
		}},
		{"events/filters", nil, func(t *testing.T, h harness) { // U4
			s := h.store(t)
			addAccounts(t, s, "acct_1", "acct_2")
			kinds := []audit.Kind{audit.KeyCreated, audit.KeyRevoked, audit.GateDenied}
			for n := 1; n <= 6; n++ {
				require.NoError(t, s.Events().Append(t.Context(), event(n, "acct_1", kinds[n%3])))
			}
			twin := event(7, "acct_2", audit.KeyCreated)
			twin.Request = id("req", 3)
			require.NoError(t, s.Events().Append(t.Context(), twin))

			for name, c := range map[string]struct {
				q    store.EventQuery
				want []string
			}{
				"all":         {store.EventQuery{}, evts(6, 5, 4, 3, 2, 1)},
				"kind":        {store.EventQuery{Kinds: []audit.Kind{audit.KeyCreated}}, evts(6, 3)},
				"kinds":       {store.EventQuery{Kinds: []audit.Kind{audit.KeyRevoked, audit.KeyCreated}}, evts(6, 4, 3, 1)},
				"key":         {store.EventQuery{Key: id("key", 1)}, evts(5, 3, 1)},
				"request":     {store.EventQuery{Request: id("req", 3)}, evts(3)},
				"no request":  {store.EventQuery{Request: "req_none"}, nil},
				"since":       {store.EventQuery{Since: start.Add(4*time.Minute - time.Microsecond)}, evts(6, 5, 4)},
				"until":       {store.EventQuery{Until: start.Add(2*time.Minute + time.Microsecond)}, evts(2, 1)},
				"time":        {store.EventQuery{Since: start.Add(90 * time.Second), Until: start.Add(210 * time.Second)}, evts(3, 2)},
				"together":    {store.EventQuery{Key: id("key", 1), Kinds: []audit.Kind{audit.KeyCreated}, Since: start}, evts(3)},
				"before":      {store.EventQuery{Before: 3}, evts(2, 1)},
				"after":       {store.EventQuery{After: 4}, evts(6, 5)},
				"between":     {store.EventQuery{After: 2, Before: 5, Kinds: []audit.Kind{audit.KeyCreated, audit.KeyRevoked}}, evts(4, 3)},
				"kind twice":  {store.EventQuery{Kinds: []audit.Kind{audit.KeyCreated, audit.GateDenied}, Limit: 3}, evts(6, 5, 3)},
				"limit":       {store.EventQuery{Limit: 2}, evts(6, 5)},
				"next page":   {store.EventQuery{Limit: 2, Before: 5}, evts(4, 3)},
				"filter page": {store.EventQuery{Limit: 1, Before: 6, Kinds: []audit.Kind{audit.KeyCreated}}, evts(3)},
			} {
				c.q.Account = "acct_1"
				require.Equal(t, c.want, listed(t, s, c.q), name)
			}
		}},
		{"events/kinds_of_requests_and_others", nil, func(t *testing.T, h harness) { // U4
			s := h.store(t)
			funded(t, s, "acct_1", 100)
			for n := range 4 {
				apply(t, s, settle("acct_1", id("req", n), 1))
				require.NoError(t, s.Events().Append(t.Context(), event(n, "acct_1", audit.KeyCreated)))
			}
			kinds := func(ks ...audit.Kind) (seqs []int64) {
				es, err := s.Events().List(t.Context(), store.EventQuery{Account: "acct_1", Kinds: ks})
				require.NoError(t, err)
				for _, e := range es {
					require.Contains(t, ks, e.Kind)
					seqs = append(seqs, e.Seq)
				}
				return seqs
			}
			require.Equal(t, []int64{8, 6, 4, 2}, kinds(audit.UsageDebited))
			require.Equal(t, []int64{9, 7, 5, 3}, kinds(audit.KeyCreated))
			require.Equal(t, []int64{9, 8, 7, 6, 5, 4, 3, 2, 1}, kinds(audit.KeyCreated, audit.UsageDebited, audit.CreditsGranted))
			require.Equal(t, []int64{9, 7, 5, 3, 1}, kinds(audit.CreditsGranted, audit.KeyCreated))
		}},
		{"events/of_a_request", nil, func(t *testing.T, h harness) { // U4: that of its debit among them, whichever way it was booked
			s := h.store(t)
			funded(t, s, "acct_1", 100)
			funded(t, s, "acct_2", 100)
			me := join(t, s, "rep_1")
			alone := func(op ledger.Op) {
				outs, err := s.TryCommit(t.Context(), me, ops(op), 0)
				require.NoError(t, err)
				require.NoError(t, outs[0].Err)
			}
			later := func(request string) {
				e := event(len(request), "acct_1", audit.ResponseDeleted)
				e.ID, e.Request = "evt_"+request, request
				require.NoError(t, s.Events().Append(t.Context(), e))
			}
			once := hold("acct_1", "req_once", 5)
			once.Kind, once.Cost = ledger.OpSpend, 5
			for _, ways := range []func(){
				func() { alone(hold("acct_1", "req_alone", 9)); alone(settle("acct_1", "req_alone", 9)) },
				func() {
					apply(t, s, hold("acct_1", "req_batch", 9), settle("acct_1", "req_batch", 9), settle("acct_2", "req_other", 1))
				},
				func() { apply(t, s, hold("acct_1", "req_two", 9)); apply(t, s, settle("acct_1", "req_two", 9)) },
				func() { alone(once) },
				func() { alone(settle("acct_1", "req_unheld", 3)) },
				func() { alone(settle("acct_1", "req_short", 70)) },
				func() { apply(t, s, hold("acct_1", "req_none", 0), release("acct_1", "req_none", "refused")) },
				func() { alone(hold("acct_1", "req_open", 0)) },
			} {
				ways()
			}
			of := func(q store.EventQuery) (kinds []audit.Kind) {
				es, err := s.Events().List(t.Context(), q)
				require.NoError(t, err)
				for _, e := range es {
					require.Equal(t, q.Request, e.Request)
					require.Equal(t, q.Account, e.Account)
					kinds = append(kinds, e.Kind)
				}
				return kinds
			}
			for request, want := range map[string][]audit.Kind{
				"req_alone": {audit.UsageDebited}, "req_batch": {audit.UsageDebited}, "req_two": {audit.UsageDebited}, "req_once": {audit.UsageDebited},
				"req_unheld": {audit.UsageDebited}, "req_short": {audit.UsageUncollected, audit.UsageDebited}, "req_none": {audit.UsageReleased}, "req_open": nil,
			} {
				q := store.EventQuery{Account: "acct_1", Request: request}
				require.Equal(t, want, of(q), request)
				require.Empty(t, of(store.EventQuery{Account: "acct_2", Request: request}), "another account's") // W4
				later(request)
				want = append([]audit.Kind{audit.ResponseDeleted}, want...)
				require.Equal(t, want, of(q), "newest first")
				q.Limit = 1
				require.Equal(t, want[:1], of(q), request)
				q.Limit, q.Kinds = 0, []audit.Kind{audit.ResponseDeleted}
				require.Equal(t, want[:1], of(q), request)
				q.Kinds = []audit.Kind{audit.UsageDebited, audit.UsageReleased, audit.UsageUncollected}
				require.Equal(t, append([]audit.Kind(nil), want[1:]...), of(q), request)
			}
			require.Equal(t, []audit.Kind{audit.UsageDebited}, of(store.EventQuery{Account: "acct_2", Request: "req_other"}))
		}},
		{"events/span_of_dates", []string{"Events.Span"}, func(t *testing.T, h harness) { // U4
			s := h.store(t)
			addAccounts(t, s, "acct_1", "acct_2")
			day := func(n int) time.Time { return start.AddDate(0, 0, n) }
			for n := 1; n <= 40; n++ {
				e := event(n, "acct_1", audit.KeyCreated)
				e.At = day(n)
				if n%5 == 0 { // by a server whose clock is behind
					e.At = e.At.Add(-time.Hour)
				}
				require.NoError(t, s.Events().Append(t.Context(), e))
			}
			span := func(account string, since, until time.Time) [2]int64 {
				after, before, err := s.Events().Span(t.Context(), account, since, until)
				require.NoError(t, err)
				return [2]int64{after, before}
			}
			require.Equal(t, [2]int64{0, 41}, span("acct_1", time.Time{}, time.Time{}))
			require.Equal(t, [2]int64{0, 41}, span("acct_1", day(-9), day(99)))
			require.Equal(t, [2]int64{40, 41}, span("acct_1", day(99), time.Time{}))
			require.Equal(t, [2]int64{0, 1}, span("acct_1", time.Time{}, day(-9)))
			require.Equal(t, [2]int64{0, 1}, span("acct_2", day(1), day(2)))
			require.Equal(t, [2]int64{0, 1}, span("acct_none", day(1), day(2)))
			for from := 1; from < 40; from++ {
				for to := from + 1; to <= 40; to += 7 {
					got := span("acct_1", day(from), day(to))
					require.Less(t, got[0], int64(from))
					require.GreaterOrEqual(t, got[0], int64(from-2))
					require.GreaterOrEqual(t, got[1], int64(to))
					require.LessOrEqual(t, got[1], int64(to+2))
				}
			}
		}},
		{"events/unowned", []string{"Events.Unowned"}, func(t *testing.T, h harness) {
			s := h.store(t)
			addAccounts(t, s, "acct_1")
			var want []audit.Event
			for n := 1; n <= 5; n++ {
				e := event(n, "", audit.KeyRefused)
				e.Seq = 9
				require.NoError(t, s.Events().Append(t.Context(), e))
				e.Seq = 0
				want = append(want, e)
			}
			require.NoError(t, s.Events().Append(t.Context(), event(6, "acct_1", audit.KeyCreated)))
			slices.Reverse(want)
			var got []audit.Event
			page := store.Page{Limit: 2}
			for range 4 {
				es, err := s.Events().Unowned(t.Context(), page)
				require.NoError(t, err)
				require.LessOrEqual(t, len(es), 2)
				if len(es) > 0 {
					page.After = es[len(es)-1].ID
				}
				got = append(got, es...)
			}
			require.Equal(t, want, got)
		}},
		{"events/sequence_under_races", nil, func(t *testing.T, h harness) { // HOTPATH 21: every writer takes the lock
			s := h.store(t)
			funded(t, s, "acct_1", 1000)
			for i, err := range each(30, func(i int) error {
				if i%3 == 0 {
					_, err := s.Commit(t.Context(), store.Replica{}, ops(settle("acct_1", id("req", i), 1)))
					return err
				}
				return s.Events().Append(t.Context(), event(i, "acct_1", audit.KeyCreated))
			}) {
				require.NoError(t, err, i)
			}
			require.Len(t, verified(t, s, "acct_1").Events, 31)
		}},
	}
}
