package relay_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

// long asks for more than a chunk; its input bound is its length.
var long = strings.Replace(chat, "100", "100000", 1)

// text is a frame with so many tokens of text.
func text(tokens int) string {
	return fmt.Sprintf("data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":%q}}]}\n\n", strings.Repeat("word", tokens))
}

func chunks(n int64) int64 { return int64(len(long)) + 2*2048*n }

// drain leaves the account so much beside what is held.
func (b *bench) spendAllBut(left int64) {
	b.t.Helper()
	op := ledger.Op{Account: account, Request: "req_other", Nonce: "n", Kind: ledger.OpHold, Amount: b.balance().Available - left}
	settle := op
	settle.Kind = ledger.OpSettle
	outs, err := b.db.Commit(b.t.Context(), store.Replica{}, []ledger.Op{op, settle})
	require.NoError(b.t, err)
	require.NoError(b.t, outs[1].Err)
}

// first returns the hold of the only request that was sent.
func (b *bench) first() ledger.Hold {
	b.t.Helper()
	hs, err := b.db.Ledger().Holds(b.t.Context(), store.Page{})
	require.NoError(b.t, err)
	for _, h := range hs {
		if h.Hold.Request != "req_other" {
			return h.Hold
		}
	}
	require.Fail(b.t, "there is no hold")
	return ledger.Hold{}
}

func TestRelay_stream_extends(t *testing.T) { // HOTPATH 10
	inBubble(t, func(b *bench) {
		v := b.send(long, &client{})
		a := b.up.answer()
		require.Equal(b.t, chunks(1), b.hold().Amount, "one chunk, not 100,000 tokens")
		a.say(text(1400))
		require.Equal(b.t, chunks(1), b.hold().Amount)
		a.say(text(34)) // 70 %
		require.Equal(b.t, chunks(2), b.hold().Amount)
		a.say(text(10))
		require.Equal(b.t, chunks(2), b.hold().Amount)
		a.say(text(2100))
		require.Equal(b.t, chunks(3), b.hold().Amount)
		v.got()
		a.say(text(50_000))
		require.Equal(b.t, text(50_000), v.got(), "the stream goes on")
		a.say(finished + strings.Replace(usage, "20", "60000", 1) + done)
		require.NoError(b.t, v.wait())
		b.settled(10+2*60_000, "")
	})
}

// The last chunk is what the call may have at the most.
func TestRelay_stream_extends_toTheBound(t *testing.T) { // HOTPATH 10
	inBubble(t, func(b *bench) {
		body := strings.Replace(chat, "100", "3000", 1)
		v := b.send(body, &client{})
		a := b.up.answer()
		a.say(text(1500))
		require.Equal(b.t, int64(len(body))+2*3000, b.hold().Amount)
		a.say(text(1600) + finished + done)
		require.NoError(b.t, v.wait())
		require.EqualValues(b.t, 6000, b.hold().Debited-int64(len(body)+3)/4, "not for more than was asked for")
	})
}

// A stream does not wait for an extension while something is left, and keeps
// its client awake where it must.
func TestRelay_stream_extends_slowly(t *testing.T) { // HOTPATH 10
	inBubble(t, func(b *bench) {
		v := b.send(long, &client{})
		a := b.up.answer()
		proceed := b.db.stall(ledger.OpExtend)
		a.say(text(1500))
		require.Equal(b.t, "head|"+text(1500), v.got())
		a.say(text(500))
		require.Equal(b.t, text(500), v.got(), "under way")
		a.say(text(100))
		time.Sleep(2500 * time.Millisecond)
		synctest.Wait()
		require.Equal(b.t, ": \n\n: \n\n", v.got(), "all is used up")
		proceed()
		synctest.Wait()
		require.Equal(b.t, text(100), v.got())
		a.say(finished + done)
		require.NoError(b.t, v.wait())
		require.Equal(b.t, ledger.HoldSettled, b.hold().State)
	})
}

