package relay_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/app/relay"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/idempotency"
	"github.com/archibot/archibotchat/core/ledger"
	port "github.com/archibot/archibotchat/ports/inference"
	"github.com/archibot/archibotchat/ports/store"
)

const (
	question = `{"model":"m","messages":[],"max_tokens":100}`
	reply    = `{"id":"c","choices":[],"usage":{"prompt_tokens":10,"completion_tokens":20}}` // costs 50
)

// names makes the requests from now on bear a name.
func (b *bench) names(text string) {
	b.t.Helper()
	once, err := idempotency.Parse([]string{text})
	require.NoError(b.t, err)
	b.job = func(j *relay.Job) { j.Once = once }
}

// again sends a request to its end and returns what came.
func (b *bench) again(body string) (got string, c *client, err error) {
	b.t.Helper()
	v := b.send(body, &client{})
	err = v.wait()
	return v.got(), v.client, err
}

// replayed checks that a request is answered as it was, and for nothing.
func (b *bench) replayed(body, want string) *client {
	b.t.Helper()
	before := b.balance()
	got, c, err := b.again(body)
	require.NoError(b.t, err)
	require.Equal(b.t, want, got)
	require.Equal(b.t, before, b.balance())
	require.Contains(b.t, c.head, port.Header{Name: "Idempotency-Replayed", Value: "true"})
	require.Contains(b.t, c.head, port.Header{Name: "X-Archibot-Original-Request-Id", Value: b.hold().Request})
	return c
}

func TestRelay_once_json(t *testing.T) { // W7, HOTPATH 18
	inBubble(t, func(b *bench) {
		b.names("n")
		v := b.send(question, &client{})
		_, _, err := b.again(question)
		require.ErrorIs(b.t, err, ledger.ErrNameInUse)
		require.Equal(b.t, time.Second, fault.From(err).RetryAfter)
		_, _, err = b.again(question + " ")
		require.ErrorIs(b.t, err, ledger.ErrNameReused)

		a := b.up.answer()
		a.say(reply)
		_ = a.PipeWriter.Close()
		require.NoError(b.t, v.wait())
		require.Equal(b.t, reply, v.got())
		b.settled(50, "")
		require.Equal(b.t, v.bill, b.replayed(question, reply).bill)
		b.replayed(question, reply)
		for _, other := range []string{question + " ", response} {
			_, _, err = b.again(other)
			require.ErrorIs(b.t, err, ledger.ErrNameReused)
		}
		b.up.answer() // of one call
	})
}

func TestRelay_once_stream(t *testing.T) { // W7
	for name, c := range map[string]struct{ body, sent, want string }{
		"chat":                 {chat, hello + ": comment\n\n" + finished + usage + done, hello + ": comment\n\n" + finished + done},
		"chat, usage":          {chatUsage, hello + finished + usage + done, hello + finished + usage + done},
		"response":             {response, created + delta + completed, created + delta + completed},
		"response, incomplete": {response, created + delta + strings.ReplaceAll(completed, "completed", "incomplete"), created + delta + strings.ReplaceAll(completed, "completed", "incomplete")},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *bench) {
				b.names("n")
				v := b.send(c.body, &client{})
				a := b.up.answer()
				a.say(c.sent)
				_ = a.PipeWriter.Close()
				require.NoError(b.t, v.wait())
				require.Equal(b.t, "head|"+c.want+"end", v.got())
				b.settled(50, "")
				b.replayed(c.body, "head|"+c.want+"end")
			})
		})
	}
}

func TestRelay_once_cut(t *testing.T) { // HOTPATH 17, 18: a cut is given again as a cut
	inBubble(t, func(b *bench) {
		b.names("n")
		v := b.send(chat, &client{})
		a := b.up.answer()
		a.say(hello)
		_ = a.PipeWriter.Close()
		require.NoError(b.t, v.wait())
		sent, frame, ok := strings.Cut(strings.TrimSuffix(v.got(), "abort"), "fail ")
		require.True(b.t, ok)
		require.Equal(b.t, "head|"+hello, sent)
		require.Contains(b.t, frame, "upstream_cut")
		b.settled(estimated, "upstream_cut")
		b.replayed(chat, sent+frame+"fail abort")
	})
}

