package relay_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/archibot/archibotchat/adapters/system"
	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/relay"
	"github.com/archibot/archibotchat/core/inference"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/core/pricing"
	port "github.com/archibot/archibotchat/ports/inference"
)

// books is a ledger in memory, with the delays that the test asks for. What it
// does not answer, the relay does not ask for here.
type books struct {
	relay.Ledger
	mu    sync.Mutex
	state *ledger.State
	delay []time.Duration // of each extension, in turn
}

func newBooks(balance int64, delay []time.Duration) *books {
	b := &books{state: ledger.NewState(account, 0, time.Time{}, nil, nil), delay: delay}
	b.apply(ledger.Op{Kind: ledger.OpGrant, Lot: "lot_1", Amount: balance, Source: ledger.SourceOperator})
	return b
}

func (b *books) apply(op ledger.Op) ledger.Outcome {
	b.mu.Lock()
	defer b.mu.Unlock()
	op.Account = account
	return ledger.Apply(b.state, []ledger.Op{op}, system.Now())[0]
}

func (b *books) Work(ctx context.Context, _ ledger.Hold) (context.Context, context.CancelCauseFunc) {
	return context.WithCancelCause(context.WithoutCancel(ctx))
}

func (b *books) Hold(op ledger.Op) (ledger.Outcome, error) {
	op.Kind = ledger.OpHold
	o := b.apply(op)
	return o, o.Err
}

func (b *books) Extend(h ledger.Hold, total int64) <-chan ledger.Outcome {
	told := make(chan ledger.Outcome, 1)
	delay := b.delay[0]
	b.delay = append(b.delay[1:], delay)
	time.AfterFunc(delay, func() {
		told <- b.apply(ledger.Op{Kind: ledger.OpExtend, Request: h.Request, Nonce: h.Nonce, Amount: total})
	})
	return told
}

func (b *books) Settle(h ledger.Hold, amount int64, u ledger.Usage, reason string) (ledger.Outcome, error) {
	o := b.apply(ledger.Op{Kind: ledger.OpSettle, Request: h.Request, Nonce: h.Nonce, Amount: amount, Usage: u, Reason: reason})
	return o, o.Err
}

func (b *books) SettleOrRelease(h ledger.Hold, amount int64, u ledger.Usage, reason string) (ledger.Outcome, error) {
	return b.Settle(h, amount, u, reason)
}

func (b *books) Release(h ledger.Hold, reason string) (ledger.Outcome, error) {
	o := b.apply(ledger.Op{Kind: ledger.OpRelease, Request: h.Request, Nonce: h.Nonce, Reason: reason})
	return o, o.Err
}

func (b *books) Mark(ledger.Hold, ledger.Mark) {}

// replay is an upstream that sends frames at a pace.
type replay struct {
	port.Upstream
	frames []string
	gap    time.Duration
}

func (*replay) Name() string { return "replay" }

func (u *replay) Do(ctx context.Context, _ *port.Request) (*port.Response, error) {
	out, in := io.Pipe()
	go func() {
		for _, f := range u.frames {
			time.Sleep(u.gap)
			if _, err := io.WriteString(in, f); err != nil {
				return
			}
		}
		_ = in.Close()
	}()
	context.AfterFunc(ctx, func() { _ = in.CloseWithError(context.Cause(ctx)) })
	return &port.Response{Stream: true, Body: out}, nil
}

// Whatever the stream, the price and the balance: what an account can get
// without paying for it is less than a chunk, and nobody whose credits suffice
// is cut off.
func TestRelay_uncollected(t *testing.T) { // HOTPATH 10, L5, L8
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) { uncollected(t, rt) })
}

