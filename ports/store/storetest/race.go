package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

func raceCases() []testCase {
	return []testCase{
		{"race/fifty_credits_two_hundred_takers", nil, func(t *testing.T, h harness) { // L5
			s := h.store(t)
			funded(t, s, "acct_1", 50)
			var won, refused atomic.Int64
			for i, err := range each(200, func(i int) error {
				req := id("req", i)
				outs, err := s.Commit(t.Context(), store.Replica{}, ops(hold("acct_1", req, 1)))
				switch {
				case err != nil:
					return err
				case errors.Is(outs[0].Err, ledger.ErrExhausted):
					refused.Add(1)
					return nil
				case outs[0].Err != nil:
					return outs[0].Err
				}
				won.Add(1)
				outs, err = s.Commit(t.Context(), store.Replica{}, ops(settle("acct_1", req, 1)))
				if err != nil {
					return err
				}
				return outs[0].Err
			}) {
				require.NoError(t, err, i)
			}
			require.Equal(t, int64(50), won.Load())
			require.Equal(t, int64(150), refused.Load())
			r := verified(t, s, "acct_1")
			require.Zero(t, r.Lots[0].Remaining)
			require.Len(t, r.Entries, 51)
		}},
		{"race/one_request_many_times", nil, func(t *testing.T, h harness) { // L5: one debit however often it is retried
			s := h.store(t)
			funded(t, s, "acct_1", 100)
			for _, op := range ops(hold("acct_1", "req_1", 30), settle("acct_1", "req_1", 20)) {
				var first atomic.Int64
				for i, err := range each(40, func(int) error {
					outs, err := s.Commit(t.Context(), store.Replica{}, ops(op))
					if err != nil {
						return err
					}
					if !outs[0].Replayed {
						first.Add(1)
					}
					return outs[0].Err
				}) {
					require.NoError(t, err, i)
				}
				require.Equal(t, int64(1), first.Load(), op.Kind)
			}
			require.Equal(t, int64(80), verified(t, s, "acct_1").Lots[0].Remaining)
		}},
		{"race/settle_or_release", nil, func(t *testing.T, h harness) { // L4: the first wins, and never both
			s := h.store(t)
			funded(t, s, "acct_1", 100)
			apply(t, s, hold("acct_1", "req_1", 30))
			var settled, released atomic.Bool
			for i, err := range each(20, func(i int) error {
				op, won := settle("acct_1", "req_1", 20), &settled
				if i%2 == 1 {
					op, won = release("acct_1", "req_1", ""), &released
				}
				outs, err := s.Commit(t.Context(), store.Replica{}, ops(op))
				if err == nil && outs[0].Err == nil {
					won.Store(true)
				}
				return err
			}) {
				require.NoError(t, err, i)
			}
			require.NotEqual(t, settled.Load(), released.Load())
			r := verified(t, s, "acct_1")
			require.Equal(t, settled.Load(), r.Holds[0].Hold.State == ledger.HoldSettled)
		}},
		{"race/batches_over_shared_accounts", nil, func(t *testing.T, h harness) { // HOTPATH 1: locks in one order
			s := h.store(t)
			for a := range 5 {
				funded(t, s, id("acct", a), 1000)
			}
			for i, err := range each(20, func(i int) error {
				var list []ledger.Op
				for _, a := range rand.New(rand.NewPCG(1, uint64(i))).Perm(5) {
					list = append(list, settle(id("acct", a), fmt.Sprintf("req_%d_%d", a, i), 3))
				}
				outs, err := s.Commit(t.Context(), store.Replica{}, list)
				for _, o := range outs {
					err = errors.Join(err, o.Err)
				}
				return err
			}) {
				require.NoError(t, err, i)
			}
			for a := range 5 {
				require.Equal(t, int64(940), verified(t, s, id("acct", a)).Lots[0].Remaining)
			}
		}},
		{"race/fence_against_commit", nil, func(t *testing.T, h harness) { // HOTPATH 7
			s, clock := h.clocked(t)
			funded(t, s, "acct_1", 1000)
			r := join(t, s, "rep_1")
			clock.Add(lease + time.Second)
			var fenced atomic.Bool
			for i, err := range each(30, func(i int) error {
				if i == 15 {
					ok, err := s.Replicas().Fence(t.Context(), r)
					fenced.Store(ok)
					return err
				}
				_, err := s.Commit(t.Context(), r, ops(hold("acct_1", id("req", i), 1)))
				if errors.Is(err, store.ErrFenced) {
					return nil
				}
				return err
			}) {
				require.NoError(t, err, i)
			}
			require.True(t, fenced.Load())
			_, err := s.Commit(t.Context(), r, ops(hold("acct_1", "req_late", 1)))
			require.ErrorIs(t, err, store.ErrFenced)
			verified(t, s, "acct_1")
		}},
	}
}
