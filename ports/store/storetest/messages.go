package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/chat"
	"github.com/archibot/archibotchat/ports/store"
)

// question returns the n-th message of a thread, not yet stored.
func question(thread string, n int, parent, text string) chat.Message {
	return chat.Message{
		ID: id("msg", n), Thread: thread, Parent: parent, Role: chat.RoleUser, Text: text, Turn: id("turn", n), CreatedAt: start.Add(time.Duration(n) * time.Second),
	}
}

func answer(thread string, n int, parent, text string) chat.Message {
	m := question(thread, n, parent, text)
	m.Role = chat.RoleAssistant
	return m
}

// addMessages adds messages and returns them as they are stored.
func addMessages(t *testing.T, s store.Store, w store.Whose, ms ...chat.Message) (out []chat.Message) {
	t.Helper()
	for _, m := range ms {
		got, err := s.Messages().Add(t.Context(), w, m)
		require.NoError(t, err)
		out = append(out, got)
	}
	return out
}

// talk adds a question, an answer and another question.
func talk(t *testing.T, s store.Store, w store.Whose, thread, text string) []chat.Message {
	t.Helper()
	return addMessages(t, s, w, question(thread, 1, "", text), answer(thread, 2, id("msg", 1), "about it"), question(thread, 3, id("msg", 2), "and more"))
}

func messageIDs(ms []chat.Message) (ids []string) {
	for _, m := range ms {
		ids = append(ids, m.ID)
	}
	return ids
}

func msgs(ns ...int) (ids []string) {
	for _, n := range ns {
		ids = append(ids, id("msg", n))
	}
	return ids
}

