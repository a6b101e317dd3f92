package spend_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/app/spend"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

// warm makes the replica learn what the account has.
func (b *bench) warm(r *replica) {
	b.t.Helper()
	_, err := r.Release(b.hold(r), "warm")
	require.NoError(b.t, err)
}

// begin starts a request without its hold, which must be possible.
func (b *bench) begin(r *replica, amount int64) ledger.Hold {
	b.t.Helper()
	h, ok := r.Begin(b.op(amount))
	require.True(b.t, ok)
	return h
}

func TestSpend_Begin_oneCommit(t *testing.T) { // HOTPATH 14: commits per request at 0, 3 and 50 ms upstream
	for name, c := range map[string]struct {
		upstream time.Duration
		commits  int
	}{
		"at once": {0, 1}, "3 ms": {3 * time.Millisecond, 1}, "50 ms": {50 * time.Millisecond, 2},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *bench) {
				r := b.start()
				b.warm(r)
				var before int
				r.edge.set(func(e *edge) { before = e.commits })
				h := b.begin(r, 100)
				time.Sleep(c.upstream)
				synctest.Wait()
				if c.commits == 2 {
					require.Equal(b.t, ledger.HoldOpen, b.stored(h.Request).State, "the hold is cut after 5 ms")
				}
				o, err := r.SettleOrRelease(h, 60, ledger.Usage{Input: 20, Output: 20}, "")
				require.NoError(b.t, err)
				require.Equal(b.t, int64(60), o.Debited)
				r.edge.set(func(e *edge) { require.Equal(b.t, c.commits, e.commits-before) })
				stored := b.stored(h.Request)
				require.Equal(b.t, ledger.HoldSettled, stored.State)
				require.Equal(b.t, int64(100), stored.Amount)
				b.verify(60)
			})
		})
	}
}

// A provisional hold that will soon be due is no commit of its own, if a batch
// goes anyway; a younger one may still become one step with its settle.
func TestSpend_Begin_along(t *testing.T) { // HOTPATH 14
	for name, c := range map[string]struct {
		age   time.Duration
		along bool
	}{"soon due": {3 * time.Millisecond, true}, "young": {2 * time.Millisecond, false}} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *bench) {
				r := b.start()
				b.warm(r)
				h := b.begin(r, 100)
				time.Sleep(c.age)
				var before int
				r.edge.set(func(e *edge) { before = e.commits })
				_, err := r.SettleOrRelease(b.begin(r, 50), 50, ledger.Usage{}, "")
				require.NoError(b.t, err)
				require.Equal(b.t, c.along, r.Confirmed(h))
				_, err = r.SettleOrRelease(h, 60, ledger.Usage{}, "")
				require.NoError(b.t, err)
				r.edge.set(func(e *edge) { require.Equal(b.t, 2, e.commits-before) })
				require.Equal(b.t, ledger.HoldSettled, b.stored(h.Request).State)
				b.verify(110)
			})
		})
	}
}

// A request that has started is not refused for one that came after it, although
// the later one's hold does not wait.
func TestSpend_Begin_order(t *testing.T) { // HOTPATH 13
	inBubble(t, func(b *bench) {
		r := b.start()
		b.warm(r)
		all := b.balance().Available
		h := b.begin(r, 100)
		other := b.begin(r, 50)
		_, err := r.SettleOrRelease(other, 50, ledger.Usage{}, "")
		require.NoError(b.t, err)
		_, err = r.Hold(b.op(all - 50))
		require.ErrorIs(b.t, err, ledger.ErrExhausted)
		require.True(b.t, r.Confirmed(h))
		_, err = r.SettleOrRelease(h, 100, ledger.Usage{}, "")
		require.NoError(b.t, err)
		b.verify(150)
	})
}

func TestSpend_Begin_firstByte(t *testing.T) { // HOTPATH 14: cut when the stream's first byte must leave
	inBubble(t, func(b *bench) {
		r := b.start()
		b.warm(r)
		h := b.begin(r, 100)
		require.False(b.t, r.Confirmed(h))
		began := time.Now()
		o, err := r.Confirm(h)
		require.NoError(b.t, err)
		require.Less(b.t, time.Since(began), 5*time.Millisecond, "it does not wait for its time")
		require.Equal(b.t, ledger.HoldOpen, b.stored(h.Request).State)
		require.True(b.t, r.Confirmed(h))
		_, err = r.Settle(o.Hold, 10, ledger.Usage{Output: 10}, "")
		require.NoError(b.t, err)
		b.verify(10)
	})
}

