package storetest

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

// keyUse is a store in which keys are used at times that the test sets.
type keyUse struct {
	t     *testing.T
	s     store.Store
	clock *clock
	n     int
}

func (h harness) keyUse(t *testing.T, accounts ...string) *keyUse {
	t.Helper()
	s, clock := h.clocked(t)
	for _, a := range accounts {
		funded(t, s, a, 1_000_000)
	}
	return &keyUse{t: t, s: s, clock: clock}
}

// of makes an op one of a key.
func of(op ledger.Op, key string) ledger.Op {
	op.Work.Key = key
	return op
}

// pay debits a request at once: 30 tokens in, 10 of them cached, and 20 out.
func (u *keyUse) pay(at time.Time, account, key string, amount int64) {
	u.t.Helper()
	u.clock.Set(at)
	u.n++
	apply(u.t, u.s, of(settle(account, id("req", u.n), amount), key))
}

func (u *keyUse) days(account, key string, from, to time.Time) []store.KeyDay {
	u.t.Helper()
	days, err := u.s.KeyDays().Of(u.t.Context(), account, key, from, to)
	require.NoError(u.t, err)
	return days
}

// add adds up n events at once until there are no more, and returns how often.
func (u *keyUse) add(account string, n int) (added int) {
	u.t.Helper()
	for range 5000 {
		more, err := u.s.KeyDays().Add(u.t.Context(), account, n)
		require.NoError(u.t, err)
		if !more {
			return added
		}
		added++
	}
	require.FailNow(u.t, "it does not end")
	return 0
}

// used is a day with so many requests as pay makes them.
func used(day time.Time, requests, debited int64) store.KeyDay {
	return store.KeyDay{Day: day, Requests: requests, Input: 30 * requests, Cached: 10 * requests, Output: 20 * requests, Debited: debited}
}

