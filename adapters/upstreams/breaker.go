package upstreams

import (
	"sync"
	"time"
)

// breaker decides whether an upstream is asked. Closed, it lets every call
// through and counts. It opens after limit absences in a row, or once half of
// at least enough calls within the window failed: then nobody is let through
// for a pause, and after that one call on trial. The trial closes it, or opens
// it for twice as long.
type breaker struct {
	limit int // 0: it never opens

	mu      sync.Mutex
	round   uint64 // raised whenever it opens or closes: what began before says nothing any more
	row     int    // absences in a row
	recent  window
	open    bool
	pause   time.Duration // the present or last one
	until   time.Time     // end of the pause
	patient time.Time     // while a trial is under way: when another may begin
}

// Limits of a breaker.
const (
	enough     = 20 // calls in the window, before a share of them counts
	firstPause = time.Second
	lastPause  = 30 * time.Second
	trialTime  = 10 * time.Second // a trial may last longer, but then another begins
)

// ticket is the right to make a call.
type ticket struct {
	round uint64
	trial bool
}

// change is what a report brought about.
type change struct {
	what  transition
	pause time.Duration
}

type transition uint8

const (
	unchanged transition = iota
	opened
	reopened
	closed
)

// wait returns how long nobody is let through, 0 if a call would be.
func (b *breaker) wait(now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.left(now)
}

func (b *breaker) left(now time.Time) time.Duration {
	if !b.open {
		return 0
	}
	until := b.until
	if b.patient.After(until) {
		until = b.patient
	}
	return max(0, until.Sub(now))
}

// enter returns the right to make a call, if there is one. Whoever has it must
// report.
func (b *breaker) enter(now time.Time) (ticket, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.left(now) > 0 {
		return ticket{}, false
	}
	if b.open {
		b.patient = now.Add(trialTime)
	}
	return ticket{b.round, b.open}, true
}

// report takes the verdict on a call.
func (b *breaker) report(t ticket, v verdict, now time.Time) change {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t.round != b.round || b.limit == 0 {
		return change{}
	}
	if b.open {
		return b.tried(v, now)
	}
	switch v {
	case unknown:
		return change{}
	case well:
		b.row = 0
		b.recent.add(now, 0)
		return change{}
	case absent:
		b.row++
	case ill:
	}
	b.recent.add(now, 1)
	if b.row < b.limit && !b.recent.bad(now) {
		return change{}
	}
	b.pause = firstPause
	b.leave(now)
	return change{opened, b.pause}
}

// tried takes the verdict on a trial.
func (b *breaker) tried(v verdict, now time.Time) change {
	switch v {
	case unknown:
		b.patient = time.Time{} // another one may try
		return change{}
	case well:
		b.round++
		b.open = false
		b.patient = time.Time{}
		return change{what: closed}
	default:
		b.pause = min(2*b.pause, lastPause)
		b.leave(now)
		return change{reopened, b.pause}
	}
}

// leave opens the breaker for its pause.
func (b *breaker) leave(now time.Time) {
	b.round++
	b.open = true
	b.until = now.Add(b.pause)
	b.patient = time.Time{}
	b.row, b.recent = 0, window{}
}

// window counts calls and failures of the last seconds.
type window [windowSeconds]slot

const windowSeconds = 10

type slot struct {
	second        int64
	calls, failed int
}

func (w *window) add(now time.Time, failed int) {
	second := now.Unix()
	s := &w[uint64(second)%windowSeconds]
	if s.second != second {
		*s = slot{second: second}
	}
	s.calls++
	s.failed += failed
}

// bad reports whether half of enough calls failed.
func (w *window) bad(now time.Time) bool {
	calls, failed := 0, 0
	for _, s := range w {
		if age := now.Unix() - s.second; age >= 0 && age < windowSeconds {
			calls += s.calls
			failed += s.failed
		}
	}
	return calls >= enough && 2*failed >= calls
}
