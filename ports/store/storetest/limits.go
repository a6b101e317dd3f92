package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

// limit stores a limit of an account.
func limit(t *testing.T, s store.Store, account string, l ledger.Limit) {
	t.Helper()
	require.NoError(t, s.Limits().Set(t.Context(), account, l, start))
}

func limitCases() []testCase {
	return []testCase{
		{"limits/set_get_remove", []string{"Limits.Set", "Limits.Get", "Limits.Remove"}, func(t *testing.T, h harness) { // L12, K7
			s := h.store(t)
			addAccounts(t, s, "acct_1", "acct_2")
			want := ledger.Limit{Scope: "user_1", Monthly: ledger.MaxAmount, Requests: 1, Tokens: 1 << 40}
			limit(t, s, "acct_1", want)
			got, err := s.Limits().Get(t.Context(), "acct_1", "user_1")
			require.NoError(t, err)
			require.Equal(t, store.Limited{Limit: want, UpdatedAt: start, Counter: ledger.Counter{Scope: "user_1"}}, got)

			want = ledger.Limit{Scope: "user_1", Tokens: 5}
			require.NoError(t, s.Limits().Set(t.Context(), "acct_1", want, start.Add(time.Hour)))
			got, err = s.Limits().Get(t.Context(), "acct_1", "user_1")
			require.NoError(t, err)
			require.Equal(t, want, got.Limit, "as a whole")
			require.Equal(t, start.Add(time.Hour), got.UpdatedAt)

			_, err = s.Limits().Get(t.Context(), "acct_2", "user_1")
			require.ErrorIs(t, err, store.ErrNotFound, "a user's limit is one account's")
			require.ErrorIs(t, s.Limits().Remove(t.Context(), "acct_2", "user_1"), store.ErrNotFound)
			require.ErrorIs(t, s.Limits().Set(t.Context(), "acct_none", want, start), store.ErrNotFound)
			require.Error(t, s.Limits().Set(t.Context(), "acct_1", ledger.Limit{Scope: "user_1", Monthly: ledger.MonthlyUnknown}, start))

			require.NoError(t, s.Limits().Remove(t.Context(), "acct_1", "user_1"))
			_, err = s.Limits().Get(t.Context(), "acct_1", "user_1")
			require.ErrorIs(t, err, store.ErrNotFound)
			require.ErrorIs(t, s.Limits().Remove(t.Context(), "acct_1", "user_1"), store.ErrNotFound)
		}},
		{"limits/list_by_keyset", []string{"Limits.List"}, func(t *testing.T, h harness) {
			s := h.store(t)
			addAccounts(t, s, "acct_1", "acct_2")
			for n := 5; n >= 1; n-- {
				limit(t, s, "acct_1", ledger.Limit{Scope: id("key", n), Monthly: int64(n)})
			}
			limit(t, s, "acct_2", ledger.Limit{Scope: "acct_2", Monthly: 9})
			var seen []int64
			page := store.Page{Limit: 2}
			for range 4 {
				got, err := s.Limits().List(t.Context(), "acct_1", page)
				require.NoError(t, err)
				require.LessOrEqual(t, len(got), 2)
				for _, l := range got {
					require.Equal(t, ledger.Counter{Scope: l.Scope}, l.Counter)
					seen = append(seen, l.Monthly)
					page.After = l.Scope
				}
			}
			require.Equal(t, []int64{1, 2, 3, 4, 5}, seen)
		}},
		{"limits/of_scopes", []string{"Limits.Of"}, func(t *testing.T, h harness) {
			s := h.store(t)
			addAccounts(t, s, "acct_1", "acct_2")
			for n := 1; n <= 4; n++ {
				limit(t, s, "acct_1", ledger.Limit{Scope: id("key", n), Monthly: int64(n)})
			}
			limit(t, s, "acct_2", ledger.Limit{Scope: id("key", 9), Monthly: 9})
			got, err := s.Limits().Of(t.Context(), "acct_1", []string{id("key", 4), "key_none", id("key", 2), id("key", 9)})
			require.NoError(t, err)
			require.Len(t, got, 2)
			require.Equal(t, []int64{2, 4}, []int64{got[0].Monthly, got[1].Monthly})
			got, err = s.Limits().Of(t.Context(), "acct_1", nil)
			require.NoError(t, err)
			require.Empty(t, got)
		}},
		{"limits/what_they_count", nil, func(t *testing.T, h harness) { // HOTPATH 12
			s, clock := h.clocked(t)
			funded(t, s, "acct_1", 1000)
			funded(t, s, "acct_2", 1000)
			limits := []ledger.Limit{{Scope: "acct_1", Monthly: 500}, {Scope: "user_1", Monthly: 400, Requests: 60, Tokens: 600}}
			for _, l := range limits {
				limit(t, s, "acct_1", l)
			}
			limit(t, s, "acct_2", ledger.Limit{Scope: "user_1", Monthly: 400})
			send := func(op ledger.Op) ledger.Op { op.Limits, op.Tokens = limits, 100; return op }
			apply(t, s, send(hold("acct_1", "req_1", 300)), send(hold("acct_1", "req_2", 40)), send(settle("acct_1", "req_1", 120))) // 50 tokens
			month := ledger.Month(clock.Now())
			want := []ledger.Counter{
				{Scope: "acct_1", Window: month, Reserved: 40, Spent: 120},
				{Scope: "user_1", Window: month, Reserved: 40, Spent: 120, RequestsAt: clock.Now().Add(2 * time.Second), TokensAt: clock.Now().Add(15 * time.Second)},
			}
			got, err := s.Limits().List(t.Context(), "acct_1", store.Page{})
			require.NoError(t, err)
			require.Len(t, got, 2)
			for i, l := range got {
				require.Equal(t, store.Limited{Limit: limits[i], UpdatedAt: start, Counter: want[i]}, l)
				one, err := s.Limits().Get(t.Context(), "acct_1", l.Scope)
				require.NoError(t, err)
				require.Equal(t, l, one)
			}
			foreign, err := s.Limits().Get(t.Context(), "acct_2", "user_1")
			require.NoError(t, err)
			require.Equal(t, ledger.Counter{Scope: "user_1"}, foreign.Counter, "the same user in another account")

			require.NoError(t, s.Limits().Remove(t.Context(), "acct_1", "acct_1"))
			limit(t, s, "acct_1", ledger.Limit{Scope: "acct_1", Monthly: 130})
			again, err := s.Limits().Get(t.Context(), "acct_1", "acct_1")
			require.NoError(t, err)
			require.Equal(t, want[0], again.Counter, "what is counted outlives the limit")
		}},
		{"limits/count", []string{"Limits.Count"}, func(t *testing.T, h harness) { // L12: a budget that begins in the middle of a month
			s, clock := h.clocked(t)
			funded(t, s, "acct_1", 1000)
			funded(t, s, "acct_2", 1000)
			l := ledger.Limit{Scope: "acct_1", Monthly: 500, Requests: 60}
			limit(t, s, "acct_1", l)
			month, at := ledger.Month(clock.Now()), head(t, s)
			count := func(month time.Time, spent int64) ledger.Counter {
				require.NoError(t, s.Do(t.Context(), func(ctx context.Context, tx store.Stores) error {
					if err := tx.Accounts().Lock(ctx, "acct_1"); err != nil {
						return err
					}
					return tx.Limits().Count(ctx, "acct_1", "acct_1", month, spent)
				}))
				got, err := s.Limits().Get(t.Context(), "acct_1", "acct_1")
				require.NoError(t, err)
				return got.Counter
			}
			require.Equal(t, ledger.Counter{Scope: "acct_1", Window: month, Spent: 450}, count(month, 450))
			op := hold("acct_1", "req_1", 51)
			op.Limits = []ledger.Limit{l}
			require.ErrorIs(t, commit(t, s, op)[0].Err, ledger.ErrBudget)
			op.Amount = 50
			apply(t, s, op)
			want := ledger.Counter{Scope: "acct_1", Window: month, Spent: 20, Reserved: 50, RequestsAt: clock.Now().Add(time.Second)}
			require.Equal(t, want, count(month, 20), "what is held is held")
			want.Window, want.Spent, want.Reserved = month.AddDate(0, 1, 0), 3, 0
			require.Equal(t, want, count(want.Window, 3))
			require.Empty(t, since(t, s, at), "no gate sees it")
		}},
		{"limits/are_a_change", nil, func(t *testing.T, h harness) { // HOTPATH 19: seen by gates within a second
			s := h.store(t)
			addAccounts(t, s, "acct_1")
			for name, do := range map[string]func(l store.Limits, ctx context.Context) error{
				"set": func(l store.Limits, ctx context.Context) error {
					return l.Set(ctx, "acct_1", ledger.Limit{Scope: "acct_1", Monthly: 1}, start)
				},
				"again": func(l store.Limits, ctx context.Context) error {
					return l.Set(ctx, "acct_1", ledger.Limit{Scope: "acct_1", Monthly: 2}, start)
				},
			} {
				at, before := head(t, s), epoch(t, s)
				require.NoError(t, do(s.Limits(), t.Context()), name)
				require.Equal(t, []string{"acct_1"}, since(t, s, at), name)
				require.Equal(t, before+1, epoch(t, s), name)
			}
			at, before := head(t, s), epoch(t, s)
			require.NoError(t, s.Do(t.Context(), func(ctx context.Context, tx store.Stores) error { return tx.Limits().Remove(ctx, "acct_1", "acct_1") }))
			require.Equal(t, []string{"acct_1"}, since(t, s, at))
			require.Equal(t, before+1, epoch(t, s))
			require.ErrorIs(t, s.Limits().Remove(t.Context(), "acct_1", "acct_1"), store.ErrNotFound)
			require.Equal(t, before+1, epoch(t, s), "what was not there was not changed")
		}},
		{"limits/epoch", nil, func(t *testing.T, h harness) { // HOTPATH 20: a hold decided under what was
			s := h.store(t)
			funded(t, s, "acct_1", 100)
			op := hold("acct_1", "req_1", 10)
			op.Epoch = epoch(t, s)
			limit(t, s, "acct_1", ledger.Limit{Scope: "acct_1", Monthly: 5})
			require.ErrorIs(t, commit(t, s, op)[0].Err, ledger.ErrEpoch)
			op.Epoch = epoch(t, s)
			require.Equal(t, op.Epoch, apply(t, s, op)[0].Hold.Epoch)
			got, err := s.Ledger().Hold(t.Context(), "acct_1", "req_1")
			require.NoError(t, err)
			require.Equal(t, op.Epoch, got.Epoch)
			verified(t, s, "acct_1")
		}},
	}
}
