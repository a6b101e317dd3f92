package relay_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/app/relay"
	"github.com/archibot/archibotchat/core/ledger"
)

// rich makes known what the account has, and lets later jobs start early.
func (b *bench) rich() {
	b.t.Helper()
	v := b.send(jsonChat, &client{})
	a := b.up.answer()
	a.say(jsonAnswer)
	_ = a.PipeWriter.Close()
	require.NoError(b.t, v.wait())
	b.up.calls = nil
	b.job = func(j *relay.Job) { j.Current = true }
}

// A frame that comes when its hold is durable leaves at once, and does not wait
// to see whether more comes.
func TestRelay_early_atOnce(t *testing.T) { // W5, HOTPATH 14
	inBubble(t, func(b *bench) {
		b.rich()
		v := b.send(chat, &client{})
		a := b.up.answer()
		time.Sleep(50 * time.Millisecond) // the hold was cut after 5
		a.say(hello)
		require.Equal(b.t, "head|"+hello, v.got())
		a.say(finished + usage + done)
		require.NoError(b.t, v.wait())
	})
}

// Before that, a frame waits for the hold alone.
func TestRelay_early_waits(t *testing.T) { // W5, HOTPATH 13
	inBubble(t, func(b *bench) {
		b.rich()
		proceed := b.db.stall(ledger.OpHold)
		v := b.send(chat, &client{})
		a := b.up.answer()
		a.say(hello)
		time.Sleep(time.Second)
		require.Empty(b.t, v.got())
		proceed()
		synctest.Wait()
		require.Equal(b.t, "head|"+hello, v.got())
		a.say(finished + usage + done)
		require.NoError(b.t, v.wait())
	})
}

// A hold is not cut for a frame that is followed by the whole rest at once:
// then one step does for both ends.
func TestRelay_early_oneStep(t *testing.T) { // HOTPATH 14
	for name, want := range map[string][]string{"more comes at once": {"spend"}, "nothing comes": {"hold", "settle"}} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *bench) {
				b.rich()
				b.up.soon = len(want) == 1
				steps := b.steps()
				v := b.send(chat, &client{})
				a := b.up.answer()
				a.say(hello)
				if len(want) > 1 {
					time.Sleep(3 * time.Millisecond) // less than the hold's own time
					require.Equal(b.t, "head|"+hello, v.got())
				}
				synctest.Wait()
				a.say(finished + usage + done)
				require.NoError(b.t, v.wait())
				require.True(b.t, strings.HasSuffix(v.got(), finished+done+"end"))
				require.Equal(b.t, want, steps())
			})
		})
	}
}

// Nothing of an answer in one piece leaves before its settle, so its hold waits
// longer for that than a stream's does.
func TestRelay_early_inOnePiece(t *testing.T) { // HOTPATH 14
	for upstream, want := range map[time.Duration][]string{50 * time.Millisecond: {"spend"}, 300 * time.Millisecond: {"hold", "settle"}} {
		t.Run(upstream.String(), func(t *testing.T) {
			inBubble(t, func(b *bench) {
				b.rich()
				steps := b.steps()
				v := b.send(jsonChat, &client{})
				a := b.up.answer()
				time.Sleep(upstream)
				a.say(jsonAnswer)
				_ = a.PipeWriter.Close()
				require.NoError(b.t, v.wait())
				require.Equal(b.t, jsonAnswer, v.got())
				require.Equal(b.t, want, steps())
			})
		})
	}
}

// steps returns what the ledger's steps since then were.
func (b *bench) steps() func() []string {
	var steps []string
	b.db.on(func(_ context.Context, ops []ledger.Op) error {
		for _, op := range ops {
			steps = append(steps, op.Kind.String())
		}
		return nil
	})
	return func() []string { return steps }
}
