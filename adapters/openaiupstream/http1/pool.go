package http1

import (
	"slices"
	"sync"
	"time"
)

// pool keeps connections that nobody uses. The one that came last goes first,
// so that the others grow old and are closed.
type pool struct {
	max  int
	time time.Duration

	mu     sync.Mutex
	idle   []*conn // the oldest first
	timer  *time.Timer
	closed bool
}

// get returns a connection, or nil.
func (p *pool) get() *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.idle) - 1
	if last < 0 {
		return nil
	}
	c := p.idle[last]
	p.idle[last] = nil
	p.idle = p.idle[:last]
	return c
}

// put takes a connection, or closes it if there is no room.
func (p *pool) put(c *conn) {
	c.since = time.Now()
	c.old = true
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.idle) >= p.max {
		c.close()
		return
	}
	p.idle = append(p.idle, c)
	if len(p.idle) > 1 {
		return
	}
	// The first one starts the clock. It may run already, from when another was
	// the first; then it fires too early, and is set anew.
	if p.timer == nil {
		p.timer = time.AfterFunc(p.time, p.expire)
	}
}

// expire closes what is too old and comes back when the next one is.
func (p *pool) expire() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	fresh := slices.IndexFunc(p.idle, func(c *conn) bool { return now.Sub(c.since) < p.time })
	if fresh < 0 {
		fresh = len(p.idle)
	}
	for _, c := range p.idle[:fresh] {
		c.close()
	}
	p.idle = slices.Delete(p.idle, 0, fresh)
	if len(p.idle) == 0 {
		p.timer = nil
		return
	}
	p.timer.Reset(p.idle[0].since.Add(p.time).Sub(now))
}

// close closes all connections, and from now on those that come back.
func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	if p.timer != nil {
		p.timer.Stop()
		p.timer = nil
	}
	for _, c := range p.idle {
		c.close()
	}
	p.idle = nil
}