func keyDayCases() []testCase {
	midnight := time.Date(2025, 3, 2, 0, 0, 0, 0, time.UTC)
	day := func(n int) time.Time { return midnight.AddDate(0, 0, n) }
	return []testCase{
		{"key_days/read_and_added_up", []string{"KeyDays.Of", "KeyDays.Add"}, func(t *testing.T, h harness) {
			for _, step := range []int{1, 2, 3, 7, 1000} {
				t.Run(strconv.Itoa(step), func(t *testing.T) {
					t.Parallel()
					u := h.keyUse(t, "acct_1", "acct_2")
					u.pay(day(0), "acct_1", "key_1", 5)
					u.pay(day(0).Add(time.Hour), "acct_1", "key_1", 6)
					u.pay(day(0).Add(time.Hour), "acct_1", "key_2", 7)
					u.pay(day(0).Add(time.Hour), "acct_1", "", 70)
					u.pay(day(1).Add(-time.Microsecond), "acct_1", "key_1", 8)
					u.pay(day(1), "acct_1", "key_1", 9)
					u.pay(day(1), "acct_2", "key_1", 10)
					want := []store.KeyDay{used(day(0), 3, 19), used(day(1), 1, 9)}
					same := func(what string) {
						require.Equal(t, want, u.days("acct_1", "key_1", day(-5), day(10)), what)
						require.Equal(t, want[:1], u.days("acct_1", "key_1", day(0), day(1)), what)
						require.Equal(t, want[1:2], u.days("acct_1", "key_1", day(1), day(2)), what)
						require.Empty(t, u.days("acct_1", "key_1", day(-9), day(0)), what)
						require.Empty(t, u.days("acct_1", "key_1", day(2), day(3)), what)
						require.Equal(t, []store.KeyDay{used(day(0), 1, 7)}, u.days("acct_1", "key_2", day(0), day(9)), what)
						require.Equal(t, []store.KeyDay{used(day(1), 1, 10)}, u.days("acct_2", "key_1", day(0), day(9)), what)
						require.Empty(t, u.days("acct_none", "key_1", day(0), day(9)), what)
						require.Empty(t, u.days("acct_1", "key_none", day(0), day(9)), what)
					}
					same("nothing is added up yet")
					require.Equal(t, 7/step, u.add("acct_1", step), "of a grant's event and six debits'")
					same("as many as there were are added up")
					require.Zero(t, u.add("acct_1", step))
					require.Zero(t, u.add("acct_none", step))
					u.pay(day(1).Add(time.Hour), "acct_1", "key_1", 11)
					want[1] = used(day(1), 2, 20)
					same("a day is told partly from sums")
					u.add("acct_1", step)
					same("and added up bit by bit")
					u.pay(day(3), "acct_1", "key_1", 3)
					require.Equal(t, append(want, used(day(3), 1, 3)), u.days("acct_1", "key_1", day(0), day(9)))
				})
			}
		}},
		{"key_days/what_counts", []string{"KeyDays.Of", "KeyDays.Add"}, func(t *testing.T, h harness) {
			u := h.keyUse(t, "acct_1")
			u.clock.Set(day(1).Add(-time.Second))
			gone := of(hold("acct_1", "req_gone", 40), "key_1")
			over := of(hold("acct_1", "req_over", 40), "key_1")
			lost := of(hold("acct_1", "req_lost", 40), "key_1")
			short := of(hold("acct_1", "req_short", 40), "key_1")
			apply(t, u.s, gone, over, lost, short, release("acct_1", gone.Request, "gone"), // gave nothing, costs nothing
				mark("acct_1", lost.Request, ledger.Mark{Accepted: true, Delivered: true, Cost: 4, Usage: ledger.Usage{Input: 3, Cached: 2, Output: 1}}))
			require.Empty(t, u.days("acct_1", "key_1", day(0), day(9)), "nothing is debited yet")
			u.clock.Set(day(1))
			apply(t, u.s, of(settle("acct_1", over.Request, 30), "key_1"))
			want := []store.KeyDay{used(day(1), 1, 30)}
			require.Equal(t, want, u.days("acct_1", "key_1", day(0), day(9)), "the day of the debit is the request's")

			u.clock.Set(day(2))
			found, err := u.s.Ledger().Hold(t.Context(), "acct_1", lost.Request)
			require.NoError(t, err)
			apply(t, u.s, found.Resolution())
			want = append(want, store.KeyDay{Day: day(2), Requests: 1, Input: 3, Cached: 2, Output: 1, Debited: 4})
			require.Equal(t, want, u.days("acct_1", "key_1", day(0), day(9)), "recovery's settle is one like others")

			u.pay(day(3), "acct_1", "key_1", 0)
			want = append(want, used(day(3), 1, 0))
			require.Equal(t, want, u.days("acct_1", "key_1", day(0), day(9)), "what cost nothing was used, too")

			u.clock.Set(day(4))
			apply(t, u.s, of(settle("acct_1", short.Request, 5_000_000), "key_1"))
			entries := u.days("acct_1", "key_1", day(4), day(5))
			require.Len(t, entries, 1)
			require.EqualValues(t, 1, entries[0].Requests, "what is not collected is told by another event")
			want = append(want, entries[0])
			require.Less(t, entries[0].Debited, int64(1_000_000))

			// Another clock than the ledger's dates what others write.
			require.NoError(t, u.s.Events().Append(t.Context(), audit.Event{ID: "evt_x", Account: "acct_1", At: day(-300), Kind: audit.KeyCreated, Actor: audit.Actor{Kind: audit.ActorOperator, ID: "pat"}, Key: "key_1", Amount: 7, Count: 1}))
			u.clock.Set(day(-3)) // the ledger's time never steps back
			apply(t, u.s, of(settle("acct_1", "req_back", 0), "key_1"))
			want[3].Requests, want[3].Input, want[3].Cached, want[3].Output = 2, want[3].Input+30, want[3].Cached+10, want[3].Output+20
			require.Equal(t, want, u.days("acct_1", "key_1", day(-400), day(9)))
			require.Positive(t, u.add("acct_1", 1))
			require.Equal(t, want, u.days("acct_1", "key_1", day(-400), day(9)))
		}},
		{"key_days/years_and_gaps", []string{"KeyDays.Of", "KeyDays.Add"}, func(t *testing.T, h harness) {
			u := h.keyUse(t, "acct_1")
			for range 3 { // more than are read without a search
				u.clock.Add(400 * 24 * time.Hour)
				for range 5 {
					ops := make([]ledger.Op, 200)
					for i := range ops {
						u.n++
						ops[i] = of(settle("acct_1", id("req", u.n), 0), fmt.Sprint("key_", i%2))
					}
					apply(t, u.s, ops...)
				}
			}
			first := start.Truncate(24 * time.Hour)
			want := []store.KeyDay{used(first.AddDate(0, 0, 400), 500, 0), used(first.AddDate(0, 0, 800), 500, 0), used(first.AddDate(0, 0, 1200), 500, 0)}
			same := func() {
				require.Equal(t, want, u.days("acct_1", "key_0", first, first.AddDate(0, 0, 1201)))
				for _, d := range want {
					require.Equal(t, []store.KeyDay{d}, u.days("acct_1", "key_0", d.Day, d.Day.AddDate(0, 0, 1)))
					require.Equal(t, []store.KeyDay{d}, u.days("acct_1", "key_1", d.Day, d.Day.AddDate(0, 0, 1)))
					require.Empty(t, u.days("acct_1", "key_1", d.Day.AddDate(0, 0, 1), d.Day.AddDate(0, 0, 2)))
				}
			}
			same()
			require.Equal(t, 3, u.add("acct_1", 1000), "a gap takes no steps")
			same()
		}},
		{"key_days/several_servers", []string{"KeyDays.Add"}, func(t *testing.T, h harness) {
			u := h.keyUse(t, "acct_1")
			for n := range 60 {
				u.pay(day(n/20), "acct_1", "key_1", 1)
			}
			want := []store.KeyDay{used(day(0), 20, 20), used(day(1), 20, 20), used(day(2), 20, 20)}
			for _, err := range each(8, func(int) error {
				for range 10 {
					if _, err := u.s.KeyDays().Add(t.Context(), "acct_1", 3); err != nil {
						return err
					}
					if days, err := u.s.KeyDays().Of(t.Context(), "acct_1", "key_1", day(0), day(9)); err != nil || len(days) != 3 || days[1] != want[1] {
						return fmt.Errorf("%v: %w", days, err)
					}
				}
				return nil
			}) {
				require.NoError(t, err)
			}
			u.add("acct_1", 3)
			require.Equal(t, want, u.days("acct_1", "key_1", day(0), day(9)))
			for _, n := range []int{0, -1, store.MaxAdded + 1} {
				_, err := u.s.KeyDays().Add(t.Context(), "acct_1", n)
				require.Error(t, err)
			}
		}},
	}
}
