package spend_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

func TestSpend_Begin_headroom(t *testing.T) { // HOTPATH 13
	inBubble(t, func(b *bench) {
		r := b.start()
		_, ok := r.Begin(b.op(1), false)
		require.False(b.t, ok, "nothing is known of the account")
		b.warm(r)

		_, ok = r.Begin(b.op(granted/10+1), false)
		require.False(b.t, ok, "more than a tenth of what is left")
		limited := b.op(1)
		limited.Limits = []ledger.Limit{{Scope: account, Requests: 1000}}
		_, ok = r.Begin(limited, false)
		require.False(b.t, ok, "a rate wants the hold first")
		limited.Limits = []ledger.Limit{{Scope: account, Monthly: 1000}}
		_, ok = r.Begin(limited, false)
		require.False(b.t, ok, "nothing is known of the budget")

		first := b.begin(r, granted/20)
		second := b.begin(r, granted/40)
		_, ok = r.Begin(b.op(granted/20), false)
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
		_, ok = r.Begin(b.op(1), false)
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
		_, ok := r.Begin(b.op(1), false)
		require.False(b.t, ok, "too old")

		b.warm(r)
		time.Sleep(30 * time.Second)
		_, ok = r.Begin(b.op(granted/290), false)
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
				_, ok := r.Begin(b.op(granted/400), false)
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
			_, ok := r.Begin(b.op(1), false)
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
		_, ok := r.Begin(b.op(1), false)
		require.False(b.t, ok, "another such second and nothing is left")
	})
}

// drain has another replica hold all that the account has, until it is given back.
func (b *bench) drain() (giveBack func()) {
	b.t.Helper()
	spent := b.op(granted)
	spent.Kind, spent.Nonce = ledger.OpHold, "other"
	b.commit(spent)
	return func() {
		b.t.Helper()
		spent.Kind, spent.Amount = ledger.OpRelease, 0
		b.commit(spent)
	}
}

// What one replica believes is left, others have spent: nothing of an answer
// whose hold is refused may be used, and the account overlaps no more.
func TestSpend_Begin_refused(t *testing.T) { // HOTPATH 13
	inBubble(t, func(b *bench) {
		r := b.start()
		b.warm(r)
		giveBack := b.drain()

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

		giveBack()
		b.warm(r)
		_, ok := r.Begin(b.op(1), false)
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
		giveBack := b.drain()
		later := b.op(100)
		later.Epoch = 77
		changed, ok := r.Begin(later, false)
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
		giveBack()
		b.verify(0)
	})
}
