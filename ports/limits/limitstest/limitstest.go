// Package limitstest is the conformance suite of the limits port: what package
// limits promises, every adapter proves here. An adapter's own test is a call
// of [Run] and what only that adapter can do.
package limitstest

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/ports/limits"
)

// Open returns two handles on the same fresh buckets, as two servers have them
// where buckets are shared; in one process they may be one. clock is theirs.
type Open = func(t testing.TB, clock func() time.Time) (a, b limits.Limiter)

// Run runs the whole suite.
func Run(t *testing.T, open func(t testing.TB, clock func() time.Time) (a, b limits.Limiter)) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, Open){
		"burst": burst, "flow": flow, "refusals_are_free": refusals, "keys": keys, "rules": rules,
		"clock_goes_back": clockGoesBack, "rule_changes": ruleChanges, "crowd": crowd,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open)
		})
	}
}

// clock is moved by the test.
type clock struct{ µ atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.µ.Store(time.Date(2025, 3, 1, 12, 0, 0, 123_457_000, time.UTC).UnixMicro())
	return c
}

func (c *clock) Now() time.Time      { return time.UnixMicro(c.µ.Load()).UTC() }
func (c *clock) Add(d time.Duration) { c.µ.Add(d.Microseconds()) }

var rule = limits.Rule{Burst: 3, Every: 10 * time.Second}

// let takes an attempt that must be let through.
func let(t *testing.T, l limits.Limiter, key string) {
	t.Helper()
	v, err := l.Take(t.Context(), key, rule)
	require.NoError(t, err)
	require.Equal(t, limits.Verdict{OK: true}, v)
}

// refuse takes one that must be refused, and says for how long.
func refuse(t *testing.T, l limits.Limiter, key string, wait time.Duration) {
	t.Helper()
	v, err := l.Take(t.Context(), key, rule)
	require.NoError(t, err)
	require.Equal(t, limits.Verdict{Wait: wait}, v)
}

// The handles see one another's attempts.
func burst(t *testing.T, open Open) {
	c := newClock()
	a, b := open(t, c.Now)
	let(t, a, "k")
	let(t, b, "k")
	let(t, a, "k")
	refuse(t, a, "k", 10*time.Second)
	refuse(t, b, "k", 10*time.Second)
	c.Add(10*time.Second - time.Microsecond)
	refuse(t, a, "k", time.Microsecond)
	c.Add(time.Microsecond)
	let(t, b, "k")
	refuse(t, a, "k", 10*time.Second)
}

// Attempts flow back one by one, up to the burst.
func flow(t *testing.T, open Open) {
	c := newClock()
	l, _ := open(t, c.Now)
	for range 3 {
		let(t, l, "k")
	}
	c.Add(25 * time.Second)
	let(t, l, "k")
	let(t, l, "k")
	refuse(t, l, "k", 5*time.Second)
	c.Add(24 * time.Hour)
	for range 3 {
		let(t, l, "k")
	}
	refuse(t, l, "k", 10*time.Second)
	for range 100 { // a steady pace is never refused
		c.Add(10 * time.Second)
		let(t, l, "k")
	}
}

func refusals(t *testing.T, open Open) {
	c := newClock()
	l, _ := open(t, c.Now)
	for range 3 {
		let(t, l, "k")
	}
	for n := range 9 {
		c.Add(time.Second)
		refuse(t, l, "k", time.Duration(9-n)*time.Second)
	}
	c.Add(time.Second)
	let(t, l, "k")
}

// Keys do not concern one another, however alike they look.
func keys(t *testing.T, open Open) {
	c := newClock()
	l, _ := open(t, c.Now)
	long := strings.Repeat("k", 1<<20)
	for _, key := range []string{"", " ", "k", "K", "k ", "k\x00", "k\x00k", "\xff\xfe", "k'; DROP TABLE attempts; --", "?", "k%", long, long + "k"} {
		for range 3 {
			let(t, l, key)
		}
		refuse(t, l, key, 10*time.Second)
	}
}

func rules(t *testing.T, open Open) {
	l, _ := open(t, newClock().Now)
	for _, r := range []limits.Rule{{}, {Burst: 0, Every: time.Second}, {Burst: 1, Every: 0}, {Burst: 1, Every: 25 * time.Hour}, {Burst: -1, Every: -time.Second}} {
		v, err := l.Take(t.Context(), "k", r)
		require.ErrorIs(t, err, limits.ErrRule)
		require.False(t, v.OK)
	}
	for _, r := range []limits.Rule{{Burst: 1, Every: 24 * time.Hour}, {Burst: 1000, Every: time.Millisecond}, {Burst: 1, Every: time.Second + time.Nanosecond}} {
		for n := range r.Burst {
			v, err := l.Take(t.Context(), fmt.Sprint(r), r)
			require.NoError(t, err)
			require.True(t, v.OK, n)
		}
		v, err := l.Take(t.Context(), fmt.Sprint(r), r)
		require.NoError(t, err)
		require.Equal(t, limits.Verdict{Wait: r.Every.Truncate(time.Microsecond)}, v)
	}
}

// Nobody is shut out because a clock was wrong for a while.
func clockGoesBack(t *testing.T, open Open) {
	c := newClock()
	l, _ := open(t, c.Now)
	for range 3 {
		let(t, l, "k")
	}
	c.Add(-24 * time.Hour)
	refuse(t, l, "k", 10*time.Second)
	c.Add(10 * time.Second)
	let(t, l, "k")
	refuse(t, l, "k", 10*time.Second)
}

func ruleChanges(t *testing.T, open Open) {
	l, _ := open(t, newClock().Now)
	day := limits.Rule{Burst: 1, Every: 24 * time.Hour}
	v, err := l.Take(t.Context(), "k", day)
	require.NoError(t, err)
	require.True(t, v.OK)
	refuse(t, l, "k", 10*time.Second) // and not for a day
}

// Of a hundred attempts at once, on both handles, exactly the burst is let
// through.
func crowd(t *testing.T, open Open) {
	a, b := open(t, newClock().Now)
	r := limits.Rule{Burst: 17, Every: time.Minute}
	for _, key := range []string{"k", "l"} { // the first time the key is new
		var ok, refused, failed atomic.Int64
		var ready, done sync.WaitGroup
		ready.Add(100)
		for n := range 100 {
			done.Go(func() {
				ready.Done()
				ready.Wait()
				v, err := []limits.Limiter{a, b}[n%2].Take(t.Context(), key, r)
				switch {
				case err != nil:
					failed.Add(1)
				case v.OK:
					ok.Add(1)
				case v.Wait == time.Minute:
					refused.Add(1)
				}
			})
		}
		done.Wait()
		require.Zero(t, failed.Load())
		require.EqualValues(t, 17, ok.Load())
		require.EqualValues(t, 83, refused.Load())
	}
}
