// Package gather lets an answer leave in one piece. net/http writes to the
// connection whenever its 4 KiB are full, and each write wakes the client: a
// handler that knows that more follows at once can have it wait for the rest.
//
// It keeps true that
//   - nothing is held unless Hold was called in the same request, and nothing
//     longer than until Flush, the next deadline, or the end of the request;
//   - what leaves is what net/http wrote, in its order;
//   - no more than 64 KiB are held.
package gather

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// maxHeld bounds what a connection holds; room is what it begins with.
const (
	maxHeld = 64 << 10
	room    = 16 << 10
)

var rooms = sync.Pool{New: func() any { b := make([]byte, 0, room); return &b }}

// On has a server gather where its handlers ask for it. Its listener must be
// the one that is returned.
func On(s *http.Server, l net.Listener) net.Listener {
	s.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		return context.WithValue(ctx, key{}, c)
	}
	return listener{l}
}

type key struct{}

// Of returns what gathers the answer to a request with this context; nil, which
// gathers nothing, if its server does not.
func Of(ctx context.Context) *Conn {
	c, _ := ctx.Value(key{}).(*Conn)
	return c
}

type listener struct{ net.Listener }

func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if tcp, ok := c.(*net.TCPConn); ok {
		return &Conn{TCPConn: tcp, to: tcp}, nil
	}
	return c, err
}

// Conn is a connection of such a server. What it adds belongs to the goroutine
// that writes.
type Conn struct {
	*net.TCPConn
	to      io.Writer // the same, save in a test
	holding bool
	held    *[]byte
}

// Hold has what is written from now on wait for Flush.
func (c *Conn) Hold() {
	if c != nil {
		c.holding = true
	}
}

// Flush sends what waits.
func (c *Conn) Flush() error {
	if c == nil {
		return nil
	}
	c.holding = false
	return c.send()
}

func (c *Conn) send() error {
	held := c.held
	if held == nil {
		return nil
	}
	c.held = nil
	_, err := c.to.Write(*held)
	if cap(*held) <= room {
		clear(*held)
		*held = (*held)[:0]
		rooms.Put(held)
	}
	return err
}

func (c *Conn) Write(p []byte) (int, error) {
	if !c.holding {
		return c.to.Write(p)
	}
	if c.held == nil {
		c.held = rooms.Get().(*[]byte)
	}
	if len(*c.held)+len(p) > maxHeld {
		if err := c.send(); err != nil {
			return 0, err
		}
		return c.to.Write(p)
	}
	*c.held = append(*c.held, p...)
	return len(p), nil
}

// ReadFrom is what net/http uses for files.
func (c *Conn) ReadFrom(r io.Reader) (int64, error) {
	if err := c.Flush(); err != nil {
		return 0, err
	}
	return c.TCPConn.ReadFrom(r)
}

// SetWriteDeadline sends what waits under the deadline before. net/http takes
// the deadline away when a request has ended.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	if err := c.Flush(); err != nil {
		return err
	}
	return c.TCPConn.SetWriteDeadline(t)
}
