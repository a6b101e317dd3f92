package turns_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/app/turns"
	"github.com/archibot/archibotchat/core/chat"
	"github.com/archibot/archibotchat/ports/store"
)

func contextOf(p *person) (context.Context, context.CancelFunc) { return context.WithCancel(p.ctx) }

// Whoever comes back with any place in the text gets the rest of it, once; a place
// that is none, within a character or beyond the end, gets it all anew.
func TestService_Follow_anyCursor(t *testing.T) { // C3
	const text = "a ü 日本 😀."
	inBubble(t, func(h *house, _ *server) {
		p := h.person(1)
		elsewhere := p.on(h.server())
		st, a := p.asked("?")
		for _, r := range text {
			a.say(chunk(string(r)))
		}
		sleep(200 * time.Millisecond)
		resume := func() (all []*follower) {
			for cursor := range len(text) + 3 {
				from := (text + "???")[:cursor]
				for _, at := range []*person{p, elsewhere} {
					f := at.follow(st.Turn.ID, from)
					all = append(all, f)
					sleep(time.Second)
					require.Equal(h.t, text, f.got(), "from %d", cursor)
					whole := cursor <= len(text) && (cursor == len(text) || isStart(text[cursor]))
					require.Equal(h.t, whole, len(f.kinds(turns.Reset)) == 0, "from %d", cursor)
					f.leave()
					<-f.done
				}
			}
			return all
		}
		resume()
		f := p.follow(st.Turn.ID, "")
		a.say(chunk("!"))
		a.finish()
		f.end(h.t)
		require.Equal(h.t, text+"!", f.got())
	})
}

func isStart(b byte) bool { return b&0xC0 != 0x80 }

// A turn that has ended is told of at once, from any place.
func TestService_Follow_ended(t *testing.T) {
	inBubble(t, func(h *house, _ *server) {
		p := h.person(1)
		st := p.answered(p.thread(), "?", "long ago")
		for _, from := range []string{"", "long ", "long ago", "long ago and more"} {
			began := time.Now()
			f := p.follow(st.Turn.ID, from)
			end := f.end(h.t)
			require.Zero(h.t, time.Since(began))
			require.Equal(h.t, "long ago", f.got())
			require.Equal(h.t, chat.Done, end.Turn.State)
			require.Len(h.t, f.kinds(turns.Step), len(end.Turn.Steps))
		}
		other := h.person(2)
		err := other.s.Turns.Follow(other.ctx, st.Turn.ID, 0, func(turns.Event) error { return nil })
		require.ErrorIs(h.t, err, store.ErrNotFound) // tenants
	})
}

// Two follow, one of them slowly: that slows nobody, and costs no memory.
func TestService_Follow_slow(t *testing.T) {
	inBubble(t, func(h *house, _ *server) {
		p := h.person(1)
		st, a := p.asked("?")
		gate := make(chan struct{})
		slow := p.slowly(st.Turn.ID, "", gate)
		quick := p.follow(st.Turn.ID, "")
		var text strings.Builder
		for range 200 {
			text.WriteString("word ")
			a.say(chunk("word "))
			require.Equal(h.t, text.String(), quick.got())
		}
		a.finish()
		quick.end(h.t)
		require.Empty(h.t, slow.got())
		close(gate)
		slow.end(h.t)
		require.Equal(h.t, text.String(), slow.got())
		require.Less(h.t, len(slow.kinds(turns.Text)), 5, "it is told at once what it missed")
	})
}

// A follower on another server sees what is stored, in order and to the end.
func TestService_Follow_elsewhere(t *testing.T) {
	inBubble(t, func(h *house, _ *server) {
		p := h.person(1)
		far := p.on(h.server())
		st, a := p.asked("?")
		f := far.follow(st.Turn.ID, "")
		for _, word := range []string{"one ", "two ", "three "} {
			a.say(chunk(word))
			sleep(400 * time.Millisecond)
			require.True(h.t, strings.HasSuffix(f.got(), word), f.got())
		}
		a.finish()
		end := f.end(h.t)
		require.Equal(h.t, "one two three ", f.got())
		require.Equal(h.t, []string{"gate", "hold", "upstream test", "first_text", "settle", "end"}, steps(end.Turn))
		require.Len(h.t, f.kinds(turns.Step), 6)
		require.EqualValues(h.t, granted-cost, end.Available)
	})
}

// Whoever saw more on the server that works than is stored yet is not sent back.
func TestService_Follow_ahead(t *testing.T) {
	inBubble(t, func(h *house, _ *server) {
		p := h.person(1)
		far := p.on(h.server())
		st, a := p.asked("?")
		a.say(chunk("stored "))
		sleep(50 * time.Millisecond)
		a.say(chunk("not yet")) // within the time of the last store
		f := far.follow(st.Turn.ID, "stored not yet")
		sleep(time.Second)
		require.Empty(h.t, f.kinds(turns.Reset))
		a.finish()
		f.end(h.t)
		require.Equal(h.t, "stored not yet", f.got())
	})
}

// The line is kept awake, and ends with the session.
func TestService_Follow_session(t *testing.T) { // A5
	inBubble(t, func(h *house, s *server) {
		p := h.person(1)
		far := p.on(h.server())
		st, a := p.asked("?")
		a.say(chunk("x"))
		near, elsewhere := p.follow(st.Turn.ID, ""), far.follow(st.Turn.ID, "")
		sleep(31 * time.Second)
		require.Len(h.t, near.kinds(turns.Beat), 3)
		require.Len(h.t, elsewhere.kinds(turns.Beat), 3)
		require.NoError(h.t, s.Sessions.End(p.ctx, "signed_out"))
		sleep(3 * time.Second)
		for _, f := range []*follower{near, elsewhere} {
			<-f.done
			require.NoError(h.t, f.err)
			closed := f.kinds(turns.Closed)
			require.Len(h.t, closed, 1)
			require.Equal(h.t, "not_signed_in", closed[0].Code)
		}
		require.Equal(h.t, chat.Running, p.turn(st.Turn.ID).State, "the work is its member's, not its session's")
		a.finish()
		p.ended(st.Turn.ID)
	})
}

func TestService_Follow_limits(t *testing.T) {
	inBubble(t, func(h *house, s *server) {
		p := h.person(1)
		st, a := p.asked("?")
		var all []*follower
		for range 16 {
			all = append(all, p.follow(st.Turn.ID, ""))
		}
		f := p.follow(st.Turn.ID, "")
		<-f.done
		require.ErrorIs(h.t, f.err, turns.ErrTabs)
		all[0].leave()
		<-all[0].done
		require.ErrorIs(h.t, all[0].err, context.Canceled)
		all[0] = p.follow(st.Turn.ID, "")

		// Whoever follows a turn of a server that is stopped is told of its end;
		// whoever follows another's is sent away.
		other := h.server()
		far := p.on(other).follow(st.Turn.ID, "")
		other.Cut()
		<-far.done
		require.ErrorIs(h.t, far.err, turns.ErrStopping)
		a.say(chunk("x"))
		s.Cut()
		for _, f := range all {
			require.Equal(h.t, "server_stopping", f.end(h.t).Turn.Reason)
			require.Equal(h.t, "x", f.got())
		}
		synctest.Wait()
	})
}
