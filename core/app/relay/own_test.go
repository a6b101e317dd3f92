package relay_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/app/relay"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

// owner is an Owner that notes what it is told; claims and ends wait for gate,
// and then fail with fail.
type owner struct {
	mu     sync.Mutex
	claims []store.Response
	ends   []store.ResponseEnd
	gate   chan struct{}
	fail   error
}

var _ relay.Owner = (*owner)(nil)

func (o *owner) wait(ctx context.Context) error {
	o.mu.Lock()
	gate, fail := o.gate, o.fail
	o.mu.Unlock()
	if gate == nil {
		return fail
	}
	select {
	case <-gate:
		return fail
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (o *owner) Claim(ctx context.Context, r store.Response) error {
	if err := o.wait(ctx); err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.claims = append(o.claims, r)
	return nil
}

func (o *owner) End(e store.ResponseEnd) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		if o.wait(context.Background()) == nil {
			o.mu.Lock()
			o.ends = append(o.ends, e)
			o.mu.Unlock()
		}
		close(done)
	}()
	return done
}

// stall makes what is asked from now on wait.
func (o *owner) stall() (proceed func()) {
	gate := make(chan struct{})
	o.mu.Lock()
	o.gate = gate
	o.mu.Unlock()
	return func() {
		o.mu.Lock()
		o.gate = nil
		o.mu.Unlock()
		close(gate)
	}
}

func (o *owner) failing(err error) {
	o.mu.Lock()
	o.fail = err
	o.mu.Unlock()
}

// owned requires that exactly these IDs were claimed, and returns the claims.
func (b *bench) owned(ids ...string) []store.Response {
	b.t.Helper()
	b.owner.mu.Lock()
	defer b.owner.mu.Unlock()
	var got []string
	for _, c := range b.owner.claims {
		require.Equal(b.t, account, c.Account)
		require.Equal(b.t, "key_1", c.Key)
		require.Equal(b.t, "m", c.Model)
		require.Equal(b.t, "test", c.Upstream)
		require.NotEmpty(b.t, c.Request)
		got = append(got, c.ID)
	}
	require.Equal(b.t, ids, got)
	return b.owner.claims
}

const jsonAnswerKept = `{"id":"resp_1","status":"completed","usage":{"input_tokens":10,"output_tokens":20}}`

// Not one byte that tells the ID leaves before it is the account's.
func TestRelay_own_stream(t *testing.T) { // W4
	inBubble(t, func(b *bench) {
		proceed := b.owner.stall()
		v := b.send(response, &client{})
		a := b.up.answer()
		a.say(": wait\n\n")
		a.say(created + delta)
		time.Sleep(4 * time.Second)
		require.Empty(b.t, v.got())
		proceed()
		synctest.Wait()
		require.Equal(b.t, "head|"+created+delta, v.got())
		require.False(b.t, b.owned("resp_1")[0].Ended)

		// The end is noted beside the debit, and before the client sees it.
		proceed = b.owner.stall()
		a.say(completed)
		require.Empty(b.t, v.got())
		require.Equal(b.t, ledger.HoldSettled, b.hold().State)
		proceed()
		require.NoError(b.t, v.wait())
		require.Equal(b.t, completed+"end", v.got())
		require.Equal(b.t, []store.ResponseEnd{{ID: "resp_1", Account: account, Tokens: 30}}, b.owner.ends)
		b.settled(50, "")
	})
}

func TestRelay_own_json(t *testing.T) { // W4
	inBubble(t, func(b *bench) {
		proceed := b.owner.stall()
		v := b.send(jsonResponse, &client{})
		a := b.up.answer()
		a.say(jsonAnswerKept)
		_ = a.PipeWriter.Close()
		time.Sleep(4 * time.Second)
		require.Empty(b.t, v.got())
		require.Equal(b.t, ledger.HoldOpen, b.hold().State, "what is not delivered shall not be debited")
		proceed()
		require.NoError(b.t, v.wait())
		require.Equal(b.t, jsonAnswerKept, v.got())
		claim := b.owned("resp_1")[0]
		require.True(b.t, claim.Ended)
		require.EqualValues(b.t, 30, claim.Tokens)
		require.Empty(b.t, b.owner.ends, "one write is enough")
		b.settled(50, "")
	})
}

// A store that does not take the claim means that no ID leaves, and that
// nothing is debited.
func TestRelay_own_fails(t *testing.T) { // W4, G3
	for name, c := range map[string]struct {
		err  error
		code string
	}{
		"store away": {store.ErrUnavailable, relay.ErrUnowned.Code},
		"taken":      {store.ErrTaken, "upstream_invalid"},
	} {
		for shape, body := range map[string]string{"stream": response, "JSON": jsonResponse} {
			t.Run(name+" "+shape, func(t *testing.T) {
				inBubble(t, func(b *bench) {
					b.owner.failing(c.err)
					v := b.send(body, &client{})
					a := b.up.answer()
					if body == response {
						a.say(created + delta)
					} else {
						a.say(jsonAnswerKept)
						_ = a.PipeWriter.Close()
					}
					require.Equal(b.t, c.code, fault.CodeOf(v.wait()))
					require.Empty(b.t, v.got())
					b.released(c.code)
				})
			})
		}
	}
}

