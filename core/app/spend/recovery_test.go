package spend_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/app/spend"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

// dead leaves holds of a replica that is no more, each with its mark.
func (b *bench) dead(id string, marks ...ledger.Mark) []string {
	b.t.Helper()
	_, err := b.db.Replicas().Join(b.t.Context(), id, 15*time.Second)
	require.NoError(b.t, err)
	var requests []string
	for _, m := range marks {
		op := b.op(100)
		op.Kind, op.Replica, op.Nonce = ledger.OpHold, id, "n"
		b.commit(op)
		requests = append(requests, op.Request)
		if m != (ledger.Mark{}) {
			op.Kind, op.Mark = ledger.OpMark, m
			b.commit(op)
		}
	}
	return requests
}

func TestSpend_recovery(t *testing.T) { // L9, HOTPATH 8, 9
	inBubble(t, func(b *bench) {
		requests := b.dead("rep_dead",
			ledger.Mark{},
			ledger.Mark{Accepted: true, Cost: 30},
			ledger.Mark{Accepted: true, Delivered: true, Cost: 40, Usage: ledger.Usage{Input: 3, Output: 1}})
		r := b.start()
		time.Sleep(14 * time.Second)
		require.EqualValues(b.t, 300, b.balance().Held, "its lease still runs")
		time.Sleep(6 * time.Second)

		for i, request := range requests[:2] {
			h := b.stored(request)
			require.Equal(b.t, ledger.HoldReleased, h.State, "hold %d", i)
			require.Equal(b.t, ledger.ReasonRecovered, h.Reason)
		}
		h := b.stored(requests[2])
		require.Equal(b.t, ledger.HoldSettled, h.State)
		require.Equal(b.t, ledger.Usage{Input: 3, Output: 1, Estimated: true}, h.Usage)
		b.verify(40)
		lapsed, err := b.db.Replicas().Lapsed(b.t.Context(), "", 10)
		require.NoError(b.t, err)
		require.Empty(b.t, lapsed, "its row is gone")
		_ = r
	})
}

func TestSpend_recovery_poisoned(t *testing.T) { // HOTPATH 3: one bad row keeps nobody's credits
	inBubble(t, func(b *bench) {
		bad := b.dead("rep_a", ledger.Mark{}, ledger.Mark{}, ledger.Mark{})[1]
		b.dead("rep_b", ledger.Mark{}, ledger.Mark{})
		r := b.start()
		r.edge.set(func(e *edge) {
			e.before = func(_ context.Context, ops []ledger.Op) error {
				for _, op := range ops {
					if op.Request == bad {
						return fault.New(fault.Invalid, "bad_data", "The row is refused.")
					}
				}
				return nil
			}
		})
		time.Sleep(time.Minute)
		require.EqualValues(b.t, 100, b.balance().Held)
		require.Equal(b.t, ledger.HoldOpen, b.stored(bad).State)
		require.Contains(b.t, r.log.String(), bad)
		r.edge.set(func(e *edge) { e.before = nil })
		time.Sleep(time.Minute)
		b.verify(0)
	})
}

func TestSpend_ownHoldPastDeadline(t *testing.T) { // HOTPATH 8: a goroutine lost in a live replica
	inBubble(t, func(b *bench) {
		r := b.start()
		op := b.op(100)
		op.Deadline = time.Minute
		_, err := r.Hold(op)
		require.NoError(b.t, err)
		time.Sleep(50 * time.Second)
		require.Equal(b.t, ledger.HoldOpen, b.stored(op.Request).State)
		time.Sleep(20 * time.Second)
		require.Equal(b.t, ledger.ReasonAbandoned, b.stored(op.Request).Reason)
		b.verify(0)
	})
}

