package spend_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/app/spend"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

// stall makes commits wait until the returned function is called, for as long
// as the writer grants them.
func (e *edge) stall() (proceed func()) {
	gate := make(chan struct{})
	e.set(func(e *edge) {
		e.before = func(ctx context.Context, _ []ledger.Op) error {
			select {
			case <-gate:
				return nil
			case <-ctx.Done():
				return store.ErrUnavailable
			}
		}
	})
	return func() {
		close(gate)
		e.set(func(e *edge) { e.before = nil })
	}
}

func TestSpend_groupCommit(t *testing.T) { // HOTPATH 1, L5
	inBubble(t, func(b *bench) {
		r := b.start()
		const requests = 300
		proceed := r.edge.stall()
		var wg sync.WaitGroup
		held := make(chan struct{})
		for range requests {
			op := b.op(10)
			wg.Go(func() {
				o, err := r.Hold(op)
				assert.NoError(b.t, err)
				<-held
				_, err = r.Settle(o.Hold, 7, ledger.Usage{Input: 1, Output: 1}, "")
				assert.NoError(b.t, err)
			})
		}
		synctest.Wait() // one is on its way, and all others wait for it
		proceed()
		synctest.Wait()
		proceed = r.edge.stall()
		close(held)
		synctest.Wait()
		proceed()
		wg.Wait()
		r.edge.set(func(e *edge) {
			require.Equal(b.t, 2*requests, e.ops)
			require.LessOrEqual(b.t, e.commits, 2*3, "the first, 256, and the rest")
		})
		b.verify(7 * requests)
	})
}

func TestSpend_Hold_waitsUntilDurable(t *testing.T) { // W5
	inBubble(t, func(b *bench) {
		r := b.start()
		proceed := r.edge.stall()
		answered := make(chan error, 1)
		go func() {
			_, err := r.Hold(b.op(10))
			answered <- err
		}()
		synctest.Wait()
		require.Empty(b.t, answered)
		proceed()
		require.NoError(b.t, <-answered)
		require.EqualValues(b.t, 10, b.balance().Held)
	})
}

func TestSpend_Hold_timeout(t *testing.T) { // W5, L6
	t.Run("under way", func(t *testing.T) {
		inBubble(t, func(b *bench) {
			r := b.start()
			r.edge.set(func(e *edge) { // commits, but slowly
				e.after = func([]ledger.Op) error { time.Sleep(6 * time.Second); return nil }
			})
			op := b.op(10)
			_, err := r.Hold(op)
			require.ErrorIs(b.t, err, spend.ErrUnknown)
			time.Sleep(20 * time.Second)
			require.Equal(b.t, ledger.HoldReleased, b.stored(op.Request).State)
			require.Equal(b.t, "hold_timed_out", b.stored(op.Request).Reason)
			b.verify(0)
		})
	})
	t.Run("still queued", func(t *testing.T) {
		inBubble(t, func(b *bench) {
			r := b.start()
			busy := b.hold(r)
			proceed := r.edge.stall()
			r.Mark(busy, ledger.Mark{Accepted: true}) // the writer is busy with it
			synctest.Wait()
			op := b.op(10)
			_, err := r.Hold(op)
			require.ErrorIs(b.t, err, spend.ErrUnknown)
			proceed()
			time.Sleep(time.Minute)
			_, err = b.db.Ledger().Hold(b.t.Context(), account, op.Request)
			require.ErrorIs(b.t, err, store.ErrNotFound, "nobody waited, so no row is written")
			_, err = r.Release(busy, "test")
			require.NoError(b.t, err)
			b.verify(0)
		})
	})
}

func TestSpend_queueFull(t *testing.T) { // HOTPATH 3
	inBubble(t, func(b *bench) {
		r := b.start()
		proceed := r.edge.stall()
		go func() { _, _ = r.Hold(b.op(1)) }()
		synctest.Wait()
		for {
			op := b.op(1)
			refused := make(chan error, 1)
			go func() {
				_, err := r.Hold(op)
				refused <- err
			}()
			synctest.Wait()
			if len(refused) == 0 {
				require.Less(b.t, b.n, 10_000, "the queue has no end")
				continue
			}
			err := <-refused
			require.ErrorIs(b.t, err, spend.ErrBusy)
			require.NotZero(b.t, fault.From(err).RetryAfter)
			break
		}
		time.Sleep(6 * time.Second) // all have given up
		proceed()
		time.Sleep(time.Minute)
		b.verify(0)
	})
}

func TestSpend_lostReply(t *testing.T) { // HOTPATH 6, L5
	inBubble(t, func(b *bench) {
		r := b.start()
		lose := func() {
			var once sync.Once
			r.edge.set(func(e *edge) {
				e.after = func([]ledger.Op) (err error) {
					once.Do(func() { err = store.ErrUnavailable })
					return err
				}
			})
		}
		lose()
		h := b.hold(r)
		require.EqualValues(b.t, 100, b.balance().Held, "one hold")
		lose()
		o, err := r.Settle(h, 60, ledger.Usage{Input: 1}, "")
		require.NoError(b.t, err)
		require.True(b.t, o.Replayed)
		require.EqualValues(b.t, 60, o.Debited)
		b.verify(60)
	})
}

