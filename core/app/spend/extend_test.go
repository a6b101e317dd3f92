package spend_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/app/spend"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

func TestSpend_Extend(t *testing.T) { // HOTPATH 10
	inBubble(t, func(b *bench) {
		r := b.start()
		h := b.hold(r)
		proceed := r.edge.stall()
		told := r.Extend(h, 250)
		synctest.Wait()
		require.Empty(b.t, told, "not before it is durable")
		proceed()
		o := <-told
		require.NoError(b.t, o.Err)
		require.EqualValues(b.t, 250, o.Hold.Amount)
		require.Equal(b.t, []ledger.Part{{Lot: "lot_1", Amount: 250}}, o.Hold.Parts)
		require.EqualValues(b.t, 250, b.balance().Held)

		o = <-r.Extend(h, 250)
		require.NoError(b.t, o.Err)
		require.True(b.t, o.Replayed)

		o = <-r.Extend(o.Hold, granted+1)
		require.ErrorIs(b.t, o.Err, ledger.ErrExhausted)
		require.EqualValues(b.t, 250, b.stored(h.Request).Amount, "a refusal leaves the hold as it was")

		_, err := r.Settle(h, 240, ledger.Usage{}, "") // by the hold as it was first
		require.NoError(b.t, err)
		synctest.Wait() // the answer goes out before the slot is freed
		require.ErrorIs(b.t, (<-r.Extend(h, 300)).Err, spend.ErrLost, "its slot is gone")
		b.verify(240)
	})
}

func TestSpend_Extend_retried(t *testing.T) { // HOTPATH 6
	inBubble(t, func(b *bench) {
		r := b.start()
		h := b.hold(r)
		lost := 0
		r.edge.set(func(e *edge) {
			e.after = func([]ledger.Op) error {
				if lost++; lost <= 3 {
					return store.ErrUnavailable
				}
				return nil
			}
		})
		o := <-r.Extend(h, 250)
		require.NoError(b.t, o.Err)
		require.True(b.t, o.Replayed, "what was committed unseen is not done again")
		require.EqualValues(b.t, 250, b.balance().Held)
		_, err := r.Release(h, "")
		require.NoError(b.t, err)
		b.verify(0)
	})
}

// A settle does not wait for the extension before it, and what comes late
// sets nothing aside.
func TestSpend_Extend_overtaken(t *testing.T) { // HOTPATH 3, L5
	inBubble(t, func(b *bench) {
		r := b.start()
		h := b.hold(r)
		proceed := r.edge.stall()
		other := make(chan error, 1)
		go func() {
			_, err := r.Hold(b.op(10))
			other <- err
		}()
		synctest.Wait()
		told := r.Extend(h, 250)
		ended := make(chan error, 1)
		go func() {
			_, err := r.Settle(h, 120, ledger.Usage{}, "")
			ended <- err
		}()
		synctest.Wait()
		proceed()
		require.NoError(b.t, <-ended)
		require.NoError(b.t, <-other)
		require.ErrorIs(b.t, (<-told).Err, ledger.ErrHoldClosed)
		require.EqualValues(b.t, 10, b.balance().Held)
		require.EqualValues(b.t, granted-120, b.balance().Balance)
	})
}

func TestSpend_Extend_fenced(t *testing.T) { // HOTPATH 7: a fenced replica sets nothing more aside
	inBubble(t, func(b *bench) {
		fenced, other, h := b.asleep()
		require.ErrorIs(b.t, (<-fenced.Extend(h, 250)).Err, store.ErrFenced)
		require.EqualValues(b.t, 100, b.stored(h.Request).Amount)
		other.edge.set(func(e *edge) { e.before = nil })
		fenced.edge.set(func(e *edge) { e.asleep = false })
		time.Sleep(time.Minute)
		b.verify(0)
	})
}

func TestSpend_Extend_storeAway(t *testing.T) { // HOTPATH 16
	inBubble(t, func(b *bench) {
		r := b.start()
		h := b.hold(r)
		r.edge.set(func(e *edge) {
			e.before = func(context.Context, []ledger.Op) error { return store.ErrUnavailable }
		})
		told := r.Extend(h, 250)
		time.Sleep(3 * time.Second)
		require.Empty(b.t, told)
		r.edge.set(func(e *edge) { e.before = nil })
		time.Sleep(3 * time.Second)
		require.NoError(b.t, (<-told).Err)
		require.EqualValues(b.t, 250, b.balance().Held)
	})
}
