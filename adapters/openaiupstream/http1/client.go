// Package http1 is a client of HTTP/1.1 (RFC 9112) for one server and many
// small calls. A call runs in its caller's goroutine: one write for a request,
// one read for an answer that comes in one piece.
//
// It keeps true that
//   - a request is sent at most once: it is sent again, on a new connection,
//     only if the connection was an old one and took not one byte of it;
//   - an old connection is looked at before it is used, so that one that the
//     server has closed meanwhile, or said something on unasked, is not;
//   - an answer that two parsers could read differently is refused, and its
//     connection closed: Content-Length twice or beside Transfer-Encoding, any
//     coding but chunked, lines that do not end in CRLF, folded fields, sizes
//     that are no plain numbers;
//   - heads, chunk lines and trailers are bounded, and so is each wait: for the
//     connection, for the head, and for each next piece of the body;
//   - a call ends at once when its context does, without a goroutine that waits
//     for that.
//
// It follows no redirect, keeps no cookie, decompresses nothing, knows no proxy
// and speaks no HTTP/2. What it is told to send it does not check.
package http1

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// Config says where the server is and how long to wait for it. All but TLS
// must be set.
type Config struct {
	Address string      // host:port
	TLS     *tls.Config // nil for plain TCP; its NextProtos are set by New
	Keep    []string    // the fields of answers that are wanted, at most MaxKept

	Connect time.Duration // for TCP, and again for TLS
	Head    time.Duration // from the call to the answer's whole head
	Piece   time.Duration // longest silence inside a body; up to a second longer is let pass
	Idle    time.Duration // how long a connection is kept unused
	MaxIdle int           // how many are kept
}

// Client calls one server. It is safe for concurrent use.
type Client struct {
	cfg  Config
	pool pool
}

// Faults of the client's own. None of them quotes the server.
var (
	// ErrTimeout means that the server was silent for longer than configured.
	ErrTimeout = errors.New("the server was silent for too long")
	// ErrMalformed is wrapped by what says that an answer is not HTTP/1.1 as
	// this package takes it.
	ErrMalformed = errors.New("malformed answer")
	// ErrUnsent is wrapped by what says that the server never had the whole
	// request: there was no connection, or it broke before the last byte was
	// written, and no answer came.
	ErrUnsent = errors.New("the request was not sent")
	// ErrClosed means that a body was read after it was closed.
	ErrClosed = errors.New("the answer was closed")
)

// New returns a client for c. It connects to nothing yet.
func New(c Config) *Client {
	if c.TLS != nil {
		c.TLS = c.TLS.Clone()
		c.TLS.NextProtos = []string{"http/1.1"}
	}
	return &Client{cfg: c, pool: pool{max: c.MaxIdle, time: c.Idle}}
}

// Close closes idle connections. Calls under way go on, on connections that
// are not kept.
func (c *Client) Close() { c.pool.close() }

// Request is one request, ready to be sent.
type Request struct {
	// Head is the request line and the fields, but for the value of the last.
	// It is not changed, and many requests may share it.
	Head []byte
	Last string // the value of the last field
	// Body goes out with its Content-Length; if it is nil, neither does. It may
	// be read until Do has failed or the answer is closed.
	Body []byte
}

// Do sends a request and returns when the head of its answer is in r, whatever
// its status. It fails with ctx's error, ErrTimeout, ErrMalformed or what
// the network or TLS said: that there is "no application protocol", if the
// server offers other protocols only. Unless it failed, r must be closed.
func (c *Client) Do(ctx context.Context, req Request, r *Response) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	by := time.Now().Add(c.cfg.Head)
	for first := true; ; first = false {
		cn, err := c.connection(ctx, by, first)
		if err == nil {
			*r = Response{client: c, ctx: ctx, conn: cn, readBy: by}
			err = r.exchange(req)
		}
		if err == nil {
			return nil
		}
		if first && errors.Is(err, errUntouched) {
			continue
		}
		return reason(ctx, err)
	}
}

// connection returns a connection that is kept and fit for use, if old says
// that it may be such a one, or a new one.
func (c *Client) connection(ctx context.Context, by time.Time, old bool) (*conn, error) {
	for old {
		cn := c.pool.get()
		if cn == nil {
			break
		}
		if cn.tcp.SetDeadline(by) == nil && cn.quiet() {
			return cn, nil
		}
		cn.close()
	}
	cn, err := c.dial(ctx, by)
	switch {
	case err == nil:
		return cn, nil
	case ctx.Err() == nil && !time.Now().Before(by):
		return nil, ErrTimeout
	}
	return nil, fmt.Errorf("%w: connect: %w", ErrUnsent, err)
}

// reason says what err means, nil being an answer that is whole. A context that
// ended and a time limit that ran out break a connection in the same way.
func reason(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return io.EOF
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, errEnd):
		return io.ErrUnexpectedEOF
	case errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, ErrUnsent):
		return ErrTimeout
	}
	return err
}
