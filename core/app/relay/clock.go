package relay

import (
	"sync"
	"time"

	"github.com/archibot/archibotchat/core/inference"
	"github.com/archibot/archibotchat/core/ledger"
)

// pulse is the one timer of a run. It ends the run when its time is over, and
// notes how far a stream has come: once it is a second old, then every two
// seconds, if something came meanwhile (HOTPATH 8).
type pulse struct {
	mu       sync.Mutex
	timer    *time.Timer
	until    time.Time
	step     time.Duration // from the last tick to the next
	of       ledger.Hold   // as far as a mark or an extension needs it
	stopped  bool
	news     bool // since the last tick
	seen     bool // by the client, of the answer
	usage    inference.Usage
	produced int64
}

const (
	firstMark = time.Second
	nextMark  = 2 * time.Second
)

// startPulse gives the run its time.
func (r *run) startPulse() {
	p := &r.pulse
	p.mu.Lock() // the timer may fire before it is there
	defer p.mu.Unlock()
	p.of = r.hold
	p.until = r.started.Add(r.deps.Limits.Duration)
	p.step = r.deps.Limits.Duration
	if r.job.Call.Stream {
		p.step = min(p.step, firstMark)
	}
	p.timer = time.AfterFunc(p.step, r.tick)
}

func (p *pulse) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = true
	p.timer.Stop()
}

// quicken has progress noted from now on, of an answer that is no stream.
func (p *pulse) quicken() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.stopped {
		p.step = min(p.step, firstMark)
		p.timer.Reset(p.step)
	}
}

// tell takes how far the answer has come.
func (p *pulse) tell(u inference.Usage, produced int64, seen bool) {
	p.mu.Lock()
	p.news, p.usage, p.produced, p.seen = true, u, produced, seen
	p.mu.Unlock()
}

// holds takes another hold than the one that the run began with.
func (p *pulse) holds(h ledger.Hold) {
	p.mu.Lock()
	p.of = h
	p.mu.Unlock()
}

func (p *pulse) hold() ledger.Hold {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.of
}

func (r *run) tick() {
	p := &r.pulse
	p.mu.Lock()
	left := p.until.Sub(r.deps.Now())
	if p.stopped {
		p.mu.Unlock()
		return
	}
	if left <= 0 {
		p.mu.Unlock()
		r.end(errDuration)
		return
	}
	hold, news, usage, produced, seen := p.of, p.news, p.usage, p.produced, p.seen
	silent := p.step
	p.news, p.step = false, min(nextMark, left)
	p.timer.Reset(p.step)
	p.mu.Unlock()
	if !news {
		r.think(produced, silent)
		return
	}
	u, _ := r.job.Call.Plausible(usage, r.job.Quote.Price.MaxOutputTokens)
	r.deps.Ledger.Mark(hold, ledger.Mark{Accepted: true, Delivered: seen, Cost: r.cost(u, hold.Amount), Usage: booked(u)})
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
// (HOTPATH 16). Before the first one leaves what came together with the end:
// mostly the end follows within a millisecond or two and all of it is one
// piece, but nothing but the end waits for a commit that stalls (HOTPATH 15).
type heartbeat struct {
	mu      sync.Mutex
	timer   *time.Timer
	err     error
	stopped bool
}

const (
	heartbeatEvery = time.Second
	// flushAfter is how long frames wait to leave in one piece with the end.
	flushAfter = 20 * time.Millisecond
)

var comment = []byte(": \n\n")

// beat begins the comments; waiting says that frames were passed which have not
// left yet.
func beat(out Sink, waiting bool) *heartbeat {
	h := &heartbeat{}
	first := heartbeatEvery
	if waiting {
		first = flushAfter
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.timer = time.AfterFunc(first, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.stopped || h.err != nil {
			return
		}
		frame, next := comment, heartbeatEvery
		if waiting {
			frame, next, waiting = nil, heartbeatEvery-flushAfter, false
		}
		if h.err = out.Frame(frame, true); h.err == nil {
			h.timer.Reset(next)
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
