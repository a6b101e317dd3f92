package turns_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/app/turns"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/chat"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

// stops makes sure of a turn that was stopped.
func (p *person) stops(id, text string, debited int64) chat.Turn {
	p.h.t.Helper()
	t := p.ended(id)
	require.Equal(p.h.t, chat.Stopped, t.State)
	require.Empty(p.h.t, t.Reason)
	require.Equal(p.h.t, text, p.text(id))
	require.True(p.h.t, t.Settled)
	require.Equal(p.h.t, debited, t.Debited)
	require.Equal(p.h.t, granted-debited, p.h.balance().Balance)
	es := p.h.events(audit.ChatTurnStopped)
	require.Len(p.h.t, es, 1)
	require.Equal(p.h.t, id, es[0].Subject)
	require.Equal(p.h.t, audit.Actor{Kind: audit.ActorUser, ID: "user_1"}, es[0].Actor)
	return t
}

func TestService_Stop(t *testing.T) { // C2, L9
	for where, look := range map[string]time.Duration{"here": 0, "elsewhere": 1500 * time.Millisecond} {
		for name, c := range map[string]struct {
			before string // what came by then
			text   string
			debit  int64
		}{
			"before the first byte": {},
			"in the middle":         {role + chunk("hello hello hello "), "hello hello hello ", asked + 2*5},
			"at the end":            {chunk("all") + finished, "all", asked + 2},
		} {
			t.Run(where+", "+name, func(t *testing.T) {
				inBubble(t, func(h *house, _ *server) {
					p := h.person(1)
					at := p
					if where == "elsewhere" {
						at = p.on(h.server())
					}
					st, a := p.asked("?")
					f := p.follow(st.Turn.ID, "")
					a.say(c.before)
					sleep(time.Second)
					began := time.Now()
					got, err := at.s.Turns.Stop(at.ctx, st.Turn.ID)
					require.NoError(h.t, err)
					require.Equal(h.t, chat.Stopped, got.State, "it is over when that is told")
					require.LessOrEqual(h.t, time.Since(began), look)
					p.stops(st.Turn.ID, c.text, c.debit)
					require.Equal(h.t, chat.Stopped, f.end(h.t).Turn.State)
					require.Equal(h.t, c.text, f.got())
					require.Error(h.t, a.ctx.Err())

					again, err := at.s.Turns.Stop(at.ctx, st.Turn.ID)
					require.NoError(h.t, err)
					require.Equal(h.t, got, again)
					p.answered(st.Thread.ID, "?", "go on")
				})
			})
		}
	}
}

// A turn that has ended, or is another member's, is not stopped.
func TestService_Stop_not(t *testing.T) {
	inBubble(t, func(h *house, s *server) {
		p := h.person(1)
		st := p.answered(p.thread(), "?", "done")
		got, err := s.Turns.Stop(p.ctx, st.Turn.ID)
		require.NoError(h.t, err)
		require.Equal(h.t, chat.Done, got.State)
		st, a := p.asked("?")
		other := h.person(2)
		_, err = s.Turns.Stop(other.ctx, st.Turn.ID)
		require.ErrorIs(h.t, err, store.ErrNotFound) // tenants
		_, err = s.Turns.Get(other.ctx, st.Turn.ID)
		require.ErrorIs(h.t, err, store.ErrNotFound)
		a.finish()
		require.Equal(h.t, chat.Done, p.ended(st.Turn.ID).State)
		require.Empty(h.t, h.events(audit.ChatTurnStopped))
	})
}

// crash leaves a turn as a server that died does: nobody gives signs of life.
func TestService_Sweep_serverLost(t *testing.T) { // L9
	inBubble(t, func(h *house, first *server) {
		p := h.person(1)
		other := h.server()
		far := p.on(other)
		st, a := p.asked("?")
		a.say(chunk("what was seen "))
		sleep(time.Second)
		f := far.follow(st.Turn.ID, "")
		near := p.follow(st.Turn.ID, "")

		first.edge.on(away) // of what concerns turns; its ledger goes on
		a.say(chunk("and what was not stored"))
		require.Equal(h.t, "what was seen and what was not stored", near.got())
		turn := far.ended(st.Turn.ID)
		require.Equal(h.t, "server_lost", turn.Reason)
		require.False(h.t, turn.Settled, "nobody knows yet")
		require.Equal(h.t, "what was seen ", p.text(st.Turn.ID))
		require.Less(h.t, turn.EndedAt.Sub(st.Turn.StartedAt), 21*time.Second)
		require.Equal(h.t, "server_lost", f.end(h.t).Turn.Reason)
		es := h.events(audit.ChatTurnFailed)
		require.Len(h.t, es, 1)
		require.Equal(h.t, audit.ActorService, es[0].Actor.Kind)

		// The owner comes back: it writes nothing, stops its work, and what that
		// cost is found in the ledger.
		first.edge.on(nil)
		sleep(4 * time.Second)
		require.Error(h.t, a.ctx.Err())
		near.end(h.t)
		require.Equal(h.t, "what was seen ", near.got(), "begun anew")
		require.NotEmpty(h.t, near.kinds(turns.Reset))
		sleep(4 * time.Second)
		hold, err := h.db.Ledger().Hold(h.t.Context(), account, turn.Request)
		require.NoError(h.t, err)
		require.Equal(h.t, ledger.HoldSettled, hold.State)
		require.Positive(h.t, hold.Debited)
		after := p.turn(st.Turn.ID)
		require.True(h.t, after.Settled)
		require.Equal(h.t, hold.Debited, after.Debited)
		require.Equal(h.t, chat.Failed, after.State)
		require.Equal(h.t, "server_lost", after.Reason)
		require.Equal(h.t, "what was seen ", p.text(st.Turn.ID))
		require.Len(h.t, h.events(audit.ChatTurnFailed), 1)
		p.answered(st.Thread.ID, "?", "the thread is free")
	})
}

