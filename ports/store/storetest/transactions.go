package storetest

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/ports/store"
)

func transactionCases() []testCase {
	return []testCase{
		{"do/commits_once", []string{"Store.Do"}, func(t *testing.T, h harness) { // U1
			s := h.store(t)
			addAccounts(t, s, "acct_1")
			require.NoError(t, s.Do(t.Context(), func(ctx context.Context, tx store.Stores) error {
				if err := tx.Accounts().Create(ctx, account("acct_2")); err != nil {
					return err
				}
				if _, err := tx.Accounts().Get(ctx, "acct_2"); err != nil {
					return err // a transaction sees its own writes
				}
				return errors.Join(tx.Keys().Create(ctx, key("acct_2", 1)), tx.Events().Append(ctx, event(1, "acct_2", audit.KeyCreated)),
					tx.Sessions().Create(ctx, session(1, "acct_2")))
			}))
			_, err := s.Keys().Get(t.Context(), "acct_2", id("key", 1))
			require.NoError(t, err)
			_, _, err = s.Sessions().ByHash(t.Context(), session(1, "acct_2").Hash)
			require.NoError(t, err)
			require.Len(t, verified(t, s, "acct_2").Events, 1)
		}},
		{"do/rolls_back", nil, func(t *testing.T, h harness) {
			s := h.store(t)
			addAccounts(t, s, "acct_1")
			before := read(t, s, "acct_1")
			stop := errors.New("stop")
			err := s.Do(t.Context(), func(ctx context.Context, tx store.Stores) error {
				changed := account("acct_1")
				changed.Name = "Changed"
				if err := errors.Join(tx.Accounts().Set(ctx, changed), tx.Keys().Create(ctx, key("acct_1", 1)),
					tx.Events().Append(ctx, event(1, "acct_1", audit.KeyCreated))); err != nil {
					return err
				}
				return stop
			})
			require.ErrorIs(t, err, stop)
			require.Equal(t, before, read(t, s, "acct_1"))
			_, err = s.Keys().Find(t.Context(), id("key", 1))
			require.ErrorIs(t, err, store.ErrNotFound)
			require.NoError(t, s.Events().Append(t.Context(), event(1, "acct_1", audit.KeyCreated)))
			require.Len(t, verified(t, s, "acct_1").Events, 1, "the rolled-back event left no gap")
		}},
		{"do/a_fault_passes_through", nil, func(t *testing.T, h harness) {
			s := h.store(t)
			addAccounts(t, s, "acct_1")
			err := s.Do(t.Context(), func(ctx context.Context, tx store.Stores) error { return tx.Accounts().Create(ctx, account("acct_1")) })
			require.ErrorIs(t, err, store.ErrTaken)
		}},
		{"do/many_at_once", nil, func(t *testing.T, h harness) { // fn may run more than once; its effect is there once
			s := h.store(t)
			addAccounts(t, s, "acct_1", "acct_2")
			for i, err := range each(20, func(i int) error {
				first, second := "acct_1", "acct_2"
				if i%2 == 1 {
					first, second = second, first
				}
				return s.Do(t.Context(), func(ctx context.Context, tx store.Stores) error {
					if err := tx.Events().Append(ctx, event(2*i, first, audit.AccountChanged)); err != nil {
						return err
					}
					return tx.Events().Append(ctx, event(2*i+1, second, audit.AccountChanged))
				})
			}) {
				require.NoError(t, err, i)
			}
			require.Len(t, verified(t, s, "acct_1").Events, 20)
			require.Len(t, verified(t, s, "acct_2").Events, 20)
		}},
		{"do/outer_store", nil, func(t *testing.T, h harness) {
			s := h.store(t)
			addAccounts(t, s, "acct_1")
			nop := func(context.Context, store.Stores) error { return nil }
			for name, call := range map[string]func(ctx context.Context) error{
				"Accounts":   func(ctx context.Context) error { _, err := s.Accounts().Get(ctx, "acct_1"); return err },
				"Keys":       func(ctx context.Context) error { return s.Keys().Rehash(ctx, "key_1", keys.Digest{1}, "v1") },
				"Ledger":     func(ctx context.Context) error { _, err := s.Ledger().Lots(ctx, "acct_1"); return err },
				"Events":     func(ctx context.Context) error { return s.Events().Append(ctx, event(1, "acct_1", audit.KeyCreated)) },
				"Sessions":   func(ctx context.Context) error { return s.Sessions().Create(ctx, session(1, "acct_1")) },
				"Responses":  func(ctx context.Context) error { _, err := s.Responses().Get(ctx, "acct_1", "resp_1"); return err },
				"PriceBooks": func(ctx context.Context) error { _, _, err := s.PriceBooks().Current(ctx); return err },
				"Replicas":   func(ctx context.Context) error { _, err := s.Replicas().Join(ctx, "rep_1", lease); return err },
				"Changes":    func(ctx context.Context) error { _, err := s.Changes().Head(ctx); return err },
				"Threads":    func(ctx context.Context) error { return s.Threads().Create(ctx, thread(mine, 1)) },
				"Messages":   func(ctx context.Context) error { _, err := s.Messages().Leaf(ctx, mine, "thr_1", "msg_1"); return err },
				"Turns":      func(ctx context.Context) error { return s.Turns().Stop(ctx, mine, "turn_1") },
				"Prompts":    func(ctx context.Context) error { _, err := s.Prompts().List(ctx, mine); return err },
				"Drafts":     func(ctx context.Context) error { return s.Drafts().Put(ctx, mine, "", "text", start) },
				"Do":         func(ctx context.Context) error { return s.Do(ctx, nop) },
				"View":       func(ctx context.Context) error { return s.View(ctx, nop) },
				"Commit": func(ctx context.Context) error {
					_, err := s.Commit(ctx, store.Replica{}, ops(grant("acct_1", "lot_1", 5)))
					return err
				},
				"Now":   func(ctx context.Context) error { _, err := s.Now(ctx); return err },
				"Stamp": func(ctx context.Context) error { return s.Stamp(ctx, "local") },
				"Ping":  func(ctx context.Context) error { return s.Ping(ctx) },
			} {
				t.Run(name, func(t *testing.T) {
					err := returns(t.Context(), t, func(ctx context.Context) error {
						return s.Do(ctx, func(ctx context.Context, _ store.Stores) error { return call(ctx) })
					})
					require.ErrorIs(t, err, store.ErrOuterStore)
				})
			}
			r := read(t, s, "acct_1")
			require.Empty(t, r.Lots)
			require.Empty(t, r.Events)
		}},
		{"view/sees_one_moment", []string{"Store.View"}, func(t *testing.T, h harness) {
			s := h.store(t)
			funded(t, s, "acct_1", 1000)
			type moment struct {
				accounts int
				balance  int64
			}
			look := func(ctx context.Context, tx store.Stores) (m moment, err error) {
				as, err := tx.Accounts().List(ctx, store.Page{})
				if err != nil {
					return m, err
				}
				lots, err := tx.Ledger().Lots(ctx, "acct_1")
				for _, l := range lots {
					m.balance += l.Remaining
				}
				m.accounts = len(as)
				return m, err
			}
			var first, second moment
			require.NoError(t, s.View(t.Context(), func(ctx context.Context, tx store.Stores) (err error) {
				if first, err = look(ctx, tx); err != nil {
					return err
				}
				if err := s.Accounts().Create(t.Context(), account("acct_2")); err != nil {
					return err
				}
				if _, err := s.Commit(t.Context(), store.Replica{}, ops(settle("acct_1", "req_1", 400))); err != nil {
					return err
				}
				second, err = look(ctx, tx)
				return err
			}))
			require.Equal(t, moment{1, 1000}, first)
			require.Equal(t, first, second)
			require.NoError(t, s.View(t.Context(), func(ctx context.Context, tx store.Stores) (err error) {
				second, err = look(ctx, tx)
				return err
			}))
			require.Equal(t, moment{2, 600}, second)
		}},
		{"view/does_not_write", nil, func(t *testing.T, h harness) {
			s := h.store(t)
			require.Error(t, s.View(t.Context(), func(ctx context.Context, tx store.Stores) error {
				return tx.Accounts().Create(ctx, account("acct_1"))
			}))
			_, err := s.Accounts().Get(t.Context(), "acct_1")
			require.ErrorIs(t, err, store.ErrNotFound)
			stop := errors.New("stop")
			require.ErrorIs(t, s.View(t.Context(), func(context.Context, store.Stores) error { return stop }), stop)
		}},
	}
}
