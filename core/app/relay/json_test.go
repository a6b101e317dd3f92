package relay_test

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/app/relay"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/ledger"
	port "github.com/archibot/archibotchat/ports/inference"
	"github.com/archibot/archibotchat/ports/store"
)

const (
	jsonChat     = `{"model":"m","messages":[],"max_tokens":100}`
	jsonResponse = `{"model":"m","input":"x","max_output_tokens":100}`
	jsonAnswer   = ` {"id":"c", "choices":[{"message":{"content":"hello hello hello hello hello "}}],"usage":{"prompt_tokens":10,"completion_tokens":20}}` + "\n"
)

func TestRelay_json(t *testing.T) { // W5, W9
	inBubble(t, func(b *bench) {
		proceed := b.db.stall(ledger.OpSettle)
		v := b.send(jsonChat, &client{})
		a := b.up.answer()
		require.Equal(b.t, jsonChat, a.body)
		a.say(jsonAnswer)
		_ = a.PipeWriter.Close()
		time.Sleep(5 * time.Second)
		require.Empty(b.t, v.got(), "withheld until the debit is durable")
		proceed()
		require.NoError(b.t, v.wait())
		require.Equal(b.t, jsonAnswer, v.got(), "byte for byte")
		require.Equal(b.t, relay.Bill{Debited: 50, Remaining: granted - 50}, v.bill)
		b.settled(50, "")
	})
}

func TestRelay_json_toAStreamAskedFor(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.up.json = true
		v := b.send(chat, &client{})
		a := b.up.answer()
		a.say(jsonAnswer)
		_ = a.PipeWriter.Close()
		require.NoError(b.t, v.wait())
		require.Equal(b.t, jsonAnswer, v.got())
		b.settled(50, "")
	})
}

func TestRelay_json_usageMissing(t *testing.T) { // W6
	inBubble(t, func(b *bench) {
		v := b.send(jsonChat, &client{})
		a := b.up.answer()
		a.say(strings.Replace(jsonAnswer, `"usage"`, `"other"`, 1))
		_ = a.PipeWriter.Close()
		require.NoError(b.t, v.wait())
		require.NotEmpty(b.t, v.got())
		require.True(b.t, b.settled(int64(len(jsonChat)+3)/4+2*8, "usage_estimated").Usage.Estimated)
	})
}

func TestRelay_json_failedResponse(t *testing.T) { // L7, W9
	inBubble(t, func(b *bench) {
		v := b.send(jsonResponse, &client{})
		a := b.up.answer()
		const answer = `{"id":"resp_1","status":"failed","usage":null}`
		a.say(answer)
		_ = a.PipeWriter.Close()
		require.NoError(b.t, v.wait())
		require.Equal(b.t, answer, v.got())
		require.Equal(b.t, relay.Bill{Remaining: granted}, v.bill)
		b.released("upstream_failed")
	})
}

func TestRelay_json_broken(t *testing.T) { // L7
	for name, c := range map[string]struct{ sent, code string }{
		"cut":       {jsonAnswer[:40], "upstream_invalid"},
		"empty":     {"", "upstream_invalid"},
		"not JSON":  {"<html>", "upstream_invalid"},
		"too large": {strings.Repeat("x", 6<<20), "overloaded"}, // the budget of the test is 4 MiB
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *bench) {
				v := b.send(jsonChat, &client{})
				a := b.up.answer()
				a.say(c.sent)
				_ = a.PipeWriter.Close()
				require.Equal(b.t, c.code, fault.CodeOf(v.wait()))
				require.Empty(b.t, v.got())
				b.released(c.code)
			})
		})
	}
	t.Run("reset", func(t *testing.T) {
		inBubble(t, func(b *bench) {
			v := b.send(jsonChat, &client{})
			a := b.up.answer()
			a.say(jsonAnswer[:40])
			_ = a.CloseWithError(fault.Wrap(io.ErrUnexpectedEOF, fault.BadUpstream, "upstream_cut", "The model provider broke off its answer."))
			require.Equal(b.t, "upstream_cut", fault.CodeOf(v.wait()))
			b.released("upstream_cut")
		})
	})
}

func TestRelay_json_cannotSettle(t *testing.T) { // HOTPATH 16
	inBubble(t, func(b *bench) {
		v := b.send(jsonChat, &client{})
		b.db.on(func(context.Context, []ledger.Op) error { return store.ErrUnavailable })
		a := b.up.answer()
		a.say(jsonAnswer)
		_ = a.PipeWriter.Close()
		start := time.Now()
		require.ErrorIs(b.t, v.wait(), relay.ErrUnsettled)
		require.Equal(b.t, 10*time.Second, time.Since(start))
		require.Empty(b.t, v.got())
		b.db.on(nil)
		time.Sleep(5 * time.Second)
		b.released("settle_timed_out")
	})
}

