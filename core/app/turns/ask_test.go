package turns_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/sessions"
	"github.com/archibot/archibotchat/core/app/turns"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/billing"
	"github.com/archibot/archibotchat/core/chat"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/ports/store"
)

// nothing makes sure that no turn was begun and nothing written.
func (p *person) nothing(thread string) {
	p.h.t.Helper()
	n, err := p.h.db.Turns().Running(p.h.t.Context(), p.w)
	require.NoError(p.h.t, err)
	require.Zero(p.h.t, n)
	all, err := p.h.db.Messages().All(p.h.t.Context(), p.w, thread, store.Page{})
	require.NoError(p.h.t, err)
	require.Empty(p.h.t, all)
	require.Zero(p.h.t, p.h.up.called())
}

func TestService_Start_refusesForms(t *testing.T) {
	inBubble(t, func(h *house, _ *server) {
		p := h.person(1)
		thread := p.thread()
		for name, c := range map[string]struct {
			ask  turns.Ask
			code string
		}{
			"no key":                {turns.Ask{Key: "short", Text: "?"}, "invalid_request"},
			"long key":              {turns.Ask{Key: strings.Repeat("k", 65), Text: "?"}, "invalid_request"},
			"odd key":               {turns.Ask{Key: "key with spaces", Text: "?"}, "invalid_request"},
			"neither":               {turns.Ask{}, "invalid_request"},
			"both":                  {turns.Ask{Text: "?", Question: "msg_1"}, "invalid_request"},
			"a parent of a retry":   {turns.Ask{Question: "msg_1", Parent: "msg_2"}, "invalid_request"},
			"blank":                 {turns.Ask{Text: " \n\t"}, "invalid_request"},
			"bytes that are none":   {turns.Ask{Text: "a\xff"}, "invalid_request"},
			"U+0000":                {turns.Ask{Text: "a\x00"}, "invalid_request"},
			"too long":              {turns.Ask{Text: strings.Repeat("x", chat.MaxQuestion+1)}, "text_too_long"},
			"a parent nobody knows": {turns.Ask{Text: "?", Parent: "msg_1"}, "not_found"},
			"a question likewise":   {turns.Ask{Question: "msg_1"}, "not_found"},
			"an unknown model":      {turns.Ask{Text: "?", Model: "m-3"}, "model_not_found"},
			"an odd model":          {turns.Ask{Text: "?", Model: "m\x00"}, "model_not_found"},
		} {
			c.ask.Thread = thread
			_, err := p.start(c.ask)
			require.Equal(h.t, c.code, fault.CodeOf(err), name)
		}
		_, err := p.start(turns.Ask{Thread: "thr_none", Text: "?"})
		require.ErrorIs(h.t, err, store.ErrNotFound)
		_, err = h.person(2).start(turns.Ask{Thread: thread, Text: "?"})
		require.ErrorIs(h.t, err, store.ErrNotFound, "another member's") // tenants
		now := time.Now().UTC()
		p.change(thread, store.ThreadChange{DeletedAt: &now})
		_, err = p.start(turns.Ask{Thread: thread, Text: "?"})
		require.ErrorIs(h.t, err, turns.ErrDeleted)
		p.nothing(thread)
	})
}

