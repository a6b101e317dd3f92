package turns_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/system"
	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/sessions"
	"github.com/archibot/archibotchat/core/app/turns"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/chat"
	"github.com/archibot/archibotchat/ports/store"
)

// person is a member's session.
type person struct {
	h   *house
	ctx context.Context
	s   *server
	w   store.Whose
}

// person signs a member in.
func (h *house) person(n int) *person {
	h.t.Helper()
	u, _, err := h.db.Users().SignedIn(h.t.Context(), store.User{
		ID: fmt.Sprintf("user_%d", n), Issuer: "https://id.example", Subject: fmt.Sprint("sub", n), Provider: "acme", Rule: sessions.RuleRequired, Groups: access.NewGroups(access.GroupChat),
	})
	require.NoError(h.t, err)
	require.NoError(h.t, h.db.Members().Add(h.t.Context(), store.Member{Account: account, User: u.ID, Role: access.RoleMember}))
	var token sessions.Token
	require.NoError(h.t, h.db.Do(h.t.Context(), func(ctx context.Context, tx store.Stores) error {
		token, _, err = h.servers[0].Sessions.Open(ctx, tx, store.Session{Account: account, User: u.ID, Provider: "acme", Issuer: "https://id.example"})
		return err
	}))
	ses, a, err := h.servers[0].Sessions.Resolve(h.t.Context(), token.Reveal())
	require.NoError(h.t, err)
	ctx := sessions.With(access.WithRequest(h.t.Context(), "req_of_the_api"), sessions.Current{Session: ses, Account: a})
	return &person{h: h, ctx: ctx, s: h.servers[0], w: store.Whose{Account: a.ID, User: u.ID}}
}

// on is the person at another server.
func (p *person) on(s *server) *person {
	other := *p
	other.s = s
	return &other
}

func (p *person) thread() string {
	p.h.t.Helper()
	now := system.Now()
	th := chat.Thread{ID: p.h.ids.New("thr"), Account: p.w.Account, User: p.w.User, CreatedAt: now, UpdatedAt: now}
	require.NoError(p.h.t, p.h.db.Threads().Create(p.h.t.Context(), th))
	return th.ID
}

func (p *person) change(thread string, c store.ThreadChange) {
	p.h.t.Helper()
	require.NoError(p.h.t, p.h.db.Threads().Change(p.h.t.Context(), p.w, thread, c))
}

// ask asks in a thread, after its head.
func (p *person) ask(thread, text string) (turns.Started, error) {
	p.h.t.Helper()
	th, err := p.h.db.Threads().Get(p.h.t.Context(), p.w, thread)
	require.NoError(p.h.t, err)
	return p.start(turns.Ask{Thread: thread, Text: text, Parent: th.Head})
}

func (p *person) start(a turns.Ask) (turns.Started, error) {
	if a.Key == "" {
		a.Key = strings.ToLower(p.h.ids.New("key"))
	}
	a.From = netip.MustParseAddr("192.0.2.1")
	return p.s.Turns.Start(p.ctx, a)
}

// asked is ask in a new thread, which must work, with its answer under way.
func (p *person) asked(text string) (turns.Started, *answer) {
	p.h.t.Helper()
	n := p.h.up.called()
	st, err := p.ask(p.thread(), text)
	require.NoError(p.h.t, err)
	return st, p.h.up.answer(n)
}

func (p *person) turn(id string) chat.Turn {
	p.h.t.Helper()
	t, err := p.s.Turns.Get(p.ctx, id)
	require.NoError(p.h.t, err)
	return t
}

// text returns the answer as it is stored.
func (p *person) text(id string) string {
	p.h.t.Helper()
	text, _, err := p.h.db.Turns().Since(p.h.t.Context(), p.w, id, 0)
	require.NoError(p.h.t, err)
	return text
}

// ended waits for a turn to end.
func (p *person) ended(id string) chat.Turn {
	p.h.t.Helper()
	for range 1000 {
		if t := p.turn(id); t.State != chat.Running {
			return t
		}
		time.Sleep(100 * time.Millisecond)
	}
	require.Fail(p.h.t, "the turn does not end")
	return chat.Turn{}
}

// failed waits for a turn to fail for a reason, with the text it kept and what it cost.
func (p *person) failed(id, reason, text string, debited int64) chat.Turn {
	p.h.t.Helper()
	t := p.ended(id)
	require.Equal(p.h.t, chat.Failed, t.State)
	require.Equal(p.h.t, reason, t.Reason)
	require.Equal(p.h.t, text, p.text(id))
	if debited >= 0 {
		require.True(p.h.t, t.Settled)
		require.Equal(p.h.t, debited, t.Debited)
		require.Equal(p.h.t, granted-debited, p.h.balance().Balance)
	}
	es := p.h.events(audit.ChatTurnFailed)
	require.NotEmpty(p.h.t, es)
	last := es[0]
	require.Equal(p.h.t, t.ID, last.Subject)
	require.Equal(p.h.t, reason, last.Reason)
	require.Equal(p.h.t, t.Request, last.Request)
	return t
}

// answered asks and lets the answer come whole.
func (p *person) answered(thread, question, text string) turns.Started {
	p.h.t.Helper()
	n := p.h.up.called()
	st, err := p.ask(thread, question)
	require.NoError(p.h.t, err)
	a := p.h.up.answer(n)
	a.say(chunk(text))
	a.finish()
	require.Equal(p.h.t, chat.Done, p.ended(st.Turn.ID).State)
	return st
}

func steps(t chat.Turn) (names []string) {
	for _, s := range t.Steps {
		name := s.Name
		if s.Note != "" {
			name += " " + s.Note
		}
		names = append(names, name)
	}
	return names
}