// A request that the writer has not taken yet is settled in one step, although
// its hold was on its way.
func TestSpend_Begin_takenBack(t *testing.T) { // HOTPATH 14
	inBubble(t, func(b *bench) {
		r := b.start()
		b.warm(r)
		proceed := r.edge.stall()
		go func() { _, _ = r.Hold(b.op(1)) }() // keeps the writer busy
		synctest.Wait()
		h := b.begin(r, 100)
		r.Hasten(h)
		time.Sleep(20 * time.Millisecond)
		done := make(chan error, 1)
		go func() {
			_, err := r.Settle(h, 10, ledger.Usage{Output: 10}, "")
			done <- err
		}()
		synctest.Wait()
		proceed()
		require.NoError(b.t, <-done)
		require.Equal(b.t, b.stored(h.Request).OpenedAt, b.stored(h.Request).ClosedAt, "one step")
	})
}

func TestSpend_Begin_upstreamRefuses(t *testing.T) { // L6: one released hold, no entry
	inBubble(t, func(b *bench) {
		r := b.start()
		b.warm(r)
		h := b.begin(r, 100)
		_, err := r.Release(h, "upstream_refused")
		require.NoError(b.t, err)
		require.Equal(b.t, ledger.HoldReleased, b.stored(h.Request).State)
		b.verify(0)
	})
}

func TestSpend_Begin_headroom(t *testing.T) { // HOTPATH 13
	inBubble(t, func(b *bench) {
		r := b.start()
		_, ok := r.Begin(b.op(1))
		require.False(b.t, ok, "nothing is known of the account")
		b.warm(r)

		_, ok = r.Begin(b.op(granted/10 + 1))
		require.False(b.t, ok, "more than a tenth of what is left")
		limited := b.op(1)
		limited.Limits = []ledger.Limit{{Scope: account, Requests: 1000}}
		_, ok = r.Begin(limited)
		require.False(b.t, ok, "a rate wants the hold first")
		limited.Limits = []ledger.Limit{{Scope: account, Monthly: 1000}}
		_, ok = r.Begin(limited)
		require.False(b.t, ok, "nothing is known of the budget")

		first := b.begin(r, granted/20)
		second := b.begin(r, granted/40)
		_, ok = r.Begin(b.op(granted / 20))
		require.False(b.t, ok, "those under way count")
		for _, h := range []ledger.Hold{first, second} {
			_, err := r.SettleOrRelease(h, 0, ledger.Usage{}, "")
			require.NoError(b.t, err)
		}
		h := b.begin(r, granted/20)
		_, err := r.Release(h, "")
		require.NoError(b.t, err)

		time.Sleep(20 * time.Second)
		b.begin(r, 1) // what is known is read anew while the account is in use
		time.Sleep(fundsAge + time.Minute)
		_, ok = r.Begin(b.op(1))
		require.False(b.t, ok, "what is known is too old")
	})
}

// fundsAge is for how long what is known of an account counts.
const fundsAge = time.Minute

// What is known of an account counts for a minute, the less the older it is.
func TestSpend_Begin_seldom(t *testing.T) { // HOTPATH 13
	inBubble(t, func(b *bench) {
		r := b.start()
		b.warm(r)
		time.Sleep(30 * time.Second)
		h := b.begin(r, granted/400) // less than a tenth of a thirtieth
		_, err := r.SettleOrRelease(h, granted/400, ledger.Usage{}, "")
		require.NoError(b.t, err)
		time.Sleep(fundsAge + time.Second)
		_, ok := r.Begin(b.op(1))
		require.False(b.t, ok, "too old")

		b.warm(r)
		time.Sleep(30 * time.Second)
		_, ok = r.Begin(b.op(granted / 290))
		require.False(b.t, ok, "not enough for its age")
		time.Sleep(2 * time.Second)
		h = b.begin(r, granted/290) // was read anew: it would be enough if it were younger
		_, err = r.SettleOrRelease(h, 0, ledger.Usage{}, "")
		require.NoError(b.t, err)
		b.verify(granted / 400)
	})
}

