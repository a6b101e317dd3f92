//go:build e2e

package browser_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/system"
	"github.com/archibot/archibotchat/core/chat"
	"github.com/archibot/archibotchat/ports/store"
)

// ago is when what is seeded happened.
const ago = 24 * time.Hour

// passage is what seeded answers say.
const passage = "Number %d. The **tide** follows the moon, and the moon follows the Earth:\n\n- twice a day the water comes,\n- twice a day it goes.\n\n" +
	"`ebb()` and `flow()` are all the same to it, and so is everybody who waits at the shore with a bucket and a spade.\n"

// thread seeds a conversation of so many messages, as if each had been asked and
// answered, and returns its ID.
func (s *stage) thread(t *testing.T, p player, title string, messages int) string {
	t.Helper()
	w := store.Whose{Account: p.account, User: p.User}
	now := system.Now().Add(-ago)
	th := chat.Thread{ID: s.desk.NewID("thr"), Account: p.account, User: p.User, Title: title, Named: true, CreatedAt: now, UpdatedAt: now}
	require.NoError(t, s.desk.Store.Do(t.Context(), func(ctx context.Context, tx store.Stores) error {
		if err := tx.Threads().Create(ctx, th); err != nil {
			return err
		}
		head := ""
		for n := range messages / 2 {
			var err error
			if head, err = s.exchange(ctx, tx, w, th.ID, head, n, now.Add(time.Duration(n)*time.Second)); err != nil {
				return err
			}
		}
		return tx.Threads().Change(ctx, w, th.ID, store.ThreadChange{Head: &head})
	}))
	return th.ID
}

// exchange adds a question and its answer below parent, and returns the answer's ID.
func (s *stage) exchange(ctx context.Context, tx store.Stores, w store.Whose, thread, parent string, n int, at time.Time) (string, error) {
	question := chat.Message{
		ID: s.desk.NewID("msg"), Account: w.Account, Thread: thread, Parent: parent, Role: chat.RoleUser,
		Text: fmt.Sprintf("Question %d: what does the water do?", n), Turn: s.desk.NewID("turn"), CreatedAt: at,
	}
	answer := chat.Message{
		ID: s.desk.NewID("msg"), Account: w.Account, Thread: thread, Parent: question.ID, Role: chat.RoleAssistant, Turn: question.Turn, CreatedAt: at,
	}
	for _, m := range []chat.Message{question, answer} {
		if _, err := tx.Messages().Add(ctx, w, m); err != nil {
			return "", err
		}
	}
	turn := chat.Turn{
		ID: question.Turn, Account: w.Account, User: w.User, Thread: thread, Question: question.ID, Answer: answer.ID, Key: fmt.Sprintf("seeded-%d", n),
		Model: "atlas-large", Request: s.desk.NewID("req"), Owner: "seed", Until: at.Add(time.Hour), State: chat.Running, StartedAt: at,
	}
	if err := tx.Turns().Start(ctx, turn); err != nil {
		return "", err
	}
	turn.State, turn.Sent, turn.Input, turn.Output, turn.Settled = chat.Done, n, 120, 80, true
	turn.FirstAt, turn.EndedAt = at.Add(time.Second), at.Add(2*time.Second)
	text := fmt.Sprintf(passage, n)
	_, err := tx.Turns().End(ctx, "seed", turn, &text)
	return answer.ID, err
}

// crowd seeds so many short conversations.
func (s *stage) crowd(t *testing.T, p player, threads int) {
	t.Helper()
	w := store.Whose{Account: p.account, User: p.User}
	begun := system.Now().Add(-ago)
	const step = 500
	for from := 0; from < threads; from += step {
		require.NoError(t, s.desk.Store.Do(t.Context(), func(ctx context.Context, tx store.Stores) error {
			for n := from; n < min(from+step, threads); n++ {
				at := begun.Add(time.Duration(n) * time.Millisecond)
				th := chat.Thread{ID: s.desk.NewID("thr"), Account: p.account, User: p.User, Title: fmt.Sprintf("Conversation %d about %s", n, subjects[n%len(subjects)]), CreatedAt: at, UpdatedAt: at}
				if err := tx.Threads().Create(ctx, th); err != nil {
					return err
				}
				parent := ""
				for i, text := range []string{fmt.Sprintf("Tell me about %s, part %d.", subjects[n%len(subjects)], n), fmt.Sprintf("It is said that %s are older than number %d.", subjects[(n+1)%len(subjects)], n)} {
					m := chat.Message{ID: s.desk.NewID("msg"), Account: p.account, Thread: th.ID, Parent: parent, Role: []chat.Role{chat.RoleUser, chat.RoleAssistant}[i], Text: text, CreatedAt: at}
					if _, err := tx.Messages().Add(ctx, w, m); err != nil {
						return err
					}
					parent = m.ID
				}
				if err := tx.Threads().Change(ctx, w, th.ID, store.ThreadChange{Head: &parent}); err != nil {
					return err
				}
			}
			return nil
		}))
	}
}

var subjects = []string{"lighthouses", "comets", "beehives", "glaciers", "violins", "deserts", "kites", "harbours", "orchards", "volcanoes"}
