package storetest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/chat"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/ports/store"
)

func pieceCases() []testCase {
	const thr = "thr_000001"
	// working starts a turn of the owner own_1 without any text.
	working := func(t *testing.T, h harness) (store.Store, chat.Turn) {
		s := chats(t, h)
		addThreads(t, s, thread(mine, 1))
		talk(t, s, mine, thr, "question")
		one := turn(mine, thr, 1)
		require.NoError(t, s.Turns().Start(t.Context(), one))
		return s, one
	}
	add := func(t *testing.T, s store.Store, one chat.Turn, at int, text string) {
		t.Helper()
		stopping, err := s.Turns().Append(t.Context(), one, at, text)
		require.NoError(t, err)
		require.False(t, stopping)
	}
	since := func(t *testing.T, s store.Store, one chat.Turn, at int) string {
		t.Helper()
		text, got, err := s.Turns().Since(t.Context(), mine, one.ID, at)
		require.NoError(t, err)
		require.Equal(t, one, got)
		return text
	}
	answerText := func(t *testing.T, s store.Store) string {
		t.Helper()
		m, err := s.Messages().Get(t.Context(), mine, thr, id("msg", 2))
		require.NoError(t, err)
		return m.Text
	}
	return []testCase{
		{"pieces/append_and_since", []string{"Turns.Append", "Turns.Since"}, func(t *testing.T, h harness) { // C3
			s, one := working(t, h)
			require.Empty(t, since(t, s, one, 0))
			require.Empty(t, since(t, s, one, 7), "beyond")
			add(t, s, one, 0, "Hé")
			one.FirstAt, one.Until = start.Add(time.Second), start.Add(30*time.Second)
			one.Steps = append(one.Steps, chat.Step{Name: "first_text", At: time.Second, Note: "a 'note'"})
			add(t, s, one, 3, "llo, ")
			one.Until = start.Add(45 * time.Second)
			add(t, s, one, 8, "")
			add(t, s, one, 8, "🧾 world")
			const whole = "Héllo, 🧾 world"
			for at := range len(whole) + 3 {
				require.Equal(t, whole[min(at, len(whole)):], since(t, s, one, at), at)
			}
			require.Equal(t, whole, since(t, s, one, -1))
			require.Equal(t, "about it", answerText(t, s), "until the end the message is as it was")
			for _, w := range strangers {
				_, _, err := s.Turns().Since(t.Context(), w, one.ID, 0)
				require.ErrorIs(t, err, store.ErrNotFound, w)
			}
			_, _, err := s.Turns().Since(t.Context(), mine, "turn_none", 0)
			require.ErrorIs(t, err, store.ErrNotFound)
			one = ended(one)
			_, err = s.Turns().End(t.Context(), "own_1", one, nil)
			require.NoError(t, err)
			for at := range len(whole) + 3 {
				require.Equal(t, whole[min(at, len(whole)):], since(t, s, one, at), at)
			}
		}},
		{"pieces/appended_again", nil, func(t *testing.T, h harness) { // a lost reply loses and doubles nothing
			s, one := working(t, h)
			for _, c := range []struct {
				at   int
				text string
				want string
			}{
				{0, "one ", "one "},
				{0, "one ", "one "},
				{0, "one two ", "one two "},
				{4, "two three ", "one two three "},
				{2, "e ", "one two three "},
				{8, "three ", "one two three "},
				{14, "four", "one two three four"},
				{0, "", "one two three four"},
			} {
				add(t, s, one, c.at, c.text)
				require.Equal(t, c.want, since(t, s, one, 0), c)
			}
			_, err := s.Turns().Append(t.Context(), one, 19, "gap")
			require.ErrorIs(t, err, store.ErrTextGap)
			require.Equal(t, "one two three four", since(t, s, one, 0))
			for i, err := range each(10, func(int) error {
				_, err := s.Turns().Append(t.Context(), one, 18, " five")
				return err
			}) {
				require.NoError(t, err, i)
			}
			require.Equal(t, "one two three four five", since(t, s, one, 0))
		}},
		{"pieces/of_the_owner_alone", nil, func(t *testing.T, h harness) {
			s, one := working(t, h)
			add(t, s, one, 0, "text")
			thief, none := one, one
			thief.Owner, none.ID = "own_2", "turn_none"
			thief.Until = start.Add(time.Hour)
			for _, bad := range []chat.Turn{thief, none} {
				for at, text := range []string{4: "more", 0: ""} {
					_, err := s.Turns().Append(t.Context(), bad, at, text)
					require.ErrorIs(t, err, store.ErrNotFound)
				}
				_, err := s.Turns().End(t.Context(), bad.Owner, ended(bad), nil)
				require.ErrorIs(t, err, store.ErrNotFound)
			}
			require.Equal(t, "text", since(t, s, one, 0))
		}},
		{"pieces/a_frozen_owner_writes_nothing", nil, func(t *testing.T, h harness) { // rule: a crashed server's turn ends once
			s, one := working(t, h)
			add(t, s, one, 0, "partial text")
			swept := one
			swept.State, swept.Reason, swept.EndedAt = chat.Failed, "server_lost", start.Add(20*time.Second)
			text, err := s.Turns().End(t.Context(), one.Owner, swept, nil)
			require.NoError(t, err)
			require.Equal(t, "partial text", text)
			for at, text := range []string{12: " and more", 0: "", 1: "x"} {
				_, err = s.Turns().Append(t.Context(), one, at, text)
				require.ErrorIs(t, err, store.ErrNotFound)
			}
			late := "the whole text"
			for _, text := range []*string{&late, nil} {
				_, err = s.Turns().End(t.Context(), one.Owner, ended(one), text)
				require.ErrorIs(t, err, store.ErrNotFound)
			}
			require.Equal(t, "partial text", since(t, s, swept, 0))
			require.Equal(t, "partial text", answerText(t, s))
		}},
		{"pieces/end", []string{"Turns.End"}, func(t *testing.T, h harness) {
			s, one := working(t, h)
			require.Empty(t, threadIDs(t, s, store.ThreadQuery{Whose: mine, View: store.ThreadsActive, Text: "walrus"}))
			add(t, s, one, 0, "The wal")
			add(t, s, one, 7, "rus")
			end := one
			end.State, end.Reason, end.Model, end.Request, end.Sent, end.LeftOut = chat.Failed, "upstream_broke", "other", "req_other", 4, 5
			end.Input, end.Cached, end.Output, end.Estimated, end.Debited, end.Settled = 1<<40, 2, 3, true, 1<<50, true
			end.FirstAt, end.EndedAt, end.Steps = start.Add(time.Second), start.Add(time.Minute), append(one.Steps, chat.Step{Name: "end", At: time.Minute})
			given := end // what it may not change
			given.Account, given.User, given.Thread, given.Question, given.Answer, given.Key = "acct_2", "user_2", "thr_2", "msg_8", "msg_9", "other"
			given.Owner, given.Until, given.StartedAt = "own_2", start.Add(time.Hour), start.Add(time.Hour)
			text, err := s.Turns().End(t.Context(), "own_1", given, nil)
			require.NoError(t, err)
			require.Equal(t, "The walrus", text)
			sameTurn(t, s, end)
			require.Equal(t, "The walrus", answerText(t, s))
			require.Equal(t, []string{thr}, threadIDs(t, s, store.ThreadQuery{Whose: mine, View: store.ThreadsActive, Text: "walrus"}))

			two := turn(mine, thr, 2)
			require.NoError(t, s.Turns().Start(t.Context(), two))
			require.Equal(t, "The walrus", answerText(t, s))
			add(t, s, two, 0, "never")
			whole := "A giraffe"
			text, err = s.Turns().End(t.Context(), "own_1", ended(two), &whole)
			require.NoError(t, err)
			require.Equal(t, whole, text)
			require.Equal(t, whole, answerText(t, s))
			for word, want := range map[string][]string{"giraffe": {thr}, "walrus": nil, "never": nil} {
				require.Equal(t, want, threadIDs(t, s, store.ThreadQuery{Whose: mine, View: store.ThreadsActive, Text: word}), word)
			}

			three := turn(mine, thr, 3)
			require.NoError(t, s.Turns().Start(t.Context(), three))
			text, err = s.Turns().End(t.Context(), "own_1", ended(three), nil)
			require.NoError(t, err)
			require.Empty(t, text)
			require.Empty(t, answerText(t, s))
		}},
		{"pieces/one_end_of_many", nil, func(t *testing.T, h harness) {
			s, one := working(t, h)
			add(t, s, one, 0, "text")
			won := 0
			for i, err := range each(10, func(i int) error {
				end := ended(one)
				end.Debited = int64(i + 1)
				_, err := s.Turns().End(t.Context(), "own_1", end, nil)
				return err
			}) {
				if err == nil {
					won = i + 1
				} else {
					require.ErrorIs(t, err, store.ErrNotFound)
				}
			}
			require.NotZero(t, won)
			end := ended(one)
			end.Debited = int64(won)
			sameTurn(t, s, end)
		}},
		{"pieces/followers_see_all_of_it", nil, func(t *testing.T, h harness) { // whoever sees the end has all of the text
			s, one := working(t, h)
			const parts = 30
			whole := strings.Repeat("näh ", parts)
			for i, err := range each(4, func(i int) error {
				if i == 0 {
					for n := range parts {
						if _, err := s.Turns().Append(t.Context(), one, 5*n, "näh "); err != nil {
							return err
						}
					}
					_, err := s.Turns().End(t.Context(), "own_1", ended(one), nil)
					return err
				}
				var all strings.Builder
				for {
					text, got, err := s.Turns().Since(t.Context(), mine, one.ID, all.Len())
					if err != nil {
						return err
					}
					all.WriteString(text)
					if got.State != chat.Running {
						break
					}
				}
				if all.String() != whole {
					return errors.New("a follower saw: " + all.String())
				}
				return nil
			}) {
				require.NoError(t, err, i)
			}
		}},
		{"pieces/nul_is_refused", nil, func(t *testing.T, h harness) {
			s, one := working(t, h)
			const nul = "a\x00b"
			bad := nul
			noted, keyed := one, turn(mine, thr, 2)
			noted.Steps = []chat.Step{{Name: "end", Note: nul}}
			keyed.Key = nul
			titled, headed := thread(mine, 2), thread(mine, 3)
			titled.Title, headed.Instructions = nul, nul
			_, addErr := s.Messages().Add(t.Context(), mine, question(thr, 9, "", nul))
			_, appendErr := s.Turns().Append(t.Context(), one, 0, nul)
			_, noteErr := s.Turns().Append(t.Context(), noted, 0, "text")
			_, endErr := s.Turns().End(t.Context(), "own_1", ended(one), &bad)
			_, listErr := s.Threads().List(t.Context(), store.ThreadQuery{Whose: mine, View: store.ThreadsActive, Text: nul})
			for name, err := range map[string]error{
				"thread": s.Threads().Create(t.Context(), titled), "instructions": s.Threads().Create(t.Context(), headed),
				"change":  s.Threads().Change(t.Context(), mine, thr, store.ThreadChange{Title: &bad}),
				"message": addErr, "piece": appendErr, "note": noteErr, "end": endErr, "search": listErr, "key": s.Turns().Start(t.Context(), keyed),
				"prompt": s.Prompts().Create(t.Context(), chat.Prompt{ID: "prm_1", Account: "acct_1", Text: nul}),
				"draft":  s.Drafts().Put(t.Context(), mine, thr, nul, start),
			} {
				require.Error(t, err, name)
				require.Equal(t, fault.Invalid, fault.KindOf(err), "%s: %v", name, err)
			}
			require.Empty(t, since(t, s, one, 0))
		}},
	}
}
