package demoupstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// frame is a piece of an answer, sent after a gap if pause is set.
type frame struct {
	data  []byte
	pause bool
}

// event returns a server-sent event; name may be empty.
func event(name string, data []byte) []byte {
	if name == "" {
		return fmt.Appendf(nil, "data: %s\n\n", data)
	}
	return fmt.Appendf(nil, "event: %s\ndata: %s\n\n", name, data)
}

var errClosed = errors.New("read of a closed answer")

// body plays frames to its reader, whose goroutine does the waiting.
//
// The context is here because Read has no parameter for it.
type body struct {
	ctx    context.Context
	frames []frame
	gap    time.Duration
	closed chan struct{}
	close  func()
}

func newBody(ctx context.Context, frames []frame, gap time.Duration) *body {
	b := &body{ctx: ctx, frames: frames, gap: gap, closed: make(chan struct{})}
	b.close = sync.OnceFunc(func() { close(b.closed) })
	return b
}

// Read returns what is left of the current frame, waiting for the next one if
// need be. It fails with the context's error.
func (b *body) Read(p []byte) (int, error) {
	if err := b.state(); err != nil {
		return 0, err
	}
	if len(b.frames) == 0 {
		return 0, io.EOF
	}
	f := &b.frames[0]
	if f.pause {
		if err := b.wait(); err != nil {
			return 0, err
		}
		f.pause = false
	}
	n := copy(p, f.data)
	f.data = f.data[n:]
	if len(f.data) == 0 {
		b.frames = b.frames[1:]
	}
	return n, nil
}

// Close ends the answer, also under a Read. It may be called more than once.
func (b *body) Close() error {
	b.close()
	return nil
}

func (b *body) state() error {
	select {
	case <-b.closed:
		return errClosed
	default:
		return b.ctx.Err()
	}
}

func (b *body) wait() error {
	if b.gap <= 0 {
		return nil
	}
	t := time.NewTimer(b.gap)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-b.closed:
		return errClosed
	case <-b.ctx.Done():
		return b.ctx.Err()
	}
}