// A gate that is shut answers its reason, writes the evidence, and stores nothing (G5, G6).
func TestService_Start_gate(t *testing.T) {
	for reason, shut := range map[string]func(a *store.Account){
		"account_suspended":  func(a *store.Account) { a.Status = access.StatusSuspended },
		"no_product_group":   func(a *store.Account) { a.Groups = access.NewGroups(access.GroupAPI) },
		"billing_incomplete": func(a *store.Account) { a.Billing = billing.PastDue },
		"payment_review":     func(a *store.Account) { a.Billing = billing.Review },
	} {
		t.Run(reason, func(t *testing.T) {
			inBubble(t, func(h *house, _ *server) {
				p := h.person(1)
				thread := p.thread()
				a, err := h.db.Accounts().Get(h.t.Context(), account)
				require.NoError(h.t, err)
				shut(&a)
				require.NoError(h.t, h.db.Accounts().Set(h.t.Context(), a))
				p.resolve(a)
				_, err = p.ask(thread, "?")
				require.Equal(h.t, reason, fault.CodeOf(err))
				p.nothing(thread)
				sleep(15 * time.Second) // repeats are folded
				es := h.events(audit.GateDenied)
				require.NotEmpty(h.t, es)
				require.Equal(h.t, reason, es[0].Reason)
				require.Equal(h.t, "chat", es[0].Area)
				require.Equal(h.t, audit.Actor{Kind: audit.ActorUser, ID: "user_1"}, es[0].Actor)
			})
		})
	}
	t.Run("nobody", func(t *testing.T) {
		inBubble(t, func(h *house, _ *server) {
			p := h.person(1)
			thread := p.thread()
			_, err := p.s.Turns.Start(access.WithPrincipal(h.t.Context(), access.Principal{Kind: access.PrincipalUser, Account: account, User: "user_1"}),
				turns.Ask{Thread: thread, Key: "key-key-key", Text: "?"})
			require.ErrorIs(h.t, err, sessions.ErrNotSignedIn)
			p.nothing(thread)
		})
	})
}

// resolve has the session act in the account as it is now, as the next request would.
func (p *person) resolve(a store.Account) {
	c, _ := sessions.From(p.ctx)
	p.ctx = sessions.With(p.ctx, sessions.Current{Session: c.Session, Account: a})
}

func TestService_Start_tree(t *testing.T) { // C2
	inBubble(t, func(h *house, _ *server) {
		p := h.person(1)
		thread := p.thread()
		instructions := "be brief"
		p.change(thread, store.ThreadChange{Instructions: &instructions})
		first := p.answered(thread, "one", "ONE")
		second := p.answered(thread, "two", "TWO")
		require.Equal(h.t, first.Answer.ID, second.Question.Parent)
		require.Equal(h.t, []string{"system be brief", "user one", "assistant ONE", "user two"}, h.sent(1))
		require.Equal(h.t, 3, p.turn(second.Turn.ID).Sent)

		// The second question in other words: a sibling, which becomes what is shown.
		n := h.up.called()
		edit, err := p.start(turns.Ask{Thread: thread, Text: "zwei", Parent: first.Answer.ID, Model: "m-2"})
		require.NoError(h.t, err)
		require.Equal(h.t, edit.Answer.ID, edit.Thread.Head)
		require.Equal(h.t, "m-2", edit.Thread.Model, "the next question goes there too")
		require.Equal(h.t, "one", edit.Thread.Title)
		require.Equal(h.t, 6, edit.Thread.Messages)
		a := h.up.answer(n)
		require.Equal(h.t, []string{"system be brief", "user one", "assistant ONE", "user zwei"}, h.sent(n))

		// Nothing else is begun in the thread meanwhile.
		_, err = p.ask(thread, "three")
		require.ErrorIs(h.t, err, turns.ErrRunning)
		_ = a.PipeWriter.Close()
		require.Equal(h.t, chat.Failed, p.ended(edit.Turn.ID).State)

		// What failed is not told to the model; its question is.
		p.answered(thread, "four", "FOUR")
		require.Equal(h.t, []string{"system be brief", "user one", "assistant ONE", "user zwei", "user four"}, h.sent(n+1))

		_, err = p.start(turns.Ask{Thread: thread, Text: "?", Parent: first.Question.ID})
		require.Equal(h.t, "invalid_request", fault.CodeOf(err), "a question does not follow a question")
		_, err = p.start(turns.Ask{Thread: thread, Question: first.Answer.ID})
		require.Equal(h.t, "invalid_request", fault.CodeOf(err))
		other := p.thread()
		_, err = p.start(turns.Ask{Thread: other, Text: "?", Parent: first.Answer.ID})
		require.ErrorIs(h.t, err, store.ErrNotFound, "of another thread")
		_, err = p.start(turns.Ask{Thread: other, Question: first.Question.ID})
		require.ErrorIs(h.t, err, store.ErrNotFound)
	})
}

