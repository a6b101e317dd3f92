package relay_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/app/relay"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

// small keeps 8 KiB of an answer in memory, and passes on 64 KiB.
var small = relay.Limits{Whole: 8 << 10, Answer: 64 << 10}

// longBody is a chat's answer of so many bytes of text.
func longBody(text int) string {
	return fmt.Sprintf(`{"id":"c","choices":[{"message":{"content":%q}}],"usage":{"prompt_tokens":10,"completion_tokens":20}}`+"\n", strings.Repeat("text", text/4))
}

// longCost is what it costs where the upstream did not say.
func longCost(text int) int64 { return int64(len(jsonChat)+3)/4 + 2*min(int64(text/4), 100) }

func TestRelay_long(t *testing.T) { // HOTPATH 15, W9
	inBubble(t, func(b *bench) {
		b.within(small)
		proceed := b.db.stall(ledger.OpSettle)
		v := b.send(jsonChat, &client{})
		a := b.up.answer()
		body := longBody(40_000)
		a.say(body[:8000])
		require.Empty(b.t, v.got(), "it may be short yet")
		a.say(body[8000:9000])
		require.Equal(b.t, "json|"+body[:9000], v.got(), "passed on from here")
		require.LessOrEqual(b.t, b.memory.Used(), int64(64<<10), "and let go of")
		a.say(body[9000:])
		end := len(body) - 2
		require.Equal(b.t, body[9000:end], v.got(), "but for its end")
		require.False(b.t, json.Valid([]byte(body[:end])))
		_ = a.PipeWriter.Close()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		require.Empty(b.t, v.got(), "which waits for the debit")
		proceed()
		require.NoError(b.t, v.wait())
		require.Equal(b.t, "}\nend", v.got())
		require.Zero(b.t, v.bill)
		b.settled(50, "")
	})
}

func TestRelay_long_usageMissing(t *testing.T) { // W6
	inBubble(t, func(b *bench) {
		b.within(small)
		v := b.send(jsonChat, &client{})
		a := b.up.answer()
		a.say(strings.Replace(longBody(20_000), `"usage"`, `"other"`, 1))
		_ = a.PipeWriter.Close()
		require.NoError(b.t, v.wait())
		require.True(b.t, b.settled(longCost(20_000), "usage_estimated").Usage.Estimated)
	})
}

// What breaks off is an abort, never an end, and is paid for.
func TestRelay_long_broken(t *testing.T) { // HOTPATH 17, L9
	body := longBody(20_000)
	for name, c := range map[string]struct{ sent, code string }{
		"cut":             {body[:15_000], "upstream_cut"},
		"without its end": {strings.TrimRight(body, "}\n"), "upstream_cut"},
		"something after": {body + "{}", "upstream_invalid"},
		"space for ever":  {strings.TrimSpace(body) + strings.Repeat(" ", 200<<10), "upstream_invalid"},
		"too large":       {longBody(100_000), "upstream_invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *bench) {
				b.within(small)
				v := b.send(jsonChat, &client{})
				a := b.up.answer()
				a.say(c.sent)
				_ = a.PipeWriter.Close()
				require.NoError(b.t, v.wait(), "the head is sent")
				got := v.got()
				require.True(b.t, strings.HasPrefix(got, "json|{"))
				require.True(b.t, strings.HasSuffix(got, "fail abort"))
				require.False(b.t, json.Valid([]byte(strings.TrimSuffix(strings.TrimPrefix(got, "json|"), "fail abort"))))
				require.Equal(b.t, ledger.HoldSettled, b.hold().State)
				require.Equal(b.t, c.code, b.hold().Reason)
				require.Positive(b.t, b.hold().Debited)
			})
		})
	}
	t.Run("before anything was passed on", func(t *testing.T) {
		inBubble(t, func(b *bench) {
			b.within(small)
			v := b.send(jsonChat, &client{})
			a := b.up.answer()
			a.say(strings.Repeat("<html>", 2000))
			require.Equal(b.t, "upstream_invalid", fault.CodeOf(v.wait()))
			require.Empty(b.t, v.got())
			b.released("upstream_invalid")
		})
	})
}

