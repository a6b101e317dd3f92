package sqlstore_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/sqlstore"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/ports/limits"
	"github.com/archibot/archibotchat/ports/limits/limitstest"
	"github.com/archibot/archibotchat/ports/store"
)

var attemptsSecret = []byte("0123456789abcdef0123456789abcdef")

func TestSQLite_Attempts(t *testing.T) {
	t.Parallel()
	attempts(t, func(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "store.db") })
}

// attempts proves the port, on two handles of one database, and what the store
// adds to it.
func attempts(t *testing.T, url func(testing.TB) string) {
	limitstest.Run(t, func(t testing.TB, clock func() time.Time) (a, b limits.Limiter) {
		at := url(t)
		return open(t, at, clock).Attempts(attemptsSecret), open(t, at, clock).Attempts(attemptsSecret)
	})
	t.Run("keys are not kept", func(t *testing.T) {
		t.Parallel()
		at := url(t)
		s, other := open(t, at, nil), open(t, at, nil)
		rule := limits.Rule{Burst: 1, Every: time.Hour}
		v, err := s.Attempts(attemptsSecret).Take(t.Context(), "192.0.2.1", rule)
		require.NoError(t, err)
		require.True(t, v.OK)
		v, err = other.Attempts([]byte("another secret")).Take(t.Context(), "192.0.2.1", rule)
		require.NoError(t, err)
		require.True(t, v.OK, "the digest hangs on the secret")
		n, err := s.Count(t.Context(), "SELECT count(*) FROM attempts")
		require.NoError(t, err)
		require.EqualValues(t, 2, n)
		require.NotContains(t, fmt.Sprintf("%v %+v %#v", s.Attempts(attemptsSecret), s.Attempts(attemptsSecret), s.Attempts(attemptsSecret)), "0123456789abcdef")
	})
	t.Run("sweep", func(t *testing.T) {
		t.Parallel()
		var mu sync.Mutex
		clock := now()
		move := func(d time.Duration) { mu.Lock(); defer mu.Unlock(); clock = clock.Add(d) }
		s := open(t, url(t), func() time.Time { mu.Lock(); defer mu.Unlock(); return clock })
		a := s.Attempts(attemptsSecret)
		left := func() int64 {
			n, err := s.Count(t.Context(), "SELECT count(*) FROM attempts")
			require.NoError(t, err)
			return n
		}
		for n := range 25 {
			_, err := a.Take(t.Context(), strconv.Itoa(n), limits.Rule{Burst: 1, Every: time.Duration(n+1) * time.Minute})
			require.NoError(t, err)
		}
		move(20 * time.Minute)
		more, err := a.Sweep(t.Context(), 15)
		require.NoError(t, err)
		require.True(t, more)
		require.EqualValues(t, 10, left())
		more, err = a.Sweep(t.Context(), 15)
		require.NoError(t, err)
		require.False(t, more)
		require.EqualValues(t, 5, left(), "what is not full stays")
		move(-72 * time.Hour) // those were made when the clock was ahead
		_, err = a.Sweep(t.Context(), 15)
		require.NoError(t, err)
		require.Zero(t, left())
	})
	t.Run("fails closed", func(t *testing.T) {
		t.Parallel()
		s := open(t, url(t), nil)
		a := s.Attempts(attemptsSecret)
		rule := limits.Rule{Burst: 100, Every: time.Second}
		require.NoError(t, s.Do(t.Context(), func(ctx context.Context, _ store.Stores) error {
			_, err := a.Take(ctx, "k", rule)
			require.ErrorIs(t, err, store.ErrOuterStore)
			return nil
		}))
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		v, err := a.Take(ended, "k", rule)
		require.Equal(t, fault.Canceled, fault.KindOf(err))
		require.False(t, v.OK)
		gone := closed(t, url(t))
		v, err = gone.Attempts(attemptsSecret).Take(t.Context(), "k", rule)
		require.Error(t, err)
		require.False(t, v.OK)
	})
}

// closed returns a store that was closed.
func closed(t testing.TB, url string) *sqlstore.Store {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), sqlstore.Config{URL: url, NewID: newID, Now: now})
	require.NoError(t, err)
	require.NoError(t, s.Migrate(t.Context()))
	require.NoError(t, s.Close())
	return s
}
