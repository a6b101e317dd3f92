package http1

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"time"
)

// exchange sends the request and reads the head of its answer. If it fails,
// the connection is closed.
func (r *Response) exchange(req Request) error {
	r.use.Store(reading)
	r.conn.open()
	r.unhook = context.AfterFunc(r.ctx, r.interrupt)
	err := r.send(req)
	if err == nil {
		err = r.answer()
	}
	switch {
	case err != nil:
		err = r.end(err)
		r.sender.wait()
		if r.torn || !r.sender.sent() {
			return unsent(r.ctx, err)
		}
		return err
	case r.framing == nothing:
		_ = r.end(nil)
	default:
		r.use.Store(open)
	}
	return nil
}

// unsent says of err that the request did not go out whole, where that is why.
func unsent(ctx context.Context, err error) error {
	if ctx.Err() != nil || errors.Is(err, ErrTimeout) || errors.Is(err, ErrMalformed) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnsent, err)
}

// interrupt ends what waits for the connection.
func (r *Response) interrupt() { _ = r.conn.tcp.SetDeadline(time.Unix(1, 0)) }

// sendInline is how many bytes of a body are written before its answer is
// read. They fit the buffers of any system, so that a server that answers
// without reading them does not block the write.
const sendInline = 64 << 10

// send writes the request, or begins to, if it is large. A request that could
// not be written may have an answer all the same: one that says why.
func (r *Response) send(req Request) error {
	c := r.conn
	before := c.written.count()
	out := append(append(c.buf[:0], req.Head...), req.Last...)
	if req.Body != nil {
		out = strconv.AppendInt(append(out, "\r\nContent-Length: "...), int64(len(req.Body)), 10)
	}
	out = append(out, "\r\n\r\n"...)

	var n int64
	var err error
	switch {
	case len(req.Body) > sendInline:
		n, err = write(c.net, out)
		if err == nil {
			r.sender = sendLater(c.net, req.Body)
		}
	case len(out)+len(req.Body) > len(c.buf):
		parts := net.Buffers{out, req.Body}
		n, err = parts.WriteTo(c.net)
	default:
		n, err = write(c.net, append(out, req.Body...))
	}
	if err == nil {
		return nil
	}
	if c.written != nil {
		n = c.written.n - before // what left TLS, not what it was given
	}
	if c.old && n == 0 {
		return errUntouched
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	r.torn = true
	return nil
}

func write(to io.Writer, b []byte) (int64, error) {
	n, err := to.Write(b)
	return int64(n), err
}

// sender writes a large body while the answer is waited for, because a server
// may answer before it has read it.
type sender struct {
	done chan struct{}
	err  error
}

func sendLater(to io.Writer, body []byte) *sender {
	s := &sender{done: make(chan struct{})}
	go func() {
		defer close(s.done)
		_, s.err = to.Write(body)
	}()
	return s
}

// sent reports whether the whole body is out.
func (s *sender) sent() bool {
	if s == nil {
		return true
	}
	select {
	case <-s.done:
		return s.err == nil
	default:
		return false
	}
}

// stop ends the writing of a body whose answer is whole, and reports whether all
// of it was out: the server may have read it, and answered, before the sender has
// got to say so.
func (s *sender) stop(c net.Conn) bool {
	if s == nil {
		return true
	}
	if !s.sent() {
		_ = c.SetWriteDeadline(time.Unix(1, 0)) // whoever uses the connection next sets another
		s.wait()
	}
	return s.sent()
}

// wait waits until the body is used no more. The connection must be closed, or
// the body be out.
func (s *sender) wait() {
	if s != nil {
		<-s.done
	}
}

// answer reads heads up to that of the answer.
func (r *Response) answer() error {
	for interim := 0; ; interim++ {
		text, err := r.conn.readHead()
		if err == nil {
			r.head, err = parseHead(text, r.client.cfg.Keep)
		}
		switch {
		case err != nil:
			return err
		case r.status >= 200:
			r.frame(&r.head)
			return nil
		case r.status == 101 || interim == maxInterim || r.chunked || r.length > 0:
			return errInterim
		}
	}
}