func uncollected(t *testing.T, rt *rapid.T) {
	t.Helper()
	chunk := rapid.Int64Range(1, 40).Draw(rt, "chunk")
	n := rapid.Int64Range(1, 3).Draw(rt, "n")
	limit := rapid.SampledFrom([]int64{1, 30, 100, 400}).Draw(rt, "limit")
	price := pricing.Price{
		PerRequest: pricing.Rate(rapid.Int64Range(0, 20).Draw(rt, "per request") * 1_000_000), PerInput: pricing.Rate(rapid.Int64Range(0, 3_000_000).Draw(rt, "per input")),
		PerOutput: rapid.SampledFrom([]pricing.Rate{0, 300_000, 1_000_000, 2_500_000, 9_000_000}).Draw(rt, "per output"), MaxOutputTokens: 1000,
	}
	body := fmt.Sprintf(`{"model":"m","messages":[],"stream":true,"max_tokens":%d,"n":%d}`, limit, n)
	call, err := inference.Scan(inference.ChatCompletions, []byte(body))
	require.NoError(rt, err)
	whole, err := price.Bound(call.TokenBound(0))
	require.NoError(rt, err)

	var produced int64
	up := &replay{gap: time.Duration(rapid.IntRange(0, 50).Draw(rt, "gap")) * time.Millisecond}
	for range rapid.IntRange(0, 100).Draw(rt, "frames") {
		tokens := min(rapid.Int64Range(1, chunk).Draw(rt, "tokens"), n*limit-produced)
		if tokens == 0 {
			break
		}
		produced += tokens
		up.frames = append(up.frames, text(int(tokens)))
	}
	if rapid.Bool().Draw(rt, "reported") {
		tokens := rapid.Int64Range(0, produced).Draw(rt, "reported tokens")
		up.frames = append(up.frames, fmt.Sprintf("data: {\"choices\":[],\"usage\":{\"prompt_tokens\":%d,\"completion_tokens\":%d}}\n\n", rapid.IntRange(0, len(body)).Draw(rt, "input"), tokens))
	}
	if rapid.Bool().Draw(rt, "ends") {
		up.frames = append(up.frames, done)
	}
	first, err := price.Bound(int64(len(body)), min(chunk, limit)*n)
	require.NoError(rt, err)
	balance := max(1, first-1+(whole-first)*rapid.SampledFrom([]int64{0, 5, 30, 60, 101}).Draw(rt, "percent")/100+rapid.Int64Range(0, 2).Draw(rt, "more"))
	delay := rapid.SliceOfN(rapid.Map(rapid.IntRange(0, 1000), milliseconds), 1, 10).Draw(rt, "delay")
	var b *books
	c := &client{}
	synctest.Test(t, func(*testing.T) {
		b = newBooks(balance, delay)
		r := relay.New(relay.Deps{
			Ledger: b, Upstream: up, Recorder: &bench{}, Memory: relay.NewMemory(1 << 20), Now: system.Now,
			Log: slog.New(slog.DiscardHandler), Limits: relay.Limits{Chunk: chunk},
		})
		err = forward(r, relay.Job{
			Request: "req_1", By: access.Principal{Account: account}, Call: call, Body: []byte(body), Quote: pricing.Quote{Model: "m", Price: price},
		}, c)
		time.Sleep(time.Minute) // what came too late
	})

	left := b.state.Lots()[0]
	require.Zero(rt, left.Held)
	h, ok := b.state.Hold("req_1")
	if !ok {
		require.Error(rt, err)
		require.Less(rt, balance, whole)
		return
	}
	require.Equal(rt, balance, left.Remaining+h.Debited)
	require.LessOrEqual(rt, h.Uncollected, (int64(price.PerOutput)*chunk*n+999_999)/1_000_000, "less than a chunk")
	got := c.got()
	seen := int64(strings.Count(got, "word"))
	cost, err := price.Cost(0, 0, seen)
	require.NoError(rt, err)
	if h.Usage.Estimated {
		require.LessOrEqual(rt, cost, h.Debited+h.Uncollected, "what was seen is what was counted")
	}
	if balance >= whole {
		require.Zero(rt, h.Uncollected)
		require.Equal(rt, produced, seen, "not cut off")
	}
	require.NotContains(rt, strings.TrimSuffix(got, done+"end"), "[DONE]")
}

// forward calls Forward as net/http does.
func forward(r *relay.Relay, j relay.Job, c *client) (err error) {
	defer func() {
		if p := recover(); p != nil && !errors.Is(p.(error), http.ErrAbortHandler) {
			panic(p)
		}
	}()
	return r.Forward(context.Background(), j, c)
}

func milliseconds(n int) time.Duration { return time.Duration(n) * time.Millisecond }
