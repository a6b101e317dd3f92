package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/billing"
	"github.com/archibot/archibotchat/ports/store"
)

func accountCases() []testCase {
	return []testCase{
		{"accounts/create_and_get", []string{"Accounts.Create", "Accounts.Get"}, func(t *testing.T, h harness) {
			s := h.store(t)
			want := account("acct_1")
			want.Status, want.Billing, want.Groups = access.StatusPending, billing.Review, access.Groups{}
			require.NoError(t, s.Accounts().Create(t.Context(), want))
			got, err := s.Accounts().Get(t.Context(), "acct_1")
			require.NoError(t, err)
			require.Positive(t, got.Epoch, "0 means any to those who compare it")
			want.Epoch = got.Epoch // where it starts is the store's own affair
			sameAccount(t, want, got)

			other := account("acct_1")
			other.Name = "Someone else"
			require.ErrorIs(t, s.Accounts().Create(t.Context(), other), store.ErrTaken)
			got, err = s.Accounts().Get(t.Context(), "acct_1")
			require.NoError(t, err)
			sameAccount(t, want, got)

			_, err = s.Accounts().Get(t.Context(), "acct_2")
			require.ErrorIs(t, err, store.ErrNotFound)
		}},
		{"accounts/set_raises_the_epoch", []string{"Accounts.Set"}, func(t *testing.T, h harness) { // G7
			s := h.store(t)
			funded(t, s, "acct_1", 500)
			before, err := s.Accounts().Get(t.Context(), "acct_1")
			require.NoError(t, err)
			require.Equal(t, int64(1), before.Entries)

			change := before
			change.Name, change.Status, change.Billing = "Renamed Ünïcode 名", access.StatusSuspended, billing.PastDue
			change.Groups = access.NewGroups(access.GroupWorkspace)
			change.UpdatedAt = start.Add(time.Hour)
			want := change
			change.CreatedAt, change.Entries = start.Add(48*time.Hour), 99 // not Set's to change
			require.NoError(t, s.Accounts().Set(t.Context(), change))

			got, err := s.Accounts().Get(t.Context(), "acct_1")
			require.NoError(t, err)
			require.Greater(t, got.Epoch, before.Epoch)
			want.Epoch = got.Epoch
			sameAccount(t, want, got)
			verified(t, s, "acct_1")

			require.NoError(t, s.Accounts().Set(t.Context(), change)) // the same again is a change too
			again, err := s.Accounts().Get(t.Context(), "acct_1")
			require.NoError(t, err)
			require.Greater(t, again.Epoch, got.Epoch)

			require.ErrorIs(t, s.Accounts().Set(t.Context(), account("acct_2")), store.ErrNotFound)
			_, err = s.Accounts().Get(t.Context(), "acct_2")
			require.ErrorIs(t, err, store.ErrNotFound)
		}},
		{"accounts/lock", []string{"Accounts.Lock"}, func(t *testing.T, h harness) {
			s := h.store(t)
			addAccounts(t, s, "acct_1")
			// Each reads, and writes one more. None may read between another's two.
			for _, err := range each(20, func(int) error {
				return s.Do(t.Context(), func(ctx context.Context, tx store.Stores) error {
					if err := tx.Accounts().Lock(ctx, "acct_1"); err != nil {
						return err
					}
					a, err := tx.Accounts().Get(ctx, "acct_1")
					if err != nil {
						return err
					}
					a.UpdatedAt = a.UpdatedAt.Add(time.Second)
					return tx.Accounts().Set(ctx, a)
				})
			}) {
				require.NoError(t, err)
			}
			got, err := s.Accounts().Get(t.Context(), "acct_1")
			require.NoError(t, err)
			require.Equal(t, start.Add(20*time.Second), got.UpdatedAt)
			require.ErrorIs(t, s.Do(t.Context(), func(ctx context.Context, tx store.Stores) error { return tx.Accounts().Lock(ctx, "acct_2") }), store.ErrNotFound)
		}},
		{"accounts/list_by_keyset", []string{"Accounts.List"}, func(t *testing.T, h harness) {
			s := h.store(t)
			for n := 7; n >= 1; n-- {
				addAccounts(t, s, id("acct", n))
			}
			var seen []string
			page := store.Page{Limit: 3}
			for range 4 {
				got, err := s.Accounts().List(t.Context(), page)
				require.NoError(t, err)
				require.LessOrEqual(t, len(got), 3)
				for _, a := range got {
					seen = append(seen, a.ID)
					page.After = a.ID
				}
			}
			require.Equal(t, []string{id("acct", 1), id("acct", 2), id("acct", 3), id("acct", 4), id("acct", 5), id("acct", 6), id("acct", 7)}, seen)

			got, err := s.Accounts().List(t.Context(), store.Page{})
			require.NoError(t, err)
			require.Len(t, got, 7)
			want, err := s.Accounts().Get(t.Context(), id("acct", 1))
			require.NoError(t, err)
			sameAccount(t, want, got[0])
		}},
		{"accounts/ids_order_by_bytes", nil, func(t *testing.T, h harness) { // both databases order alike
			s := h.store(t)
			addAccounts(t, s, "acct_b", "acct_a", "acct_B", "acct_10", "acct_9")
			got, err := s.Accounts().List(t.Context(), store.Page{})
			require.NoError(t, err)
			var ids []string
			for _, a := range got {
				ids = append(ids, a.ID)
			}
			require.Equal(t, []string{"acct_10", "acct_9", "acct_B", "acct_a", "acct_b"}, ids)
		}},
	}
}
