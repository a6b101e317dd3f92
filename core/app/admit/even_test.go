package admit_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/admit"
	"github.com/archibot/archibotchat/core/keys"
)

// A key that was made here is refused after the same time as one that was not,
// whether it is known in memory or not (SECURITY, keys).
func TestService_Key_even(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.add(3)
		h.revoke(0)
		a := usable(1)
		a.Status = access.StatusClosed
		require.NoError(t, h.db.Accounts().Set(t.Context(), a))
		r := h.replica(0)
		took := func(text string) time.Duration {
			begun := time.Now()
			_, err := r.Key(t.Context(), admit.Visit{Token: text, Scope: keys.ScopeModels})
			require.Error(t, err)
			return time.Since(begun)
		}
		for range 2 {
			for _, n := range []int{0, 1, 99} { // revoked, closed, unknown
				require.Equal(t, 10*time.Millisecond, took(token(n).Reveal()), n)
			}
			require.Zero(t, took("abk_"), "what is no key is no secret")
		}

		require.NoError(t, r.enter(2))
		begun := time.Now()
		require.NoError(t, r.enter(2))
		require.Zero(t, time.Since(begun), "who is let in does not wait")

		// A store that is slow is slow for all.
		r.edge.set(func(e *edge) { e.read = func(context.Context) { time.Sleep(30 * time.Millisecond) } })
		require.Equal(t, 30*time.Millisecond, took(token(98).Reveal()))
	})
}
