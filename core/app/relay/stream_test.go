package relay_test

import (
	"context"
	"io"
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

// Requests and the parts of their answers. A token costs 1 in and 2 out.
const (
	chat        = `{"model":"m","messages":[],"stream":true,"max_tokens":100}`
	chatUsage   = `{"model":"m","messages":[],"stream":true,"max_tokens":100,"stream_options":{"include_usage":true}}`
	response    = `{"model":"m","input":"x","stream":true,"max_output_tokens":100}`
	hello       = "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hello hello hello hello hello \"}}]}\n\n" // 30 bytes
	finished    = "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
	usage       = "data: {\"id\":\"c\",\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":20}}\n\n" // costs 50
	done        = "data: [DONE]\n\n"
	created     = "event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":0,\"response\":{\"id\":\"resp_1\"}}\n\n"
	delta       = "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"sequence_number\":1,\"delta\":\"hello\"}\n\n"
	completed   = "event: response.completed\ndata: {\"type\":\"response.completed\",\"sequence_number\":2,\"response\":{\"id\":\"resp_1\",\"usage\":{\"input_tokens\":10,\"output_tokens\":20}}}\n\n"
	failedFrame = "data: {\"error\":{\"message\":\"secret detail\"}}\n\n"
)

// estimated is what the chat with one hello costs by estimate: a token per four
// bytes of the request, and of the text, at twice the price.
const estimated = int64(len(chat)+3)/4 + 2*8

// The last frame goes out with the end of the stream, in one piece, where that
// follows at once; else it must not wait for the upstream to end its own.
func TestRelay_stream_lastPiece(t *testing.T) { // W5
	for name, whole := range map[string]bool{"whole": true, "not yet": false} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *bench) {
				b.up.whole = whole
				c := &client{}
				v := b.send(chat, c)
				b.up.answer().say(hello + finished + usage + done) // and does not end
				require.NoError(b.t, v.wait())
				require.Equal(b.t, "head|"+hello+finished+done+"end", v.got())
				require.Equal(b.t, !whole, c.last)
			})
		})
	}
}

// What one stream leaves in the buffers of the next is not seen there.
func TestRelay_stream_one_after_another(t *testing.T) {
	inBubble(t, func(b *bench) {
		long := strings.Replace(hello, "hello", strings.Repeat("secret ", 1000), 1)
		for i, sent := range []string{long + finished + usage + done, hello + finished + usage + done} {
			v := b.send(chatUsage, &client{})
			synctest.Wait()
			b.up.mu.Lock()
			a := b.up.calls[i]
			b.up.mu.Unlock()
			a.say(sent)
			_ = a.PipeWriter.Close()
			require.NoError(b.t, v.wait())
			require.Equal(b.t, "head|"+sent+"end", v.got())
		}
	})
}

func TestRelay_stream_bytes(t *testing.T) { // W5, W6
	odd := ": comment\n\n" + hello + "id: 7\r\ndata: {\"id\":\"c\",\"choices\":[],\"x\":\"ü\\u00fc\"}\r\n\r\n" + "\n"
	for name, c := range map[string]struct{ body, sent, want string }{
		"chat, usage hidden":       {chat, hello + odd + finished + usage + done, hello + odd + finished + done},
		"chat, usage asked for":    {chatUsage, hello + odd + finished + usage + done, hello + odd + finished + usage + done},
		"response":                 {response, created + delta + completed, created + delta + completed},
		"comments before the head": {chat, ": wait\n\n" + hello + usage + done, hello + done},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *bench) {
				v := b.send(c.body, &client{})
				a := b.up.answer()
				a.say(c.sent)
				_ = a.PipeWriter.Close()
				require.NoError(b.t, v.wait())
				require.Equal(b.t, "head|"+c.want+"end", v.got())
				b.settled(50, "")
				if c.body == chat {
					require.Contains(b.t, a.body, `"stream_options":{"include_usage":true}`)
				} else {
					require.Equal(b.t, c.body, a.body, "forwarded byte for byte")
				}
			})
		})
	}
}

