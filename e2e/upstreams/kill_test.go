//go:build e2e

package upstreams_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/e2e/harness"
)

// crowd is clients that ask without pause and write down what they got.
type crowd struct {
	cancel context.CancelFunc
	done   sync.WaitGroup

	mu           sync.Mutex
	serial       int64
	acknowledged map[string]int64 // cost by request
	failed       map[string]int   // status by request; 200: cut
}

func startCrowd(t *testing.T, client *harness.Client, workers int) *crowd {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	c := &crowd{cancel: cancel, acknowledged: map[string]int64{}, failed: map[string]int{}}
	t.Cleanup(func() { cancel(); c.done.Wait() })
	for range workers {
		c.done.Go(func() {
			for ctx.Err() == nil {
				c.ask(ctx, client)
			}
		})
	}
	return c
}

func (c *crowd) ask(ctx context.Context, client *harness.Client) {
	c.mu.Lock()
	c.serial++
	n := c.serial
	c.mu.Unlock()
	u := harness.Usage{Input: 10 + n%90, Cached: n % 10, Output: 1 + n%200}
	shape := harness.Shapes[n%int64(len(harness.Shapes))]
	model := fmt.Sprintf("tok-in%d-cached%d-out%d-chunks6-delay%d-gap%d", u.Input, u.Cached, u.Output, n%40, n%8)
	a, _ := client.Ask(ctx, shape, model)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case a.Complete:
		c.acknowledged[a.Request] = harness.TokenTariff.Cost(u.Input, u.Cached, u.Output)
	case a.Request != "" && ctx.Err() == nil:
		c.failed[a.Request] = a.Status
	}
}

func (c *crowd) answered() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.acknowledged)
}

func (c *crowd) awaitMore(t *testing.T, more int) {
	t.Helper()
	goal := c.answered() + more
	harness.Eventually(t, time.Minute, "answers come in", func() error {
		if n := c.answered(); n < goal {
			return fmt.Errorf("%d of %d have", n, goal)
		}
		return nil
	})
}

var accepted = regexp.MustCompile(`"msg":"upstream accepted","request_id":"(\w+)".*"upstream":"(\w+)"`)

// The first upstream dies under load, comes back, and dies again. Nothing that
// a client got whole is lost or debited twice, and nothing that the first had
// in full is sent to the second (W8, L9).
func TestKilledUnderLoad(t *testing.T) {
	const kills, workers = 4, 12
	harness.Each(t, func(t *testing.T, db harness.Database) {
		p := newPair(t, db, map[string]string{"ARCHIBOT_UPSTREAM_BREAKER": "5"})
		replica := p.Start(t)
		c := startCrowd(t, harness.NewClient(replica.BaseURL(), p.key), workers)
		for range kills {
			c.awaitMore(t, 30+rand.IntN(40))
			p.first.Stop()
			c.awaitMore(t, 60)
			p.first = p.first.Again(t)
			before := p.first.Stats(t).Completed
			harness.Eventually(t, time.Minute, "the first upstream is used again", func() error {
				if n := p.first.Stats(t).Completed - before; n < workers {
					return fmt.Errorf("%d calls", n)
				}
				return nil
			})
		}
		c.cancel()
		c.done.Wait()
		harness.AwaitNoHolds(t, p.rows, time.Minute)
		replica.Stop(t)
		p.Verify(t)

		byFirst := map[string]bool{}
		bySecond := map[string]bool{}
		for _, m := range accepted.FindAllStringSubmatch(replica.Log(t), -1) {
			of := byFirst
			if m[2] == "second" {
				of = bySecond
			}
			require.False(t, of[m[1]])
			of[m[1]] = true
		}
		sent := requests(t, p.second)
		for id := range byFirst {
			require.False(t, sent[id], "%s was the first upstream's", id)
		}
		cut := 0
		for id, status := range c.failed {
			require.False(t, sent[id] && status != 200, "%s failed with %d, and the second upstream did the work", id, status)
			cut++
		}
		debits := harness.Debits(t, p.rows)
		for id, cost := range c.acknowledged {
			require.Equal(t, harness.Debit{Request: id, Entries: 1, Amount: cost}, debits[id])
			require.True(t, byFirst[id] || bySecond[id])
		}
		require.NotEmpty(t, byFirst)
		require.GreaterOrEqual(t, len(bySecond), kills)
		require.NotZero(t, cut, "the kills hit work in flight")
		t.Logf("%d acknowledged, %d failed or cut, %d by the first upstream, %d by the second", len(c.acknowledged), cut, len(byFirst), len(bySecond))
	})
}
