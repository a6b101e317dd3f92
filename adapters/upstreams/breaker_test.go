package upstreams

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// bench is a breaker with a clock.
type bench struct {
	t   *testing.T
	b   breaker
	now time.Time
}

func newBench(t *testing.T, limit int) *bench {
	t.Helper()
	return &bench{t, breaker{limit: limit}, time.Unix(1_800_000_000, 0)}
}

func (b *bench) pass(d time.Duration) { b.now = b.now.Add(d) }

// call makes a call that must be let through.
func (b *bench) call(v verdict) change {
	b.t.Helper()
	t, ok := b.b.enter(b.now)
	require.True(b.t, ok)
	return b.b.report(t, v, b.now)
}

func (b *bench) shut(wait time.Duration) {
	b.t.Helper()
	_, ok := b.b.enter(b.now)
	require.False(b.t, ok)
	require.Equal(b.t, wait, b.b.wait(b.now))
}

func TestBreaker_InARow(t *testing.T) {
	t.Parallel()
	b := newBench(t, 3)
	b.call(absent)
	b.call(absent)
	b.call(well)
	b.call(absent)
	b.call(ill) // may be the request's fault: it neither counts nor absolves
	b.call(unknown)
	b.pass(time.Hour)
	require.Equal(t, change{}, b.call(absent))
	require.Equal(t, change{opened, time.Second}, b.call(absent))
	b.shut(time.Second)
	b.pass(time.Second - 1)
	b.shut(1)
}

func TestBreaker_Share(t *testing.T) {
	t.Parallel()
	b := newBench(t, 100)
	for range 10 {
		require.Equal(t, change{}, b.call(well))
	}
	for range 9 {
		require.Equal(t, change{}, b.call(ill))
	}
	require.Equal(t, opened, b.call(ill).what, "10 of 20")

	old := newBench(t, 100)
	for range 19 {
		old.call(ill)
	}
	old.pass(windowSeconds * time.Second)
	require.Equal(t, change{}, old.call(ill), "what is past does not count")
	for range 18 {
		require.Equal(t, change{}, old.call(ill))
	}
	require.Equal(t, opened, old.call(ill).what)
}

func TestBreaker_Trial(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1)
	late, ok := b.b.enter(b.now)
	require.True(t, ok)
	require.Equal(t, change{opened, time.Second}, b.call(absent))
	require.Equal(t, change{}, b.b.report(late, well, b.now), "it began before the trouble did")
	b.shut(time.Second)

	b.pass(time.Second)
	require.Zero(t, b.b.wait(b.now))
	trial, ok := b.b.enter(b.now)
	require.True(t, ok)
	require.True(t, trial.trial)
	b.shut(trialTime) // one at a time
	require.Equal(t, change{reopened, 2 * time.Second}, b.b.report(trial, ill, b.now))

	for _, seconds := range []int{4, 8, 16, 30, 30} {
		b.pass(b.b.wait(b.now))
		require.Equal(t, change{reopened, time.Duration(seconds) * time.Second}, b.call(absent))
	}
	b.pass(lastPause)
	require.Equal(t, change{}, b.call(unknown), "a trial that was called off")
	require.Equal(t, change{what: closed}, b.call(well), "lets another go at once")
	require.Equal(t, change{opened, time.Second}, b.call(absent), "and all begins anew")
}

func TestBreaker_SlowTrial(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1)
	b.call(absent)
	b.pass(time.Second)
	slow, ok := b.b.enter(b.now)
	require.True(t, ok)
	b.pass(trialTime)
	quick, ok := b.b.enter(b.now)
	require.True(t, ok, "a trial that hangs does not hold the upstream back")
	require.Equal(t, change{what: closed}, b.b.report(quick, well, b.now))
	require.Equal(t, change{}, b.b.report(slow, absent, b.now))
	b.call(well)
}

func TestBreaker_Never(t *testing.T) {
	t.Parallel()
	b := newBench(t, 0)
	for range 1000 {
		require.Equal(t, change{}, b.call(absent))
	}
}

func TestBudget(t *testing.T) {
	t.Parallel()
	b := newBudget()
	taken := 0
	for range 1000 {
		b.earn()
		if b.take() {
			taken++
		}
	}
	require.InDelta(t, 1000/retryCost+maxSaved/retryCost, taken, 1, "a tenth, and what was saved up")
}
