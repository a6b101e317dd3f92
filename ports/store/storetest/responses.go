package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/ports/store"
)

// response returns the n-th response, of an account.
func response(account string, n int) store.Response {
	return store.Response{ID: id("resp", n), Account: account, Request: id("req", n), Key: "key_1", Model: "vendor/model-1", Upstream: "first"}
}

// claim claims responses and returns what became of each.
func claim(t *testing.T, s store.Store, rs ...store.Response) []error {
	t.Helper()
	errs, err := s.Responses().Claim(t.Context(), rs)
	require.NoError(t, err)
	require.Len(t, errs, len(rs))
	return errs
}

// owns proves that the account has exactly this response, its time aside.
func owns(t *testing.T, s store.Store, want store.Response) store.Response {
	t.Helper()
	got, err := s.Responses().Get(t.Context(), want.Account, want.ID)
	require.NoError(t, err)
	want.CreatedAt, want.DeletedAt = got.CreatedAt, got.DeletedAt
	require.Equal(t, want, got)
	return got
}

func responseCases() []testCase {
	return []testCase{
		{"responses/claim_and_get", []string{"Responses.Claim", "Responses.Get"}, func(t *testing.T, h harness) { // W4
			s, clock := h.clocked(t)
			one, two := response("acct_1", 1), response("acct_2", 2)
			two.Ended, two.Tokens = true, 300
			require.Equal(t, []error{nil, nil}, claim(t, s, two, one))
			for _, want := range []store.Response{one, two} {
				got := owns(t, s, want)
				require.Equal(t, clock.Now(), got.CreatedAt)
				require.True(t, got.DeletedAt.IsZero())
			}
			for _, c := range [][2]string{{"acct_2", one.ID}, {"acct_1", two.ID}, {"acct_1", "resp_none"}, {"", one.ID}, {"acct_1", ""}, {"acct_1", "resp_00000_"}, {"acct_1", "RESP_000001"}} {
				_, err := s.Responses().Get(t.Context(), c[0], c[1])
				require.ErrorIs(t, err, store.ErrNotFound, c)
			}
			require.Empty(t, claim(t, s))
		}},
		{"responses/the_first_claim_wins", nil, func(t *testing.T, h harness) { // W4
			s := h.store(t)
			first := response("acct_1", 1)
			require.Equal(t, []error{nil}, claim(t, s, first))
			again, foreign, sibling := first, response("acct_2", 1), response("acct_1", 1)
			sibling.Request = "req_other"
			foreign.Request = first.Request
			otherUpstream := foreign
			otherUpstream.Upstream = "second"
			errs := claim(t, s, response("acct_2", 2), foreign, again, sibling, otherUpstream, response("acct_1", 3))
			for i, want := range []error{nil, store.ErrTaken, nil, store.ErrTaken, store.ErrTaken, nil} {
				require.ErrorIs(t, errs[i], want, i)
			}
			owns(t, s, first)
			owns(t, s, response("acct_2", 2))
			owns(t, s, response("acct_1", 3))
			_, err := s.Responses().Get(t.Context(), "acct_2", first.ID)
			require.ErrorIs(t, err, store.ErrNotFound)

			// Within one call too.
			errs = claim(t, s, response("acct_1", 4), response("acct_2", 4), response("acct_1", 4))
			require.NoError(t, errs[0])
			require.ErrorIs(t, errs[1], store.ErrTaken)
			require.NoError(t, errs[2])

			// Deleting gives nobody a right to it.
			_, err = s.Responses().Delete(t.Context(), "acct_1", first.ID)
			require.NoError(t, err)
			require.ErrorIs(t, claim(t, s, foreign)[0], store.ErrTaken)
		}},
		{"responses/a_claim_has_one_winner", nil, func(t *testing.T, h harness) { // W4
			s := h.store(t)
			won := 0
			for _, err := range each(20, func(i int) error {
				var rs []store.Response
				for n := range 5 { // in another order each time
					r := response(id("acct", i), (n+i)%5)
					r.Request = id("req", i)
					rs = append(rs, r)
				}
				errs, err := s.Responses().Claim(t.Context(), rs)
				if err != nil {
					return err
				}
				return errors.Join(errs...)
			}) {
				if err == nil {
					won++
				} else {
					require.ErrorIs(t, err, store.ErrTaken)
				}
			}
			require.LessOrEqual(t, won, 1)
			owners := 0
			for n := range 5 {
				for i := range 20 {
					if _, err := s.Responses().Get(t.Context(), id("acct", i), id("resp", n)); err == nil {
						owners++
					}
				}
			}
			require.Equal(t, 5, owners, "each ID has one owner")
		}},
		{"responses/end", []string{"Responses.End"}, func(t *testing.T, h harness) {
			s := h.store(t)
			one, two, three := response("acct_1", 1), response("acct_2", 2), response("acct_1", 3)
			claim(t, s, one, two, three)
			require.NoError(t, s.Responses().End(t.Context(), []store.ResponseEnd{
				{ID: one.ID, Account: "acct_1", Tokens: 1 << 40},
				{ID: two.ID, Account: "acct_1", Tokens: 5},
				{ID: "resp_none", Account: "acct_1", Tokens: 5},
				{ID: three.ID, Account: "acct_1"},
			}))
			one.Ended, one.Tokens, three.Ended = true, 1<<40, true
			owns(t, s, one)
			owns(t, s, two)
			owns(t, s, three)
			require.NoError(t, s.Responses().End(t.Context(), nil))
		}},
		{"responses/delete", []string{"Responses.Delete"}, func(t *testing.T, h harness) {
			s, clock := h.clocked(t)
			r := response("acct_1", 1)
			claim(t, s, r)
			for _, c := range [][2]string{{"acct_2", r.ID}, {"acct_1", "resp_none"}} {
				changed, err := s.Responses().Delete(t.Context(), c[0], c[1])
				require.ErrorIs(t, err, store.ErrNotFound)
				require.False(t, changed)
			}
			require.True(t, owns(t, s, r).DeletedAt.IsZero())
			for i := range 2 {
				clock.Add(time.Hour)
				changed, err := s.Responses().Delete(t.Context(), "acct_1", r.ID)
				require.NoError(t, err)
				require.Equal(t, i == 0, changed)
				require.Equal(t, start.Add(time.Hour), owns(t, s, r).DeletedAt, "the first time stays")
			}
			stop := errors.New("stop")
			claim(t, s, response("acct_1", 2))
			require.ErrorIs(t, s.Do(t.Context(), func(ctx context.Context, tx store.Stores) error {
				changed, err := tx.Responses().Delete(ctx, "acct_1", id("resp", 2))
				require.True(t, changed)
				return errors.Join(err, stop)
			}), stop)
			require.True(t, owns(t, s, response("acct_1", 2)).DeletedAt.IsZero())
		}},
		{"responses/prune", []string{"Responses.Prune"}, func(t *testing.T, h harness) {
			s, clock := h.clocked(t)
			for n := range 5 {
				claim(t, s, response("acct_1", n))
				clock.Add(time.Hour)
			}
			n, err := s.Responses().Prune(t.Context(), 6*time.Hour, 10)
			require.NoError(t, err)
			require.Zero(t, n)
			n, err = s.Responses().Prune(t.Context(), 3*time.Hour, 2) // three are as old
			require.NoError(t, err)
			require.Equal(t, 2, n)
			_, err = s.Responses().Get(t.Context(), "acct_1", id("resp", 1))
			require.ErrorIs(t, err, store.ErrNotFound, "the oldest go first")
			n, err = s.Responses().Prune(t.Context(), 3*time.Hour, 2)
			require.NoError(t, err)
			require.Equal(t, 1, n)
			_, err = s.Responses().Get(t.Context(), "acct_1", id("resp", 2))
			require.ErrorIs(t, err, store.ErrNotFound)
			owns(t, s, response("acct_1", 3))
			owns(t, s, response("acct_1", 4))
		}},
	}
}
