//go:build e2e

package idempotency_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/e2e/harness"
)

const (
	loadKills   = 3
	loadWorkers = 12
)

// crowd asks under one name after another, and again under the same until there
// is an answer or none will be.
type crowd struct {
	key    string
	target atomic.Pointer[harness.Replica]
	serial atomic.Int64

	mu     sync.Mutex
	got    map[string]harness.Answer // whole answers, by name
	lost   map[string]bool           // names whose answer is unknown
	failed error
}

func (c *crowd) work(ctx context.Context) {
	for ctx.Err() == nil {
		n := c.serial.Add(1)
		name := fmt.Sprintf("load-%d", n)
		shape := harness.Shapes[n%int64(len(harness.Shapes))]
		model := fmt.Sprintf("tok-in10-out20-chunks6-delay%d-gap%d-%s", n%30, n%40, name)
		if n%3 == 0 { // a client that loses its connection early
			short, leave := context.WithTimeout(ctx, time.Duration(10+n%80)*time.Millisecond)
			answered := c.once(short, name, shape, model)
			leave()
			if answered {
				continue
			}
		}
		for !c.once(ctx, name, shape, model) && ctx.Err() == nil {
			select {
			case <-time.After(50 * time.Millisecond): // as a client waits that tries again
			case <-ctx.Done():
			}
		}
	}
}

// once asks once and reports whether that settles the matter.
func (c *crowd) once(ctx context.Context, name string, shape harness.Shape, model string) bool {
	a, err := named(c.target.Load().BaseURL(), c.key, name).Ask(ctx, shape, model)
	status, code := refusal(err)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case a.Complete && err == nil:
		c.got[name] = a
		return true
	case code == "outcome_unknown":
		c.lost[name] = true
		return true
	case status == 0 || code == "idempotency_in_progress" || status == 503:
		return false // the server is dead, or the last one's work is still being ended
	default:
		c.failed = fmt.Errorf("%s: status %d: %w", name, status, err)
		return true
	}
}

func (c *crowd) done() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.got) + len(c.lost)
}

// Servers die again and again under a load of requests that are sent until they
// are answered: each is debited once at most, and what was answered once is
// answered the same for ever.
func TestKill_load(t *testing.T) {
	harness.Each(t, func(t *testing.T, db harness.Database) {
		s := newStand(t, db)
		c := &crowd{key: s.key, got: map[string]harness.Answer{}, lost: map[string]bool{}}
		c.target.Store(s.server)
		ctx, stop := context.WithCancel(t.Context())
		var workers sync.WaitGroup
		for range loadWorkers {
			workers.Go(func() { c.work(ctx) })
		}
		more := func(n int) {
			goal := c.done() + n
			harness.Eventually(t, recovery, "requests are answered", func() error {
				if have := c.done(); have < goal {
					return fmt.Errorf("%d of %d are", have, goal)
				}
				return nil
			})
		}
		for range loadKills {
			more(30)
			s.server.Kill()
			s.server = s.site.Start(t)
			c.target.Store(s.server)
			more(loadWorkers)
		}
		stop()
		workers.Wait()
		require.NoError(t, c.failed)
		harness.AwaitNoHolds(t, s.rows, recovery)

		debits := harness.Debits(t, s.rows)
		replays := 0
		for name, a := range c.got {
			original := a.Request
			if replayed(a) {
				original = a.Header.Get("X-Archibot-Original-Request-Id")
				replays++
			}
			require.Equal(t, harness.Debit{Request: original, Entries: 1, Amount: harness.TokenTariff.Cost(10, 0, 20)}, debits[original], name)
		}
		twice := harness.Count(t, s.rows, "holds AS h", "state = 'settled' AND EXISTS (SELECT 1 FROM holds AS o WHERE o.model = h.model AND o.state = 'settled' AND o.request_id <> h.request_id)")
		require.Zero(t, twice, "a name was debited twice")
		require.Positive(t, replays)
		t.Logf("%d answered, %d of them given again, %d unknown", len(c.got), replays, len(c.lost))
		s.site.Verify(t)
	})
}
