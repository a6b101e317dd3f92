package storetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/chat"
	"github.com/archibot/archibotchat/ports/store"
)

func noteCases() []testCase {
	return []testCase{
		{"prompts", []string{"Prompts.Create", "Prompts.List", "Prompts.Change", "Prompts.Delete"}, func(t *testing.T, h harness) {
			s := chats(t, h)
			prompt := func(w store.Whose, n int, title string) chat.Prompt {
				p := chat.Prompt{ID: id("prm", n), Account: w.Account, User: w.User, Title: title, Text: "Tell me %_\\ 名前", CreatedAt: start, UpdatedAt: start.Add(time.Second)}
				require.NoError(t, s.Prompts().Create(t.Context(), p))
				return p
			}
			list := func(w store.Whose) []chat.Prompt {
				got, err := s.Prompts().List(t.Context(), w)
				require.NoError(t, err)
				return got
			}
			require.Empty(t, list(mine))
			b, a, c, same := prompt(mine, 1, "Bees"), prompt(mine, 2, "ants"), prompt(mine, 3, "cats"), prompt(mine, 4, "ANTS")
			other := prompt(strangers[0], 5, "dogs")
			require.Equal(t, []chat.Prompt{a, same, b, c}, list(mine))
			require.ErrorIs(t, s.Prompts().Create(t.Context(), chat.Prompt{ID: b.ID, Account: "acct_2"}), store.ErrTaken)
			to := b
			to.Title, to.Text, to.UpdatedAt = "Zebras", "", start.Add(time.Minute)
			require.NoError(t, s.Prompts().Change(t.Context(), mine, to))
			for _, w := range append(strangers, mine) {
				to.ID, to.Title = b.ID, "Stolen"
				if w == mine {
					to.ID = "prm_none"
				}
				require.ErrorIs(t, s.Prompts().Change(t.Context(), w, to), store.ErrNotFound)
				require.ErrorIs(t, s.Prompts().Delete(t.Context(), w, to.ID), store.ErrNotFound)
			}
			b.Title, b.Text, b.UpdatedAt = "Zebras", "", to.UpdatedAt
			require.Equal(t, []chat.Prompt{a, same, c, b}, list(mine))
			require.NoError(t, s.Prompts().Delete(t.Context(), mine, a.ID))
			require.ErrorIs(t, s.Prompts().Delete(t.Context(), mine, a.ID), store.ErrNotFound)
			require.Equal(t, []chat.Prompt{same, c, b}, list(mine))
			require.Equal(t, []chat.Prompt{other}, list(strangers[0]))
		}},
		{"drafts", []string{"Drafts.Get", "Drafts.Put"}, func(t *testing.T, h harness) {
			s := chats(t, h)
			addThreads(t, s, thread(mine, 1), thread(mine, 2))
			draft := func(w store.Whose, thread string) string {
				text, err := s.Drafts().Get(t.Context(), w, thread)
				require.NoError(t, err)
				return text
			}
			for _, thread := range []string{"", id("thr", 1)} {
				require.Empty(t, draft(mine, thread))
				require.NoError(t, s.Drafts().Put(t.Context(), mine, thread, "", start))
				for n, text := range []string{"one", "two 名前 %_\\", "", "three"} {
					require.NoError(t, s.Drafts().Put(t.Context(), mine, thread, text, start.Add(time.Duration(n)*time.Second)))
					require.Equal(t, text, draft(mine, thread))
				}
			}
			require.Empty(t, draft(mine, id("thr", 2)))
			require.Empty(t, draft(strangers[0], ""))
			require.NoError(t, s.Drafts().Put(t.Context(), strangers[0], "", "theirs", start))
			require.Equal(t, "three", draft(mine, ""))
			for _, w := range append(strangers, mine) {
				name := id("thr", 1)
				if w == mine {
					name = "thr_none"
				}
				require.ErrorIs(t, s.Drafts().Put(t.Context(), w, name, "stolen", start), store.ErrNotFound)
				require.ErrorIs(t, s.Drafts().Put(t.Context(), w, name, "", start), store.ErrNotFound)
				_, err := s.Drafts().Get(t.Context(), w, name)
				require.ErrorIs(t, err, store.ErrNotFound)
			}
			require.Equal(t, "three", draft(mine, id("thr", 1)))
		}},
	}
}