// sent returns the messages of the nth call.
func (h *house) sent(n int) (said []string) {
	h.t.Helper()
	var body struct {
		Messages []struct{ Role, Content string }
	}
	require.NoError(h.t, json.Unmarshal([]byte(h.up.answer(n).body), &body))
	for _, m := range body.Messages {
		said = append(said, m.Role+" "+m.Content)
	}
	return said
}

// A path that is too long for one call is sent as far as there is room: its end.
func TestService_Start_long(t *testing.T) {
	inBubble(t, func(h *house, _ *server) {
		p := h.person(1)
		thread := p.thread()
		parent := ""
		for i := range 40 { // 26 KiB each
			m := chat.Message{ID: h.ids.New("msg"), Account: account, Thread: thread, Parent: parent, Role: chat.RoleUser, Text: fmt.Sprint(i, strings.Repeat(" word", 5300)), CreatedAt: time.Now().UTC()}
			if i%2 == 1 {
				m.Role = chat.RoleAssistant
			}
			_, err := h.db.Messages().Add(h.t.Context(), p.w, m)
			require.NoError(h.t, err)
			parent = m.ID
		}
		st, err := p.start(turns.Ask{Thread: thread, Text: "and now?", Parent: parent})
		require.NoError(h.t, err)
		said := h.sent(0)
		require.Less(h.t, len(h.up.answer(0).body), 1<<20+1<<10)
		require.Greater(h.t, len(h.up.answer(0).body), 900<<10)
		require.Equal(h.t, "user and now?", said[len(said)-1])
		require.True(h.t, strings.HasPrefix(said[len(said)-2], "assistant 39"))
		require.True(h.t, strings.HasPrefix(said[0], "user "), "no answer without its question")
		require.Equal(h.t, 41, st.Turn.Sent+st.Turn.LeftOut)
		require.Len(h.t, said, st.Turn.Sent)
		h.up.answer(0).finish()
		p.ended(st.Turn.ID)
	})
}

func TestService_Start_titles(t *testing.T) { // S2
	inBubble(t, func(h *house, _ *server) {
		p := h.person(1)
		secret := "abk_" + strings.Repeat("aB3dE5fG", 6) + "x"
		for question, title := range map[string]string{
			"My key is " + secret:        "New chat",
			"Why?\n" + secret:            "Why?",
			strings.Repeat("long ", 30):  strings.TrimSpace(strings.Repeat("long ", 11)) + " long…",
			"password: hunter2hunter2 !": "New chat",
		} {
			st := p.answered(p.thread(), question, "!")
			require.Equal(h.t, title, st.Thread.Title)
		}
		thread := p.thread()
		title, named := "Mine", true
		p.change(thread, store.ThreadChange{Title: &title, Named: &named})
		require.Equal(h.t, "Mine", p.answered(thread, "Why?", "!").Thread.Title)
	})
}