func TestRelay_refused(t *testing.T) { // L6, L7
	refusal := &port.Refusal{Status: 400, Message: "no"}
	for name, c := range map[string]struct {
		err  error
		code string
	}{
		"by the upstream": {refusal, "upstream_refused"},
		"unreachable":     {fault.New(fault.BadUpstream, "upstream_unavailable", "x"), "upstream_unavailable"},
		"no head in time": {fault.New(fault.Timeout, "upstream_timeout", "x"), "upstream_timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *bench) {
				b.up.fail = c.err
				v := b.send(chat, &client{})
				require.ErrorIs(b.t, v.wait(), c.err)
				require.Empty(b.t, v.got())
				b.released(c.code)
			})
		})
	}
}

func TestRelay_foreseen(t *testing.T) { // L6, W8
	inBubble(t, func(b *bench) {
		b.up.vain = fault.New(fault.Unavailable, "upstream_unavailable", "x")
		b.job = func(j *relay.Job) { j.Keeper = "second" }
		require.ErrorIs(b.t, b.send(chat, &client{}).wait(), b.up.vain)
		require.Zero(b.t, b.up.called())
		hs, err := b.db.Ledger().Holds(b.t.Context(), store.Page{})
		require.NoError(b.t, err)
		require.Empty(b.t, hs, "no row")
		require.Equal(b.t, "second", b.up.asked.Keeper, "only the keeper counts for what it keeps")
	})
}

// An upstream that has not begun yet learns that the client left, and need not
// wait for the time that it would have to end its work (W8).
func TestRelay_leftBeforeItBegan(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.up.shy = true
		v := b.send(jsonChat, &client{})
		require.False(b.t, v.over())
		start := time.Now()
		v.leave()
		require.Equal(b.t, fault.Canceled, fault.KindOf(v.wait()))
		require.Zero(b.t, time.Since(start))
		b.released("client_gone")
	})
}

func TestRelay_exhausted(t *testing.T) { // L6, G6
	for name, body := range map[string]string{
		"too dear":       strings.Replace(jsonChat, "100", "1000000", 1),
		"uncountable":    strings.Replace(jsonChat, "100", "9223372036854775807", 1),
		"many choices":   strings.Replace(jsonChat, `"max_tokens":100`, `"max_tokens":9223372036854775807,"n":128`, 1),
		"by model's own": strings.Replace(jsonChat, `,"max_tokens":100`, `,"n":128,"max_tokens":100000`, 1),
		"a stream":       strings.Replace(chat, `"max_tokens":100`, `"max_tokens":9223372036854775807,"n":128`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *bench) {
				b.price.PerOutput = 4_000_000 // 128 chunks of 2,048 are more than there is
				v := b.send(body, &client{})
				require.Equal(b.t, fault.Exhausted, fault.KindOf(v.wait()))
				require.Zero(b.t, b.up.called())
				hs, err := b.db.Ledger().Holds(b.t.Context(), store.Page{})
				require.NoError(b.t, err)
				require.Empty(b.t, hs, "no row")
				require.Len(b.t, b.refused, 1)
				e := b.refused[0]
				require.Equal(b.t, audit.GateDenied, e.Kind)
				require.Equal(b.t, "credits_exhausted", e.Reason)
				require.Equal(b.t, account, e.Account)
				require.Equal(b.t, audit.Actor{Kind: audit.ActorKey, ID: "key_1"}, e.Actor)
				require.NotEmpty(b.t, e.Request)
			})
		})
	}
}

func TestRelay_storeAway(t *testing.T) { // G3
	inBubble(t, func(b *bench) {
		b.db.on(func(context.Context, []ledger.Op) error { return store.ErrUnavailable })
		v := b.send(chat, &client{})
		require.Equal(b.t, fault.Unavailable, fault.KindOf(v.wait()))
		require.Zero(b.t, b.up.called())
		require.Empty(b.t, b.refused, "not the account's doing")
	})
}

func TestMemory(t *testing.T) { // W10
	t.Parallel()
	m := relay.NewMemory(10)
	require.NoError(t, m.Take(10))
	require.ErrorIs(t, m.Take(1), relay.ErrMemory)
	m.Give(10)
	require.NoError(t, m.Take(1))
	require.EqualValues(t, 1, m.Used())
}
