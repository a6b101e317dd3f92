package admit_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/system"
	"github.com/archibot/archibotchat/core/app/admit"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/core/ledger"
)

// grant admits the n-th key and returns what it was granted.
func (r *replica) grant(n int) admit.Grant {
	r.h.t.Helper()
	g, err := r.Key(r.h.t.Context(), admit.Visit{Token: token(n).Reveal(), Scope: keys.ScopeModels})
	require.NoError(r.h.t, err)
	return g
}

// again is what a request with key 0 asks for whose hold was refused under an epoch.
func (r *replica) again(refused int64) (admit.Grant, error) {
	return r.Again(r.h.t.Context(), admit.Visit{Token: token(0).Reveal(), Scope: keys.ScopeModels}, acct(0), refused)
}

func (h *house) limit(n int, l ledger.Limit) {
	h.t.Helper()
	require.NoError(h.t, h.db.Limits().Set(h.t.Context(), acct(n), l, system.Now()))
}

func TestService_Key_limits(t *testing.T) { // L12, K7: they come with the key, and as soon as it
	inBubble(t, func(t *testing.T, h *house) {
		h.add(1)
		r := h.replica(0)
		was := r.grant(0)
		require.Empty(t, was.Limits)
		require.True(t, was.Current)
		want := ledger.Limit{Scope: keyID(0), Monthly: 5, Requests: 6, Tokens: 7}
		h.limit(0, want)
		time.Sleep(300 * time.Millisecond)
		synctest.Wait()
		now := r.grant(0)
		require.Equal(t, []ledger.Limit{want}, now.Limits)
		require.Greater(t, now.Account.Epoch, was.Account.Epoch)
	})
}

func TestService_Key_current(t *testing.T) { // HOTPATH 13, 20: a stale lease is told of
	inBubble(t, func(t *testing.T, h *house) {
		h.add(1)
		r := h.replica(0)
		r.edge.set(func(e *edge) { e.cutPolls = true })
		require.True(t, r.grant(0).Current)
		time.Sleep(time.Second)
		require.False(t, r.grant(0).Current)
	})
}

func TestService_Again(t *testing.T) { // HOTPATH 20
	inBubble(t, func(t *testing.T, h *house) {
		h.add(2)
		r := h.replica(0)
		was := r.grant(0)
		r.grant(1)
		h.limit(0, ledger.Limit{Scope: acct(0), Monthly: 5})
		require.Empty(t, r.grant(0).Limits, "not polled yet")
		require.Equal(t, 2, r.edge.count())

		now, err := r.again(was.Account.Epoch)
		require.NoError(t, err)
		require.Len(t, now.Limits, 1)
		require.Equal(t, was.Account.Epoch+1, now.Account.Epoch)
		require.Equal(t, now, r.grant(0), "for all that come after, too")
		_, err = r.again(was.Account.Epoch)
		require.NoError(t, err)
		r.grant(1)
		require.Equal(t, 3, r.edge.count(), "who is late finds what was read, and others are left alone")

		h.revoke(0)
		_, err = r.again(now.Account.Epoch)
		require.Equal(t, fault.Unauthenticated, fault.KindOf(err))
		require.Equal(t, "key_revoked", r.events[0].Reason)
	})
}

// A crowd that is refused at once reads what changed once.
func TestService_Again_crowd(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.add(1)
		r := h.replica(0)
		was := r.grant(0)
		h.limit(0, ledger.Limit{Scope: acct(0), Monthly: 5})
		var wg sync.WaitGroup
		for range 200 {
			wg.Go(func() {
				g, err := r.again(was.Account.Epoch)
				if err != nil || len(g.Limits) != 1 {
					t.Errorf("admitted with %v, %v", g.Limits, err)
				}
			})
		}
		wg.Wait()
		require.Equal(t, 2, r.edge.count())
	})
}
