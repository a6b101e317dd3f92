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
	h, ok := r.Begin(b.op(amount), false)
	require.True(b.t, ok)
	return h
}

func TestSpend_Begin_oneCommit(t *testing.T) { // HOTPATH 14: commits per request at 0, 3 and 50 ms upstream
	for name, c := range map[string]struct {
		inOne    bool
		upstream time.Duration
		commits  int
	}{
		"a stream, at once": {false, 0, 1}, "a stream, 3 ms": {false, 3 * time.Millisecond, 1}, "a stream, 50 ms": {false, 50 * time.Millisecond, 2},
		"in one, at once": {true, 0, 1}, "in one, 3 ms": {true, 3 * time.Millisecond, 1}, "in one, 50 ms": {true, 50 * time.Millisecond, 1},
		"in one, 250 ms": {true, 250 * time.Millisecond, 2},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *bench) {
				r := b.start()
				b.warm(r)
				var before int
				r.edge.set(func(e *edge) { before = e.commits })
				h, ok := r.Begin(b.op(100), c.inOne)
				require.True(b.t, ok)
				time.Sleep(c.upstream)
				synctest.Wait()
				if c.commits == 2 {
					require.Equal(b.t, ledger.HoldOpen, b.stored(h.Request).State, "the hold was due before its answer")
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
		inOne bool
	}{
		"soon due": {3 * time.Millisecond, true, false}, "young": {2 * time.Millisecond, false, false},
		"in one": {100 * time.Millisecond, false, true}, "in one, soon due": {248 * time.Millisecond, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *bench) {
				r := b.start()
				b.warm(r)
				h, ok := r.Begin(b.op(100), c.inOne)
				require.True(b.t, ok)
				time.Sleep(c.age)
				var before int
				r.edge.set(func(e *edge) { before = e.commits })
				_, err := r.SettleOrRelease(b.begin(r, 50), 50, ledger.Usage{}, "")
				require.NoError(b.t, err)
				synctest.Wait() // the ops of a batch hear of it one after another
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
		inOne, ok := r.Begin(b.op(30), true)
		require.True(b.t, ok)
		other := b.begin(r, 50)
		_, err := r.SettleOrRelease(other, 50, ledger.Usage{}, "")
		require.NoError(b.t, err)
		_, err = r.Hold(b.op(all - 100))
		require.ErrorIs(b.t, err, ledger.ErrExhausted)
		for _, early := range []ledger.Hold{h, inOne} {
			require.True(b.t, r.Confirmed(early))
			_, err = r.SettleOrRelease(early, 10, ledger.Usage{}, "")
			require.NoError(b.t, err)
		}
		b.verify(70)
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

func TestSpend_Begin_epoch(t *testing.T) { // HOTPATH 20
	inBubble(t, func(b *bench) {
		r := b.start()
		b.warm(r)
		op := b.op(100)
		op.Epoch = 77
		h, ok := r.Begin(op, false)
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