func TestRelay_stream_extends_refused(t *testing.T) { // HOTPATH 10, L8
	for name, change := range map[string]func(b *bench){
		"no credits": func(b *bench) { b.spendAllBut(2 * 1000) },
		"closed": func(b *bench) {
			_, err := b.db.Commit(b.t.Context(), store.Replica{}, []ledger.Op{{Kind: ledger.OpClose, Account: account, Reason: "closed"}})
			require.NoError(b.t, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *bench) {
				v := b.send(long, &client{})
				a := b.up.answer()
				a.say(text(1000))
				change(b)
				a.say(text(1000))
				require.Equal(b.t, "head|"+text(1000)+text(1000), v.got(), "what is set aside may be used up")
				_, _ = a.Write([]byte(text(1000)))
				require.NoError(b.t, v.wait())
				require.Error(b.t, a.ctx.Err(), "the upstream is cut")
				got := v.got()
				require.True(b.t, strings.HasPrefix(got, "fail data: {\"error\":{"), got)
				require.Contains(b.t, got, "credits_exhausted")
				require.Contains(b.t, got, "broke off here")
				require.True(b.t, strings.HasSuffix(got, "abort"), got)
				h := b.first()
				require.Equal(b.t, ledger.HoldSettled, h.State)
				require.Equal(b.t, "credits_exhausted", h.Reason)
				require.Equal(b.t, int64(len(long)+3)/4+2*3000, h.Debited+h.Uncollected)
				require.LessOrEqual(b.t, h.Uncollected, int64(2*2048), "one chunk")
			})
		})
	}
}

// A hold that somebody else ended, as recovery does, is no reason to go on.
func TestRelay_stream_extends_holdClosed(t *testing.T) { // HOTPATH 7
	inBubble(t, func(b *bench) {
		v := b.send(long, &client{})
		a := b.up.answer()
		a.say(text(1000))
		_, err := b.db.Commit(b.t.Context(), store.Replica{}, []ledger.Op{b.hold().Resolution()})
		require.NoError(b.t, err)
		a.say(text(500))
		v.got()
		_, _ = a.Write([]byte(text(10)))
		require.NoError(b.t, v.wait())
		require.Error(b.t, a.ctx.Err(), "the upstream is cut")
		got := v.got()
		require.True(b.t, strings.HasPrefix(got, "fail data: {\"error\":{"), got)
		require.True(b.t, strings.HasSuffix(got, "abort"), got)
		require.Zero(b.t, b.hold().Debited, "the first end wins")
	})
}

// Credits that come in time count.
func TestRelay_stream_extends_asksAgain(t *testing.T) { // HOTPATH 10
	inBubble(t, func(b *bench) {
		v := b.send(long, &client{})
		a := b.up.answer()
		b.spendAllBut(0)
		a.say(text(1500))
		_, err := b.db.Commit(b.t.Context(), store.Replica{}, []ledger.Op{{Kind: ledger.OpGrant, Account: account, Lot: "lot_2", Amount: granted, Source: ledger.SourceOperator}})
		require.NoError(b.t, err)
		a.say(text(1500))
		require.Equal(b.t, "head|"+text(1500)+text(1500), v.got())
		require.Len(b.t, b.first().Parts, 2)
		a.say(finished + usage + done)
		require.NoError(b.t, v.wait())
		require.EqualValues(b.t, 50, b.first().Debited)
	})
}

func TestRelay_stream_extends_storeAway(t *testing.T) { // HOTPATH 10, 16
	inBubble(t, func(b *bench) {
		v := b.send(long, &client{})
		a := b.up.answer()
		b.db.on(func(context.Context, []ledger.Op) error { return store.ErrUnavailable })
		a.say(text(1500))
		start := time.Now()
		_, _ = a.Write([]byte(text(1500)))
		time.AfterFunc(15*time.Second, func() { b.db.on(nil) })
		require.NoError(b.t, v.wait())
		require.Less(b.t, time.Since(start), 20*time.Second)
		require.Contains(b.t, v.got(), "store_unavailable")
		require.Equal(b.t, ledger.HoldSettled, b.hold().State)
	})
}

// An answer in one piece to a call for a stream is delivered only if all that
// it can cost is there.
func TestRelay_json_toAStreamAskedFor_covered(t *testing.T) { // HOTPATH 10
	t.Run("covered", func(t *testing.T) {
		inBubble(t, func(b *bench) {
			b.up.json = true
			v := b.send(long, &client{})
			a := b.up.answer()
			require.Equal(b.t, int64(len(long))+2*100_000, b.hold().Amount)
			a.say(jsonAnswer)
			_ = a.PipeWriter.Close()
			require.NoError(b.t, v.wait())
			require.Equal(b.t, jsonAnswer, v.got())
			b.settled(50, "")
		})
	})
	t.Run("refused", func(t *testing.T) {
		inBubble(t, func(b *bench) {
			b.up.json = true
			b.spendAllBut(chunks(2))
			v := b.send(long, &client{})
			require.ErrorIs(b.t, v.wait(), ledger.ErrExhausted)
			require.Equal(b.t, fault.Exhausted, fault.KindOf(v.err))
			require.Empty(b.t, v.got())
			require.Equal(b.t, ledger.HoldReleased, b.first().State)
		})
	})
}

