package openaiupstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/ports/inference"
)

// errSilent is the cause with which a call's timer cancels it.
var errSilent = errors.New("the upstream was silent for too long")

// call is one exchange with the upstream and the body of its answer. Its one
// timer runs while we wait for the upstream, and only then: a slow reader on
// our side is no silence of the upstream.
//
// The contexts are here because Read and Close have no parameter for them.
type call struct {
	caller   context.Context
	ctx      context.Context
	cancel   context.CancelCauseFunc
	timer    *time.Timer
	idle     time.Duration
	scrubber *scrubber
	sent     payload
	res      *http.Response // nil until the head is in
}

// newCall returns a call whose timer runs for its head.
func newCall(ctx context.Context, u *Upstream) *call {
	c := &call{caller: ctx, idle: u.cfg.IdleChunk, scrubber: u.scrubber}
	c.ctx, c.cancel = context.WithCancelCause(ctx)
	c.timer = time.AfterFunc(u.cfg.FirstByte, func() { c.cancel(errSilent) })
	return c
}

// Read reads the answer's body. It fails with the caller's context's error, a
// fault upstream_timeout or a fault upstream_cut.
func (c *call) Read(p []byte) (int, error) {
	c.timer.Reset(c.idle)
	n, err := c.res.Body.Read(p)
	c.timer.Stop()
	if err == nil || err == io.EOF {
		return n, err
	}
	return n, c.failure(err, "upstream_cut", "The model provider broke off its answer.")
}

// Close ends the call, whatever state it is in. It may be called more than
// once and while a Read is under way. Afterwards the request's body is ours no more.
func (c *call) Close() error {
	c.timer.Stop()
	if c.res != nil {
		_ = c.res.Body.Close() // what is left of the answer interests nobody
	}
	c.cancel(context.Canceled)
	c.sent.release()
	return nil
}

// failure says what err of the transport means; code and message are for an
// upstream that is at fault.
func (c *call) failure(err error, code, message string) error {
	if e := c.caller.Err(); e != nil {
		return e
	}
	if errors.Is(context.Cause(c.ctx), errSilent) {
		return fault.Wrap(errSilent, fault.Timeout, "upstream_timeout", "The model provider did not answer in time.")
	}
	// A transport's error may quote what the upstream sent.
	if c.scrubber.leaks(err.Error()) {
		err = errors.New("withheld: the transport's error held a credential")
	}
	if c.res == nil && c.sent.release() {
		err = fmt.Errorf("%w: %w", inference.ErrUnsent, err)
	}
	return fault.Wrap(err, fault.BadUpstream, code, message)
}

// attach makes body that of req. GetBody lets the transport try again on
// another connection when one turned out dead before anything was written;
// without an Idempotency-Key it does so in no other case.
func (c *call) attach(req *http.Request, body []byte) {
	if len(body) == 0 {
		return
	}
	c.sent.data = body
	req.ContentLength = int64(len(body))
	req.Body = &payloadReader{from: &c.sent}
	req.GetBody = func() (io.ReadCloser, error) { return &payloadReader{from: &c.sent}, nil }
}

// payload is a request's body. The transport may read it in another goroutine
// even after the answer came; release ends that, so that the caller's buffer
// can be used again.
type payload struct {
	mu       sync.Mutex
	data     []byte
	whole    bool // the transport was handed the last byte, or there was none
	released bool
}

var errReleased = errors.New("the call has ended")

// release ends the reading and reports whether the upstream cannot have got
// the whole body. What was handed to the transport may have been sent.
func (p *payload) release() (unsent bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.whole = p.whole || len(p.data) == 0 && !p.released
	p.data, p.released = nil, true
	return !p.whole
}

// readAt copies from offset, like [io.ReaderAt].
func (p *payload) readAt(b []byte, offset int) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.released {
		return 0, errReleased
	}
	if offset >= len(p.data) {
		return 0, io.EOF
	}
	n := copy(b, p.data[offset:])
	p.whole = p.whole || offset+n == len(p.data)
	return n, nil
}

// payloadReader reads a payload once through.
type payloadReader struct {
	from   *payload
	offset int
}

func (r *payloadReader) Read(b []byte) (int, error) {
	n, err := r.from.readAt(b, r.offset)
	r.offset += n
	return n, err
}

func (r *payloadReader) Close() error { return nil }
