package keyring_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/keyring"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/ports/store"
)

func TestService_Rotate(t *testing.T) { // K6
	t.Parallel()
	h := build(t)
	old, token, err := h.Create(member(t, "user_1"), keyring.Draft{
		Account: "acct_1", User: "user_1", Name: "x", Scopes: []string{"models"},
		Models: []string{"m"}, ExpiresIn: 48 * time.Hour,
	})
	require.NoError(t, err)

	h.now = h.now.Add(time.Hour)
	next, fresh, err := h.Rotate(admin(t), "acct_1", old.ID, keys.DefaultOverlap)
	require.NoError(t, err)
	require.NotEqual(t, token.Reveal(), fresh.Reveal())
	require.Equal(t, "user_1", next.User)
	require.Equal(t, old.Name, next.Name)
	require.Equal(t, old.Scopes, next.Scopes)
	require.Equal(t, old.Models, next.Models)
	require.Equal(t, keys.MaxLife(h.now), next.ExpiresAt)

	then, err := h.Show(t.Context(), "acct_1", old.ID)
	require.NoError(t, err)
	require.Equal(t, next.ID, then.Successor)
	require.Equal(t, h.now.Add(keys.DefaultOverlap), then.ExpiresAt)
	require.Equal(t, []audit.Kind{audit.KeyRotated, audit.KeyCreated}, h.kinds(t, old.ID))
	require.Equal(t, []audit.Kind{audit.KeyCreated}, h.kinds(t, next.ID))

	_, _, err = h.Rotate(admin(t), "acct_1", old.ID, 0)
	require.ErrorIs(t, err, keyring.ErrRotated)

	t.Run("never longer than it would have lived", func(t *testing.T) {
		k, _, err := h.Create(operator(t), keyring.Draft{Account: "acct_1", Name: "y", ExpiresIn: time.Hour})
		require.NoError(t, err)
		_, _, err = h.Rotate(operator(t), "acct_1", k.ID, keys.MaxOverlap)
		require.NoError(t, err)
		then, err := h.Show(t.Context(), "acct_1", k.ID)
		require.NoError(t, err)
		require.Equal(t, k.ExpiresAt, then.ExpiresAt)
	})
	t.Run("at once", func(t *testing.T) {
		_, _, err := h.Rotate(admin(t), "acct_1", next.ID, 0)
		require.NoError(t, err)
		then, err := h.Show(t.Context(), "acct_1", next.ID)
		require.NoError(t, err)
		require.Equal(t, keys.StateExpired, then.State(h.now))
	})
}

func TestService_Rotate_refused(t *testing.T) {
	t.Parallel()
	h := build(t)
	k, _, err := h.Create(operator(t), keyring.Draft{Account: "acct_1", User: "user_1", Name: "x", ExpiresIn: time.Hour})
	require.NoError(t, err)
	code := func(_ keys.Key, _ keys.Token, err error) string { return fault.CodeOf(err) }
	require.Equal(t, "invalid_overlap", code(h.Rotate(operator(t), "acct_1", k.ID, -1)))
	require.Equal(t, "invalid_overlap", code(h.Rotate(operator(t), "acct_1", k.ID, keys.MaxOverlap+1)))
	require.Equal(t, "not_found", code(h.Rotate(operator(t), "acct_2", k.ID, 0)))
	require.Equal(t, "not_found", code(h.Rotate(admin(t), "acct_1", "key_none", 0)))
	require.Equal(t, "admin_required", code(h.Rotate(member(t, "user_2"), "acct_1", k.ID, 0)))
	require.Equal(t, "admin_required", code(h.Rotate(by(t, access.Principal{}), "acct_1", k.ID, 0)))
	h.now = h.now.Add(time.Hour)
	require.Equal(t, "key_not_active", code(h.Rotate(operator(t), "acct_1", k.ID, 0)))

	k, _, err = h.Create(operator(t), keyring.Draft{Account: "acct_1", Name: "y"})
	require.NoError(t, err)
	_, err = h.Revoke(operator(t), "acct_1", k.ID)
	require.NoError(t, err)
	require.Equal(t, "key_not_active", code(h.Rotate(operator(t), "acct_1", k.ID, 0)))
	require.NotContains(t, h.kinds(t, ""), audit.KeyRotated)
}

func TestService_Rotate_parallel(t *testing.T) {
	t.Parallel()
	h := build(t)
	k, _, err := h.Create(operator(t), keyring.Draft{Account: "acct_1", Name: "x"})
	require.NoError(t, err)
	ctx := operator(t)
	var won, lost atomic.Int64
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			switch _, _, err := h.Rotate(ctx, "acct_1", k.ID, time.Hour); {
			case err == nil:
				won.Add(1)
			case fault.CodeOf(err) == keyring.ErrRotated.Code:
				lost.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 1, won.Load())
	require.EqualValues(t, 99, lost.Load())
	ks, err := h.List(t.Context(), "acct_1", store.Page{})
	require.NoError(t, err)
	require.Len(t, ks, 2)
	require.Equal(t, []audit.Kind{audit.KeyRotated, audit.KeyCreated}, h.kinds(t, k.ID))
}
