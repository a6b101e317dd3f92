package relay_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/ledger"
)

// What an upstream sent in one piece with the end of its answer leaves with it,
// unless the commit of the debit stalls: then nothing but the end waits.
func TestRelay_stream_leavesBeforeItsEnd(t *testing.T) { // HOTPATH 15, 16
	for name, c := range map[string]struct{ body, passed, end string }{
		"chat":           {chat, hello + finished, done},
		"chat and usage": {chatUsage, hello + finished, usage + done},
		"responses":      {response, created + delta, completed},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *bench) {
				to := &client{}
				v := b.send(c.body, to)
				proceed := b.db.stall(ledger.OpSettle)
				sent := c.passed + c.end
				if name == "chat" {
					sent = c.passed + usage + done
				}
				b.up.answer().say(sent)
				require.Equal(b.t, "head|"+c.passed, v.got())
				time.Sleep(19 * time.Millisecond)
				synctest.Wait()
				require.False(b.t, to.flushed(), "mostly the end follows at once, in the same piece")
				time.Sleep(2 * time.Millisecond)
				synctest.Wait()
				require.True(b.t, to.flushed(), "what waits leaves")
				time.Sleep(970 * time.Millisecond)
				synctest.Wait()
				require.Empty(b.t, v.got(), "and the end does not")
				time.Sleep(10 * time.Millisecond)
				synctest.Wait()
				require.Equal(b.t, ": \n\n", v.got(), "comments come each second")
				time.Sleep(time.Second)
				synctest.Wait()
				require.Equal(b.t, ": \n\n", v.got())
				proceed()
				synctest.Wait()
				require.Equal(b.t, c.end+"end", v.got())
				require.NoError(b.t, v.wait())
				b.settled(50, "")
			})
		})
	}
	for name, c := range map[string]struct {
		parts  []string
		stall  time.Duration
		frames int64
	}{
		"a commit in time": {[]string{hello + finished + usage + done}, 15 * time.Millisecond, 3},
		"a slow commit":    {[]string{hello + finished + usage + done}, 100 * time.Millisecond, 4},
		"nothing waits":    {[]string{hello + finished, usage + done}, 100 * time.Millisecond, 3},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *bench) {
				var frames atomic.Int64
				v := b.send(chat, &client{frame: func() error { frames.Add(1); return nil }})
				proceed := b.db.stall(ledger.OpSettle)
				a := b.up.answer()
				for _, part := range c.parts {
					a.say(part)
				}
				time.Sleep(c.stall)
				proceed()
				require.NoError(b.t, v.wait())
				require.Equal(b.t, "head|"+hello+finished+done+"end", v.got())
				require.Equal(b.t, c.frames, frames.Load(), "as few writes as can be")
			})
		})
	}
}

// A client that has left by then is no reason to give up the debit.
func TestRelay_stream_leavesBeforeItsEnd_clientGone(t *testing.T) { // HOTPATH 15
	inBubble(t, func(b *bench) {
		c := &client{}
		v := b.send(chat, c)
		proceed := b.db.stall(ledger.OpSettle)
		b.up.answer().say(hello + finished + usage + done)
		c.on(func() error { return errHungUp })
		time.Sleep(100 * time.Millisecond)
		proceed()
		require.NoError(b.t, v.wait())
		require.Equal(b.t, "head|"+hello+finished, v.got())
		b.settled(50, "")
	})
}