// Whoever lost the connection gets the answer that came all the same.
func TestRelay_once_clientLeft(t *testing.T) { // W7, L9
	inBubble(t, func(b *bench) {
		b.names("n")
		v := b.send(chat, &client{})
		a := b.up.answer()
		a.say(hello)
		v.leave()
		v.client.frame = func() error { return errHungUp }
		synctest.Wait()
		_, _, err := b.again(chat)
		require.ErrorIs(b.t, err, ledger.ErrNameInUse, "its upstream is given time to end")
		a.say(hello + finished + usage + done)
		_ = a.PipeWriter.Close()
		require.NoError(b.t, v.wait())
		b.settled(50, "")
		b.replayed(chat, "head|"+hello+hello+finished+done+"end")
	})
	t.Run("json", func(t *testing.T) {
		inBubble(t, func(b *bench) {
			b.names("n")
			v := b.send(question, &client{frame: func() error { return errHungUp }})
			v.leave()
			a := b.up.answer()
			a.say(reply)
			_ = a.PipeWriter.Close()
			require.NoError(b.t, v.wait())
			b.settled(50, "")
			b.replayed(question, reply)
		})
	})
	t.Run("for good", func(t *testing.T) {
		inBubble(t, func(b *bench) {
			b.names("n")
			v := b.send(chat, &client{})
			a := b.up.answer()
			a.say(hello)
			v.leave()
			v.client.frame = func() error { return errHungUp }
			a.say(hello)
			require.NoError(b.t, v.wait())
			h := b.hold()
			require.Equal(b.t, "client_gone", h.Reason)
			got, _, err := b.again(chat)
			require.NoError(b.t, err)
			require.True(b.t, strings.HasPrefix(got, "head|"+hello+hello+"data: {\"error\""), got)
			require.True(b.t, strings.HasSuffix(got, "fail abort"), got)
			require.Contains(b.t, got, "client_gone")
		})
	})
}

// A response that a client may come back for is the account's, though the
// client has left before its ID came.
func TestRelay_once_clientLeft_owned(t *testing.T) { // W4
	inBubble(t, func(b *bench) {
		b.names("n")
		v := b.send(response, &client{frame: func() error { return errHungUp }})
		a := b.up.answer()
		a.say(delta) // at which it is seen that the client has left
		v.leave()
		synctest.Wait()
		a.say(created + completed)
		_ = a.PipeWriter.Close()
		_ = v.wait()
		b.replayed(response, "head|"+delta+created+completed+"end")
		require.Len(b.t, b.owner.claims, 1)
	})
}

// What cost nothing frees its name, so that a retry is a real one.
func TestRelay_once_released(t *testing.T) { // HOTPATH 18
	for name, c := range map[string]struct {
		body string
		fail error
		said string
	}{
		"refused":      {question, &port.Refusal{Status: 429}, ""},
		"unreachable":  {chat, fault.New(fault.BadUpstream, "upstream_unavailable", "x"), ""},
		"no answer":    {question, nil, "nonsense"},
		"failed":       {question, nil, `{"id":"c","status":"failed"}`},
		"stream ended": {chat, nil, ": comment\n\n"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *bench) {
				b.names("n")
				b.up.fail = c.fail
				v := b.send(c.body, &client{})
				if c.fail == nil {
					a := b.up.answer()
					a.say(c.said)
					_ = a.PipeWriter.Close()
				}
				_ = v.wait()
				b.released(b.hold().Reason)
				b.up.fail = fault.New(fault.BadUpstream, "again", "x")
				_, _, err := b.again(c.body)
				require.ErrorIs(b.t, err, b.up.fail)
				require.Equal(b.t, 2, b.up.called())
				_, _, err = b.again(c.body + " ")
				require.ErrorIs(b.t, err, b.up.fail, "nor does it stand for its request any more")
			})
		})
	}
}

func TestRelay_once_tooBig(t *testing.T) { // HOTPATH 18: too big → 409, never run again
	inBubbleOf(t, plenty, func(b *bench) {
		for i, c := range []struct {
			size int
			want error
		}{{1<<20 - 3, nil}, {1<<20 - 2, ledger.ErrNameTooBig}, {3 << 20, ledger.ErrNameTooBig}} { // 3 bytes say what it is
			b.names(string(rune('a' + i)))
			v := b.send(question, &client{})
			b.up.mu.Lock()
			a := b.up.calls[i]
			b.up.mu.Unlock()
			text := reply[:len(reply)-1] + `,"x":"`
			text += strings.Repeat("x", c.size-len(text)-2) + `"}`
			a.say(text)
			_ = a.PipeWriter.Close()
			require.NoError(b.t, v.wait())
			require.Equal(b.t, text, v.got(), "the answer itself is whole")
			got, _, err := b.again(question)
			require.ErrorIs(b.t, err, c.want)
			if c.want == nil {
				require.Equal(b.t, text, got)
			}
			require.Equal(b.t, i+1, b.up.called())
		}
		require.EqualValues(b.t, granted-3*50, b.balance().Balance)
	})
	t.Run("stream", func(t *testing.T) {
		inBubble(t, func(b *bench) {
			b.names("n")
			v := b.send(chat, &client{})
			a := b.up.answer()
			long := strings.Replace(hello, "hello ", strings.Repeat("h", 100_000), 1)
			for range 11 {
				a.say(long)
			}
			require.Less(b.t, b.memory.Used(), int64(1<<20), "it is forgotten at once")
			a.say(finished + usage + done)
			_ = a.PipeWriter.Close()
			require.NoError(b.t, v.wait())
			require.Len(b.t, v.got(), len("head|"+finished+done+"end")+11*len(long))
			_, _, err := b.again(chat)
			require.ErrorIs(b.t, err, ledger.ErrNameTooBig)
		})
	})
}

