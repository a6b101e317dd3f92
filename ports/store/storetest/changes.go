package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/ports/store"
)

// head returns the number of the newest change.
func head(t *testing.T, s store.Store) int64 {
	t.Helper()
	n, err := s.Changes().Head(t.Context())
	require.NoError(t, err)
	return n
}

// since returns the accounts of the changes after a number, which follow it
// without a hole.
func since(t *testing.T, s store.Store, after int64) (accounts []string) {
	t.Helper()
	list, err := s.Changes().Since(t.Context(), after, store.MaxPage)
	require.NoError(t, err)
	for i, c := range list {
		require.Equal(t, after+int64(i)+1, c.Seq)
		accounts = append(accounts, c.Account)
	}
	return accounts
}

func changeCases() []testCase {
	return []testCase{
		{"changes/what_a_gate_may_see", []string{"Changes.Head", "Changes.Since"}, func(t *testing.T, h harness) { // HOTPATH 19, G7, K5
			s := h.store(t)
			require.Zero(t, head(t, s))
			require.Empty(t, since(t, s, 0))
			addAccounts(t, s, "acct_1", "acct_2")
			first, second := key("acct_1", 1), key("acct_1", 2)
			for _, step := range []struct {
				name string
				do   func() error
			}{
				{"create", func() error { return s.Keys().Create(t.Context(), first) }},
				{"create another", func() error { return s.Keys().Create(t.Context(), second) }},
				{"set", func() error { return s.Accounts().Set(t.Context(), account("acct_1")) }},
				{"rehash", func() error { return s.Keys().Rehash(t.Context(), first.ID, keys.Digest{7}, "v2") }},
				{"succeed", func() error { return s.Keys().Succeed(t.Context(), "acct_1", first.ID, second.ID, start) }},
				{"revoke", func() error { _, err := s.Keys().Revoke(t.Context(), "acct_1", second.ID, start, "pat"); return err }},
			} {
				at, before := head(t, s), epoch(t, s)
				require.NoError(t, step.do(), step.name)
				require.Equal(t, []string{"acct_1"}, since(t, s, at), step.name)
				require.Equal(t, at+1, head(t, s), step.name)
				require.Equal(t, before+1, epoch(t, s), step.name)
			}
		}},
		{"changes/what_no_gate_sees", nil, func(t *testing.T, h harness) { // HOTPATH 19: never from batches
			s := h.store(t)
			addAccounts(t, s, "acct_1")
			k := key("acct_1", 1)
			require.NoError(t, s.Keys().Create(t.Context(), k))
			at, before := head(t, s), epoch(t, s)
			apply(t, s, grant("acct_1", "lot_1", 1000))
			apply(t, s, hold("acct_1", "req_1", 100), hold("acct_1", "req_2", 100))
			apply(t, s, settle("acct_1", "req_1", 90), release("acct_1", "req_2", "upstream_refused"))
			require.NoError(t, s.Keys().Touch(t.Context(), k.ID, start.Add(time.Hour), time.Minute))
			require.NoError(t, s.Events().Append(t.Context(), event(1, "acct_1", "key.created")))
			require.ErrorIs(t, s.Keys().Create(t.Context(), k), store.ErrTaken)
			require.ErrorIs(t, s.Accounts().Set(t.Context(), account("acct_2")), store.ErrNotFound)
			stop := errors.New("stop")
			require.ErrorIs(t, s.Do(t.Context(), func(ctx context.Context, tx store.Stores) error {
				return errors.Join(tx.Accounts().Set(ctx, account("acct_1")), stop)
			}), stop)
			require.Empty(t, since(t, s, at))
			require.Equal(t, before, epoch(t, s))
		}},
		{"changes/commit_order_is_number_order", nil, func(t *testing.T, h harness) { // HOTPATH 19: no late committer
			s := h.store(t)
			const n = 24
			for i := range n {
				addAccounts(t, s, id("acct", i))
			}
			// One reads all the while: what it has passed must never fill up.
			stop, read := make(chan struct{}), make(chan error, 1)
			seen := map[string]bool{}
			look := func(after int64) (int64, error) {
				list, err := s.Changes().Since(t.Context(), after, store.MaxPage)
				for _, c := range list {
					after = c.Seq
					seen[c.Account] = true
				}
				return after, err
			}
			go func() {
				after, err := int64(0), error(nil)
				for err == nil {
					select {
					case <-stop:
						_, err = look(after)
						read <- err
						return
					default:
						after, err = look(after)
					}
				}
				read <- err
			}()
			for i, err := range each(n, func(i int) error {
				return s.Do(t.Context(), func(ctx context.Context, tx store.Stores) error {
					if err := tx.Accounts().Set(ctx, account(id("acct", i))); err != nil {
						return err
					}
					for range i % 5 { // some take long from their change to their commit
						if _, err := tx.Accounts().Get(ctx, id("acct", i)); err != nil {
							return err
						}
					}
					return nil
				})
			}) {
				require.NoError(t, err, i)
			}
			close(stop)
			require.NoError(t, <-read, "a number appeared behind the reader")
			require.Len(t, seen, n)
			require.Equal(t, int64(n), head(t, s))
			require.Len(t, since(t, s, 0), n)
		}},
		{"changes/pages", nil, func(t *testing.T, h harness) {
			s := h.store(t)
			addAccounts(t, s, "acct_1")
			for range 5 {
				require.NoError(t, s.Accounts().Set(t.Context(), account("acct_1")))
			}
			list, err := s.Changes().Since(t.Context(), 1, 3)
			require.NoError(t, err)
			require.Equal(t, []store.Change{{Seq: 2, Account: "acct_1"}, {Seq: 3, Account: "acct_1"}, {Seq: 4, Account: "acct_1"}}, list)
		}},
		{"changes/prune", []string{"Changes.Prune"}, func(t *testing.T, h harness) {
			s := h.store(t)
			addAccounts(t, s, "acct_1")
			for range 5 {
				require.NoError(t, s.Accounts().Set(t.Context(), account("acct_1")))
			}
			n, err := s.Changes().Prune(t.Context(), time.Hour, 10)
			require.NoError(t, err)
			require.Zero(t, n, "all are young")
			n, err = s.Changes().Prune(t.Context(), -time.Hour, 2)
			require.NoError(t, err)
			require.Equal(t, 2, n)
			_, err = s.Changes().Since(t.Context(), 1, 10)
			require.ErrorIs(t, err, store.ErrMissed)
			require.Len(t, since(t, s, 2), 3)

			n, err = s.Changes().Prune(t.Context(), -time.Hour, 10)
			require.NoError(t, err)
			require.Equal(t, 3, n)
			_, err = s.Changes().Since(t.Context(), 4, 10)
			require.ErrorIs(t, err, store.ErrMissed)
			require.Empty(t, since(t, s, 5))
			_, err = s.Changes().Since(t.Context(), 6, 10)
			require.ErrorIs(t, err, store.ErrMissed, "beyond the newest: another database")

			require.NoError(t, s.Accounts().Set(t.Context(), account("acct_1")))
			require.Equal(t, []string{"acct_1"}, since(t, s, 5), "numbers are not used again")
		}},
	}
}