// The timeline of a chat whose commits stall.
func TestRelay_stream_timeline(t *testing.T) { // W5, HOTPATH 15, 16
	inBubble(t, func(b *bench) {
		proceedHold := b.db.stall(ledger.OpHold)
		v := b.send(chatUsage, &client{})
		require.Zero(b.t, b.up.called(), "nothing goes upstream before the hold is durable")
		proceedHold()
		proceed := b.db.stall(ledger.OpSettle)
		a := b.up.answer()
		require.Empty(b.t, v.got(), "no head before the first frame")
		a.say(hello)
		require.Equal(b.t, "head|"+hello, v.got(), "content passes at once")
		a.say(finished)
		require.Equal(b.t, finished, v.got())
		a.say(usage)
		require.Empty(b.t, v.got(), "usage is withheld")
		a.say(done)
		time.Sleep(900 * time.Millisecond)
		synctest.Wait()
		require.Empty(b.t, v.got(), "and so is the end")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		require.Equal(b.t, ": \n\n: \n\n", v.got(), "comments keep the client waiting")
		require.False(b.t, v.over())
		proceed()
		synctest.Wait()
		require.Equal(b.t, usage+done+"end", v.got())
		require.NoError(b.t, v.wait())
		b.settled(50, "")
	})
}

func TestRelay_stream_responseTerminalWithheld(t *testing.T) { // HOTPATH 15
	inBubble(t, func(b *bench) {
		proceed := b.db.stall(ledger.OpSettle)
		v := b.send(response, &client{})
		a := b.up.answer()
		a.say(created + delta)
		require.Equal(b.t, "head|"+created+delta, v.got())
		a.say(completed)
		require.Empty(b.t, v.got())
		proceed()
		require.NoError(b.t, v.wait())
		require.Equal(b.t, completed+"end", v.got())
		b.settled(50, "")
	})
}

func TestRelay_stream_cannotSettle(t *testing.T) { // HOTPATH 16
	inBubble(t, func(b *bench) {
		v := b.send(chat, &client{})
		b.db.on(func(context.Context, []ledger.Op) error { return store.ErrUnavailable })
		a := b.up.answer()
		a.say(hello + finished + usage + done)
		require.NoError(b.t, v.wait())
		got := v.got()
		require.NotContains(b.t, got, "[DONE]")
		require.Contains(b.t, got, "fail data: {\"error\":{")
		require.Contains(b.t, got, relay.ErrUnsettled.Code)
		require.True(b.t, strings.HasSuffix(got, "abort"))
		b.db.on(nil)
		time.Sleep(5 * time.Second)
		b.settled(50, "") // the settle stayed queued
	})
}

func TestRelay_stream_broken(t *testing.T) { // L7, W5, HOTPATH 17
	tooLong := "data: {\"x\":\"" + strings.Repeat("x", 1<<20) + "\"}\n\n"
	for name, c := range map[string]struct {
		sent   string
		code   string
		closes bool
	}{
		"cut":       {"", "upstream_cut", true},
		"half":      {"data: {\"id\"", "upstream_cut", true},
		"failure":   {failedFrame, "upstream_failed", false},
		"malformed": {"data: {{{\n\n", "upstream_invalid", false},
		"too long":  {tooLong, "upstream_invalid", false},
	} {
		t.Run(name+" before the first frame", func(t *testing.T) {
			inBubble(t, func(b *bench) {
				v := b.send(chat, &client{})
				a := b.up.answer()
				a.say(c.sent)
				if c.closes {
					_ = a.PipeWriter.Close()
				}
				require.Equal(b.t, c.code, fault.CodeOf(v.wait()))
				require.Empty(b.t, v.got(), "an error status is still possible")
				b.released(c.code)
			})
		})
		t.Run(name+" in the middle", func(t *testing.T) {
			inBubble(t, func(b *bench) {
				v := b.send(chat, &client{})
				a := b.up.answer()
				a.say(hello)
				a.say(c.sent)
				if c.closes {
					_ = a.PipeWriter.Close()
				}
				require.NoError(b.t, v.wait())
				got := v.got()
				require.True(b.t, strings.HasPrefix(got, "head|"+hello+"fail data: {\"error\":{"), got)
				require.Contains(b.t, got, c.code)
				require.NotContains(b.t, got, "secret detail")
				require.NotContains(b.t, got, "[DONE]")
				require.True(b.t, b.settled(estimated, c.code).Usage.Estimated)
			})
		})
	}
}

