package api

import (
	"context"
	"net/http"
	"time"
)

// Patience is how long the service works on one request before it answers that
// it cannot reach its records: longer than a database takes that is merely
// busy, and short enough that one that hangs hangs nobody (G3).
const Patience = 20 * time.Second

type patienceKey struct{}

// patient bounds the work on a request. The context as it was stays within
// reach for what takes as long as its reader does.
func patient(r *http.Request) (*http.Request, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(context.WithValue(r.Context(), patienceKey{}, r.Context()), Patience)
	return r.WithContext(ctx), cancel
}

// unbounded returns ctx without the bound that patient put on it: it ends when
// the client leaves.
func unbounded(ctx context.Context) (context.Context, context.CancelFunc) {
	whole, ok := ctx.Value(patienceKey{}).(context.Context)
	if !ok {
		return context.WithCancel(ctx)
	}
	free, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(whole, cancel)
	return free, func() {
		stop()
		cancel()
	}
}
