package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/chat"
	"github.com/archibot/archibotchat/ports/store"
)

// turn returns the n-th turn, of a member in a thread, not yet stored.
func turn(w store.Whose, thread string, n int) chat.Turn {
	return chat.Turn{
		ID: id("turn", n), Account: w.Account, User: w.User, Thread: thread, Question: id("msg", 1), Answer: id("msg", 2), Key: fmt.Sprint("key-", n),
		Model: "vendor/model-1", Request: id("req", n), Owner: "own_1", Until: start.Add(15 * time.Second), State: chat.Running,
		Sent: 3, LeftOut: 2, StartedAt: start, Steps: []chat.Step{{Name: "gate", At: 3 * time.Millisecond}},
	}
}

// begin starts the n-th turn in a thread that has messages, with a piece of
// its answer.
func begin(t *testing.T, s store.Store, w store.Whose, thread string, n int) chat.Turn {
	t.Helper()
	one := turn(w, thread, n)
	require.NoError(t, s.Turns().Start(t.Context(), one))
	_, err := s.Turns().Append(t.Context(), one, 0, "piece")
	require.NoError(t, err)
	return one
}

func sameTurn(t *testing.T, s store.Store, want chat.Turn) {
	t.Helper()
	got, err := s.Turns().Get(t.Context(), store.Whose{Account: want.Account, User: want.User}, want.ID)
	require.NoError(t, err)
	require.Equal(t, want, got)
}

func turnIDs(ts []chat.Turn) (ids []string) {
	for _, one := range ts {
		ids = append(ids, one.ID)
	}
	return ids
}

// ended is a turn as one that ended well.
func ended(one chat.Turn) chat.Turn {
	one.State, one.EndedAt = chat.Done, start.Add(time.Minute)
	return one
}

