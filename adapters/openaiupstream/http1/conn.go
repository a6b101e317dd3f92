package http1

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"syscall"
	"time"
)

// roomSize is the size of the one buffer of a connection in use, through which
// go small requests, heads, and what comes with a head.
const roomSize = 8 << 10

var rooms = sync.Pool{New: func() any { return new([roomSize]byte) }}

// conn is a connection. It belongs to one call at a time, or to the pool.
type conn struct {
	net net.Conn // what is read and written: tcp, or TLS over it
	tcp net.Conn
	// written counts the bytes that TLS gave to tcp; nil without TLS.
	written *counter

	raw   syscall.RawConn       // of tcp; nil if the system has none
	probe func(fd uintptr) bool // looks whether the connection is open and quiet
	more  func(fd uintptr) bool // reads into buf
	found bool                  // what they found

	old   bool      // it was used before
	since time.Time // idle since

	room *[roomSize]byte // from the pool of rooms, while it is in use
	buf  []byte          // room, or a larger one for a larger head
	from int             // what was read and not used yet is buf[from:to]
	to   int
}

// counter counts what is written to a connection.
type counter struct {
	net.Conn
	n int64
}

// count returns how many bytes were written; 0 without a counter.
func (c *counter) count() int64 {
	if c == nil {
		return 0
	}
	return c.n
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.n += int64(n)
	return n, err
}

// dial returns a new connection whose deadlines are by.
func (c *Client) dial(ctx context.Context, by time.Time) (*conn, error) {
	d := net.Dialer{Timeout: c.cfg.Connect, Deadline: by, KeepAlive: 15 * time.Second}
	tcp, err := d.DialContext(ctx, "tcp", c.cfg.Address)
	if err != nil {
		return nil, err
	}
	cn := &conn{net: tcp, tcp: tcp}
	if s, ok := tcp.(syscall.Conn); ok {
		cn.watch(s)
	}
	if c.cfg.TLS != nil {
		err = c.secure(ctx, cn, by)
	}
	if err == nil {
		err = tcp.SetDeadline(by)
	}
	if err != nil {
		cn.close()
		return nil, err
	}
	return cn, nil
}

// secure puts TLS over the connection.
func (c *Client) secure(ctx context.Context, cn *conn, by time.Time) error {
	until := time.Now().Add(c.cfg.Connect)
	if by.Before(until) {
		until = by
	}
	limited, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	cn.written = &counter{Conn: cn.tcp}
	over := tls.Client(cn.written, c.cfg.TLS)
	cn.net = over
	return over.HandshakeContext(limited)
}

// close closes the connection, without TLS's goodbye: that could take time,
// and what was not read to its end is of no value to anybody. It may be called
// from any goroutine, and more than once.
func (c *conn) close() { _ = c.tcp.Close() }

// open gets the connection a buffer.
func (c *conn) open() {
	c.room = rooms.Get().(*[roomSize]byte)
	c.buf, c.from, c.to = c.room[:], 0, 0
}

// shut gives the buffer back.
func (c *conn) shut() {
	if c.room != nil {
		rooms.Put(c.room)
	}
	c.room, c.buf, c.from, c.to = nil, nil, 0, 0
}

// have returns what was read and not used.
func (c *conn) have() []byte { return c.buf[c.from:c.to] }

// errEnd means that the server has closed the connection.
var errEnd = errors.New("the connection has ended")

// fill reads once more, after it made room. It fails with errEnd, and if limit
// bytes are there already.
func (c *conn) fill(limit int) error {
	switch {
	case c.from == c.to:
		c.from, c.to = 0, 0
	case c.to-c.from >= limit:
		return errTooLong
	case c.to == len(c.buf):
		if c.from == 0 {
			c.buf = append(c.buf, make([]byte, min(len(c.buf), limit-len(c.buf)))...)
			break
		}
		copy(c.buf, c.buf[c.from:c.to])
		c.from, c.to = 0, c.to-c.from
	}
	n, err := c.read(c.buf[c.to:])
	c.to += n
	return err
}

// read reads once. What is wrong shows without bytes, never with them.
func (c *conn) read(p []byte) (int, error) {
	n, err := c.net.Read(p)
	switch {
	case n > 0:
		return n, nil
	case err == nil:
		return 0, io.ErrNoProgress
	case errors.Is(err, io.EOF):
		return 0, errEnd
	}
	return 0, err
}
