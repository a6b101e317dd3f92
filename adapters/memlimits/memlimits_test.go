package memlimits_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/memlimits"
	"github.com/archibot/archibotchat/ports/limits"
	"github.com/archibot/archibotchat/ports/limits/limitstest"
)

func TestLimiter_Conformance(t *testing.T) {
	t.Parallel()
	limitstest.Run(t, func(t testing.TB, clock func() time.Time) (a, b limits.Limiter) {
		l := memlimits.New(memlimits.Config{Now: clock})
		return l, l
	})
}

var start = time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC)

// A flood of keys takes no more than its room, and pushes out what is full
// before what is not.
func TestLimiter_bounded(t *testing.T) {
	t.Parallel()
	now := start
	l := memlimits.New(memlimits.Config{Now: func() time.Time { return now }, Keys: 160})
	take := func(key string, r limits.Rule) bool {
		v, err := l.Take(t.Context(), key, r)
		require.NoError(t, err)
		return v.OK
	}
	slow, quick := limits.Rule{Burst: 2, Every: time.Hour}, limits.Rule{Burst: 1, Every: time.Second}
	for range 2 {
		require.True(t, take("empty", slow))
	}
	for n := range 10_000 {
		require.True(t, take(fmt.Sprint("flood ", n), quick))
	}
	require.LessOrEqual(t, l.Len(), 160)
	require.False(t, take("empty", slow), "the bucket that is furthest from full stays")

	now = now.Add(time.Second)
	for n := range 1000 {
		take(fmt.Sprint("calm ", n%10), quick)
	}
	for n := range 160 {
		take(fmt.Sprint("later ", n), quick)
		now = now.Add(2 * time.Second)
	}
	require.Less(t, l.Len(), 60, "full buckets give their room back")
}

func TestLimiter_evictsTheFullestFirst(t *testing.T) {
	t.Parallel()
	l := memlimits.New(memlimits.Config{Now: func() time.Time { return start }, Keys: 1}) // one bucket a shard
	r := limits.Rule{Burst: 1, Every: time.Hour}
	for n := range 1000 {
		v, err := l.Take(t.Context(), strconv.Itoa(n), r)
		require.NoError(t, err)
		require.True(t, v.OK)
	}
	require.LessOrEqual(t, l.Len(), 16)
}
