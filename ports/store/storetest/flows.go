package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/ports/store"
)

func flow(n int) store.Flow {
	return store.Flow{
		State: [32]byte{0: byte(n), 31: 1}, Provider: "acme", Nonce: "nonce", Verifier: "verifier", Binding: [32]byte{0: byte(n), 31: 2},
		ReturnTo: "/keys?new=1", Fresh: true, Link: "ses_1", CreatedAt: start, ExpiresAt: start.Add(10 * time.Minute),
	}
}

func flowCases() []testCase {
	return []testCase{
		{"flows/one_use", []string{"Flows.Add", "Flows.Take"}, func(t *testing.T, h harness) { // A1
			s := h.store(t)
			want, other := flow(1), flow(2)
			require.NoError(t, s.Flows().Add(t.Context(), want))
			require.NoError(t, s.Flows().Add(t.Context(), other))
			require.ErrorIs(t, s.Flows().Add(t.Context(), want), store.ErrTaken)

			var got store.Flow
			wins := 0
			for _, err := range each(20, func(int) error {
				f, err := s.Flows().Take(t.Context(), want.State)
				if err == nil {
					got = f
				}
				return err
			}) {
				if err == nil {
					wins++
				} else {
					require.ErrorIs(t, err, store.ErrNotFound)
				}
			}
			require.Equal(t, 1, wins, "a sign-in can be finished once")
			require.Equal(t, want, got)
			_, err := s.Flows().Take(t.Context(), [32]byte{9})
			require.ErrorIs(t, err, store.ErrNotFound)
			got, err = s.Flows().Take(t.Context(), other.State)
			require.NoError(t, err, "another tab's is another")
			require.Equal(t, other, got)
		}},
		{"flows/once", []string{"Flows.Once"}, func(t *testing.T, h harness) {
			s := h.store(t)
			what := [32]byte{7}
			require.NoError(t, s.Flows().Once(t.Context(), what, start))
			require.ErrorIs(t, s.Flows().Once(t.Context(), what, start.Add(time.Hour)), store.ErrTaken)
			require.NoError(t, s.Do(t.Context(), func(ctx context.Context, tx store.Stores) error {
				if err := tx.Flows().Once(ctx, what, start); !errors.Is(err, store.ErrTaken) {
					return errors.New("noted twice")
				}
				return tx.Flows().Add(ctx, flow(1))
			}), "the transaction goes on")
			_, err := s.Flows().Take(t.Context(), flow(1).State)
			require.NoError(t, err)
		}},
		{"flows/sweep", []string{"Flows.Sweep"}, func(t *testing.T, h harness) {
			s := h.store(t)
			for n := range 3 {
				f := flow(n)
				f.ExpiresAt = start.Add(time.Duration(n) * time.Minute)
				require.NoError(t, s.Flows().Add(t.Context(), f))
				require.NoError(t, s.Flows().Once(t.Context(), [32]byte{byte(n)}, f.ExpiresAt))
			}
			more, err := s.Flows().Sweep(t.Context(), start.Add(time.Minute), 1)
			require.NoError(t, err)
			require.True(t, more)
			more, err = s.Flows().Sweep(t.Context(), start.Add(time.Minute), 2)
			require.NoError(t, err)
			require.False(t, more)
			for n, want := range []error{store.ErrNotFound, store.ErrNotFound, nil} {
				_, err := s.Flows().Take(t.Context(), flow(n).State)
				require.ErrorIs(t, err, want)
			}
			require.NoError(t, s.Flows().Once(t.Context(), [32]byte{1}, start))
			require.ErrorIs(t, s.Flows().Once(t.Context(), [32]byte{2}, start), store.ErrTaken)
		}},
	}
}
