package relay

import (
	"sync"
	"time"
)

// marker notes progress of a long answer (HOTPATH 8).
type marker struct {
	opened, last time.Time
}

// Progress is noted once an answer is a second old, then every two seconds.
const (
	firstMark = time.Second
	nextMark  = 2 * time.Second
)

func (m *marker) due(now time.Time) bool {
	if now.Sub(m.opened) < firstMark || !m.last.IsZero() && now.Sub(m.last) < nextMark {
		return false
	}
	m.last = now
	return true
}

// drain is the time that an upstream gets to end its answer for a client that
// has left: its last chunk has the exact usage.
type drain struct {
	mu       sync.Mutex
	timer    *time.Timer
	extended bool
	stopped  bool
}

// start begins the time, once; at its end it calls end.
func (d *drain) start(patience time.Duration, end func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer == nil && !d.stopped {
		d.timer = time.AfterFunc(patience, end)
	}
}

// extend begins the time anew, once, if it has begun: the text is whole and
// only the usage is to come (HOTPATH 15).
func (d *drain) extend(patience time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil && !d.extended && d.timer.Stop() {
		d.timer.Reset(patience)
	}
	d.extended = true
}

func (d *drain) stop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stopped = true
	if d.timer != nil {
		d.timer.Stop()
	}
}

// heartbeat sends comments to a client while it waits for the end of its
// stream, so that it does not take the silence for a broken connection
// (HOTPATH 16).
type heartbeat struct {
	mu      sync.Mutex
	timer   *time.Timer
	err     error
	stopped bool
}

const heartbeatEvery = time.Second

var comment = []byte(": \n\n")

func beat(out Sink) *heartbeat {
	h := &heartbeat{}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.timer = time.AfterFunc(heartbeatEvery, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.stopped || h.err != nil {
			return
		}
		if h.err = out.Frame(comment, true); h.err == nil {
			h.timer.Reset(heartbeatEvery)
		}
	})
	return h
}

// stop ends the comments and returns why the client could not be written to, if
// so. Afterwards nothing but the caller writes.
func (h *heartbeat) stop() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stopped = true
	h.timer.Stop()
	return h.err
}
