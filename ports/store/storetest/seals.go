package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/ports/store"
)

// seal seals at most limit events in one transaction, with a checkpoint if
// signed, and returns their IDs and whether there may be more.
func seal(t *testing.T, s store.Store, limit int, signed bool) (ids []string, more bool) {
	t.Helper()
	require.NoError(t, s.Do(t.Context(), func(ctx context.Context, tx store.Stores) error {
		ids = nil
		head, err := tx.Seals().Take(ctx)
		if err != nil {
			return err
		}
		var events []audit.Event
		if events, more, err = tx.Seals().Next(ctx, limit); err != nil {
			return err
		}
		var leaves []store.Leaf
		for i, e := range events {
			ids = append(ids, e.ID)
			leaves = append(leaves, store.Leaf{Number: head.Size + int64(i), Event: e.ID, Hash: e.Leaf()})
		}
		if err := tx.Seals().Add(ctx, leaves, nil); err != nil || !signed {
			return err
		}
		size := head.Size + int64(len(leaves))
		return tx.Seals().Sign(ctx, store.Checkpoint{Size: size, Note: fmt.Sprint("note of ", size), At: start})
	}))
	return ids, more
}

// sealAll seals until n events more have leaves. Other databases of the same
// server may hold it up for a while.
func sealAll(t *testing.T, s store.Store, n int) (ids []string) {
	t.Helper()
	require.Eventually(t, func() bool {
		got, _ := seal(t, s, 1000, false)
		ids = append(ids, got...)
		return len(ids) >= n
	}, prompt, time.Millisecond)
	require.Len(t, ids, n)
	return ids
}

func sealHead(t *testing.T, s store.Store) store.SealHead {
	t.Helper()
	h, err := s.SealLog().Head(t.Context())
	require.NoError(t, err)
	return h
}

// loose returns all loose events by why they are.
func loose(t *testing.T, s store.Store, page int) map[store.Looseness][]string {
	t.Helper()
	out := map[store.Looseness][]string{}
	for after := ""; ; {
		list, last, err := s.SealLog().Loose(t.Context(), after, page)
		require.NoError(t, err)
		for _, e := range list {
			require.Greater(t, e.ID, after)
			require.LessOrEqual(t, e.ID, last)
			require.Equal(t, "acct_1", e.Account)
			require.False(t, e.At.IsZero())
			out[e.Why] = append(out[e.Why], e.ID)
		}
		if last == "" {
			return out
		}
		after = last
	}
}

