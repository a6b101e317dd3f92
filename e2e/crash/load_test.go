//go:build e2e

package crash_test

import (
	"context"
	"fmt"
	"net/http"
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
	refused      int
	failed       error

	// tolerant load takes a 503 for an answer that the crash explains: the
	// database is away, or the server has lost its place.
	tolerant bool
	varied   bool // long streams and failing upstreams, too
	stays    bool // the server lives on: what breaks off is no sign of its end
}

// target is a server while it lives.
type target struct {
	client   *harness.Client
	replaced chan struct{} // closed when another has taken its place
}

// startLoad starts workers; without a client they wait for retarget.
func startLoad(t *testing.T, client *harness.Client, workers int, change ...func(*load)) *load {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	l := &load{cancel: cancel, target: &target{client, make(chan struct{})}, acknowledged: map[string]int64{}}
	for _, c := range change {
		c(l)
	}
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
		fails := false
		if l.varied {
			switch n % 16 {
			case 3: // outgrows the chunk that is held for it
				u = harness.Usage{Input: 40, Output: 3000}
				model, shape = "tok-in40-out3000-chunks3000", harness.Shape{Stream: true}
			case 7: // is marked
				u = harness.Usage{Input: 40, Output: 90}
				model, shape = "tok-in40-out90-chunks25-gap100", harness.Shape{Stream: true, Responses: true}
			case 11:
				model, fails = "tok-err500", true
			}
		}
		if target.client == nil {
			select {
			case <-target.replaced:
			case <-ctx.Done():
			}
			continue
		}
		a, err := target.client.Ask(ctx, shape, model)
		if fails && a.Status == http.StatusBadGateway {
			continue
		}
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
	case a.Status == http.StatusServiceUnavailable && l.tolerant:
		l.refused++
		return true
	case a.Status >= 400:
		l.failed = fmt.Errorf("%w: status %d: %s", errAnswer, a.Status, a.Body)
		return true
	case err == nil:
		l.failed = fmt.Errorf("%w: a clean end without the end of the answer: %s", errAnswer, a.Body)
		return true
	}
	l.broken++
	return l.stays
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
// acknowledged, after it made sure that enough was cut.
func (l *load) stop(t *testing.T, cuts int) map[string]int64 {
	t.Helper()
	l.cancel()
	l.done.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	require.NoError(t, l.failed)
	require.GreaterOrEqual(t, l.broken, cuts, "each kill cut something")
	return l.acknowledged
}
