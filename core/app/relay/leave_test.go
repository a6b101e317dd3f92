package relay_test

import (
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/ledger"
)

func TestRelay_clientGone(t *testing.T) { // L9
	t.Run("before its turn", func(t *testing.T) {
		inBubble(t, func(b *bench) {
			proceed := b.db.stall(ledger.OpHold)
			v := b.send(chat, &client{})
			v.leave()
			proceed()
			require.Equal(b.t, "client_gone", fault.CodeOf(v.wait()))
			require.Zero(b.t, b.up.called(), "no work for nobody")
			b.released("client_gone")
		})
	})
	t.Run("before the head of a stream", func(t *testing.T) {
		inBubble(t, func(b *bench) {
			b.up.hang = true
			v := b.send(chat, &client{})
			v.leave()
			start := time.Now()
			require.Equal(b.t, fault.Canceled, fault.KindOf(v.wait()))
			require.Equal(b.t, 2*time.Second, time.Since(start))
			b.released("client_gone")
		})
	})
	t.Run("before a JSON answer that comes", func(t *testing.T) {
		inBubble(t, func(b *bench) {
			v := b.send(jsonChat, &client{frame: func() error { return errHungUp }})
			a := b.up.answer()
			v.leave()
			time.Sleep(20 * time.Second)
			a.say(jsonAnswer)
			_ = a.PipeWriter.Close()
			require.NoError(b.t, v.wait())
			b.settled(50, "")
		})
	})
	t.Run("before a JSON answer that does not come", func(t *testing.T) {
		inBubble(t, func(b *bench) {
			v := b.send(jsonChat, &client{})
			v.leave()
			start := time.Now()
			require.Equal(b.t, "client_gone", fault.CodeOf(v.wait()))
			require.Equal(b.t, 30*time.Second, time.Since(start))
			b.released("client_gone")
		})
	})
	t.Run("in the middle", func(t *testing.T) {
		inBubble(t, func(b *bench) {
			c := &client{}
			v := b.send(chat, c)
			a := b.up.answer()
			a.say(hello)
			c.frame = func() error { return errHungUp }
			v.leave()
			start := time.Now()
			a.say(hello) // the upstream goes on, and is paid for what it says
			require.NoError(b.t, v.wait())
			require.Equal(b.t, 2*time.Second, time.Since(start), "then it is cut")
			require.Error(b.t, a.ctx.Err())
			h := b.settled(int64(len(chat)+3)/4+2*15, "client_gone")
			require.True(b.t, h.Usage.Estimated)
		})
	})
	t.Run("noticed by its silence alone", func(t *testing.T) {
		inBubble(t, func(b *bench) {
			v := b.send(chat, &client{frame: func() error { return errHungUp }})
			a := b.up.answer()
			start := time.Now()
			a.say(hello)
			require.NoError(b.t, v.wait())
			require.Equal(b.t, 2*time.Second, time.Since(start))
			b.settled(estimated, "client_gone")
		})
	})
}

// A client that hangs up at finish_reason pays the exact usage, though it
// comes later than the time for the text allows.
func TestRelay_clientGone_finished(t *testing.T) { // HOTPATH 15
	inBubble(t, func(b *bench) {
		c := &client{}
		v := b.send(chat, c)
		a := b.up.answer()
		a.say(hello)
		c.frame = func() error { return errHungUp }
		v.leave()
		time.Sleep(1500 * time.Millisecond)
		a.say(finished)
		time.Sleep(1500 * time.Millisecond)
		require.False(b.t, v.over())
		a.say(usage + done)
		require.NoError(b.t, v.wait())
		require.False(b.t, b.settled(50, "").Usage.Estimated)
	})
}

func TestRelay_duration(t *testing.T) { // W10
	inBubble(t, func(b *bench) {
		v := b.send(chat, &client{})
		a := b.up.answer()
		go func() {
			tick := time.NewTicker(time.Minute)
			defer tick.Stop()
			for a.ctx.Err() == nil {
				_, _ = io.WriteString(a.PipeWriter, hello)
				select {
				case <-tick.C:
				case <-a.ctx.Done():
				}
			}
		}()
		start := time.Now()
		require.NoError(b.t, v.wait())
		require.Equal(b.t, 15*time.Minute, time.Since(start))
		require.Contains(b.t, v.got(), "upstream_timeout")
		require.Equal(b.t, ledger.HoldSettled, b.hold().State)
	})
}

func TestRelay_panic(t *testing.T) { // HOTPATH 8
	t.Run("before the client saw anything", func(t *testing.T) {
		inBubble(t, func(b *bench) {
			v := b.send(chat, &client{frame: func() error { panic("a bug") }})
			b.up.answer().say(hello)
			<-v.done
			b.released("abandoned")
		})
	})
	t.Run("after it saw some", func(t *testing.T) {
		inBubble(t, func(b *bench) {
			c := &client{}
			v := b.send(chat, c)
			a := b.up.answer()
			a.say(hello)
			c.frame = func() error { panic("a bug") }
			a.say(hello)
			<-v.done
			require.Equal(b.t, ledger.HoldSettled, b.hold().State)
			require.Equal(b.t, "abandoned", b.hold().Reason)
		})
	})
}

// The client's connection is looked after while it waits for the end.
func TestRelay_heartbeat_clientGone(t *testing.T) { // HOTPATH 16
	inBubble(t, func(b *bench) {
		c := &client{}
		v := b.send(chat, c)
		a := b.up.answer()
		a.say(hello)
		proceed := b.db.stall(ledger.OpSettle)
		c.frame = func() error { return errHungUp }
		a.say(usage + done)
		time.Sleep(3 * time.Second)
		proceed()
		synctest.Wait()
		require.NoError(b.t, v.wait())
		require.Equal(b.t, "head|"+hello, v.got())
		b.settled(50, "")
	})
}