func turnCases() []testCase {
	const thr = "thr_000001"
	ready := func(t *testing.T, h harness) store.Store {
		s := chats(t, h)
		addThreads(t, s, thread(mine, 1), thread(mine, 2))
		talk(t, s, mine, thr, "question")
		talk(t, s, mine, id("thr", 2), "question")
		return s
	}
	return []testCase{
		{"turns/start_and_get", []string{"Turns.Start", "Turns.Get", "Turns.ByKey", "Turns.Of"}, func(t *testing.T, h harness) {
			s := ready(t, h)
			one, bare := turn(mine, thr, 1), chat.Turn{ID: "turn_bare", Account: "acct_1", User: "user_1", Thread: id("thr", 2), State: chat.Running}
			require.NoError(t, s.Turns().Start(t.Context(), one))
			require.NoError(t, s.Turns().Start(t.Context(), bare))
			sameTurn(t, s, one)
			sameTurn(t, s, bare)
			got, err := s.Turns().ByKey(t.Context(), mine, thr, "key-1")
			require.NoError(t, err)
			require.Equal(t, one, got)
			for _, c := range [][2]string{{thr, "key-2"}, {id("thr", 2), "key-1"}, {"thr_none", "key-1"}} {
				_, err = s.Turns().ByKey(t.Context(), mine, c[0], c[1])
				require.ErrorIs(t, err, store.ErrNotFound, c)
			}
			list, err := s.Turns().Of(t.Context(), mine, []string{one.ID, "turn_none", bare.ID, one.ID})
			require.NoError(t, err)
			require.ElementsMatch(t, []chat.Turn{one, bare}, list)
			list, err = s.Turns().Of(t.Context(), mine, nil)
			require.NoError(t, err)
			require.Empty(t, list)
			for _, w := range strangers {
				_, err = s.Turns().Get(t.Context(), w, one.ID)
				require.ErrorIs(t, err, store.ErrNotFound, w)
				_, err = s.Turns().ByKey(t.Context(), w, thr, "key-1")
				require.ErrorIs(t, err, store.ErrNotFound, w)
				list, err = s.Turns().Of(t.Context(), w, []string{one.ID, bare.ID})
				require.NoError(t, err)
				require.Empty(t, list)
				require.ErrorIs(t, s.Turns().Start(t.Context(), turn(w, thr, 7)), store.ErrNotFound, w)
			}
			require.ErrorIs(t, s.Turns().Start(t.Context(), turn(mine, "thr_none", 7)), store.ErrNotFound)
			_, err = s.Turns().Get(t.Context(), mine, "turn_none")
			require.ErrorIs(t, err, store.ErrNotFound)
		}},
		{"turns/one_at_work_and_keys", []string{"Turns.Running"}, func(t *testing.T, h harness) {
			s := ready(t, h)
			running := func(w store.Whose) int {
				n, err := s.Turns().Running(t.Context(), w)
				require.NoError(t, err)
				return n
			}
			shown := func(thread string) string {
				got, err := s.Threads().Get(t.Context(), mine, thread)
				require.NoError(t, err)
				list, err := s.Threads().List(t.Context(), store.ThreadQuery{Whose: mine, View: store.ThreadsActive})
				require.NoError(t, err)
				require.Contains(t, list, got)
				return got.Running
			}
			require.Zero(t, running(mine))
			require.Empty(t, shown(thr))
			one := turn(mine, thr, 1)
			require.NoError(t, s.Turns().Start(t.Context(), one))
			require.ErrorIs(t, s.Turns().Start(t.Context(), turn(mine, thr, 2)), store.ErrTaken, "one is at work")
			again := turn(mine, id("thr", 2), 1)
			require.ErrorIs(t, s.Turns().Start(t.Context(), again), store.ErrTaken, "the ID is taken")
			again.ID = "turn_again"
			require.NoError(t, s.Turns().Start(t.Context(), again), "a key is its thread's")
			require.Equal(t, 2, running(mine))
			require.Zero(t, running(strangers[0]))
			require.Equal(t, one.ID, shown(thr))
			require.Equal(t, again.ID, shown(id("thr", 2)))
			_, err := s.Turns().End(t.Context(), "own_1", ended(one), nil)
			require.NoError(t, err)
			require.Equal(t, 1, running(mine))
			require.Empty(t, shown(thr))
			next := turn(mine, thr, 3)
			next.Key = one.Key
			require.ErrorIs(t, s.Turns().Start(t.Context(), next), store.ErrTaken, "the key was used")
			require.NoError(t, s.Turns().Start(t.Context(), turn(mine, thr, 3)))
			require.NoError(t, s.Do(t.Context(), func(ctx context.Context, tx store.Stores) error {
				require.ErrorIs(t, tx.Turns().Start(ctx, turn(mine, thr, 4)), store.ErrTaken)
				got, err := tx.Turns().ByKey(ctx, mine, thr, one.Key) // the transaction goes on
				require.Equal(t, one.ID, got.ID)
				return err
			}))
		}},
		{"turns/many_starts_at_once", nil, func(t *testing.T, h harness) {
			s := ready(t, h)
			for round, same := range []bool{false, true} { // other keys, the same key
				var won atomic.Int64
				var first atomic.Value
				for i, err := range each(20, func(i int) error {
					one := turn(mine, thr, 100*round+i+1)
					if same {
						one.Key = "same"
					}
					err := s.Do(t.Context(), func(ctx context.Context, tx store.Stores) error { // as a use case does
						if err := tx.Turns().Start(ctx, one); err != nil {
							return err
						}
						_, err := tx.Messages().Add(ctx, mine, question(thr, 1000+100*round+i, "", ""))
						return err
					})
					if errors.Is(err, store.ErrTaken) {
						return nil
					}
					if err == nil {
						won.Add(1)
						first.Store(one)
					}
					return err
				}) {
					require.NoError(t, err, i)
				}
				require.Equal(t, int64(1), won.Load())
				one, _ := first.Load().(chat.Turn)
				sameTurn(t, s, one)
				_, err := s.Turns().End(t.Context(), "own_1", ended(one), nil)
				require.NoError(t, err)
			}
			got, err := s.Threads().Get(t.Context(), mine, thr)
			require.NoError(t, err)
			require.Equal(t, 5, got.Messages)
		}},
		{"turns/stop", []string{"Turns.Stop"}, func(t *testing.T, h harness) {
			s := ready(t, h)
			one := begin(t, s, mine, thr, 1)
			for _, w := range strangers {
				require.ErrorIs(t, s.Turns().Stop(t.Context(), w, one.ID), store.ErrNotFound, w)
			}
			require.ErrorIs(t, s.Turns().Stop(t.Context(), mine, "turn_none"), store.ErrNotFound)
			sameTurn(t, s, one)
			for range 2 {
				require.NoError(t, s.Turns().Stop(t.Context(), mine, one.ID))
				one.Stopping = true
				sameTurn(t, s, one)
			}
			for at, text := range []string{5: " more", 10: "", 11: ""} {
				if at < 5 {
					continue
				}
				stopping, err := s.Turns().Append(t.Context(), one, min(at, 10), text)
				require.NoError(t, err)
				require.True(t, stopping)
			}
			end := ended(one)
			end.State = chat.Stopped
			_, err := s.Turns().End(t.Context(), "own_1", end, nil)
			require.NoError(t, err)
			require.NoError(t, s.Turns().Stop(t.Context(), mine, one.ID))
			sameTurn(t, s, end)

			two := begin(t, s, mine, thr, 2)
			two = ended(two)
			_, err = s.Turns().End(t.Context(), "own_1", two, nil)
			require.NoError(t, err)
			require.NoError(t, s.Turns().Stop(t.Context(), mine, two.ID), "one that has ended")
			sameTurn(t, s, two)
		}},
		{"turns/lapsed_and_unsettled", []string{"Turns.Lapsed", "Turns.Unsettled", "Turns.Settled"}, func(t *testing.T, h harness) {
			s := chats(t, h)
			lapsed := func(at time.Time, limit int) []string {
				list, err := s.Turns().Lapsed(t.Context(), at, limit)
				require.NoError(t, err)
				for _, one := range list {
					sameTurn(t, s, one)
				}
				return turnIDs(list)
			}
			unsettled := func(limit int) []string {
				list, err := s.Turns().Unsettled(t.Context(), limit)
				require.NoError(t, err)
				for _, one := range list {
					sameTurn(t, s, one)
				}
				return turnIDs(list)
			}
			require.Empty(t, lapsed(start.Add(time.Hour), 10))
			var all []chat.Turn
			for n := range 5 {
				w := mine
				if n == 3 {
					w = strangers[1]
				}
				addThreads(t, s, thread(w, n))
				talk(t, s, w, id("thr", n), "")
				one := turn(w, id("thr", n), n)
				one.Until = start.Add(time.Duration(10-n) * time.Second) // the last is the first to lapse
				require.NoError(t, s.Turns().Start(t.Context(), one))
				all = append(all, one)
			}
			turns := func(ns ...int) (ids []string) {
				for _, n := range ns {
					ids = append(ids, id("turn", n))
				}
				return ids
			}
			require.Empty(t, lapsed(start.Add(6*time.Second), 10), "the instant itself is not past")
			require.Equal(t, turns(4), lapsed(start.Add(6*time.Second+time.Microsecond), 10))
			require.Equal(t, turns(4, 3, 2, 1, 0), lapsed(start.Add(time.Hour), 10))
			require.Equal(t, turns(4, 3), lapsed(start.Add(time.Hour), 2))
			late := all[4]
			late.Until = start.Add(time.Minute)
			_, err := s.Turns().Append(t.Context(), late, 0, "")
			require.NoError(t, err)
			require.Equal(t, turns(3, 2, 1, 0, 4), lapsed(start.Add(time.Hour), 10), "an Append moves it")
			late.Until = start
			_, err = s.Turns().Append(t.Context(), late, 0, "")
			require.NoError(t, err)
			require.Equal(t, turns(3, 2, 1, 0), lapsed(start.Add(time.Minute), 10), "forward alone")

			require.Empty(t, unsettled(10))
			for n, one := range all[:4] {
				one.State, one.Reason, one.EndedAt, one.Settled = chat.Failed, "server_lost", start.Add(time.Duration(9-n)*time.Second), n == 1
				_, err := s.Turns().End(t.Context(), "own_1", one, nil)
				require.NoError(t, err)
				all[n] = one
			}
			require.Equal(t, turns(4), lapsed(start.Add(time.Hour), 10))
			require.Equal(t, turns(3, 2, 0), unsettled(10))
			require.Equal(t, turns(3, 2), unsettled(2))
			require.NoError(t, s.Turns().Settled(t.Context(), id("turn", 2), 77))
			require.NoError(t, s.Turns().Settled(t.Context(), id("turn", 2), 99), "the first time counts")
			all[2].Settled, all[2].Debited = true, 77
			for _, n := range []int{0, 1, 2, 3} {
				sameTurn(t, s, all[n])
			}
			require.Equal(t, turns(3, 0), unsettled(10))
			require.ErrorIs(t, s.Turns().Settled(t.Context(), id("turn", 4), 5), store.ErrNotFound, "it is at work")
			require.ErrorIs(t, s.Turns().Settled(t.Context(), "turn_none", 5), store.ErrNotFound)
		}},
	}
}