// A client that has left is no reason to set more aside than what comes.
func TestRelay_stream_extends_clientGone(t *testing.T) { // HOTPATH 10, L9
	inBubble(t, func(b *bench) {
		v := b.send(long, &client{})
		a := b.up.answer()
		a.say(text(100))
		b.spendAllBut(0)
		v.leave()
		a.say(text(2000))
		_, _ = a.Write([]byte(text(2000)))
		require.NoError(b.t, v.wait())
		h := b.first()
		require.Equal(b.t, ledger.HoldSettled, h.State)
		require.Equal(b.t, chunks(1), h.Debited, "all that there was")
	})
}

// A stream that began before its hold was durable, and brings more at once
// than that covers, waits for the one before it asks for the other.
func TestRelay_stream_extends_overlapped(t *testing.T) { // HOTPATH 10, 13
	inBubble(t, func(b *bench) {
		b.rich()
		proceed := b.db.stall(ledger.OpHold)
		v := b.send(long, &client{})
		a := b.up.answer() // the upstream is at work already
		a.say(text(3000))
		require.Empty(b.t, v.got())
		proceed()
		synctest.Wait()
		require.Equal(b.t, "head|"+text(3000), v.got())
		a.say(finished + usage + done)
		require.NoError(b.t, v.wait())
		require.EqualValues(b.t, granted-100, b.balance().Balance)
	})
}

// An upstream that thinks, or says nothing for another reason, is taken to
// produce something nobody sees: it could say so at its end.
func TestRelay_stream_extends_inSilence(t *testing.T) { // HOTPATH 10
	t.Run("covered", func(t *testing.T) {
		inBubble(t, func(b *bench) {
			v := b.send(long, &client{})
			a := b.up.answer()
			time.Sleep(14 * time.Second)
			require.Equal(b.t, chunks(1), b.hold().Amount)
			time.Sleep(2 * time.Second)
			require.Equal(b.t, chunks(2), b.hold().Amount)
			time.Sleep(time.Minute)
			held := b.hold().Amount
			require.GreaterOrEqual(b.t, held, int64(2*7600))
			require.Less(b.t, held, int64(2*12000))
			require.Empty(b.t, v.got())
			a.say(hello)
			require.Equal(b.t, "head|"+hello, v.got())
			require.Equal(b.t, held, b.hold().Amount)
			a.say(finished + strings.Replace(usage, "20", "7000", 1) + done)
			require.NoError(b.t, v.wait())
			require.Zero(b.t, b.settled(10+2*7000, "").Uncollected)
		})
	})
	t.Run("refused", func(t *testing.T) {
		inBubble(t, func(b *bench) {
			v := b.send(long, &client{})
			a := b.up.answer()
			b.spendAllBut(0)
			start := time.Now()
			require.Equal(b.t, "credits_exhausted", fault.CodeOf(v.wait()))
			require.Greater(b.t, time.Since(start), 20*time.Second)
			require.Less(b.t, time.Since(start), 30*time.Second)
			require.Error(b.t, a.ctx.Err(), "the upstream is cut")
			require.Equal(b.t, ledger.HoldReleased, b.first().State, "nothing was seen of it")
		})
	})
	t.Run("refused in the middle", func(t *testing.T) {
		inBubble(t, func(b *bench) {
			v := b.send(long, &client{})
			a := b.up.answer()
			a.say(text(1000))
			b.spendAllBut(0)
			require.NoError(b.t, v.wait())
			require.Contains(b.t, v.got(), "credits_exhausted")
			require.Equal(b.t, int64(len(long)+3)/4+2*1000, b.first().Debited)
		})
	})
	t.Run("not where all is set aside", func(t *testing.T) {
		inBubble(t, func(b *bench) {
			v := b.send(chat, &client{})
			a := b.up.answer()
			b.spendAllBut(0)
			time.Sleep(10 * time.Minute)
			a.say(hello + finished + usage + done)
			require.NoError(b.t, v.wait())
			require.EqualValues(b.t, 50, b.first().Debited)
		})
	})
}