func TestRelay_own_invalidID(t *testing.T) { // W4
	for name, id := range map[string]string{"path": "../models", "blank": "a b", "too long": strings.Repeat("r", 257)} {
		for shape, body := range map[string]string{"stream": response, "JSON": jsonResponse} {
			t.Run(name+" "+shape, func(t *testing.T) {
				inBubble(t, func(b *bench) {
					v := b.send(body, &client{})
					a := b.up.answer()
					if body == response {
						a.say(strings.Replace(created, "resp_1", id, 1))
					} else {
						a.say(strings.Replace(jsonAnswerKept, "resp_1", id, 1))
						_ = a.PipeWriter.Close()
					}
					require.Equal(b.t, "upstream_invalid", fault.CodeOf(v.wait()))
					require.Empty(b.t, v.got())
					b.owned()
					b.released("upstream_invalid")
				})
			})
		}
	}
}

// A client that leaves while its ID is claimed has learned nothing.
func TestRelay_own_clientGone(t *testing.T) { // W4, L9
	inBubble(t, func(b *bench) {
		defer b.owner.stall()()
		v := b.send(response, &client{})
		a := b.up.answer()
		a.say(created)
		v.leave()
		start := time.Now()
		require.Equal(b.t, fault.Canceled, fault.KindOf(v.wait()))
		require.Equal(b.t, 2*time.Second, time.Since(start))
		require.Empty(b.t, v.got())
		b.released("client_gone")
	})
}

// What nobody can ask for later needs no owner: answers that are not stored, and
// those of the other APIs.
func TestRelay_own_notKept(t *testing.T) { // W4
	for name, body := range map[string]string{
		"not stored, stream": strings.Replace(response, "{", `{"store":false,`, 1),
		"not stored":         strings.Replace(jsonResponse, "{", `{"store":false,`, 1),
		"chat, stream":       chat,
		"chat":               strings.Replace(jsonChat, "{", `{"store":true,`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *bench) {
				b.owner.failing(store.ErrUnavailable)
				v := b.send(body, &client{})
				a := b.up.answer()
				switch {
				case body == chat:
					a.say(hello + usage + done)
				case strings.Contains(body, "messages"):
					a.say(jsonAnswer)
				case strings.Contains(body, "stream"):
					a.say(created + delta + completed)
				default:
					a.say(jsonAnswerKept)
				}
				_ = a.PipeWriter.Close()
				require.NoError(b.t, v.wait())
				b.owned()
				require.Empty(b.t, b.owner.ends)
				b.settled(50, "")
			})
		})
	}
}

// An upstream that changes its mind about the ID makes two, both the account's.
func TestRelay_own_changedID(t *testing.T) { // W4
	inBubble(t, func(b *bench) {
		v := b.send(response, &client{})
		a := b.up.answer()
		a.say(created + delta)
		require.NotEmpty(b.t, v.got())
		proceed := b.owner.stall()
		a.say(strings.Replace(completed, "resp_1", "resp_2", 1))
		require.Empty(b.t, v.got())
		proceed()
		require.NoError(b.t, v.wait())
		require.Contains(b.t, v.got(), "resp_2")
		b.owned("resp_1", "resp_2")
		require.Equal(b.t, "resp_2", b.owner.ends[0].ID)
		b.settled(50, "")
	})
}

// How a stream ended decides whether it may be asked for later.
func TestRelay_own_end(t *testing.T) {
	failed := strings.ReplaceAll(strings.Replace(completed, `,"usage":{"input_tokens":10,"output_tokens":20}`, "", 1), "response.completed", "response.failed")
	for name, c := range map[string]struct {
		said string
		want []store.ResponseEnd
	}{
		"cut":              {created + delta, nil},
		"failure":          {created + delta + failedFrame, nil},
		"usage unknown":    {created + delta + strings.Replace(completed, `"usage"`, `"x"`, 1), []store.ResponseEnd{{ID: "resp_1", Account: account}}},
		"failed at once":   {created + failed, []store.ResponseEnd{{ID: "resp_1", Account: account}}},
		"failed with text": {created + delta + failed, []store.ResponseEnd{{ID: "resp_1", Account: account}}},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *bench) {
				v := b.send(response, &client{})
				a := b.up.answer()
				a.say(c.said)
				_ = a.PipeWriter.Close()
				require.NoError(b.t, v.wait())
				b.owned("resp_1")
				require.Equal(b.t, c.want, b.owner.ends)
			})
		})
	}
}

// An end that is not noted does not keep the answer from its reader for long.
func TestRelay_own_endLost(t *testing.T) {
	inBubble(t, func(b *bench) {
		v := b.send(response, &client{})
		a := b.up.answer()
		a.say(created + delta)
		proceed := b.owner.stall()
		start := time.Now()
		a.say(completed)
		_ = a.PipeWriter.Close()
		require.NoError(b.t, v.wait())
		require.Equal(b.t, time.Second, time.Since(start))
		require.Contains(b.t, v.got(), completed+"end")
		b.settled(50, "")
		proceed()
	})
}

// What the upstream adds for the earlier response is held, and counted where the
// upstream does not count.
func TestRelay_context(t *testing.T) { // HOTPATH 10, W6
	inBubble(t, func(b *bench) {
		b.context = 5000
		v := b.send(jsonResponse, &client{})
		a := b.up.answer()
		require.Equal(b.t, int64(len(jsonResponse))+5000+2*100, b.hold().Amount)
		a.say(strings.Replace(jsonAnswerKept, "usage", "x", 1))
		_ = a.PipeWriter.Close()
		require.NoError(b.t, v.wait())
		b.settled(int64(len(jsonResponse)+3)/4+5000+2, "usage_estimated")
	})
}