// One key is one turn, however many ask, and also later on.
func TestService_Start_oneKey(t *testing.T) {
	inBubble(t, func(h *house, first *server) {
		second := h.server()
		p := h.person(1)
		thread := p.thread()
		ask := turns.Ask{Thread: thread, Key: "one-key-for-all", Text: "?"}
		started := make([]turns.Started, 20)
		var wg sync.WaitGroup
		for i := range started {
			wg.Go(func() {
				at := p.on([]*server{first, second}[i%2])
				var err error
				if started[i], err = at.start(ask); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		fresh := 0
		for _, st := range started {
			require.Equal(h.t, started[0].Turn.ID, st.Turn.ID)
			require.Equal(h.t, started[0].Answer, st.Answer)
			require.Equal(h.t, started[0].Question, st.Question)
			if !st.Again {
				fresh++
			}
		}
		require.Equal(h.t, 1, fresh)
		a := h.up.answer(0)
		a.say(chunk("x"))
		a.finish()
		require.Equal(h.t, chat.Done, p.ended(started[0].Turn.ID).State)
		again, err := p.start(ask)
		require.NoError(h.t, err)
		require.True(h.t, again.Again)
		require.Equal(h.t, chat.Done, again.Turn.State)
		require.Equal(h.t, "x", again.Answer.Text)
		require.Equal(h.t, 1, h.up.called())
		require.EqualValues(h.t, granted-cost, h.balance().Balance, "one debit") // L5
		all, err := h.db.Messages().All(h.t.Context(), p.w, thread, store.Page{})
		require.NoError(h.t, err)
		require.Len(h.t, all, 2)
	})
}

// Of many keys in one thread one begins, on whatever server.
func TestService_Start_manyKeys(t *testing.T) {
	inBubble(t, func(h *house, first *server) {
		second := h.server()
		p := h.person(1)
		thread := p.thread()
		var wg sync.WaitGroup
		var mu sync.Mutex
		var begun []string
		for i := range 20 {
			wg.Go(func() {
				st, err := p.on([]*server{first, second}[i%2]).start(turns.Ask{Thread: thread, Text: "?"})
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					begun = append(begun, st.Turn.ID)
				case !errors.Is(err, turns.ErrRunning) && !errors.Is(err, turns.ErrTooMany):
					t.Error(err)
				}
			})
		}
		wg.Wait()
		require.Len(h.t, begun, 1)
		h.up.answer(0).finish()
		p.ended(begun[0])
		require.Equal(h.t, 1, h.up.called())
	})
}

func TestService_Start_limits(t *testing.T) {
	inBubble(t, func(h *house, _ *server) {
		p, other := h.person(1), h.person(2)
		elsewhere := p.on(h.server())
		var turnsOf []string
		for i := range 8 {
			at := p
			if i%2 == 1 {
				at = elsewhere
			}
			st, err := at.ask(p.thread(), "?")
			require.NoError(h.t, err)
			turnsOf = append(turnsOf, st.Turn.ID)
			h.up.answer(i)
		}
		for _, at := range []*person{p, elsewhere} {
			_, err := at.ask(p.thread(), "?")
			require.ErrorIs(h.t, err, turns.ErrTooMany)
		}
		st, err := other.ask(other.thread(), "?")
		require.NoError(h.t, err, "of one member")
		h.up.answer(8).finish()
		other.ended(st.Turn.ID)
		for i, id := range turnsOf {
			h.up.answer(i).finish()
			p.ended(id)
		}
		p.answered(p.thread(), "?", "again")
	})
}

// A server that is being stopped begins nothing.
func TestService_Cut_noneBegins(t *testing.T) {
	inBubble(t, func(h *house, s *server) {
		p := h.person(1)
		s.Cut()
		_, err := p.ask(p.thread(), "?")
		require.ErrorIs(h.t, err, turns.ErrStopping)
	})
}

// The browser that asked leaves; the answer does not (C3).
func TestService_Start_browserLeaves(t *testing.T) {
	inBubble(t, func(h *house, _ *server) {
		p := h.person(1)
		leaving := *p
		ctx, leave := contextOf(p)
		leaving.ctx = ctx
		st, err := leaving.ask(p.thread(), "?")
		require.NoError(h.t, err)
		leave()
		synctest.Wait()
		a := h.up.answer(0)
		a.say(chunk("still "))
		sleep(time.Minute)
		a.say(chunk("here"))
		a.finish()
		require.Equal(h.t, chat.Done, p.ended(st.Turn.ID).State)
		require.Equal(h.t, "still here", p.text(st.Turn.ID))
	})
}
