package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

// atOnce bounds calls that must not wait for a lock, below any store's own
// patience.
const atOnce = 1500 * time.Millisecond

// locked runs fn while another transaction holds an account's row, and returns
// once that has ended. Where the whole database is the lock, fn must be done
// within the transaction by nobody else.
func locked(t *testing.T, s store.Store, account string, fn func()) {
	t.Helper()
	require.NoError(t, s.Do(t.Context(), func(ctx context.Context, tx store.Stores) error {
		a, err := tx.Accounts().Get(ctx, account)
		if err != nil {
			return err
		}
		if err := tx.Accounts().Set(ctx, a); err != nil {
			return err
		}
		fn()
		return nil
	}))
}

// rowLocks reports whether the store locks single accounts.
func rowLocks(t *testing.T, s store.Store) bool {
	t.Helper()
	release, others, err := s.Replicas().Sole(t.Context())
	require.NoError(t, err)
	require.NoError(t, release())
	return others
}

func busyCases() []testCase {
	return []testCase{
		{"busy/others_go_on_at_once", []string{"Store.TryCommit"}, func(t *testing.T, h harness) { // HOTPATH 2
			s := h.store(t)
			me := join(t, s, "rep_1")
			for _, a := range []string{"acct_1", "acct_2", "acct_3"} {
				funded(t, s, a, 100)
			}
			apply(t, s, hold("acct_2", "req_2", 20))
			list := ops(hold("acct_1", "req_1", 10), hold("acct_2", "req_a", 10), hold("acct_none", "req_n", 1), settle("acct_2", "req_2", 5),
				hold("acct_3", "req_3", 10), hold("acct_2", "req_b", 10))
			if !rowLocks(t, s) {
				waits(t, s, "acct_2", me, list)
				return
			}
			for _, patience := range []time.Duration{0, 20 * time.Millisecond} {
				before := read(t, s, "acct_2")
				locked(t, s, "acct_2", func() {
					ctx, cancel := context.WithTimeout(t.Context(), atOnce)
					defer cancel()
					outs, err := s.TryCommit(ctx, me, list, patience)
					require.NoError(t, err)
					for i, want := range []error{nil, store.ErrBusyAccount, store.ErrNotFound, store.ErrBusyAccount, nil, store.ErrBusyAccount} {
						require.ErrorIs(t, outs[i].Err, want, i)
					}
					for _, op := range ops(hold("acct_2", "req_c", 1), settle("acct_2", "req_2", 5)) { // an op alone may take another way
						ctx, cancel := context.WithTimeout(t.Context(), atOnce)
						outs, err := s.TryCommit(ctx, me, ops(op), patience)
						cancel()
						require.NoError(t, err)
						require.ErrorIs(t, outs[0].Err, store.ErrBusyAccount, op.Kind)
					}
				})
				after := read(t, s, "acct_2")
				before.Account = after.Account // the transaction has changed its epoch
				require.Equal(t, before, after, "a busy account's ops change nothing")
			}
			outs, err := s.TryCommit(t.Context(), me, list, 0)
			require.NoError(t, err)
			for i, o := range outs {
				if i == 2 {
					require.ErrorIs(t, o.Err, store.ErrNotFound)
					continue
				}
				require.NoError(t, o.Err, i)
				require.Equal(t, i == 0 || i == 4, o.Replayed, i)
			}
			for _, a := range []string{"acct_1", "acct_2", "acct_3"} {
				verified(t, s, a)
			}
		}},
		{"busy/patience_gets_the_account", nil, func(t *testing.T, h harness) { // HOTPATH 2
			s := h.store(t)
			me := join(t, s, "rep_1")
			funded(t, s, "acct_1", 100)
			waits(t, s, "acct_1", me, ops(hold("acct_1", "req_1", 10)))
			waits(t, s, "acct_1", me, ops(settle("acct_1", "req_1", 10)))
			waits(t, s, "acct_1", me, ops(hold("acct_1", "req_2", 10), settle("acct_1", "req_2", 3)))
			require.Equal(t, int64(87), verified(t, s, "acct_1").Lots[0].Remaining)
		}},
		{"busy/fenced", nil, func(t *testing.T, h harness) { // HOTPATH 7
			s := h.store(t)
			funded(t, s, "acct_1", 100)
			apply(t, s, hold("acct_1", "req_1", 10))
			for _, list := range [][]ledger.Op{ops(settle("acct_1", "req_1", 5)), ops(settle("acct_1", "req_1", 5), hold("acct_1", "req_2", 5))} {
				_, err := s.TryCommit(t.Context(), store.Replica{ID: "rep_gone", Fence: 1}, list, 0)
				require.ErrorIs(t, err, store.ErrFenced)
			}
			require.Equal(t, int64(10), verified(t, s, "acct_1").Lots[0].Held)
		}},
	}
}

// waits proves that a patient commit waits for a locked account and then has it.
func waits(t *testing.T, s store.Store, account string, by store.Replica, list []ledger.Op) {
	t.Helper()
	type answer struct {
		outs []ledger.Outcome
		err  error
	}
	done := make(chan answer, 1)
	locked(t, s, account, func() {
		go func() {
			outs, err := s.TryCommit(t.Context(), by, list, prompt)
			done <- answer{outs, err}
		}()
		select {
		case <-done:
			require.FailNow(t, "it did not wait")
		case <-time.After(50 * time.Millisecond):
		}
	})
	got := <-done
	require.NoError(t, got.err)
	for i, o := range got.outs {
		if list[i].Account != "acct_none" {
			require.NoError(t, o.Err, i)
		}
	}
}
