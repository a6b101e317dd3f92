package storetest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/chat"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/ports/store"
)

// mine is a member; strangers are others, in its account and elsewhere.
var (
	mine      = store.Whose{Account: "acct_1", User: "user_1"}
	strangers = []store.Whose{{Account: "acct_1", User: "user_2"}, {Account: "acct_2", User: "user_1"}, {Account: "acct_1"}, {Account: "acct_9", User: "user_1"}, {}}
)

// chats opens a store with the accounts of the members above.
func chats(t *testing.T, h harness) store.Store {
	t.Helper()
	s := h.store(t)
	addAccounts(t, s, "acct_1", "acct_2")
	return s
}

// thread returns a member's n-th thread, not yet stored.
func thread(w store.Whose, n int) chat.Thread {
	at := start.Add(time.Duration(n) * time.Second)
	return chat.Thread{ID: id("thr", n), Account: w.Account, User: w.User, Title: fmt.Sprint("Title ", n), CreatedAt: at, UpdatedAt: at}
}

func addThreads(t *testing.T, s store.Store, ts ...chat.Thread) {
	t.Helper()
	for _, one := range ts {
		require.NoError(t, s.Threads().Create(t.Context(), one))
	}
}

func sameThread(t *testing.T, s store.Store, want chat.Thread) {
	t.Helper()
	got, err := s.Threads().Get(t.Context(), store.Whose{Account: want.Account, User: want.User}, want.ID)
	require.NoError(t, err)
	require.Equal(t, want, got)
}

// threadIDs returns the IDs of all pages of a list.
func threadIDs(t *testing.T, s store.Store, q store.ThreadQuery) (ids []string) {
	t.Helper()
	for {
		page, err := s.Threads().List(t.Context(), q)
		require.NoError(t, err)
		if len(page) == 0 {
			return ids
		}
		require.LessOrEqual(t, len(page), q.Size())
		for _, one := range page {
			ids = append(ids, one.ID)
		}
		q.After = store.ThreadCursor(page[len(page)-1])
	}
}