func TestRelay_stream_noDone(t *testing.T) { // W5: no end without [DONE], but the usage is known
	inBubble(t, func(b *bench) {
		v := b.send(chatUsage, &client{})
		a := b.up.answer()
		a.say(hello + finished + usage)
		_ = a.PipeWriter.Close()
		require.NoError(b.t, v.wait())
		require.Contains(b.t, v.got(), "fail ")
		require.False(b.t, b.settled(50, "upstream_cut").Usage.Estimated)
	})
}

func TestRelay_stream_failedResponse(t *testing.T) { // L4, L7
	failed := strings.ReplaceAll(strings.Replace(completed, `,"usage":{"input_tokens":10,"output_tokens":20}`, "", 1), "response.completed", "response.failed")
	t.Run("without a word", func(t *testing.T) {
		inBubble(t, func(b *bench) {
			v := b.send(response, &client{})
			a := b.up.answer()
			a.say(created + failed)
			_ = a.PipeWriter.Close()
			require.NoError(b.t, v.wait())
			require.Equal(b.t, "head|"+created+failed+"end", v.got())
			b.released("upstream_failed")
		})
	})
	t.Run("after some text", func(t *testing.T) {
		inBubble(t, func(b *bench) {
			v := b.send(response, &client{})
			a := b.up.answer()
			a.say(created + delta + failed)
			_ = a.PipeWriter.Close()
			require.NoError(b.t, v.wait())
			require.True(b.t, b.settled(int64(len(response)+3)/4+2*2, "usage_estimated").Usage.Estimated)
		})
	})
}

func TestRelay_stream_usageMissingOrAbsurd(t *testing.T) { // W6
	for name, frame := range map[string]string{
		"missing":  "",
		"negative": strings.Replace(usage, "20", "-20", 1),
		"huge":     strings.Replace(usage, "20", "9000000000000000000", 1),
		"text":     strings.Replace(usage, "20", `"20"`, 1),
		"partial":  strings.Replace(usage, `"prompt_tokens":10,`, "", 1),
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *bench) {
				v := b.send(chat, &client{})
				a := b.up.answer()
				a.say(hello + finished + frame + done)
				_ = a.PipeWriter.Close()
				require.NoError(b.t, v.wait())
				require.Equal(b.t, "head|"+hello+finished+done+"end", v.got())
				require.True(b.t, b.settled(estimated, "usage_estimated").Usage.Estimated)
			})
		})
	}
}

func TestRelay_stream_overage(t *testing.T) { // L8, L1
	long := strings.Replace(chat, "100", "1000000", 1) // of which 2,048 are set aside
	t.Run("beyond the hold", func(t *testing.T) {
		inBubble(t, func(b *bench) {
			v := b.send(long, &client{})
			a := b.up.answer()
			a.say(hello + finished + strings.Replace(usage, "20", "300000", 1) + done)
			_ = a.PipeWriter.Close()
			require.NoError(b.t, v.wait())
			require.Equal(b.t, "head|"+hello+finished+done+"end", v.got())
			require.EqualValues(b.t, len(long)+2*2048, b.hold().Amount)
			b.settled(600_010, "")
		})
	})
	t.Run("beyond the balance", func(t *testing.T) {
		inBubble(t, func(b *bench) {
			v := b.send(long, &client{})
			a := b.up.answer()
			a.say(hello + finished + strings.Replace(usage, "20", "600000", 1) + done)
			_ = a.PipeWriter.Close()
			require.NoError(b.t, v.wait())
			require.EqualValues(b.t, 200_010, b.settled(granted, "").Uncollected)
		})
	})
}

// A report beyond what was asked for is a mistake somewhere, and is not charged.
func TestRelay_stream_usageBeyondTheCall(t *testing.T) { // W6
	inBubble(t, func(b *bench) {
		v := b.send(chat, &client{})
		a := b.up.answer()
		a.say(hello + strings.Replace(usage, "20", "300000", 1) + done)
		_ = a.PipeWriter.Close()
		require.NoError(b.t, v.wait())
		require.True(b.t, b.settled(210, "usage_capped").Usage.Estimated)
	})
}

