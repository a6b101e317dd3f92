package responses_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/app/responses"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/ports/store"
)

func TestService_Claim(t *testing.T) { // W4
	inBubble(t, func(b *bench) {
		require.NoError(b.t, b.Claim(b.t.Context(), response("resp_1")))
		require.True(b.t, b.there("resp_1"), "durable once it returns")
		require.NoError(b.t, b.Claim(b.t.Context(), response("resp_1")), "a repetition")
		foreign := response("resp_1")
		foreign.Account = "acct_2"
		require.ErrorIs(b.t, b.Claim(b.t.Context(), foreign), store.ErrTaken)
	})
}

// While a statement is under way the next claims gather: a crowd takes few.
func TestService_Claim_gathers(t *testing.T) {
	inBubble(t, func(b *bench) {
		gate := make(chan struct{})
		var sizes []int
		b.db.on(func(claims []store.Response, _ []store.ResponseEnd) error {
			sizes = append(sizes, len(claims))
			<-gate
			return nil
		})
		const n = 300
		done := make(chan error, n)
		for i := range n {
			go func() { done <- b.Claim(b.t.Context(), response(fmt.Sprint("resp_", i))) }()
			synctest.Wait()
		}
		close(gate)
		for range n {
			require.NoError(b.t, <-done)
		}
		require.Equal(b.t, []int{1, 256, 43}, sizes)
	})
}

// A store that is away for a moment is asked again; for longer, the claim fails
// and is not made later (G3).
func TestService_Claim_storeAway(t *testing.T) { // G3
	t.Run("for a moment", func(t *testing.T) {
		inBubble(t, func(b *bench) {
			var tries atomic.Int64
			b.db.on(func([]store.Response, []store.ResponseEnd) error {
				if tries.Add(1) <= 3 {
					return errDown
				}
				return nil
			})
			require.NoError(b.t, b.Claim(b.t.Context(), response("resp_1")))
			require.True(b.t, b.there("resp_1"))
		})
	})
	t.Run("for longer", func(t *testing.T) {
		inBubble(t, func(b *bench) {
			b.db.on(func([]store.Response, []store.ResponseEnd) error { return errDown })
			took := elapsed(func() { require.ErrorIs(b.t, b.Claim(b.t.Context(), response("resp_1")), store.ErrUnavailable) })
			require.Equal(b.t, 5*time.Second, took)
			synctest.Wait() // a try of the same moment may be under way
			b.db.on(nil)
			time.Sleep(time.Minute)
			require.False(b.t, b.there("resp_1"), "nobody waits for it any more")
		})
	})
	t.Run("until the client has gone", func(t *testing.T) {
		inBubble(t, func(b *bench) {
			b.db.on(func([]store.Response, []store.ResponseEnd) error { return errDown })
			ctx, cancel := context.WithTimeout(b.t.Context(), time.Second)
			defer cancel()
			require.ErrorIs(b.t, b.Claim(ctx, response("resp_1")), context.DeadlineExceeded)
		})
	})
}

// A row that the database refuses fails alone.
func TestService_Claim_poisoned(t *testing.T) {
	inBubble(t, func(b *bench) {
		gate := make(chan struct{})
		b.db.on(func([]store.Response, []store.ResponseEnd) error { <-gate; return nil })
		results := map[string]chan error{}
		for _, id := range []string{"resp_first", "resp_1", "resp_\x00", "resp_2"} {
			result := make(chan error, 1)
			results[id] = result
			go func() { result <- b.Claim(b.t.Context(), response(id)) }()
			synctest.Wait()
		}
		close(gate)
		for id, result := range results {
			if err := <-result; id == "resp_\x00" {
				require.Equal(b.t, fault.Invalid, fault.KindOf(err))
			} else {
				require.NoError(b.t, err, id)
			}
		}
		require.True(b.t, b.there("resp_1") && b.there("resp_2"))
	})
}

