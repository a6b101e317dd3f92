//go:build e2e

// Package ledger_test holds the server to its books, from outside: what was
// answered is what was debited, what was refused left nothing behind, nobody
// spends more than there is, and whoever tampers with a row is found out.
package ledger_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/e2e/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

// L5, W6: 2,000 calls, 64 in flight, both routes, JSON and stream: 2,000 debits,
// each under its own request ID and equal to what the upstream reported.
func TestDebits(t *testing.T) {
	const (
		calls    = 2_000
		inFlight = 64
		grant    = 100 * harness.Credit
	)
	harness.Each(t, func(t *testing.T, db harness.Database) {
		site := harness.NewSite(t, db, harness.Options{})
		replica := site.Start(t)
		account := site.Account(t, harness.NewAccount{Credits: grant})
		client := harness.NewClient(replica.BaseURL(), site.Key(t, account.ID).Key)

		var mu sync.Mutex
		expected := map[string]int64{} // cost by request
		var reported harness.Usage
		harness.Parallel(calls, inFlight, func(i int) {
			shape := harness.Shapes[i%len(harness.Shapes)]
			u := harness.Usage{Input: int64(50 + i%700), Cached: int64(i % 50), Output: int64(1 + i%1_000)}
			a, err := client.Ask(t.Context(), shape, model(u))
			mu.Lock()
			defer mu.Unlock()
			if err != nil || !a.Complete || a.Request == "" {
				t.Errorf("call %d (%s): status %d, request %q, %v", i, shape, a.Status, a.Request, err)
				return
			}
			if told := !shape.Stream || shape.Responses || shape.Usage; told && a.Usage != u {
				t.Errorf("call %d (%s) says it used %+v instead of %+v", i, shape, a.Usage, u)
			}
			expected[a.Request] = harness.TokenTariff.Cost(u.Input, u.Cached, u.Output)
			reported.Input, reported.Cached, reported.Output = reported.Input+u.Input, reported.Cached+u.Cached, reported.Output+u.Output
		})
		require.False(t, t.Failed())
		require.Len(t, expected, calls, "request IDs are unique")

		stats := site.Upstream.Stats(t)
		require.EqualValues(t, calls, stats.Completed)
		require.EqualValues(t, calls, stats.Requests, "nothing was sent upstream twice")
		require.Equal(t, reported, harness.Usage(stats.Usage), "every chat stream was asked for its usage")

		debits, total := harness.Debits(t, db.Open(t)), int64(0)
		require.Len(t, debits, calls)
		for request, cost := range expected {
			require.Equal(t, harness.Debit{Request: request, Entries: 1, Amount: cost}, debits[request])
			total += cost
		}
		site.Verify(t)
		left := site.Show(t, account.ID)
		require.Equal(t, grant-total, left.Credits.Available)
		require.Zero(t, left.Credits.Held)
		replica.Stop(t)
		site.Verify(t)
	})
}

// model names a model that makes the upstream report u.
func model(u harness.Usage) string {
	return fmt.Sprintf("tok-in%d-cached%d-out%d-chunks3", u.Input, u.Cached, u.Output)
}
