package storetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/ports/store"
)

// invitation returns the n-th invitation, not yet stored.
func invitation(account string, n int) store.Invitation {
	return store.Invitation{
		ID: id("inv", n), Account: account, Hash: store.InvitationHash{0: byte(n), 31: 7}, Email: id("Guest", n) + "@Example.org", Role: access.RoleMember,
		By: "user_1", CreatedAt: start, ExpiresAt: start.Add(7 * 24 * time.Hour), State: store.InvitationOpen,
	}
}

func invitationCases() []testCase {
	return []testCase{
		{"invitations/create_and_find", []string{"Invitations.Create", "Invitations.Get", "Invitations.ByHash", "Invitations.To"}, func(t *testing.T, h harness) { // A7
			s := h.store(t)
			addAccounts(t, s, "acct_1", "acct_2")
			want := invitation("acct_1", 1)
			require.NoError(t, s.Invitations().Create(t.Context(), want))
			got, err := s.Invitations().Get(t.Context(), "acct_1", want.ID)
			require.NoError(t, err)
			require.Equal(t, want, got)
			got, err = s.Invitations().ByHash(t.Context(), want.Hash)
			require.NoError(t, err)
			require.Equal(t, want, got)
			got, err = s.Invitations().To(t.Context(), "acct_1", "GUEST_000001@example.ORG")
			require.NoError(t, err)
			require.Equal(t, want, got)

			for name, read := range map[string]func() (store.Invitation, error){
				"foreign":       func() (store.Invitation, error) { return s.Invitations().Get(t.Context(), "acct_2", want.ID) },
				"unknown":       func() (store.Invitation, error) { return s.Invitations().Get(t.Context(), "acct_1", "inv_none") },
				"other token":   func() (store.Invitation, error) { return s.Invitations().ByHash(t.Context(), store.InvitationHash{9}) },
				"other account": func() (store.Invitation, error) { return s.Invitations().To(t.Context(), "acct_2", want.Email) },
				"other address": func() (store.Invitation, error) { return s.Invitations().To(t.Context(), "acct_1", "x"+want.Email) },
			} {
				_, err := read()
				require.ErrorIs(t, err, store.ErrNotFound, name)
			}
			orphan := invitation("acct_9", 4)
			require.ErrorIs(t, s.Invitations().Create(t.Context(), orphan), store.ErrNotFound)
		}},
		{"invitations/one_open_each", []string{"Invitations.End", "Invitations.Open"}, func(t *testing.T, h harness) { // A7
			s := h.store(t)
			addAccounts(t, s, "acct_1", "acct_2")
			open := func(account string, at time.Time, want int64) {
				t.Helper()
				got, err := s.Invitations().Open(t.Context(), account, at)
				require.NoError(t, err)
				require.Equal(t, want, got)
			}
			first, again, elsewhere, other := invitation("acct_1", 1), invitation("acct_1", 2), invitation("acct_2", 3), invitation("acct_1", 4)
			again.Email = "guest_000001@EXAMPLE.org"
			elsewhere.Email = first.Email
			require.NoError(t, s.Invitations().Create(t.Context(), first))
			require.ErrorIs(t, s.Invitations().Create(t.Context(), again), store.ErrTaken)
			require.NoError(t, s.Invitations().Create(t.Context(), elsewhere))
			require.NoError(t, s.Invitations().Create(t.Context(), other))
			open("acct_1", start, 2)
			open("acct_1", first.ExpiresAt, 0)
			open("acct_2", start, 1)

			foreign := first
			foreign.Account = "acct_2"
			_, err := s.Invitations().End(t.Context(), foreign, store.InvitationRevoked, start, "")
			require.ErrorIs(t, err, store.ErrNotFound)
			changed, err := s.Invitations().End(t.Context(), first, store.InvitationAccepted, start.Add(time.Hour), "user_2")
			require.NoError(t, err)
			require.True(t, changed)
			changed, err = s.Invitations().End(t.Context(), first, store.InvitationRevoked, start.Add(2*time.Hour), "")
			require.NoError(t, err)
			require.False(t, changed)
			first.State, first.EndedAt, first.User = store.InvitationAccepted, start.Add(time.Hour), "user_2"
			got, err := s.Invitations().ByHash(t.Context(), first.Hash)
			require.NoError(t, err)
			require.Equal(t, first, got)
			require.NoError(t, s.Invitations().Create(t.Context(), again))
			open("acct_1", start, 2)
		}},
		{"invitations/accepted_once", nil, func(t *testing.T, h harness) { // A7: of many who accept at once one does
			s := h.store(t)
			addAccounts(t, s, "acct_1")
			v := invitation("acct_1", 1)
			require.NoError(t, s.Invitations().Create(t.Context(), v))
			won := make([]bool, 20)
			for _, err := range each(len(won), func(i int) (err error) {
				won[i], err = s.Invitations().End(t.Context(), v, store.InvitationAccepted, start, id("user", i))
				return err
			}) {
				require.NoError(t, err)
			}
			n := 0
			for _, w := range won {
				if w {
					n++
				}
			}
			require.Equal(t, 1, n)
		}},
		{"invitations/list_and_forget", []string{"Invitations.List", "Invitations.Forget"}, func(t *testing.T, h harness) {
			s := h.store(t)
			addAccounts(t, s, "acct_1", "acct_2")
			for n := 1; n <= 5; n++ {
				v := invitation("acct_1", n)
				v.ExpiresAt = start.Add(time.Duration(n) * time.Hour)
				require.NoError(t, s.Invitations().Create(t.Context(), v))
			}
			require.NoError(t, s.Invitations().Create(t.Context(), invitation("acct_2", 6)))
			list := func() (seen []string) {
				for page := (store.Page{Limit: 2}); ; {
					got, err := s.Invitations().List(t.Context(), "acct_1", page)
					require.NoError(t, err)
					if len(got) == 0 {
						return seen
					}
					for _, v := range got {
						seen, page.After = append(seen, v.ID), v.ID
					}
				}
			}
			require.Equal(t, []string{id("inv", 5), id("inv", 4), id("inv", 3), id("inv", 2), id("inv", 1)}, list())
			_, err := s.Invitations().End(t.Context(), invitation("acct_1", 5), store.InvitationRevoked, start, "")
			require.NoError(t, err)
			more, err := s.Invitations().Forget(t.Context(), start.Add(3*time.Hour), 2) // 1 and 2 expired, 5 ended before
			require.NoError(t, err)
			require.True(t, more)
			more, err = s.Invitations().Forget(t.Context(), start.Add(3*time.Hour), 2)
			require.NoError(t, err)
			require.False(t, more)
			require.Equal(t, []string{id("inv", 4), id("inv", 3)}, list())
		}},
	}
}