// Others drain an account that this replica sees seldom: what it saw fall may
// have fallen again in each second since.
func TestSpend_Begin_drained(t *testing.T) { // HOTPATH 13
	const each = granted / 50
	spend := func(b *bench) {
		other := b.op(each)
		other.Kind, other.Nonce = ledger.OpHold, "other"
		b.commit(other)
		other.Kind = ledger.OpSettle
		b.commit(other)
	}
	for name, falls := range map[string]bool{"drained": true, "left alone": false} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *bench) {
				r := b.start()
				b.warm(r)
				if falls {
					spend(b)
				}
				time.Sleep(10 * time.Second)
				b.warm(r)
				time.Sleep(30 * time.Second)
				_, ok := r.Begin(b.op(granted / 400))
				require.Equal(b.t, !falls, ok)
			})
		})
	}
	t.Run("unseen", func(t *testing.T) { // the worst: refused once, not delivered, not debited
		inBubble(t, func(b *bench) {
			r := b.start()
			b.warm(r)
			spent := int64(0)
			for range granted / each {
				spend(b)
				spent += each
				time.Sleep(time.Second / 2)
			}
			h := b.begin(r, granted/400)
			_, err := r.SettleOrRelease(h, granted/400, ledger.Usage{}, "")
			require.ErrorIs(b.t, err, ledger.ErrExhausted)
			_, err = b.db.Ledger().Hold(b.t.Context(), account, h.Request)
			require.ErrorIs(b.t, err, store.ErrNotFound, "L6: no row")
			_, ok := r.Begin(b.op(1))
			require.False(b.t, ok, "no second one starts early")
			b.verify(spent)
		})
	})
}

// A fall of what is left, whoever spends it, is taken twice from the headroom.
func TestSpend_Begin_falling(t *testing.T) { // HOTPATH 13
	inBubble(t, func(b *bench) {
		r := b.start()
		b.warm(r)
		for range 5 {
			h := b.hold(r)
			_, err := r.Settle(h, granted/10, ledger.Usage{}, "") // 0.5 of it in no time
			require.NoError(b.t, err)
		}
		_, ok := r.Begin(b.op(1))
		require.False(b.t, ok, "another such second and nothing is left")
	})
}

// What one replica believes is left, others have spent: nothing of an answer
// whose hold is refused may be used, and the account overlaps no more.
func TestSpend_Begin_refused(t *testing.T) { // HOTPATH 13
	inBubble(t, func(b *bench) {
		r := b.start()
		b.warm(r)
		spent := b.op(granted)
		spent.Kind, spent.Nonce = ledger.OpHold, "other"
		b.commit(spent)

		confirmed, combined, left := b.begin(r, 100), b.begin(r, 100), b.begin(r, 100)
		work, end := r.Work(context.Background(), confirmed)
		defer end(nil)
		_, err := r.Confirm(confirmed)
		require.ErrorIs(b.t, err, ledger.ErrExhausted)
		<-work.Done()
		require.ErrorIs(b.t, context.Cause(work), ledger.ErrExhausted, "the work upstream is called off")
		_, err = r.SettleOrRelease(combined, 60, ledger.Usage{}, "")
		require.ErrorIs(b.t, err, ledger.ErrExhausted)
		_, err = r.Release(left, "")
		require.ErrorIs(b.t, err, ledger.ErrExhausted, "there is nothing to give back")
		for _, h := range []ledger.Hold{confirmed, combined, left} {
			_, err = b.db.Ledger().Hold(b.t.Context(), account, h.Request)
			require.ErrorIs(b.t, err, store.ErrNotFound, "L6: no row")
		}

		spent.Kind, spent.Amount = ledger.OpRelease, 0
		b.commit(spent)
		b.warm(r)
		_, ok := r.Begin(b.op(1))
		require.False(b.t, ok, "for a minute")
		for range 120 { // and until the rush is forgotten
			time.Sleep(time.Second)
			b.warm(r)
		}
		_, err = r.Release(b.begin(r, 1), "")
		require.NoError(b.t, err)
		b.verify(0)
	})
}

// A refusal that came before its request did anything about the hold counts as
// much as one that it waits for: a settle must not pass for a hold's and its own.
func TestSpend_Begin_refusedBefore(t *testing.T) { // HOTPATH 13
	inBubble(t, func(b *bench) {
		r := b.start()
		b.warm(r)
		spent := b.op(granted)
		spent.Kind, spent.Nonce = ledger.OpHold, "other"
		b.commit(spent)
		later := b.op(100)
		later.Epoch = 77
		changed, ok := r.Begin(later)
		require.True(b.t, ok)
		confirmed, combined, settled, left := b.begin(r, 100), b.begin(r, 100), b.begin(r, 100), b.begin(r, 100)
		time.Sleep(time.Second) // all were committed, and refused
		_, err := r.SettleOrRelease(combined, 60, ledger.Usage{}, "")
		require.ErrorIs(b.t, err, ledger.ErrExhausted)
		_, err = r.Settle(settled, 60, ledger.Usage{}, "")
		require.ErrorIs(b.t, err, ledger.ErrExhausted)
		_, err = r.Confirm(confirmed)
		require.ErrorIs(b.t, err, ledger.ErrExhausted)
		_, err = r.Release(left, "")
		require.ErrorIs(b.t, err, ledger.ErrExhausted)
		_, err = r.SettleOrRelease(changed, 60, ledger.Usage{}, "")
		require.ErrorIs(b.t, err, ledger.ErrEpoch)
		for _, h := range []ledger.Hold{changed, confirmed, combined, settled, left} {
			_, err = b.db.Ledger().Hold(b.t.Context(), account, h.Request)
			require.ErrorIs(b.t, err, store.ErrNotFound, "L6: no row")
		}
		spent.Kind, spent.Amount = ledger.OpRelease, 0
		b.commit(spent)
		b.verify(0)
	})
}