func TestSpend_Mark(t *testing.T) { // HOTPATH 8
	inBubble(t, func(b *bench) {
		r := b.start()
		h := b.hold(r)
		r.Mark(h, ledger.Mark{Accepted: true, Delivered: true, Cost: 5})
		synctest.Wait()
		require.EqualValues(b.t, 5, b.stored(h.Request).Mark.Cost)
		_, err := r.Settle(h, 7, ledger.Usage{}, "")
		require.NoError(b.t, err)
		r.Mark(h, ledger.Mark{Accepted: true, Delivered: true, Cost: 9}) // too late
		synctest.Wait()
		require.EqualValues(b.t, 7, b.stored(h.Request).Debited)
		b.verify(7)
	})
}

// A replica cut off from the database ends its work as errors before another
// one resolves its holds, and has no say in them afterwards.
func TestSpend_partition(t *testing.T) { // HOTPATH 7, 9
	inBubble(t, func(b *bench) {
		lost, other := b.start(), b.start()
		h := b.hold(lost)
		lost.Mark(h, ledger.Mark{Accepted: true, Delivered: true, Cost: 40})
		synctest.Wait()
		work, end := lost.Work(b.t.Context(), h)
		defer end(nil)
		lost.edge.set(func(e *edge) { e.cut = true })
		start := time.Now()
		<-work.Done()
		require.ErrorIs(b.t, context.Cause(work), spend.ErrLost)
		require.Less(b.t, time.Since(start), 15*time.Second, "cut before others may act")
		require.False(b.t, lost.Ready())
		require.Equal(b.t, ledger.HoldOpen, b.stored(h.Request).State)

		time.Sleep(10 * time.Second)
		require.Equal(b.t, ledger.HoldSettled, b.stored(h.Request).State, "settled at its mark")
		lost.edge.set(func(e *edge) { e.cut = false })
		_, err := lost.Settle(h, 60, ledger.Usage{}, "replica_fenced")
		require.ErrorIs(b.t, err, ledger.ErrHoldClosed)
		b.verify(40)

		time.Sleep(5 * time.Second)
		require.True(b.t, lost.Ready(), "it goes on under a new identity")
		again := b.hold(lost)
		require.NotEqual(b.t, h.Replica, again.Replica)
		_, err = lost.Release(again, "test")
		require.NoError(b.t, err)
		_ = other
		b.verify(40)
	})
}

// asleep starts a replica that has slept through its lease with a hold open,
// and another one that has fenced it but cannot resolve the hold yet.
func (b *bench) asleep() (fenced, other *replica, h ledger.Hold) {
	b.t.Helper()
	fenced, other = b.start(), b.start()
	other.edge.set(func(e *edge) { e.before = func(context.Context, []ledger.Op) error { return store.ErrUnavailable } })
	h = b.hold(fenced)
	fenced.edge.set(func(e *edge) { e.asleep = true })
	time.Sleep(20 * time.Second)
	return fenced, other, h
}

// A fenced replica learns it from its next commit, and starts nothing.
func TestSpend_fenced(t *testing.T) { // HOTPATH 7
	inBubble(t, func(b *bench) {
		fenced, other, h := b.asleep()
		work, end := fenced.Work(b.t.Context(), h)
		defer end(nil)
		synctest.Wait()
		require.NoError(b.t, work.Err(), "it does not know yet")
		_, err := fenced.Hold(b.op(100))
		require.ErrorIs(b.t, err, store.ErrFenced)
		<-work.Done()
		require.ErrorIs(b.t, context.Cause(work), spend.ErrLost)
		other.edge.set(func(e *edge) { e.before = nil })
		fenced.edge.set(func(e *edge) { e.asleep = false })
		time.Sleep(time.Minute)
		require.Equal(b.t, ledger.ReasonRecovered, b.stored(h.Request).Reason)
		b.verify(0)
	})
}

// What a fenced replica ends may still be the first word on a hold.
func TestSpend_fenced_settle(t *testing.T) { // HOTPATH 7
	inBubble(t, func(b *bench) {
		fenced, other, h := b.asleep()
		o, err := fenced.Settle(h, 60, ledger.Usage{}, "")
		require.NoError(b.t, err, "under its new identity")
		require.EqualValues(b.t, 60, o.Debited)
		other.edge.set(func(e *edge) { e.before = nil })
		fenced.edge.set(func(e *edge) { e.asleep = false })
		time.Sleep(time.Minute)
		b.verify(60)
	})
}