func TestRelay_stream_usageOften(t *testing.T) { // W6, L9
	with := func(completion string) string { // a piece of text with a report
		return strings.TrimSuffix(hello, "}\n\n") + `,"usage":{"prompt_tokens":10,"completion_tokens":` + completion + "}}\n\n"
	}
	for name, c := range map[string]struct {
		sent, reason string
		cost         int64
		estimated    bool
	}{
		"in every chunk":              {with("8") + with("15") + finished + done, "", 10 + 2*15, false},
		"twice, differently":          {hello + finished + usage + strings.Replace(usage, "20", "30", 1) + done, "", 10 + 2*30, false},
		"sane, then odd":              {hello + finished + usage + strings.Replace(usage, "20", "-1", 1) + done, "", 50, false},
		"at the start alone":          {strings.Replace(usage, "20", "0", 1) + hello + finished + done, "usage_estimated", 10 + 2*8, true},
		"cut behind a report":         {with("8"), "upstream_cut", 10 + 2*8, false},
		"cut a while after a report":  {with("8") + hello, "upstream_cut", 10 + 2*(8+8), true},
		"cached beyond the input":     {hello + finished + strings.Replace(usage, `20`, `20,"prompt_tokens_details":{"cached_tokens":99}`, 1) + done, "", 2 * 20, false}, // cached input is free here
		"no [DONE], but usage":        {hello + finished + usage, "upstream_cut", 50, false},
		"no [DONE] and no usage":      {hello + finished, "upstream_cut", estimated, true},
		"[DONE] and nothing beside":   {hello + done, "usage_estimated", estimated, true},
		"a fraction":                  {hello + strings.Replace(usage, "20", "20.5", 1) + done, "usage_estimated", estimated, true},
		"1e18":                        {hello + strings.Replace(usage, "20", "1e18", 1) + done, "usage_estimated", estimated, true},
		"a report that is not closed": {hello + strings.TrimSuffix(usage, "}}\n\n") + "\n\n" + done, "upstream_invalid", estimated, true},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *bench) {
				v := b.send(chat, &client{})
				a := b.up.answer()
				a.say(c.sent)
				_ = a.PipeWriter.Close()
				require.NoError(b.t, v.wait())
				require.Equal(b.t, c.estimated, b.settled(c.cost, c.reason).Usage.Estimated)
			})
		})
	}
}

func TestRelay_stream_mark(t *testing.T) { // HOTPATH 8
	inBubble(t, func(b *bench) {
		v := b.send(chat, &client{})
		a := b.up.answer()
		time.Sleep(900 * time.Millisecond)
		a.say(hello)
		require.True(b.t, b.hold().Mark.At.IsZero())
		time.Sleep(100 * time.Millisecond)
		synctest.Wait()
		m := b.hold().Mark
		require.True(b.t, m.Accepted && m.Delivered, "a second old, and whatever comes next")
		require.Equal(b.t, estimated, m.Cost)
		a.say(hello)
		a.say(hello)
		require.Equal(b.t, m, b.hold().Mark, "at most every two seconds")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		require.Equal(b.t, int64(len(chat)+3)/4+2*23, b.hold().Mark.Cost, "90 bytes are 23 tokens")
		m = b.hold().Mark
		time.Sleep(10 * time.Second)
		require.Equal(b.t, m, b.hold().Mark, "nothing new")
		a.say(usage + done)
		require.NoError(b.t, v.wait())
		b.settled(50, "")
	})
}

func TestRelay_stream_memory(t *testing.T) { // W10
	inBubble(t, func(b *bench) { // a budget of 4 MiB
		v := b.send(response, &client{})
		a := b.up.answer()
		a.say(created)
		_, _ = io.WriteString(a.PipeWriter, "data: {\"x\":\""+strings.Repeat("x", 12<<20))
		require.NoError(b.t, v.wait())
		require.Contains(b.t, v.got(), "overloaded")
		require.Equal(b.t, ledger.HoldSettled, b.hold().State)
	})
}