func TestSpend_Begin_epoch(t *testing.T) { // HOTPATH 20
	inBubble(t, func(b *bench) {
		r := b.start()
		b.warm(r)
		op := b.op(100)
		op.Epoch = 77
		h, ok := r.Begin(op)
		require.True(b.t, ok)
		_, err := r.SettleOrRelease(h, 60, ledger.Usage{}, "")
		require.ErrorIs(b.t, err, ledger.ErrEpoch)
		b.verify(0)
	})
}

// A commit whose reply is lost is sent again and debits once.
func TestSpend_Begin_lostReply(t *testing.T) { // HOTPATH 6, L5
	inBubble(t, func(b *bench) {
		r := b.start()
		b.warm(r)
		lost := 2
		r.edge.set(func(e *edge) {
			e.after = func([]ledger.Op) error {
				if lost--; lost >= 0 {
					return store.ErrUnavailable
				}
				return nil
			}
		})
		o, err := r.SettleOrRelease(b.begin(r, 100), 60, ledger.Usage{Output: 60}, "")
		require.NoError(b.t, err)
		require.True(b.t, o.Replayed)
		require.Equal(b.t, int64(60), o.Debited)
		b.verify(60)
	})
}

// With the store away the answer is not delivered and nothing is debited.
func TestSpend_Begin_storeAway(t *testing.T) { // HOTPATH 16
	inBubble(t, func(b *bench) {
		r := b.start()
		b.warm(r)
		h := b.begin(r, 100)
		r.edge.set(func(e *edge) { e.before = func(context.Context, []ledger.Op) error { return store.ErrUnavailable } })
		_, err := r.SettleOrRelease(h, 60, ledger.Usage{}, "")
		require.ErrorIs(b.t, err, spend.ErrUnknown)
		r.edge.set(func(e *edge) { e.before = nil })
		time.Sleep(10 * time.Second)
		b.verify(0)
	})
}

// A replica that loses its identity commits nothing that it began under it.
func TestSpend_Begin_fenced(t *testing.T) { // HOTPATH 7
	inBubble(t, func(b *bench) {
		r := b.start()
		b.warm(r)
		h := b.begin(r, 100)
		work, end := r.Work(context.Background(), h)
		defer end(nil)
		r.edge.set(func(e *edge) { e.cut = true })
		time.Sleep(14 * time.Second)
		require.ErrorIs(b.t, context.Cause(work), spend.ErrLost)
		r.edge.set(func(e *edge) { e.cut = false })
		time.Sleep(5 * time.Second)
		_, _ = r.Release(h, "") // whether it had got as far as a row or not
		time.Sleep(20 * time.Second)
		b.verify(0)
	})
}

// Many requests at once share commits, each in one step.
func TestSpend_Begin_crowd(t *testing.T) { // HOTPATH 1, 14
	inBubble(t, func(b *bench) {
		r := b.start()
		b.warm(r)
		proceed := r.edge.stall()
		var wg sync.WaitGroup
		wg.Go(func() { // keeps the writer busy until all have come
			o, err := r.Hold(b.op(1))
			assert.NoError(b.t, err)
			_, err = r.Release(o.Hold, "")
			assert.NoError(b.t, err)
		})
		synctest.Wait()
		var before int
		r.edge.set(func(e *edge) { before = e.commits })
		const requests = 200
		for range requests {
			h := b.begin(r, 10)
			wg.Go(func() {
				_, err := r.Settle(h, 7, ledger.Usage{Output: 7}, "")
				assert.NoError(b.t, err)
			})
		}
		synctest.Wait()
		proceed()
		wg.Wait()
		r.edge.set(func(e *edge) { require.LessOrEqual(b.t, e.commits-before, 5) })
		b.verify(7 * requests)
	})
}
