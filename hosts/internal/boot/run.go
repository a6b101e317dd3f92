package boot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// Run is a server's life: what runs beside each other, and the order in which
// it stops.
type Run struct {
	Log     *slog.Logger
	Servers []*Server
	// Work runs beneath the servers and must outlive their requests: it ends
	// after the last of them, when its context does.
	Work func(ctx context.Context) error
	// Draining is called first when the end begins, so that /readyz can say so.
	Draining func()
	Drain    time.Duration // between Draining and the closing of listeners
	Grace    time.Duration // for open requests after that
	// Cut ends the requests that are still open, in time for what they took to
	// be booked within Grace; nil leaves them to its end.
	Cut func()
	// Idle returns when nothing is at work any more that outlasts its request, or
	// when its context ends, after Grace; nil: there is no such work.
	Idle func(ctx context.Context)
}

// cutBefore is how long before the end of Grace requests are cut (HOTPATH 24),
// or half of Grace if that is short.
const cutBefore = 10 * time.Second

// Until runs everything until ctx ends or a part fails, then stops in order:
// unready, drain, close listeners, wait for requests, cut those that take too
// long, end the work. It returns
// what failed, nil after a stop that was asked for.
func (r Run) Until(ctx context.Context) error {
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	failed := make(chan error, len(r.Servers)+1)

	var working sync.WaitGroup
	var workErr error
	working.Go(func() {
		workErr = r.Work(work)
		if work.Err() == nil {
			if workErr == nil {
				workErr = errors.New("the work behind the server ended by itself")
			}
			failed <- workErr
		}
	})
	var serving sync.WaitGroup
	for _, s := range r.Servers {
		serving.Go(func() {
			if err := s.Serve(); err != nil {
				failed <- fmt.Errorf("serve %s: %w", s.Address(), err)
			}
		})
	}

	var err error
	select {
	case <-ctx.Done():
		r.Draining()
		r.Log.Info("draining", "drain", r.Drain.String(), "grace", r.Grace.String())
		select {
		case <-time.After(r.Drain):
		case err = <-failed:
		}
	case err = <-failed:
		r.Draining()
		r.Log.Error("a part of the server failed; stopping", "error", err)
	}

	if r.Cut != nil {
		cut := time.AfterFunc(max(r.Grace-cutBefore, r.Grace/2), r.Cut)
		defer cut.Stop()
	}
	var stopping sync.WaitGroup
	for _, s := range r.Servers {
		stopping.Go(func() { s.Stop(r.Grace) })
	}
	if r.Idle != nil {
		stopping.Go(func() {
			limit, done := context.WithTimeout(work, r.Grace)
			defer done()
			r.Idle(limit)
		})
	}
	stopping.Wait()
	serving.Wait()
	stopWork()
	working.Wait()
	if workErr != nil && !errors.Is(workErr, context.Canceled) && !errors.Is(err, workErr) {
		err = errors.Join(err, workErr)
	}
	r.Log.Info("stopped")
	return err
}

// OnHangup calls fn at each SIGHUP until the returned function is called.
func OnHangup(fn func()) (stop func()) {
	hangups := make(chan os.Signal, 1)
	done := make(chan struct{})
	signal.Notify(hangups, syscall.SIGHUP)
	var listening sync.WaitGroup
	listening.Go(func() {
		for {
			select {
			case <-hangups:
				fn()
			case <-done:
				return
			}
		}
	})
	return func() {
		signal.Stop(hangups)
		close(done)
		listening.Wait()
	}
}

// Signals returns a context that ends at the first SIGTERM or SIGINT. The
// second one ends the process as if nobody listened.
func Signals(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}
