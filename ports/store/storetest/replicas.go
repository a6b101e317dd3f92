package storetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

const lease = 15 * time.Second

func join(t *testing.T, s store.Store, id string) store.Replica {
	t.Helper()
	r, err := s.Replicas().Join(t.Context(), id, lease)
	require.NoError(t, err)
	require.Equal(t, id, r.ID)
	return r
}

// lapsed returns the IDs of lapsed or fenced replicas.
func lapsed(t *testing.T, s store.Store, except string) (ids []string) {
	t.Helper()
	rs, err := s.Replicas().Lapsed(t.Context(), except, 100)
	require.NoError(t, err)
	for _, r := range rs {
		ids = append(ids, r.ID)
	}
	return ids
}

func replicaCases() []testCase {
	return []testCase{
		{"replicas/lease_runs_out", []string{"Replicas.Join", "Replicas.Renew", "Replicas.Lapsed"}, func(t *testing.T, h harness) {
			s, clock := h.clocked(t)
			a, b := join(t, s, "rep_a"), join(t, s, "rep_b")
			_, err := s.Replicas().Join(t.Context(), "rep_a", lease)
			require.ErrorIs(t, err, store.ErrTaken)
			require.Empty(t, lapsed(t, s, ""))
			clock.Add(lease - time.Second)
			require.NoError(t, s.Replicas().Renew(t.Context(), a, lease))
			require.Empty(t, lapsed(t, s, ""))
			clock.Add(2 * time.Second)
			require.Equal(t, []string{"rep_b"}, lapsed(t, s, ""))
			require.Empty(t, lapsed(t, s, "rep_b"), "the one named is left out")
			clock.Add(lease)
			require.ElementsMatch(t, []string{"rep_a", "rep_b"}, lapsed(t, s, ""))
			rs, err := s.Replicas().Lapsed(t.Context(), "", 1)
			require.NoError(t, err)
			require.Len(t, rs, 1)
			require.NoError(t, s.Replicas().Renew(t.Context(), b, lease), "lapsed but not fenced: alive after all")
			require.Equal(t, []string{"rep_a"}, lapsed(t, s, ""))
		}},
		{"replicas/alive", []string{"Replicas.Alive"}, func(t *testing.T, h harness) { // HOTPATH 13
			s, clock := h.clocked(t)
			alive := func() int {
				n, err := s.Replicas().Alive(t.Context())
				require.NoError(t, err)
				return n
			}
			require.Zero(t, alive())
			a := join(t, s, "rep_a")
			join(t, s, "rep_b")
			require.Equal(t, 2, alive())
			clock.Add(lease - time.Second)
			require.NoError(t, s.Replicas().Renew(t.Context(), a, lease))
			clock.Add(2 * time.Second)
			require.Equal(t, 1, alive())
		}},
		{"replicas/fence", []string{"Replicas.Fence"}, func(t *testing.T, h harness) { // HOTPATH 7
			s, clock := h.clocked(t)
			funded(t, s, "acct_1", 1000)
			r := join(t, s, "rep_a")
			by := func(ops ...ledger.Op) error {
				outs, err := s.Commit(t.Context(), r, ops)
				for _, o := range outs {
					require.NoError(t, o.Err)
				}
				return err
			}
			require.NoError(t, by(hold("acct_1", "req_1", 100)))
			fenced, err := s.Replicas().Fence(t.Context(), r)
			require.NoError(t, err)
			require.False(t, fenced, "its lease runs")
			clock.Add(lease + time.Second)
			require.NoError(t, by(hold("acct_1", "req_2", 100)), "a lease that ran out is no fence")

			require.NoError(t, s.Replicas().Renew(t.Context(), r, lease))
			fenced, err = s.Replicas().Fence(t.Context(), r)
			require.NoError(t, err)
			require.False(t, fenced, "it was renewed meanwhile")

			clock.Add(lease + time.Second)
			fenced, err = s.Replicas().Fence(t.Context(), r)
			require.NoError(t, err)
			require.True(t, fenced)
			before := read(t, s, "acct_1")
			require.ErrorIs(t, by(settle("acct_1", "req_1", 50), hold("acct_1", "req_3", 1)), store.ErrFenced)
			require.Equal(t, before, read(t, s, "acct_1"))
			require.ErrorIs(t, s.Replicas().Renew(t.Context(), r, lease), store.ErrFenced)
			rs, err := s.Replicas().Lapsed(t.Context(), "", 10)
			require.NoError(t, err)
			require.Len(t, rs, 1, "fenced, and still has a row")
			require.NotEqual(t, r.Fence, rs[0].Fence)

			other := join(t, s, "rep_b")
			outs, err := s.Commit(t.Context(), other, []ledger.Op{before.Holds[0].Hold.Resolution()})
			require.NoError(t, err)
			require.NoError(t, outs[0].Err)
			apply(t, s, release("acct_1", "req_2", "replica_lost")) // an operator's command carries no fence
			verified(t, s, "acct_1")
		}},
		{"replicas/unknown_is_fenced", nil, func(t *testing.T, h harness) {
			s := h.store(t)
			funded(t, s, "acct_1", 1000)
			ghost := store.Replica{ID: "rep_ghost", Fence: 1}
			require.ErrorIs(t, s.Replicas().Renew(t.Context(), ghost, lease), store.ErrFenced)
			_, err := s.Commit(t.Context(), ghost, ops(hold("acct_1", "req_1", 1)))
			require.ErrorIs(t, err, store.ErrFenced)
			_, err = s.Ledger().Hold(t.Context(), "acct_1", "req_1")
			require.ErrorIs(t, err, store.ErrNotFound)
		}},
		{"replicas/leave", []string{"Replicas.Leave"}, func(t *testing.T, h harness) {
			s, clock := h.clocked(t)
			funded(t, s, "acct_1", 1000)
			r := join(t, s, "rep_1") // whom the op constructors name
			_, err := s.Commit(t.Context(), r, ops(hold("acct_1", "req_1", 100)))
			require.NoError(t, err)
			left, err := s.Replicas().Leave(t.Context(), "rep_1")
			require.NoError(t, err)
			require.False(t, left, "it has an open hold")
			require.NoError(t, s.Replicas().Renew(t.Context(), r, lease))
			_, err = s.Commit(t.Context(), r, ops(release("acct_1", "req_1", "")))
			require.NoError(t, err)
			left, err = s.Replicas().Leave(t.Context(), "rep_1")
			require.NoError(t, err)
			require.True(t, left)
			require.ErrorIs(t, s.Replicas().Renew(t.Context(), r, lease), store.ErrFenced)
			clock.Add(time.Hour)
			require.Empty(t, lapsed(t, s, ""))
		}},
		{"replicas/sole", []string{"Replicas.Sole"}, func(t *testing.T, h harness) { // HOTPATH 23
			s := h.store(t)
			join(t, s, "rep_a")
			join(t, s, "rep_b")
			release, others, err := s.Replicas().Sole(t.Context())
			require.NoError(t, err)
			if others {
				require.Empty(t, lapsed(t, s, "rep_b"))
				again, _, err := s.Replicas().Sole(t.Context())
				require.NoError(t, err, "where several may serve it does nothing")
				require.NoError(t, again())
				require.NoError(t, release())
				return
			}
			require.Equal(t, []string{"rep_a"}, lapsed(t, s, "rep_b"), "every other replica is dead")
			_, _, err = s.Replicas().Sole(t.Context())
			require.Equal(t, fault.Conflict, fault.KindOf(err))
			require.Equal(t, "already_served", fault.CodeOf(err))
			require.NoError(t, release())
			release, _, err = s.Replicas().Sole(t.Context())
			require.NoError(t, err)
			require.NoError(t, release())
		}},
	}
}
