package upstream

import (
	"context"
	"sync"
)

// turnstiles hold answers back until a test lets them on, a piece at a time. Each
// has a number and is shut until it is opened.
type turnstiles struct {
	mu sync.Mutex
	by map[int]*turnstile
}

type turnstile struct {
	passes int
	open   bool          // for good
	moved  chan struct{} // closed when the figures above change
}

func (t *turnstiles) at(number int) *turnstile {
	if t.by == nil {
		t.by = map[int]*turnstile{}
	}
	if t.by[number] == nil {
		t.by[number] = &turnstile{moved: make(chan struct{})}
	}
	return t.by[number]
}

// admit lets that many pieces through; a negative number opens it for good,
// and none shuts it.
func (t *turnstiles) admit(number, passes int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	one := t.at(number)
	switch {
	case passes < 0:
		one.open = true
	case passes == 0:
		one.open, one.passes = false, 0
	default:
		one.passes += passes
	}
	close(one.moved)
	one.moved = make(chan struct{})
}

// pass waits for its turn and reports whether it came before ctx ended.
func (t *turnstiles) pass(ctx context.Context, number int) bool {
	for {
		t.mu.Lock()
		one := t.at(number)
		switch {
		case one.open:
			t.mu.Unlock()
			return true
		case one.passes > 0:
			one.passes--
			t.mu.Unlock()
			return true
		}
		moved := one.moved
		t.mu.Unlock()
		select {
		case <-moved:
		case <-ctx.Done():
			return false
		}
	}
}