// An answer that could not be kept is given once, and is not run again.
func TestRelay_once_unknown(t *testing.T) { // HOTPATH 18
	for name, spoil := range map[string]func(b *bench) func(){
		"the store fails": func(b *bench) func() {
			b.db.unkept = store.ErrUnavailable
			return func() { b.db.unkept = nil }
		},
		"no memory left": func(b *bench) func() {
			rest := little - b.memory.Used() - 6<<10
			require.NoError(b.t, b.memory.Take(rest))
			return func() { b.memory.Give(rest) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *bench) {
				b.names("n")
				v := b.send(chat, &client{})
				a := b.up.answer()
				mend := spoil(b)
				a.say(hello + strings.Repeat(hello, 50) + finished + usage + done)
				_ = a.PipeWriter.Close()
				require.NoError(b.t, v.wait())
				mend()
				require.True(b.t, strings.HasSuffix(v.got(), done+"end"), "nobody is told off for that")
				b.settled(50, "")
				_, _, err := b.again(chat)
				require.ErrorIs(b.t, err, ledger.ErrNameUnknown)
				b.up.answer()
			})
		})
	}
	t.Run("a handler panicked", func(t *testing.T) {
		inBubble(t, func(b *bench) {
			b.names("n")
			seen := false
			v := b.send(chat, &client{frame: func() error {
				if seen {
					panic("bug")
				}
				seen = true
				return nil
			}})
			a := b.up.answer()
			a.say(hello)
			a.say(hello)
			<-v.done
			_ = a.PipeWriter.Close()
			require.Equal(b.t, "abandoned", b.hold().Reason)
			_, _, err := b.again(chat)
			require.ErrorIs(b.t, err, ledger.ErrNameUnknown)
		})
	})
}

// A debit that comes too late for the client is not in vain: the answer that it
// paid for is there.
func TestRelay_once_settledLate(t *testing.T) { // HOTPATH 16, 18
	inBubble(t, func(b *bench) {
		b.names("n")
		v := b.send(chat, &client{})
		proceed := b.db.stall(ledger.OpSettle)
		a := b.up.answer()
		a.say(hello + finished + usage + done)
		_ = a.PipeWriter.Close()
		require.NoError(b.t, v.wait())
		require.Contains(b.t, v.got(), "settle_failed")
		_, _, err := b.again(chat)
		require.ErrorIs(b.t, err, ledger.ErrNameInUse)
		proceed()
		time.Sleep(10 * time.Second)
		b.settled(50, "")
		b.replayed(chat, "head|"+hello+finished+done+"end")
	})
}

// Two that come at once may both find the name free: the ledger tells them
// apart, and the second one gets the answer if it is there by then.
func TestRelay_once_race(t *testing.T) { // HOTPATH 18
	inBubble(t, func(b *bench) {
		b.names("n")
		proceed := b.db.stall(ledger.OpHold)
		first, second := b.send(question, &client{}), b.send(question, &client{})
		require.Zero(b.t, b.up.called(), "the hold comes first")
		proceed()
		synctest.Wait()
		a := b.up.answer()
		a.say(reply)
		_ = a.PipeWriter.Close()
		errs := []error{first.wait(), second.wait()}
		require.Contains(b.t, errs, error(nil))
		require.Equal(b.t, ledger.ErrNameInUse.Code, fault.CodeOf(errs[0])+fault.CodeOf(errs[1]))
		b.settled(50, "")
	})
}

// A stored answer that was changed, or whose pepper is gone, is not made up for
// by running the request again.
func TestRelay_once_spoiled(t *testing.T) { // HOTPATH 18
	inBubble(t, func(b *bench) {
		b.names("n")
		v := b.send(question, &client{})
		a := b.up.answer()
		a.say(reply)
		_ = a.PipeWriter.Close()
		require.NoError(b.t, v.wait())
		h := b.hold()
		require.NoError(b.t, b.db.Store.Idempotency().Record(b.t.Context(), store.SealedOutcome{Account: account, Request: h.Request, Opened: h.OpenedAt, Sealed: []byte("other")}))
		_, _, err := b.again(question)
		require.ErrorIs(b.t, err, ledger.ErrNameUnknown)
		b.up.answer()
	})
}
