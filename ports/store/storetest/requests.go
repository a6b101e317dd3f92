package storetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/ports/store"
)

// wish returns the n-th request for access, not yet stored.
func wish(n int) store.AccessRequest {
	at := start.Add(time.Duration(n) * time.Minute)
	return store.AccessRequest{
		ID: id("acr", n), Email: id("Guest", n) + "@Example.org", Company: "Ünïcode 名", Use: "two\nlines", Products: access.NewGroups(access.GroupAPI, access.GroupChat),
		State: store.RequestOpen, Times: 1, CreatedAt: at, AskedAt: at,
	}
}

func sameWish(t *testing.T, want, got store.AccessRequest) {
	t.Helper()
	require.Equal(t, want.Products.String(), got.Products.String())
	got.Products = want.Products
	require.Equal(t, want, got)
}

func requestCases() []testCase {
	const most = 100
	ask := func(t *testing.T, s store.Store, r store.AccessRequest) {
		t.Helper()
		_, created, err := s.AccessRequests().Ask(t.Context(), r, most)
		require.NoError(t, err)
		require.True(t, created)
	}
	return []testCase{
		{"requests/ask_and_get", []string{"AccessRequests.Ask", "AccessRequests.Get", "AccessRequests.Latest"}, func(t *testing.T, h harness) { // A6
			s := h.store(t)
			want := wish(1)
			kept, created, err := s.AccessRequests().Ask(t.Context(), want, most)
			require.NoError(t, err)
			require.True(t, created)
			sameWish(t, want, kept)

			again := wish(2)
			again.Email, again.Company = "GUEST_000001@example.ORG", "Somebody else"
			kept, created, err = s.AccessRequests().Ask(t.Context(), again, most)
			require.NoError(t, err)
			require.False(t, created)
			want.Times, want.AskedAt = 2, again.CreatedAt
			sameWish(t, want, kept)
			for _, read := range []func() (store.AccessRequest, error){
				func() (store.AccessRequest, error) { return s.AccessRequests().Get(t.Context(), want.ID) },
				func() (store.AccessRequest, error) { return s.AccessRequests().Latest(t.Context(), again.Email) },
			} {
				got, err := read()
				require.NoError(t, err)
				sameWish(t, want, got)
			}
			_, err = s.AccessRequests().Get(t.Context(), again.ID)
			require.ErrorIs(t, err, store.ErrNotFound)
			_, err = s.AccessRequests().Latest(t.Context(), "x"+want.Email)
			require.ErrorIs(t, err, store.ErrNotFound)

			_, _, err = s.AccessRequests().Ask(t.Context(), wish(3), 1)
			require.ErrorIs(t, err, store.ErrFull)
			_, created, err = s.AccessRequests().Ask(t.Context(), again, 1)
			require.NoError(t, err, "counts, and takes no room")
			require.False(t, created)
		}},
		{"requests/ask_at_once", nil, func(t *testing.T, h harness) { // A6: one address, one open request
			s := h.store(t)
			for _, err := range each(20, func(i int) error {
				r := wish(i)
				r.Email = "one@example.org"
				_, _, err := s.AccessRequests().Ask(t.Context(), r, most)
				return err
			}) {
				require.NoError(t, err)
			}
			list, err := s.AccessRequests().List(t.Context(), "", store.Page{})
			require.NoError(t, err)
			require.Len(t, list, 1)
			require.EqualValues(t, 20, list[0].Times)
		}},
		{"requests/decide", []string{"AccessRequests.Decide"}, func(t *testing.T, h harness) { // A6
			s := h.store(t)
			r := wish(1)
			ask(t, s, r)
			r.State, r.DecidedAt, r.DecidedBy, r.Reason = store.RequestDenied, start.Add(time.Hour), "pat", "no such company"
			for _, want := range []bool{true, false} {
				changed, err := s.AccessRequests().Decide(t.Context(), r, store.RequestOpen)
				require.NoError(t, err)
				require.Equal(t, want, changed)
			}
			got, err := s.AccessRequests().Get(t.Context(), r.ID)
			require.NoError(t, err)
			sameWish(t, r, got)

			other := wish(2)
			other.Email = r.Email
			ask(t, s, other)
			got, err = s.AccessRequests().Latest(t.Context(), r.Email)
			require.NoError(t, err)
			sameWish(t, other, got)
			back := wish(1)
			_, err = s.AccessRequests().Decide(t.Context(), back, store.RequestDenied)
			require.ErrorIs(t, err, store.ErrTaken)
			other.State, other.DecidedAt, other.DecidedBy, other.Account = store.RequestApproved, start.Add(time.Hour), "pat", "acct_1"
			changed, err := s.AccessRequests().Decide(t.Context(), other, store.RequestOpen)
			require.NoError(t, err)
			require.True(t, changed)
			changed, err = s.AccessRequests().Decide(t.Context(), back, store.RequestDenied)
			require.NoError(t, err)
			require.True(t, changed)
			_, err = s.AccessRequests().Decide(t.Context(), wish(9), store.RequestOpen)
			require.ErrorIs(t, err, store.ErrNotFound)
		}},
		{"requests/list_and_forget", []string{"AccessRequests.List", "AccessRequests.Forget"}, func(t *testing.T, h harness) {
			s := h.store(t)
			for n := 1; n <= 5; n++ {
				ask(t, s, wish(n))
			}
			for n := 1; n <= 3; n++ {
				r := wish(n)
				r.State, r.DecidedAt = store.RequestDenied, start.Add(time.Duration(n)*time.Hour)
				_, err := s.AccessRequests().Decide(t.Context(), r, store.RequestOpen)
				require.NoError(t, err)
			}
			list := func(state store.RequestState) (seen []string) {
				for page := (store.Page{Limit: 2}); ; {
					got, err := s.AccessRequests().List(t.Context(), state, page)
					require.NoError(t, err)
					if len(got) == 0 {
						return seen
					}
					for _, r := range got {
						seen, page.After = append(seen, r.ID), r.ID
					}
				}
			}
			require.Equal(t, []string{id("acr", 5), id("acr", 4), id("acr", 3), id("acr", 2), id("acr", 1)}, list(""))
			require.Equal(t, []string{id("acr", 5), id("acr", 4)}, list(store.RequestOpen))
			require.Equal(t, []string{id("acr", 3), id("acr", 2), id("acr", 1)}, list(store.RequestDenied))
			for _, want := range []bool{true, true, false} {
				more, err := s.AccessRequests().Forget(t.Context(), start.Add(3*time.Hour), 1)
				require.NoError(t, err)
				require.Equal(t, want, more)
			}
			require.Equal(t, []string{id("acr", 5), id("acr", 4), id("acr", 3)}, list(""))
		}},
	}
}