func messageCases() []testCase {
	const thr = "thr_000001"
	return []testCase{
		{"messages/add_and_get", []string{"Messages.Add", "Messages.Get"}, func(t *testing.T, h harness) {
			s := chats(t, h)
			addThreads(t, s, thread(mine, 1), thread(mine, 2), thread(strangers[0], 3))
			one := question(thr, 1, "", "naïve 名前 🧾 %_\\ '; --\n")
			got := addMessages(t, s, mine, one, answer(thr, 2, one.ID, ""))
			one.Account = "acct_1"
			require.Equal(t, one, got[0])
			require.Equal(t, 1, got[1].Depth)
			read, err := s.Messages().Get(t.Context(), mine, thr, one.ID)
			require.NoError(t, err)
			require.Equal(t, one, read)
			read, err = s.Messages().Get(t.Context(), mine, thr, id("msg", 2))
			require.NoError(t, err)
			require.Equal(t, got[1], read)

			for _, c := range []struct {
				w    store.Whose
				m    chat.Message
				want error
			}{
				{mine, question(thr, 1, "", "again"), store.ErrTaken},
				{mine, question("thr_none", 5, "", ""), store.ErrNotFound},
				{mine, question(thr, 5, "msg_none", ""), store.ErrNotFound},
				{mine, question(id("thr", 2), 5, one.ID, ""), store.ErrNotFound}, // a parent elsewhere
				{mine, question(id("thr", 3), 5, "", ""), store.ErrNotFound},     // another's thread
			} {
				_, err := s.Messages().Add(t.Context(), c.w, c.m)
				require.ErrorIs(t, err, c.want)
			}
			for _, w := range strangers {
				_, err := s.Messages().Add(t.Context(), w, question(thr, 5, one.ID, ""))
				require.ErrorIs(t, err, store.ErrNotFound, w)
				_, err = s.Messages().Get(t.Context(), w, thr, one.ID)
				require.ErrorIs(t, err, store.ErrNotFound, w)
			}
			for _, c := range [][2]string{{thr, "msg_none"}, {"thr_none", one.ID}, {id("thr", 2), one.ID}, {thr, ""}} {
				_, err := s.Messages().Get(t.Context(), mine, c[0], c[1])
				require.ErrorIs(t, err, store.ErrNotFound, c)
			}
			count, err := s.Threads().Get(t.Context(), mine, thr)
			require.NoError(t, err)
			require.Equal(t, 2, count.Messages, "what failed is not counted")
		}},
		{"messages/many_at_once", nil, func(t *testing.T, h harness) {
			s := chats(t, h)
			addThreads(t, s, thread(mine, 1))
			for i, err := range each(20, func(i int) error {
				_, err := s.Messages().Add(t.Context(), mine, question(thr, i, "", fmt.Sprint("walrus", i)))
				return err
			}) {
				require.NoError(t, err, i)
			}
			got, err := s.Threads().Get(t.Context(), mine, thr)
			require.NoError(t, err)
			require.Equal(t, 20, got.Messages)
			require.Equal(t, []string{thr}, threadIDs(t, s, store.ThreadQuery{Whose: mine, View: store.ThreadsActive, Text: "walrus19"}))
		}},
		{"messages/branches", []string{"Messages.Path", "Messages.Versions", "Messages.Leaf"}, func(t *testing.T, h harness) { // C2
			s := chats(t, h)
			addThreads(t, s, thread(mine, 1), thread(mine, 2))
			addMessages(
				t, s, mine,
				question(thr, 1, "", "first"), answer(thr, 2, id("msg", 1), ""), question(thr, 3, id("msg", 2), ""), answer(thr, 4, id("msg", 3), ""),
				answer(thr, 5, id("msg", 1), "answered again"),
				question(thr, 6, id("msg", 2), "asked in other words"), answer(thr, 7, id("msg", 6), ""),
				question(thr, 8, "", "the first one in other words"),
				answer(thr, 9, id("msg", 3), "an older one answered again"),
			)
			addMessages(t, s, mine, question(id("thr", 2), 1, "", "another thread with the same names"), answer(id("thr", 2), 99, id("msg", 1), ""))
			for _, c := range []struct {
				last  int
				limit int
				want  []string
			}{
				{4, 10, msgs(4, 3, 2, 1)},
				{4, 4, msgs(4, 3, 2, 1)},
				{4, 3, msgs(4, 3, 2)},
				{4, 1, msgs(4)},
				{4, 0, msgs(4, 3, 2, 1)},
				{7, 10, msgs(7, 6, 2, 1)},
				{9, 10, msgs(9, 3, 2, 1)},
				{5, 10, msgs(5, 1)},
				{8, 10, msgs(8)},
				{1, 10, msgs(1)},
			} {
				path, err := s.Messages().Path(t.Context(), mine, thr, id("msg", c.last), c.limit)
				require.NoError(t, err)
				require.Equal(t, c.want, messageIDs(path), c)
				for _, m := range path {
					want, err := s.Messages().Get(t.Context(), mine, thr, m.ID)
					require.NoError(t, err)
					require.Equal(t, want, m)
				}
			}
			versions, err := s.Messages().Versions(t.Context(), mine, thr, append(msgs(1, 2, 3, 4, 5), "", "msg_none", ""))
			require.NoError(t, err)
			require.Equal(t, map[string][]string{"": msgs(1, 8), id("msg", 1): msgs(2, 5), id("msg", 2): msgs(3, 6), id("msg", 3): msgs(4, 9)}, versions)
			versions, err = s.Messages().Versions(t.Context(), mine, thr, nil)
			require.NoError(t, err)
			require.Empty(t, versions)
			for from, want := range map[int]int{1: 5, 2: 7, 3: 9, 4: 4, 6: 7, 8: 8, 9: 9} { // the newest child each time
				leaf, err := s.Messages().Leaf(t.Context(), mine, thr, id("msg", from))
				require.NoError(t, err)
				require.Equal(t, id("msg", want), leaf, from)
			}
			for _, c := range []struct {
				w       store.Whose
				thread  string
				message string
			}{
				{strangers[0], thr, id("msg", 1)},
				{strangers[1], thr, id("msg", 1)},
				{strangers[2], thr, id("msg", 1)},
				{mine, "thr_none", id("msg", 1)},
				{mine, thr, "msg_none"},
				{mine, thr, id("msg", 99)},
				{mine, thr, ""},
			} {
				_, err := s.Messages().Path(t.Context(), c.w, c.thread, c.message, 10)
				require.ErrorIs(t, err, store.ErrNotFound, c)
				_, err = s.Messages().Leaf(t.Context(), c.w, c.thread, c.message)
				require.ErrorIs(t, err, store.ErrNotFound, c)
				if c.w != mine || c.thread != thr {
					_, err = s.Messages().Versions(t.Context(), c.w, c.thread, []string{""})
					require.ErrorIs(t, err, store.ErrNotFound, c)
				}
			}
		}},
		{"messages/all", []string{"Messages.All"}, func(t *testing.T, h harness) {
			s := chats(t, h)
			addThreads(t, s, thread(mine, 1), thread(mine, 2))
			want := talk(t, s, mine, thr, "text")
			want = append(want, addMessages(t, s, mine, question(thr, 4, "", ""), answer(thr, 5, id("msg", 1), ""))...)
			talk(t, s, mine, id("thr", 2), "text")
			var got []chat.Message
			p := store.Page{Limit: 2}
			for {
				page, err := s.Messages().All(t.Context(), mine, thr, p)
				require.NoError(t, err)
				if len(page) == 0 {
					break
				}
				require.LessOrEqual(t, len(page), 2)
				got = append(got, page...)
				p.After = page[len(page)-1].ID
			}
			require.Equal(t, want, got)
			for _, w := range strangers {
				_, err := s.Messages().All(t.Context(), w, thr, store.Page{})
				require.ErrorIs(t, err, store.ErrNotFound, w)
			}
			_, err := s.Messages().All(t.Context(), mine, "thr_none", store.Page{})
			require.ErrorIs(t, err, store.ErrNotFound)
		}},
		{"messages/a_long_path", nil, func(t *testing.T, h harness) {
			s := chats(t, h)
			addThreads(t, s, thread(mine, 1))
			const long = 2100 // more than two reads of IDs
			grow(t, s, mine, thr, 0, long)
			path, err := s.Messages().Path(t.Context(), mine, thr, id("msg", long-1), chat.MaxDepth+1)
			require.NoError(t, err)
			require.Len(t, path, long)
			for i, m := range path {
				require.Equal(t, id("msg", long-1-i), m.ID)
				require.Equal(t, long-1-i, m.Depth)
			}
			path, err = s.Messages().Path(t.Context(), mine, thr, id("msg", 1500), 1200)
			require.NoError(t, err)
			require.Len(t, path, 1200)
			require.Equal(t, id("msg", 301), path[1199].ID)
			leaf, err := s.Messages().Leaf(t.Context(), mine, thr, id("msg", 0))
			require.NoError(t, err)
			require.Equal(t, id("msg", long-1), leaf)
			versions, err := s.Messages().Versions(t.Context(), mine, thr, messageIDs(slices.Clone(path)))
			require.NoError(t, err)
			require.Len(t, versions, 1200)
		}},
	}
}