// A hold that waits while its replica takes a new identity belongs to the new
// one: under the old one no recovery would ever find it.
func TestSpend_Hold_acrossIdentities(t *testing.T) { // HOTPATH 7
	inBubble(t, func(b *bench) {
		r := b.start()
		before := b.hold(r)
		work, end := r.Work(b.t.Context(), before)
		defer end(nil)
		r.edge.set(func(e *edge) { e.cut = true })
		start := time.Now()
		held := make(chan ledger.Hold, 1)
		go func() {
			time.Sleep(11 * time.Second)
			o, err := r.Hold(b.op(100))
			if err == nil {
				held <- o.Hold
			}
			close(held)
		}()
		<-work.Done()
		r.edge.set(func(e *edge) { e.cut = false })
		after, ok := <-held
		require.True(b.t, ok, "answered %s after the cut", time.Since(start))
		require.NotEqual(b.t, before.Replica, after.Replica)
		require.Equal(b.t, after.Replica, b.stored(after.Request).Replica)

		fresh, endFresh := r.Work(b.t.Context(), after)
		defer endFresh(nil)
		require.NoError(b.t, fresh.Err())
		stale, endStale := r.Work(b.t.Context(), before)
		defer endStale(nil)
		require.ErrorIs(b.t, context.Cause(stale), spend.ErrLost, "work under a lost identity does not begin")
		_, err := r.Release(after, "test")
		require.NoError(b.t, err)
		time.Sleep(time.Minute)
		b.verify(0)
	})
}

func TestSpend_Run_stop(t *testing.T) {
	t.Run("commits what is queued and leaves no row", func(t *testing.T) { // HOTPATH 24
		inBubble(t, func(b *bench) {
			r := b.start()
			h := b.hold(r)
			proceed := r.edge.stall()
			settled := make(chan error, 1)
			go func() {
				_, err := r.Settle(h, 60, ledger.Usage{}, "")
				settled <- err
			}()
			synctest.Wait()
			go func() { time.Sleep(time.Second); proceed() }()
			r.stop()
			require.NoError(b.t, <-settled)
			require.False(b.t, r.Ready())
			_, err := r.Hold(b.op(1))
			require.Equal(b.t, fault.Unavailable, fault.KindOf(err))
			time.Sleep(time.Hour)
			lapsed, err := b.db.Replicas().Lapsed(b.t.Context(), "", 10)
			require.NoError(b.t, err)
			require.Empty(b.t, lapsed)
			b.verify(60)
		})
	})
	t.Run("does not wait for ever for a store that is away", func(t *testing.T) {
		inBubble(t, func(b *bench) {
			r := b.start()
			h := b.hold(r)
			work, end := r.Work(b.t.Context(), h)
			defer end(nil)
			r.edge.stall()
			settled := make(chan error, 1)
			go func() {
				_, err := r.Settle(h, 60, ledger.Usage{}, "")
				settled <- err
			}()
			synctest.Wait()
			start := time.Now()
			r.stop()
			require.LessOrEqual(b.t, time.Since(start), 20*time.Second)
			require.Equal(b.t, fault.Unavailable, fault.KindOf(<-settled))
			<-work.Done()
			require.ErrorIs(b.t, context.Cause(work), spend.ErrLost)

			b.start() // the next start resolves it
			time.Sleep(time.Minute)
			require.Equal(b.t, ledger.ReasonRecovered, b.stored(h.Request).Reason)
			b.verify(0)
		})
	})
}

func TestSpend_notRunning(t *testing.T) { // G3
	t.Parallel()
	s := spend.New(spend.Deps{NewID: func(p string) string { return p }})
	require.False(t, s.Ready())
	_, err := s.Hold(ledger.Op{})
	require.ErrorIs(t, err, spend.ErrUnknown)
	work, end := s.Work(t.Context(), ledger.Hold{})
	defer end(nil)
	require.ErrorIs(t, context.Cause(work), spend.ErrLost)
}
