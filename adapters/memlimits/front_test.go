package memlimits_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/memlimits"
	"github.com/archibot/archibotchat/ports/limits"
	"github.com/archibot/archibotchat/ports/limits/limitstest"
)

// counted is a limiter that counts what it is asked, and fails as it is told.
type counted struct {
	limits.Limiter
	asked atomic.Int64
	err   error
}

func (c *counted) Take(ctx context.Context, key string, r limits.Rule) (limits.Verdict, error) {
	c.asked.Add(1)
	if c.err != nil {
		return limits.Verdict{}, c.err
	}
	return c.Limiter.Take(ctx, key, r)
}

// Two fronts of one limiter keep what the limiter promises.
func TestFront_Conformance(t *testing.T) {
	t.Parallel()
	limitstest.Run(t, func(t testing.TB, clock func() time.Time) (a, b limits.Limiter) {
		c := memlimits.Config{Now: clock}
		shared := memlimits.New(c)
		return memlimits.NewFront(c, shared), memlimits.NewFront(c, shared)
	})
}

func TestFront_Take(t *testing.T) {
	t.Parallel()
	now := start
	c := memlimits.Config{Now: func() time.Time { return now }}
	next := &counted{Limiter: memlimits.New(c)}
	front := memlimits.NewFront(c, next)
	rule := limits.Rule{Burst: 2, Every: time.Minute}
	take := func() limits.Verdict {
		v, err := front.Take(t.Context(), "k", rule)
		require.NoError(t, err)
		return v
	}
	for range 1000 {
		take()
	}
	require.EqualValues(t, 3, next.asked.Load(), "a flood stops here")
	require.Equal(t, limits.Verdict{Wait: time.Minute}, take())
	now = now.Add(time.Minute)
	require.True(t, take().OK, "whoever waits as told is let in")
	require.EqualValues(t, 4, next.asked.Load())

	next.err = errors.New("down")
	_, err := front.Take(t.Context(), "l", rule)
	require.Error(t, err, "it lets nobody through on its own")
	next.err = nil
	v, err := front.Take(t.Context(), "l", rule)
	require.NoError(t, err)
	require.True(t, v.OK, "and remembers no failure as a refusal")
}
