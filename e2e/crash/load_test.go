//go:build e2e

package crash_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/e2e/harness"
)

// load is a crowd of clients that ask without pause, in every shape, and write
// down what they received whole.
type load struct {
	cancel context.CancelFunc
	done   sync.WaitGroup

	mu           sync.Mutex
	target       *target
	serial       int64
	acknowledged map[string]int64 // cost by request
	broken       int
	failed       error
}

// target is a server while it lives.
type target struct {
	client   *harness.Client
	replaced chan struct{} // closed when another has taken its place
}

func startLoad(t *testing.T, client *harness.Client, workers int) *load {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	l := &load{cancel: cancel, target: &target{client, make(chan struct{})}, acknowledged: map[string]int64{}}
	t.Cleanup(func() { cancel(); l.done.Wait() })
	for range workers {
		l.done.Go(func() { l.work(ctx) })
	}
	return l
}

func (l *load) work(ctx context.Context) {
	for ctx.Err() == nil {
		l.mu.Lock()
		target := l.target
		l.serial++
		n := l.serial
		l.mu.Unlock()

		u := harness.Usage{Input: 10 + n%90, Cached: n % 10, Output: 1 + n%200}
		shape := harness.Shapes[n%int64(len(harness.Shapes))]
		model := fmt.Sprintf("tok-in%d-cached%d-out%d-chunks6-delay%d-gap%d", u.Input, u.Cached, u.Output, n%40, n%8)
		a, err := target.client.Ask(ctx, shape, model)
		if ctx.Err() != nil && !a.Complete {
			return
		}
		if l.note(a, err, harness.TokenTariff.Cost(u.Input, u.Cached, u.Output)) {
			continue
		}
		select { // the server is dead; its place is taken soon
		case <-target.replaced:
		case <-ctx.Done():
		}
	}
}

// note writes down what came of a call and reports whether the server lives.
func (l *load) note(a harness.Answer, err error, cost int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case a.Complete:
		if _, twice := l.acknowledged[a.Request]; twice || a.Request == "" {
			l.failed = fmt.Errorf("%w: request ID %q twice or missing", errAnswer, a.Request)
		}
		l.acknowledged[a.Request] = cost
		return true
	case a.Status >= 400:
		l.failed = fmt.Errorf("%w: status %d: %s", errAnswer, a.Status, a.Body)
		return true
	case err == nil:
		l.failed = fmt.Errorf("%w: a clean end without the end of the answer: %s", errAnswer, a.Body)
		return true
	}
	l.broken++
	return false
}

// awaitMore waits for more answers.
func (l *load) awaitMore(t *testing.T, more int) {
	t.Helper()
	goal := l.count() + more
	harness.Eventually(t, progress, "answers come in", func() error {
		if n := l.count(); n < goal {
			return fmt.Errorf("%d of %d have", n, goal)
		}
		return nil
	})
}

func (l *load) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acknowledged)
}

// retarget sends all later calls to another server.
func (l *load) retarget(client *harness.Client) {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.target.replaced)
	l.target = &target{client, make(chan struct{})}
}

// stop ends the load, cutting what is in flight, and returns what was
// acknowledged.
func (l *load) stop(t *testing.T) map[string]int64 {
	t.Helper()
	l.cancel()
	l.done.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	require.NoError(t, l.failed)
	require.GreaterOrEqual(t, l.broken, kills, "each kill cut something")
	return l.acknowledged
}