func TestRelay_long_clientGone(t *testing.T) { // L9
	body := longBody(40_000)
	t.Run("and the answer comes", func(t *testing.T) {
		inBubble(t, func(b *bench) {
			b.within(small)
			v := b.send(jsonChat, &client{})
			a := b.up.answer()
			a.say(body[:20_000])
			v.frame = func() error { return errHungUp }
			v.leave()
			time.Sleep(20 * time.Second)
			a.say(body[20_000:])
			_ = a.PipeWriter.Close()
			require.NoError(b.t, v.wait())
			b.settled(50, "")
		})
	})
	t.Run("and it does not", func(t *testing.T) {
		inBubble(t, func(b *bench) {
			b.within(small)
			v := b.send(jsonChat, &client{frame: func() error { return errHungUp }})
			a := b.up.answer()
			start := time.Now()
			a.say(body[:20_000])
			require.NoError(b.t, v.wait())
			require.Equal(b.t, 30*time.Second, time.Since(start))
			require.Error(b.t, a.ctx.Err())
			b.settled(longCost(20_000), "client_gone")
		})
	})
}

func TestRelay_long_cannotSettle(t *testing.T) { // HOTPATH 16
	inBubble(t, func(b *bench) {
		b.within(small)
		v := b.send(jsonChat, &client{})
		a := b.up.answer()
		a.say(longBody(20_000))
		b.db.on(func(context.Context, []ledger.Op) error { return store.ErrUnavailable })
		_ = a.PipeWriter.Close()
		start := time.Now()
		require.NoError(b.t, v.wait())
		require.Equal(b.t, 10*time.Second, time.Since(start))
		require.True(b.t, strings.HasSuffix(v.got(), `"completion_tokens":20}fail abort`), "without its end")
		b.db.on(nil)
		time.Sleep(5 * time.Second)
		b.settled(50, "") // the settle stayed queued
	})
}

// A long answer is marked, so that a crash in the middle of it is paid for.
func TestRelay_long_mark(t *testing.T) { // HOTPATH 8
	inBubble(t, func(b *bench) {
		b.within(small)
		v := b.send(jsonChat, &client{})
		a := b.up.answer()
		a.say(longBody(20_000)[:10_000])
		time.Sleep(1100 * time.Millisecond)
		synctest.Wait()
		m := b.hold().Mark
		require.True(b.t, m.Accepted && m.Delivered)
		require.Equal(b.t, longCost(10_000), m.Cost)
		a.say(longBody(20_000)[10_000:])
		_ = a.PipeWriter.Close()
		require.NoError(b.t, v.wait())
		b.settled(50, "")
	})
}

func TestRelay_long_panic(t *testing.T) { // HOTPATH 8
	inBubble(t, func(b *bench) {
		b.within(small)
		c := &client{}
		v := b.send(jsonChat, c)
		a := b.up.answer()
		a.say(longBody(20_000)[:10_000])
		c.frame = func() error { panic("a bug") }
		a.say(longBody(20_000)[10_000:])
		<-v.done
		require.Equal(b.t, ledger.HoldSettled, b.hold().State)
		require.Equal(b.t, "abandoned", b.hold().Reason)
	})
}

// A long response is the account's before a byte of it is passed on.
func TestRelay_long_owned(t *testing.T) { // W4
	answer := `{"id":"resp_1","output":[{"content":[{"text":"` + strings.Repeat("text", 4000) + `"}]}],"usage":{"input_tokens":10,"output_tokens":20}}`
	t.Run("with its ID first", func(t *testing.T) {
		inBubble(t, func(b *bench) {
			b.within(small)
			v := b.send(jsonResponse, &client{})
			a := b.up.answer()
			a.say(answer)
			_ = a.PipeWriter.Close()
			require.NoError(b.t, v.wait())
			require.Equal(b.t, "json|"+answer+"end", v.got())
			require.Equal(b.t, "resp_1", b.owner.claims[0].ID)
			b.settled(50, "")
		})
	})
	t.Run("with its ID last", func(t *testing.T) {
		inBubble(t, func(b *bench) {
			b.within(small)
			v := b.send(jsonResponse, &client{})
			a := b.up.answer()
			a.say(strings.Replace(answer, `"id":"resp_1",`, "", 1))
			require.Equal(b.t, "upstream_invalid", fault.CodeOf(v.wait()))
			require.Empty(b.t, v.got())
			b.released("upstream_invalid")
		})
	})
}