func sealCases() []testCase {
	return []testCase{
		{"seals/every_event_once_in_order", []string{"Seals.Take", "Seals.Next", "Seals.Add", "SealLog.Head", "SealLog.Leaves"}, func(t *testing.T, h harness) { // HOTPATH 21
			s := h.store(t)
			addAccounts(t, s, "acct_1", "acct_2")
			require.Zero(t, sealHead(t, s))
			var want []string
			for n := range 5 { // IDs run backwards: they are of different servers, whose clocks disagree
				for i := range 2 {
					want = append(want, id("evt", 100-10*n+i))
					require.NoError(t, s.Events().Append(t.Context(), event(100-10*n+i, "acct_1", audit.KeyCreated)))
				}
			}
			var got []string
			require.Eventually(t, func() bool {
				ids, _ := seal(t, s, 3, false)
				require.LessOrEqual(t, len(ids), 3)
				got = append(got, ids...)
				return len(got) == len(want)
			}, prompt, time.Millisecond)
			require.Equal(t, want, got, "in the order of commits")
			require.Equal(t, store.SealHead{Size: 10}, sealHead(t, s))
			leaves, err := s.SealLog().Leaves(t.Context(), 4, 3)
			require.NoError(t, err)
			require.Len(t, leaves, 3)
			for i, l := range leaves {
				require.EqualValues(t, 4+i, l.Number)
				require.Equal(t, want[4+i], l.Event)
				require.True(t, l.Found)
				require.Equal(t, want[4+i], l.Of.ID)
				require.Equal(t, l.Of.Leaf(), l.Hash, "the event comes back as it was sealed")
			}
			leaves, err = s.SealLog().Leaves(t.Context(), 10, 3)
			require.NoError(t, err)
			require.Empty(t, leaves)
		}},
		{"seals/more", nil, func(t *testing.T, h harness) {
			s := h.store(t)
			addAccounts(t, s, "acct_1")
			for n := range 4 {
				require.NoError(t, s.Events().Append(t.Context(), event(n, "acct_1", audit.KeyCreated)))
			}
			require.Eventually(t, func() bool { ids, more := seal(t, s, 1, false); return len(ids) == 1 && more }, prompt, time.Millisecond)
			for more := true; more; {
				_, more = seal(t, s, 2, false)
			}
			require.Eventually(t, func() bool { seal(t, s, 2, false); return sealHead(t, s).Size == 4 }, prompt, time.Millisecond)
		}},
		{"seals/out_of_turn", []string{"Seals.Sign", "SealLog.Checkpoints"}, func(t *testing.T, h harness) {
			s := h.store(t)
			addAccounts(t, s, "acct_1")
			for n := range 3 {
				require.NoError(t, s.Events().Append(t.Context(), event(n, "acct_1", audit.KeyCreated)))
			}
			sealAll(t, s, 3)
			refused := func(do func(ctx context.Context, seals store.Seals) error) {
				t.Helper()
				require.Error(t, s.Do(t.Context(), func(ctx context.Context, tx store.Stores) error {
					_, err := tx.Seals().Take(ctx)
					require.NoError(t, err)
					return do(ctx, tx.Seals())
				}))
			}
			require.NoError(t, s.Events().Append(t.Context(), event(3, "acct_1", audit.KeyCreated)))
			for _, leaves := range [][]store.Leaf{
				{{Number: 2, Event: id("evt", 3)}},
				{{Number: 4, Event: id("evt", 3)}},
				{{Number: 3, Event: id("evt", 2)}},
				{{Number: 3, Event: id("evt", 3)}, {Number: 5, Event: id("evt", 4)}},
			} {
				refused(func(ctx context.Context, seals store.Seals) error { return seals.Add(ctx, leaves, nil) })
			}
			for _, size := range []int64{0, 2, 4} {
				refused(func(ctx context.Context, seals store.Seals) error {
					return seals.Sign(ctx, store.Checkpoint{Size: size, Note: "n", At: start})
				})
			}
			require.Equal(t, store.SealHead{Size: 3}, sealHead(t, s))
			require.Error(t, func() error { _, err := s.Seals().Take(t.Context()); return err }(), "outside a transaction")
			require.Error(t, s.Seals().Add(t.Context(), []store.Leaf{{Number: 3, Event: id("evt", 3)}}, nil))
			require.Error(t, s.Seals().Sign(t.Context(), store.Checkpoint{Size: 3, Note: "n", At: start}))
			_, _, err := s.Seals().Next(t.Context(), 1)
			require.Error(t, err)

			ids, _ := seal(t, s, 1, true)
			require.LessOrEqual(t, len(ids), 1)
			signed := sealHead(t, s).Size
			want := store.Checkpoint{Size: signed, Note: fmt.Sprint("note of ", signed), At: start}
			require.Equal(t, want, sealHead(t, s).Last)
			list, err := s.SealLog().Checkpoints(t.Context(), 2, 10)
			require.NoError(t, err)
			require.Equal(t, []store.Checkpoint{want}, list)
			list, err = s.SealLog().Checkpoints(t.Context(), signed, 10)
			require.NoError(t, err)
			require.Empty(t, list)
		}},
		{"seals/undone_with_the_transaction", nil, func(t *testing.T, h harness) {
			s := h.store(t)
			addAccounts(t, s, "acct_1")
			require.NoError(t, s.Events().Append(t.Context(), event(1, "acct_1", audit.KeyCreated)))
			stop := errors.New("stop")
			require.ErrorIs(t, s.Do(t.Context(), func(ctx context.Context, tx store.Stores) error {
				if _, err := tx.Seals().Take(ctx); err != nil {
					return err
				}
				err := tx.Seals().Add(ctx, []store.Leaf{{Event: id("evt", 1)}}, nil)
				return errors.Join(err, tx.Seals().Sign(ctx, store.Checkpoint{Size: 1, Note: "n", At: start}), stop)
			}), stop)
			require.Zero(t, sealHead(t, s))
			require.Equal(t, evts(1), sealAll(t, s, 1))
		}},
		{"seals/two_sealers", nil, func(t *testing.T, h harness) {
			s := h.store(t)
			addAccounts(t, s, "acct_1")
			const events = 60
			for n := range events {
				require.NoError(t, s.Events().Append(t.Context(), event(n, "acct_1", audit.KeyCreated)))
			}
			for _, err := range each(6, func(int) error {
				for range 40 {
					err := s.Do(t.Context(), func(ctx context.Context, tx store.Stores) error {
						head, err := tx.Seals().Take(ctx)
						if err != nil {
							return err
						}
						due, _, err := tx.Seals().Next(ctx, 2)
						var leaves []store.Leaf
						for i, e := range due {
							leaves = append(leaves, store.Leaf{Number: head.Size + int64(i), Event: e.ID, Hash: e.Leaf()})
						}
						return errors.Join(err, tx.Seals().Add(ctx, leaves, nil))
					})
					if err != nil && !errors.Is(err, store.ErrSealing) {
						return err
					}
				}
				return nil
			}) {
				require.NoError(t, err)
			}
			if left := events - int(sealHead(t, s).Size); left > 0 {
				sealAll(t, s, left)
			}
			leaves, err := s.SealLog().Leaves(t.Context(), 0, 1000)
			require.NoError(t, err)
			seen := map[string]bool{}
			for i, l := range leaves {
				require.EqualValues(t, i, l.Number)
				require.False(t, seen[l.Event])
				seen[l.Event] = true
			}
			require.Len(t, seen, events)
		}},
		{"seals/hashes", []string{"SealLog.Hashes"}, func(t *testing.T, h harness) {
			s := h.store(t)
			addAccounts(t, s, "acct_1")
			for n := range 3 {
				require.NoError(t, s.Events().Append(t.Context(), event(n, "acct_1", audit.KeyCreated)))
			}
			ids := sealAll(t, s, 2+1)
			require.NoError(t, s.Events().Append(t.Context(), event(3, "acct_1", audit.KeyCreated)))
			add := func() error {
				return s.Do(t.Context(), func(ctx context.Context, tx store.Stores) error {
					if _, err := tx.Seals().Take(ctx); err != nil {
						return err
					}
					due, _, err := tx.Seals().Next(ctx, 1)
					if err != nil || len(due) == 0 {
						return errors.Join(err, store.ErrSealing)
					}
					return tx.Seals().Add(ctx, []store.Leaf{{Number: 3, Event: due[0].ID, Hash: audit.Hash{9}}}, []audit.Node{
						{Level: 8, Number: 0, Hash: audit.Hash{1}}, {Level: 8, Number: 1, Hash: audit.Hash{2}}, {Level: 8, Number: 3, Hash: audit.Hash{3}}, {Level: 16, Number: 0, Hash: audit.Hash{4}},
					})
				})
			}
			require.Eventually(t, func() bool { return add() == nil }, prompt, time.Millisecond)
			hashes := func(level int, from int64, limit int) []audit.Hash {
				t.Helper()
				got, err := s.SealLog().Hashes(t.Context(), level, from, limit)
				require.NoError(t, err)
				return got
			}
			require.Len(t, ids, 3)
			require.Len(t, hashes(0, 0, 10), 4)
			require.Equal(t, []audit.Hash{{9}}, hashes(0, 3, 10))
			require.Equal(t, []audit.Hash{{1}, {2}}, hashes(8, 0, 10), "up to the first that is missing")
			require.Equal(t, []audit.Hash{{2}}, hashes(8, 1, 1))
			require.Empty(t, hashes(8, 2, 10))
			require.Equal(t, []audit.Hash{{4}}, hashes(16, 0, 10))
			require.Empty(t, hashes(24, 0, 10))
		}},
		{"seals/loose", []string{"SealLog.Loose"}, func(t *testing.T, h harness) {
			s := h.store(t)
			addAccounts(t, s, "acct_1")
			for n := range 6 {
				require.NoError(t, s.Events().Append(t.Context(), event(n, "acct_1", audit.KeyCreated)))
			}
			sealAll(t, s, 6)
			require.Empty(t, loose(t, s, 4))
			require.NoError(t, s.Events().Append(t.Context(), event(7, "acct_1", audit.KeyCreated), event(6, "acct_1", audit.KeyCreated)))
			for page := range 4 {
				require.Equal(t, map[store.Looseness][]string{store.Pending: evts(6, 7)}, loose(t, s, page+1))
			}
			sealAll(t, s, 2)
			require.Empty(t, loose(t, s, 100))
		}},
		{"seals/sequence", []string{"SealLog.Sequence"}, func(t *testing.T, h harness) {
			s := h.store(t)
			addAccounts(t, s, "acct_1", "acct_2")
			for n := range 5 {
				require.NoError(t, s.Events().Append(t.Context(), event(n, "acct_1", audit.KeyCreated)))
			}
			for _, c := range []struct {
				account string
				after   int64
				limit   int
				want    []int64
				events  int64
			}{{"acct_1", 0, 3, []int64{1, 2, 3}, 5}, {"acct_1", 3, 3, []int64{4, 5}, 5}, {"acct_1", 5, 3, nil, 5}, {"acct_2", 0, 3, nil, 0}} {
				seqs, events, err := s.SealLog().Sequence(t.Context(), c.account, c.after, c.limit)
				require.NoError(t, err)
				require.Equal(t, c.want, seqs)
				require.Equal(t, c.events, events)
			}
			_, _, err := s.SealLog().Sequence(t.Context(), "acct_none", 0, 3)
			require.ErrorIs(t, err, store.ErrNotFound)
		}},
	}
}
