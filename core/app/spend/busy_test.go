package spend_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/spend"
	"github.com/archibot/archibotchat/core/billing"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

// another makes one more account with credits.
func (b *bench) another(id string) {
	b.t.Helper()
	now := time.Now().UTC()
	require.NoError(b.t, b.db.Accounts().Create(b.t.Context(), store.Account{
		Account: access.Account{ID: id, Name: "Test", Status: access.StatusActive, CreatedAt: now, UpdatedAt: now}, Billing: billing.Active,
	}))
	b.commit(ledger.Op{Kind: ledger.OpGrant, Account: id, Lot: "lot_" + id, Amount: granted, Source: ledger.SourceOperator})
}

// of returns a hold to ask for on an account.
func (b *bench) of(account string, amount int64) ledger.Op {
	op := b.op(amount)
	op.Account = account
	return op
}

func TestSpend_busyAccount(t *testing.T) { // HOTPATH 2
	inBubble(t, func(b *bench) {
		b.another("acct_busy")
		r := b.start()
		settled := b.of("acct_busy", 100)
		o, err := r.Hold(settled)
		require.NoError(b.t, err)
		var mu sync.Mutex
		var asked []time.Duration
		locked := true
		r.edge.set(func(e *edge) {
			e.busy = func(account string, patience time.Duration) bool {
				mu.Lock()
				busy := account == "acct_busy" && locked
				if busy {
					asked = append(asked, patience)
				}
				mu.Unlock()
				if busy { // not under the lock: a bubble's time stands still for that
					time.Sleep(patience)
				}
				return busy
			}
		})
		var wg sync.WaitGroup
		var order []string
		for range 10 {
			op := b.of("acct_busy", 1)
			wg.Go(func() {
				o, err := r.Hold(op)
				assert.NoError(b.t, err)
				assert.Equal(b.t, op.Request, o.Hold.Request)
			})
			synctest.Wait()
		}
		wg.Go(func() {
			_, err := r.Settle(o.Hold, 60, ledger.Usage{}, "")
			assert.NoError(b.t, err)
		})
		synctest.Wait()
		start := time.Now()
		for range 20 {
			h := b.hold(r)
			_, err := r.Release(h, "test")
			require.NoError(b.t, err)
		}
		require.Zero(b.t, time.Since(start), "others go on at once")
		time.Sleep(time.Second)
		r.edge.set(func(e *edge) {
			e.after = func(ops []ledger.Op) error {
				mu.Lock()
				defer mu.Unlock()
				for _, op := range ops {
					if op.Kind == ledger.OpHold {
						order = append(order, op.Request)
					}
				}
				return nil
			}
		})
		mu.Lock()
		locked = false
		require.Greater(b.t, len(asked), 8)
		require.Zero(b.t, asked[0])
		require.Equal(b.t, 100*time.Millisecond, asked[len(asked)-1])
		mu.Unlock()
		wg.Wait()
		require.IsIncreasing(b.t, order, "in the order in which they came")
		require.Len(b.t, order, 10)
		require.EqualValues(b.t, 60, b.storedOf("acct_busy", settled.Request).Debited)
		b.verify(0)
	})
}

func (b *bench) storedOf(account, request string) ledger.Hold {
	b.t.Helper()
	h, err := b.db.Ledger().Hold(b.t.Context(), account, request)
	require.NoError(b.t, err)
	return h
}

// An account that is busy when the server stops has its ops committed as soon
// as it is free, or answered.
func TestSpend_busyAccount_stop(t *testing.T) { // HOTPATH 2, 24
	for name, free := range map[string]bool{"free again": true, "for ever": false} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *bench) {
				r := b.start()
				h := b.hold(r)
				since := time.Now()
				r.edge.set(func(e *edge) {
					e.busy = func(_ string, patience time.Duration) bool {
						time.Sleep(patience)
						return !free || time.Since(since) < 3*time.Second
					}
				})
				settled := make(chan error, 1)
				go func() {
					_, err := r.Settle(h, 60, ledger.Usage{}, "")
					settled <- err
				}()
				synctest.Wait()
				r.stop()
				err := <-settled
				require.LessOrEqual(b.t, time.Since(since), 20*time.Second)
				if free {
					require.NoError(b.t, err)
					b.verify(60)
					return
				}
				require.Equal(b.t, fault.Unavailable, fault.KindOf(err))
			})
		})
	}
}

// Full for one account is not full for the others, and never for an end.
func TestSpend_queueFull_oneAccount(t *testing.T) { // HOTPATH 3
	inBubble(t, func(b *bench) {
		b.another("acct_hot")
		r := b.start()
		o, err := r.Hold(b.of("acct_hot", 100))
		require.NoError(b.t, err)
		proceed := r.edge.stall()
		go func() { _, _ = r.Hold(b.of("acct_hot", 1)) }()
		synctest.Wait()
		busy := make(chan error, 10_000)
		for range 4200 {
			op := b.of("acct_hot", 1)
			go func() {
				o, err := r.Hold(op)
				if err != nil {
					busy <- err
					return
				}
				_, err = r.Release(o.Hold, "test")
				assert.NoError(b.t, err)
			}()
		}
		synctest.Wait()
		require.NotEmpty(b.t, busy)
		err = <-busy
		require.ErrorIs(b.t, err, spend.ErrBusy)
		require.NotZero(b.t, fault.From(err).RetryAfter)
		cold, settled := make(chan error, 1), make(chan error, 1)
		go func() { _, err := r.Hold(b.op(10)); cold <- err }()
		go func() { _, err := r.Settle(o.Hold, 60, ledger.Usage{}, ""); settled <- err }()
		synctest.Wait()
		r.edge.set(func(e *edge) {
			e.after = func(ops []ledger.Op) error {
				assert.LessOrEqual(b.t, len(ops), 256)
				return nil
			}
		})
		proceed()
		for _, done := range []chan error{cold, settled} {
			require.NoError(b.t, <-done)
		}
		time.Sleep(time.Minute)
	})
}

// An account whose rows the database refuses costs the others one search for
// the culprit, not one per op.
func TestSpend_poisonedAccount(t *testing.T) { // HOTPATH 3
	inBubble(t, func(b *bench) {
		b.another("acct_bad")
		r := b.start()
		poison := fault.New(fault.Invalid, "bad_data", "The row is refused.")
		var mu sync.Mutex
		refused := 0 // batches with others' ops in them that failed
		r.edge.set(func(e *edge) {
			e.before = func(_ context.Context, ops []ledger.Op) error {
				bad, good := false, false
				for _, op := range ops {
					bad, good = bad || op.Account == "acct_bad", good || op.Account != "acct_bad"
				}
				if !bad {
					return nil
				}
				mu.Lock()
				defer mu.Unlock()
				if good {
					refused++
				}
				return poison
			}
		})
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				for range 20 {
					mu.Lock()
					op := b.op(1)
					mu.Unlock()
					o, err := r.Hold(op)
					if assert.NoError(b.t, err) {
						_, err = r.Release(o.Hold, "test")
						assert.NoError(b.t, err)
					}
				}
			})
		}
		wg.Go(func() {
			for i := range 100 {
				_, err := r.Hold(ledger.Op{Account: "acct_bad", Request: fmt.Sprint("req_bad_", i), Amount: 1})
				assert.ErrorIs(b.t, err, poison)
			}
		})
		wg.Wait()
		require.LessOrEqual(b.t, refused, 8, "one search")
		b.verify(0)
	})
}
