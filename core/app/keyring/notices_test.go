package keyring_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/keyring"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/ports/store"
)

const day = 24 * time.Hour

func service(t *testing.T) context.Context {
	return by(t, access.Principal{Kind: access.PrincipalService})
}

// told returns the reasons of a key's notices, the newest first.
func (h *house) told(t *testing.T, key string) (reasons []string) {
	t.Helper()
	es, err := h.store.Events().List(t.Context(), store.EventQuery{Account: "acct_1", Key: key, Kinds: []audit.Kind{audit.KeyExpiring}})
	require.NoError(t, err)
	for _, e := range es {
		require.Equal(t, key, e.Subject)
		require.Equal(t, audit.Actor{Kind: audit.ActorService}, e.Actor)
		reasons = append(reasons, e.Reason)
	}
	return reasons
}

func (h *house) notify(t *testing.T) int {
	t.Helper()
	n, err := h.Notify(service(t))
	require.NoError(t, err)
	return n
}

func TestService_Notify(t *testing.T) { // K4, U1
	t.Parallel()
	h := build(t)
	made := h.now
	draft := func(life time.Duration) keys.Key {
		k, _, err := h.Create(operator(t), keyring.Draft{Account: "acct_1", Name: "x", ExpiresIn: life})
		require.NoError(t, err)
		return k
	}
	year, short, brief, revoked, rotated := draft(0), draft(10*day), draft(time.Hour), draft(0), draft(0)
	_, err := h.Revoke(operator(t), "acct_1", revoked.ID)
	require.NoError(t, err)
	next, _, err := h.Rotate(operator(t), "acct_1", rotated.ID, keys.MaxOverlap)
	require.NoError(t, err)
	end := year.ExpiresAt
	for _, c := range []struct {
		at          time.Time
		year, short []string
	}{
		{made, nil, nil},
		{made.Add(2 * day), nil, nil},
		{made.Add(3 * day), nil, []string{"expires_in_7_days"}},
		{made.Add(9 * day), nil, []string{"expires_in_1_day", "expires_in_7_days"}},
		{end.Add(-30*day - time.Microsecond), nil, []string{"expires_in_1_day", "expires_in_7_days"}},
		{end.Add(-30 * day), []string{"expires_in_30_days"}, []string{"expires_in_1_day", "expires_in_7_days"}},
		{end.Add(-7 * day), []string{"expires_in_7_days", "expires_in_30_days"}, []string{"expires_in_1_day", "expires_in_7_days"}},
		{end.Add(-time.Hour), []string{"expires_in_1_day", "expires_in_7_days", "expires_in_30_days"}, []string{"expires_in_1_day", "expires_in_7_days"}},
		{end.Add(day), []string{"expires_in_1_day", "expires_in_7_days", "expires_in_30_days"}, []string{"expires_in_1_day", "expires_in_7_days"}},
	} {
		h.now = c.at
		h.notify(t)
		require.Zero(t, h.notify(t), "once each")
		require.Equal(t, c.year, h.told(t, year.ID), c.at)
		require.Equal(t, c.short, h.told(t, short.ID), c.at)
		for name, k := range map[string]keys.Key{"brief": brief, "revoked": revoked, "rotated": rotated} {
			require.Empty(t, h.told(t, k.ID), name)
		}
	}
	require.Len(t, h.told(t, next.ID), 3, "the successor's own")
	due, err := h.store.Keys().Notices(t.Context(), 10)
	require.NoError(t, err)
	require.Empty(t, due)
}

func TestService_Notify_parallel(t *testing.T) { // K4: once, from several servers
	t.Parallel()
	h := build(t)
	var made []keys.Key
	for range 130 { // more than one step
		k, _, err := h.Create(operator(t), keyring.Draft{Account: "acct_1", Name: "x"})
		require.NoError(t, err)
		made = append(made, k)
	}
	h.now = made[0].ExpiresAt.Add(-30 * day)
	ctx := service(t)
	var told atomic.Int64
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			n, err := h.Notify(ctx)
			if err != nil {
				t.Error(err)
			}
			told.Add(int64(n))
		})
	}
	wg.Wait()
	told.Add(int64(h.notify(t)))
	require.EqualValues(t, len(made), told.Load())
	for _, k := range made {
		require.Equal(t, []string{"expires_in_30_days"}, h.told(t, k.ID))
	}
}

func TestService_Notify_others(t *testing.T) {
	t.Parallel()
	_, err := build(t).Notify(operator(t))
	require.ErrorIs(t, err, keyring.ErrServiceOnly)
}