func TestSpend_unreachable(t *testing.T) { // HOTPATH 16
	inBubble(t, func(b *bench) {
		r := b.start()
		delivered, withheld, refused := b.hold(r), b.hold(r), b.hold(r)
		r.edge.set(func(e *edge) { e.before = func(context.Context, []ledger.Op) error { return store.ErrUnavailable } })
		var wg sync.WaitGroup
		start := time.Now()
		wg.Go(func() {
			_, err := r.Settle(delivered, 60, ledger.Usage{Input: 1}, "")
			assert.ErrorIs(b.t, err, spend.ErrUnknown)
			assert.ErrorContains(b.t, err, "settle: not committed in 10s: the last batch failed: store_unavailable", "for the log")
		})
		wg.Go(func() {
			_, err := r.SettleOrRelease(withheld, 60, ledger.Usage{Input: 1}, "")
			assert.ErrorIs(b.t, err, spend.ErrUnknown)
		})
		wg.Go(func() {
			_, err := r.Release(refused, "upstream_refused")
			assert.ErrorIs(b.t, err, spend.ErrUnknown)
		})
		wg.Wait()
		require.Equal(b.t, spend.EndWait, time.Since(start))
		r.edge.set(func(e *edge) { e.before = nil })
		time.Sleep(5 * time.Second)
		require.Equal(b.t, ledger.HoldSettled, b.stored(delivered.Request).State)
		require.Equal(b.t, ledger.HoldReleased, b.stored(withheld.Request).State)
		require.Equal(b.t, "settle_timed_out", b.stored(withheld.Request).Reason)
		require.Equal(b.t, "upstream_refused", b.stored(refused.Request).Reason)
		b.verify(60)
	})
}

// A settle that is under way when its caller gives up is not left to a store
// that comes back in that moment.
func TestSpend_SettleOrRelease_hung(t *testing.T) { // HOTPATH 16
	for _, hangs := range []time.Duration{9500 * time.Millisecond, 10100 * time.Millisecond, 12 * time.Second} {
		t.Run(hangs.String(), func(t *testing.T) {
			inBubble(t, func(b *bench) {
				r := b.start()
				h := b.hold(r)
				back := time.Now().Add(hangs)
				r.edge.set(func(e *edge) {
					e.before = func(ctx context.Context, _ []ledger.Op) error {
						select {
						case <-time.After(time.Until(back)):
							return nil
						case <-ctx.Done():
							return store.ErrUnavailable
						}
					}
				})
				_, err := r.SettleOrRelease(h, 60, ledger.Usage{Input: 1}, "")
				require.ErrorIs(b.t, err, spend.ErrUnknown)
				time.Sleep(10 * time.Second)
				require.Equal(b.t, ledger.HoldReleased, b.stored(h.Request).State)
				b.verify(0)
			})
		})
	}
}

// The one debit for an answer that nobody got: see SettleOrRelease.
func TestSpend_SettleOrRelease_committedUnseen(t *testing.T) { // L11
	inBubble(t, func(b *bench) {
		r := b.start()
		h := b.hold(r)
		r.edge.set(func(e *edge) {
			e.after = func([]ledger.Op) error {
				e.set(func(e *edge) { e.before = func(context.Context, []ledger.Op) error { return store.ErrUnavailable } })
				return store.ErrUnavailable
			}
		})
		_, err := r.SettleOrRelease(h, 60, ledger.Usage{Input: 1}, "")
		require.ErrorIs(b.t, err, spend.ErrUnknown)
		r.edge.set(func(e *edge) { e.before, e.after = nil, nil })
		time.Sleep(5 * time.Second)
		require.Equal(b.t, ledger.HoldSettled, b.stored(h.Request).State)
		require.Contains(b.t, r.log.String(), "request_id="+h.Request)
		require.Contains(b.t, r.log.String(), "stays debited")
		b.verify(60)
	})
}

func TestSpend_poisonedOp(t *testing.T) { // HOTPATH 3
	inBubble(t, func(b *bench) {
		r := b.start()
		bad := b.op(10)
		poison := fault.New(fault.Invalid, "bad_data", "The row is refused.")
		gate := make(chan struct{})
		r.edge.set(func(e *edge) {
			e.before = func(_ context.Context, ops []ledger.Op) error {
				<-gate
				for _, op := range ops {
					if op.Request == bad.Request {
						return poison
					}
				}
				return nil
			}
		})
		var wg sync.WaitGroup
		for i := range 100 {
			op := b.op(10)
			if i == 50 {
				op = bad
			}
			wg.Go(func() {
				_, err := r.Hold(op)
				if op.Request == bad.Request {
					assert.ErrorIs(b.t, err, poison)
					return
				}
				assert.NoError(b.t, err)
			})
		}
		synctest.Wait()
		close(gate)
		wg.Wait()
		require.EqualValues(b.t, 990, b.balance().Held)
	})
}

func TestSpend_unknownFailureIsNoDebit(t *testing.T) {
	inBubble(t, func(b *bench) {
		r := b.start()
		r.edge.set(func(e *edge) { e.before = func(context.Context, []ledger.Op) error { return errors.New("who knows") } })
		_, err := r.Hold(b.op(10))
		require.Equal(b.t, fault.Unavailable, fault.KindOf(err), "a store's odd failure is not the client's")
		b.verify(0)
	})
}