// A store that is away for a while costs nothing: text and end come later.
func TestService_Start_storeAway(t *testing.T) {
	inBubble(t, func(h *house, s *server) {
		p := h.person(1)
		st, a := p.asked("?")
		f := p.follow(st.Turn.ID, "")
		s.edge.on(away)
		a.say(chunk("one "))
		sleep(2 * time.Second)
		a.say(chunk("two "))
		require.Equal(h.t, "one two ", f.got(), "who follows here sees it all the same")
		require.Empty(h.t, p.text(st.Turn.ID))
		s.edge.on(nil)
		sleep(time.Second)
		require.Equal(h.t, "one two ", p.text(st.Turn.ID))
		s.edge.on(away)
		a.say(chunk("three"))
		a.finish()
		sleep(2 * time.Second)
		require.Equal(h.t, chat.Running, p.turn(st.Turn.ID).State)
		s.edge.on(nil)
		end := f.end(h.t)
		require.Equal(h.t, chat.Done, end.Turn.State)
		require.Equal(h.t, "one two three", p.text(st.Turn.ID))
		require.EqualValues(h.t, cost, end.Turn.Debited)
	})
}

// If the store stays away, the turn's own server ends it as lost once it is back.
func TestService_Start_storeLost(t *testing.T) {
	inBubble(t, func(h *house, s *server) {
		p := h.person(1)
		st, a := p.asked("?")
		a.say(chunk("stored"))
		sleep(time.Second)
		s.edge.on(away)
		a.finish()
		sleep(30 * time.Second)
		require.Equal(h.t, chat.Running, p.turn(st.Turn.ID).State)
		s.edge.on(nil)
		sleep(4 * time.Second)
		p.failed(st.Turn.ID, "server_lost", "stored", -1)
		sleep(4 * time.Second)
		require.True(h.t, p.turn(st.Turn.ID).Settled)
		require.EqualValues(h.t, cost, p.turn(st.Turn.ID).Debited)
	})
}

// A turn of which the ledger knows nothing cost nothing.
func TestService_Sweep_nothingHeld(t *testing.T) {
	inBubble(t, func(h *house, _ *server) {
		p := h.person(1)
		thread := p.thread()
		now := time.Now().UTC()
		q, err := h.db.Messages().Add(h.t.Context(), p.w, chat.Message{ID: "msg_q", Account: account, Thread: thread, Role: chat.RoleUser, Text: "?", Turn: "turn_x", CreatedAt: now})
		require.NoError(h.t, err)
		_, err = h.db.Messages().Add(h.t.Context(), p.w, chat.Message{ID: "msg_a", Account: account, Thread: thread, Parent: q.ID, Role: chat.RoleAssistant, Turn: "turn_x", CreatedAt: now})
		require.NoError(h.t, err)
		require.NoError(h.t, h.db.Turns().Start(h.t.Context(), chat.Turn{
			ID: "turn_x", Account: account, User: "user_1", Thread: thread, Question: "msg_q", Answer: "msg_a", Key: "key-of-nobody", Model: model,
			Request: "req_x", Owner: "own_dead", Until: now.Add(15 * time.Second), StartedAt: now,
		}))
		sleep(14 * time.Second)
		require.Equal(h.t, chat.Running, p.turn("turn_x").State)
		sleep(5 * time.Second)
		p.failed("turn_x", "server_lost", "", -1)
		require.False(h.t, p.turn("turn_x").Settled)
		sleep(3 * time.Minute)
		require.True(h.t, p.turn("turn_x").Settled)
		require.Zero(h.t, p.turn("turn_x").Debited)
	})
}

// A server that ends lets its turns end in time, cuts them then, and has their
// text and their cost written down before it is gone (HOTPATH 24).
func TestService_Drain(t *testing.T) {
	inBubble(t, func(h *house, s *server) {
		p := h.person(1)
		st, a := p.asked("?")
		a.say(chunk("some"))
		f := p.follow(st.Turn.ID, "")
		drained := make(chan struct{})
		go func() {
			defer close(drained)
			s.Drain(h.t.Context())
		}()
		sleep(5 * time.Second)
		select {
		case <-drained:
			require.Fail(h.t, "a turn is at work")
		default:
		}
		s.stop() // the end of the program, whoever is at work
		<-drained
		synctest.Wait()
		require.Equal(h.t, "server_stopping", f.end(h.t).Turn.Reason)
		require.Equal(h.t, "some", p.text(st.Turn.ID))
		turn := p.turn(st.Turn.ID)
		require.True(h.t, turn.Settled)
		require.EqualValues(h.t, asked+2, turn.Debited)
	})
}

// A server wipes threads a day after they were deleted, with their turns.
func TestApp_Run_wipes(t *testing.T) { // C1
	inBubble(t, func(h *house, _ *server) {
		p := h.person(1)
		st, kept := p.answered(p.thread(), "?", "old"), p.answered(p.thread(), "?", "young")
		for id, ago := range map[string]time.Duration{st.Thread.ID: 25 * time.Hour, kept.Thread.ID: 23 * time.Hour} {
			at := time.Now().UTC().Add(-ago)
			p.change(id, store.ThreadChange{DeletedAt: &at})
		}
		sleep(61 * time.Second)
		_, err := p.s.Turns.Get(p.ctx, st.Turn.ID)
		require.ErrorIs(h.t, err, store.ErrNotFound)
		require.Equal(h.t, chat.Done, p.turn(kept.Turn.ID).State)
	})
}