func TestService_Claim_full(t *testing.T) { // W10
	inBubble(t, func(b *bench) {
		gate := make(chan struct{})
		b.db.on(func([]store.Response, []store.ResponseEnd) error { <-gate; return nil })
		ctx, cancel := context.WithCancel(b.t.Context())
		go func() { _ = b.Claim(ctx, response("resp_first")) }()
		synctest.Wait() // it is being written
		for i := range 8192 {
			go func() { _ = b.Claim(ctx, response(fmt.Sprint("resp_", i))) }()
		}
		synctest.Wait()
		require.ErrorIs(b.t, b.Claim(b.t.Context(), response("resp_more")), responses.ErrBusy)
		cancel()
		close(gate)
		synctest.Wait()
		b.db.on(nil)
		require.NoError(b.t, b.Claim(b.t.Context(), response("resp_more")), "room again")
		require.False(b.t, b.there("resp_8000"), "what nobody waits for is not written")
	})
}

func TestService_End(t *testing.T) {
	inBubble(t, func(b *bench) {
		require.NoError(b.t, b.Claim(b.t.Context(), response("resp_1")))
		<-b.End(store.ResponseEnd{ID: "resp_1", Account: account, Tokens: 30})
		got, err := b.db.Store.Responses().Get(b.t.Context(), account, "resp_1")
		require.NoError(b.t, err)
		require.True(b.t, got.Ended)
		require.EqualValues(b.t, 30, got.Tokens)

		// A store that is away costs the note some time, or the note.
		var down atomic.Bool
		down.Store(true)
		b.db.on(func([]store.Response, []store.ResponseEnd) error {
			if down.Load() {
				return errDown
			}
			return nil
		})
		noted := b.End(store.ResponseEnd{ID: "resp_1", Account: account, Tokens: 31})
		time.Sleep(20 * time.Second)
		require.False(b.t, closed(noted))
		down.Store(false)
		<-noted
		got, err = b.db.Store.Responses().Get(b.t.Context(), account, "resp_1")
		require.NoError(b.t, err)
		require.EqualValues(b.t, 31, got.Tokens)

		down.Store(true)
		noted = b.End(store.ResponseEnd{ID: "resp_1", Account: account, Tokens: 32})
		took := elapsed(func() { <-noted })
		require.InDelta(b.t, 30*time.Second, took, float64(time.Second))
	})
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// What is queued when the service has to end is written first.
func TestService_Run_flushes(t *testing.T) {
	inBubble(t, func(b *bench) {
		gate := make(chan struct{})
		b.db.on(func([]store.Response, []store.ResponseEnd) error { <-gate; return nil })
		done := make(chan error, 2)
		for _, id := range []string{"resp_1", "resp_2"} {
			go func() { done <- b.Claim(b.t.Context(), response(id)) }()
			synctest.Wait()
		}
		go b.stop()
		synctest.Wait()
		close(gate)
		require.NoError(b.t, <-done)
		require.NoError(b.t, <-done)
		require.True(b.t, b.there("resp_1") && b.there("resp_2"))
		synctest.Wait()
		took := elapsed(func() { require.ErrorIs(b.t, b.Claim(b.t.Context(), response("resp_3")), store.ErrUnavailable) })
		require.Zero(b.t, took, "a service that has ended says so at once")
	})
}

func TestService_Run_storeAwayAtTheEnd(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.db.on(func([]store.Response, []store.ResponseEnd) error { return errDown })
		b.End(store.ResponseEnd{ID: "resp_1", Account: account})
		synctest.Wait()
		require.Less(b.t, elapsed(b.stop), 6*time.Second)
	})
}

func TestService_prunes(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.claimed("resp_1", 10)
		time.Sleep(29 * 24 * time.Hour)
		require.True(b.t, b.there("resp_1"))
		b.claimed("resp_2", 10)
		time.Sleep(25 * time.Hour)
		require.False(b.t, b.there("resp_1"))
		require.True(b.t, b.there("resp_2"))
	})
}