func threadCases() []testCase {
	return []testCase{
		{"threads/create_and_get", []string{"Threads.Create", "Threads.Get"}, func(t *testing.T, h harness) {
			s := chats(t, h)
			full := thread(mine, 1)
			full.Named, full.Instructions, full.Model, full.Head = true, "Be brief.\n", "vendor/model-1", "msg_1"
			full.PinnedAt, full.ArchivedAt, full.DeletedAt = start.Add(1), start.Add(2*time.Second), start.Add(3*time.Second)
			bare := chat.Thread{ID: "thr_bare", Account: "acct_1"} // of a session without a user
			full.PinnedAt = full.PinnedAt.Truncate(time.Microsecond)
			addThreads(t, s, full, bare)
			sameThread(t, s, full)
			sameThread(t, s, bare)
			for _, w := range strangers {
				_, err := s.Threads().Get(t.Context(), w, full.ID)
				require.ErrorIs(t, err, store.ErrNotFound, w)
			}
			_, err := s.Threads().Get(t.Context(), mine, "thr_none")
			require.ErrorIs(t, err, store.ErrNotFound)
			taken := thread(strangers[1], 1)
			require.ErrorIs(t, s.Threads().Create(t.Context(), taken), store.ErrTaken)
			sameThread(t, s, full)
		}},
		{"threads/change", []string{"Threads.Change"}, func(t *testing.T, h harness) {
			s := chats(t, h)
			want, other := thread(mine, 1), thread(mine, 2)
			addThreads(t, s, want, other)
			text := func(s string) *string { return &s }
			at := func(n int) *time.Time { u := start.Add(time.Duration(n) * time.Minute); return &u }
			named := true
			for _, c := range []struct {
				change store.ThreadChange
				effect func()
			}{
				{store.ThreadChange{}, func() {}},
				{store.ThreadChange{Title: text("Other"), Named: &named}, func() { want.Title, want.Named = "Other", true }},
				{store.ThreadChange{Instructions: text("Be brief."), Model: text("m"), Head: text("msg_2")}, func() { want.Instructions, want.Model, want.Head = "Be brief.", "m", "msg_2" }},
				{store.ThreadChange{PinnedAt: at(1), ArchivedAt: at(2)}, func() { want.PinnedAt, want.ArchivedAt = *at(1), *at(2) }},
				{store.ThreadChange{DeletedAt: at(3), UpdatedAt: at(4)}, func() { want.DeletedAt, want.UpdatedAt = *at(3), *at(4) }},
				{store.ThreadChange{PinnedAt: &time.Time{}, ArchivedAt: &time.Time{}, DeletedAt: &time.Time{}, Head: text("")}, func() {
					want.PinnedAt, want.ArchivedAt, want.DeletedAt, want.Head = time.Time{}, time.Time{}, time.Time{}, ""
				}},
			} {
				require.NoError(t, s.Threads().Change(t.Context(), mine, want.ID, c.change))
				c.effect()
				sameThread(t, s, want)
				for _, w := range strangers {
					require.ErrorIs(t, s.Threads().Change(t.Context(), w, want.ID, store.ThreadChange{Title: text("Stolen")}), store.ErrNotFound)
				}
			}
			require.ErrorIs(t, s.Threads().Change(t.Context(), mine, "thr_none", store.ThreadChange{}), store.ErrNotFound)
			sameThread(t, s, want)
			sameThread(t, s, other)
		}},
		{"threads/list", []string{"Threads.List", "Threads.Count"}, func(t *testing.T, h harness) {
			s := chats(t, h)
			var active, archived, deleted []string // in the order they are to come
			for n := range 60 {
				one := thread(mine, n)
				one.UpdatedAt = start.Add(time.Duration(n/3) * time.Second) // three at a time
				switch n % 6 {
				case 0:
					one.PinnedAt = start
				case 1:
					one.ArchivedAt = start
				case 2:
					one.DeletedAt = start
				case 3:
					one.DeletedAt, one.ArchivedAt, one.PinnedAt = start, start, start
				}
				addThreads(t, s, one)
				switch n % 6 {
				case 1:
					archived = append(archived, one.ID)
				case 2, 3:
					deleted = append(deleted, fmt.Sprint(n%6 == 3, one.ID))
				default:
					active = append(active, fmt.Sprint(n%6 == 0, one.ID))
				}
			}
			addThreads(t, s, thread(strangers[0], 100), thread(strangers[1], 101), thread(strangers[2], 102))
			order := func(list []string) (out []string) { // "true…" after "false…", IDs go with UpdatedAt
				slices.Sort(list)
				slices.Reverse(list)
				for _, one := range list {
					_, name, _ := cutThread(one)
					out = append(out, name)
				}
				return out
			}
			active, archived, deleted = order(active), order(archived), order(deleted)
			for _, limit := range []int{1, 7, 50} {
				q := store.ThreadQuery{Whose: mine, View: store.ThreadsActive, Page: store.Page{Limit: limit}}
				require.Equal(t, active, threadIDs(t, s, q), limit)
				q.View = store.ThreadsArchived
				require.Equal(t, archived, threadIDs(t, s, q), limit)
				q.View = store.ThreadsDeleted
				require.Equal(t, deleted, threadIDs(t, s, q), limit)
				q.Text = "tITLE"
				require.Equal(t, deleted, threadIDs(t, s, q), limit)
			}
			require.Equal(t, []string{id("thr", 102)}, threadIDs(t, s, store.ThreadQuery{Whose: strangers[2], View: store.ThreadsActive}))
			require.Empty(t, threadIDs(t, s, store.ThreadQuery{Whose: strangers[3], View: store.ThreadsActive}))
			for w, want := range map[store.Whose]int{mine: 60, strangers[0]: 1, strangers[3]: 0} {
				n, err := s.Threads().Count(t.Context(), w)
				require.NoError(t, err)
				require.Equal(t, want, n)
			}
			for _, after := range []string{"x", "thr_1", "2.1.thr_1", "1..thr_1", "1.1.", "1.1"} {
				_, err := s.Threads().List(t.Context(), store.ThreadQuery{Whose: mine, View: store.ThreadsActive, Page: store.Page{After: after}})
				require.Equal(t, fault.Invalid, fault.KindOf(err), after)
			}
		}},
		{"threads/pages_while_others_move", nil, func(t *testing.T, h harness) {
			s := chats(t, h)
			for n := range 30 {
				addThreads(t, s, thread(mine, n))
			}
			var seen []string
			q := store.ThreadQuery{Whose: mine, View: store.ThreadsActive, Page: store.Page{Limit: 5}}
			for round := 0; ; round++ {
				page, err := s.Threads().List(t.Context(), q)
				require.NoError(t, err)
				if len(page) == 0 {
					break
				}
				for _, one := range page {
					seen = append(seen, one.ID)
				}
				q.After = store.ThreadCursor(page[len(page)-1])
				// One from below is asked something, one from below is pinned, and one that was seen sinks.
				now, zero := start.Add(time.Hour), start.Add(-time.Hour)
				require.NoError(t, s.Threads().Change(t.Context(), mine, id("thr", 3*round), store.ThreadChange{UpdatedAt: &now}))
				require.NoError(t, s.Threads().Change(t.Context(), mine, id("thr", 3*round+1), store.ThreadChange{PinnedAt: &now}))
				if round == 0 {
					require.NoError(t, s.Threads().Change(t.Context(), mine, seen[1], store.ThreadChange{UpdatedAt: &zero}))
				}
			}
			for n := range 30 {
				if n%3 == 2 && id("thr", n) != seen[1] { // those that did not move
					count := 0
					for _, one := range seen {
						if one == id("thr", n) {
							count++
						}
					}
					require.Equal(t, 1, count, n)
				}
			}
			require.Equal(t, seen[1], seen[len(seen)-1], "what sank is seen again")
		}},
		{"threads/wipe", []string{"Threads.Wipe"}, func(t *testing.T, h harness) {
			s := chats(t, h)
			var before []chat.Thread
			for n := range 6 { // 0 to 2 are to go, 3 was deleted too late, 4 and 5 were not
				one := thread(mine, n)
				if n == 5 {
					one = thread(strangers[0], n)
				}
				if n < 4 {
					one.DeletedAt = start.Add(time.Duration(n) * time.Minute)
				}
				addThreads(t, s, one)
				w := store.Whose{Account: one.Account, User: one.User}
				talk(t, s, w, one.ID, "walrus")
				begin(t, s, w, one.ID, n)
				require.NoError(t, s.Drafts().Put(t.Context(), w, one.ID, "draft", start))
				got, err := s.Threads().Get(t.Context(), w, one.ID)
				require.NoError(t, err)
				before = append(before, got)
			}
			require.NoError(t, s.Drafts().Put(t.Context(), mine, "", "next", start))
			require.Equal(t, []string{id("thr", 3), id("thr", 2), id("thr", 1), id("thr", 0)},
				threadIDs(t, s, store.ThreadQuery{Whose: mine, View: store.ThreadsDeleted, Text: "walrus"}))
			wipe := func(limit int) bool {
				more, err := s.Threads().Wipe(t.Context(), start.Add(3*time.Minute), limit)
				require.NoError(t, err)
				return more
			}
			require.True(t, wipe(2))
			require.False(t, wipe(2))
			require.False(t, wipe(2))
			for n, was := range before {
				w := store.Whose{Account: was.Account, User: was.User}
				if n >= 3 {
					sameThread(t, s, was)
					all, err := s.Messages().All(t.Context(), w, was.ID, store.Page{})
					require.NoError(t, err)
					require.Len(t, all, 3)
					text, _, err := s.Turns().Since(t.Context(), w, id("turn", n), 0)
					require.NoError(t, err)
					require.Equal(t, "piece", text)
					text, err = s.Drafts().Get(t.Context(), w, was.ID)
					require.NoError(t, err)
					require.Equal(t, "draft", text)
					continue
				}
				_, err := s.Threads().Get(t.Context(), w, was.ID)
				require.ErrorIs(t, err, store.ErrNotFound)
				_, err = s.Turns().Get(t.Context(), w, id("turn", n))
				require.ErrorIs(t, err, store.ErrNotFound)
				// Under the same name nothing of it comes back.
				addThreads(t, s, thread(mine, n))
				all, err := s.Messages().All(t.Context(), w, was.ID, store.Page{})
				require.NoError(t, err)
				require.Empty(t, all)
				text, err := s.Drafts().Get(t.Context(), w, was.ID)
				require.NoError(t, err)
				require.Empty(t, text)
				begin(t, s, w, was.ID, n)
			}
			text, err := s.Drafts().Get(t.Context(), mine, "")
			require.NoError(t, err)
			require.Equal(t, "next", text)
			require.Equal(t, []string{id("thr", 4)}, threadIDs(t, s, store.ThreadQuery{Whose: mine, View: store.ThreadsActive, Text: "walrus"}))
			require.Equal(t, []string{id("thr", 3)}, threadIDs(t, s, store.ThreadQuery{Whose: mine, View: store.ThreadsDeleted, Text: "walrus"}))
			require.Equal(t, []string{id("thr", 5)}, threadIDs(t, s, store.ThreadQuery{Whose: strangers[0], View: store.ThreadsActive, Text: "walrus"}))
		}},
		{"threads/in_a_transaction", nil, func(t *testing.T, h harness) {
			s := chats(t, h)
			require.NoError(t, s.Do(t.Context(), func(ctx context.Context, tx store.Stores) error {
				if err := tx.Threads().Create(ctx, thread(mine, 1)); err != nil {
					return err
				}
				if _, err := tx.Messages().Add(ctx, mine, question(id("thr", 1), 1, "", "walrus")); err != nil {
					return err
				}
				list, err := tx.Threads().List(ctx, store.ThreadQuery{Whose: mine, View: store.ThreadsActive, Text: "wal"})
				require.Len(t, list, 1, "a transaction finds its own words")
				return err
			}))
			require.ErrorIs(t, s.Do(t.Context(), func(ctx context.Context, tx store.Stores) error {
				if _, err := tx.Messages().Add(ctx, mine, question(id("thr", 1), 2, "", "giraffe")); err != nil {
					return err
				}
				return context.Canceled
			}), context.Canceled)
			require.Empty(t, threadIDs(t, s, store.ThreadQuery{Whose: mine, View: store.ThreadsActive, Text: "giraffe"}))
			got, err := s.Threads().Get(t.Context(), mine, id("thr", 1))
			require.NoError(t, err)
			require.Equal(t, 1, got.Messages)
		}},
	}
}

// cutThread parts "truethr_000001".
func cutThread(text string) (pinned bool, name string, ok bool) {
	for _, p := range []string{"true", "false"} {
		if len(text) > len(p) && text[:len(p)] == p {
			return p == "true", text[len(p):], true
		}
	}
	return false, text, false
}
