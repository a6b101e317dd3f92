package http1

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// Response is an answer: its head, and its body to be read. Once it was read
// to io.EOF the connection serves others; before Close, that is.
//
// Read is for one goroutine at a time. Close may be called at any time and more
// than once, and ends a Read under way.
type Response struct {
	head

	client *Client
	ctx    context.Context //nolint:containedctx // Read has no parameter for it
	conn   *conn
	unhook func() bool // ends the watch over ctx; false if it has acted
	sender *sender     // of a large body; nil if the request is out
	torn   bool        // the request did not go out whole

	readBy time.Time // the read deadline of the connection
	fixed  bool      // which is not to be moved
	use    atomic.Int32
	err    error // what Read returns from now on
	whole  bool  // which is io.EOF

	body
}

// The states of a Response.
const (
	open    int32 = iota
	reading       // Read is under way
	ended         // it was read to its end, or failed: the connection is gone
	closed        // by Close; who reads, or else who closed, drops the connection
)

// errUntouched means that an old connection took not one byte of a request.
var errUntouched = errors.New("the connection was closed before the request")

// Status returns the answer's status, 200 or above.
func (r *Response) Status() int { return r.status }

// Length returns the length of the body, or -1 if the head does not say.
func (r *Response) Length() int64 { return r.length }

// Value returns the value of field i of Config.Keep, and how often it was there.
func (r *Response) Value(i int) (string, int) { return r.kept[i], int(r.times[i]) }

// Within bounds the time that all the rest of the body may take, from now on,
// instead of the silence inside it.
func (r *Response) Within(d time.Duration) {
	if r.use.Load() == open { // else the connection may be another's by now
		_ = r.allow(d) // Read says it again
		r.fixed = true
	}
}

// Read reads the body. It fails with the context's error, ErrTimeout,
// io.ErrUnexpectedEOF for a body that was cut, ErrMalformed, ErrClosed or what
// the network said, and stays with that.
func (r *Response) Read(p []byte) (int, error) {
	if !r.use.CompareAndSwap(open, reading) {
		if r.use.Load() == ended {
			return 0, r.err
		}
		return 0, ErrClosed
	}
	n, whole, err := r.readBody(p)
	if whole || err != nil {
		return n, r.end(err)
	}
	if !r.use.CompareAndSwap(reading, open) {
		r.drop()
		return n, ErrClosed
	}
	return n, nil
}

// end ends the answer, by err or because it is whole, and returns what Read
// says from now on. A connection that can be used again goes back to the pool.
func (r *Response) end(err error) error {
	again := err == nil && !r.last && r.framing != toTheEnd && !r.torn && r.conn.from == r.conn.to && r.sender.stop(r.conn.tcp)
	r.err, r.whole = reason(r.ctx, err), err == nil
	if !r.use.CompareAndSwap(reading, ended) {
		r.drop()
		return ErrClosed
	}
	unhooked := r.unhook()
	r.conn.shut()
	if again && unhooked {
		r.client.pool.put(r.conn)
	} else {
		r.conn.close()
	}
	return r.err
}

// drop closes the connection of a response that was closed.
func (r *Response) drop() {
	r.unhook()
	r.conn.close()
	r.conn.shut()
}

// Close ends the call, whatever state it is in. Afterwards nothing reads the
// request's body. It never fails.
func (r *Response) Close() error {
	switch {
	case r.use.CompareAndSwap(open, closed):
		r.drop()
	case r.use.CompareAndSwap(reading, closed):
		r.conn.close() // who reads notices, and drops it
	}
	r.sender.wait()
	return nil
}
