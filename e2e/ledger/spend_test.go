//go:build e2e

package ledger_test

import (
	"database/sql"
	"errors"
	"net/http"
	"sync"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/e2e/harness"
)

// replicas is how many servers share a database of each kind.
var replicas = map[harness.Kind]int{harness.SQLite: 1, harness.Postgres: 2}

// rush sends calls at once, spread over all servers of the site, and returns
// how many were answered; every other one must be refused for want of credits.
func rush(t *testing.T, site *harness.Site, key, model string, calls int) int {
	t.Helper()
	var clients []*harness.Client
	for range replicas[site.Database.Kind] {
		clients = append(clients, harness.NewClient(site.Start(t).BaseURL(), key))
	}
	var mu sync.Mutex
	answered := 0
	harness.Parallel(calls, calls, func(i int) {
		shape := harness.Shapes[i%len(harness.Shapes)]
		a, err := clients[i%len(clients)].Ask(t.Context(), shape, model)
		mu.Lock()
		defer mu.Unlock()
		if err == nil && a.Complete {
			answered++
			return
		}
		var failure *openai.Error
		if !errors.As(err, &failure) || failure.StatusCode != http.StatusTooManyRequests || failure.Code != "insufficient_quota" {
			t.Errorf("call %d (%s): status %d, %v %s", i, shape, a.Status, err, a.Body)
		}
	})
	require.False(t, t.Failed())
	return answered
}

// Price per request only: the balance pays for 50 of 200 parallel calls.
func TestOverspend_Request(t *testing.T) {
	const calls, paid = 200, 50
	harness.Each(t, func(t *testing.T, db harness.Database) {
		site := harness.NewSite(t, db, harness.Options{})
		account := site.Account(t, harness.NewAccount{Credits: paid * harness.Credit})
		answered := rush(t, site, site.Key(t, account.ID).Key, "req-delay50-chunks3", calls)

		require.Equal(t, paid, answered)
		// HOTPATH 13: only what another server spends meanwhile can leave nothing
		// for a call that has started, of which there are a tenth of what is left
		// at the most.
		started := site.Upstream.Stats(t).Requests - paid
		require.GreaterOrEqual(t, started, int64(0), "what was answered was asked")
		require.LessOrEqual(t, started, int64((replicas[db.Kind]-1)*paid/10), "a call that this server's own leave nothing for never reaches the upstream")
		left := site.Show(t, account.ID)
		require.Zero(t, left.Credits.Available)
		require.Zero(t, left.Credits.Held)
		rows := db.Open(t)
		require.Equal(t, harness.Rows{Lots: 1, Holds: paid, Entries: 1 + paid}, harness.LedgerRows(t, rows), "refused calls left no row") // L6
		require.Len(t, harness.Debits(t, rows), paid)
		site.Verify(t)
	})
}

// Token prices: holds are larger or smaller than what is used in the end, so
// how many are answered depends on the order; what is spent never exceeds what
// is there. An answer that says to have used more than its stream showed may
// find nothing left, for what it has beyond the chunk that is set aside.
func TestOverspend_Tokens(t *testing.T) { // L8, HOTPATH 10
	const calls = 200
	used := harness.Usage{Input: 10, Output: 3_000}
	cost := harness.TokenTariff.Cost(used.Input, used.Cached, used.Output)
	set := harness.TokenTariff.Cost(0, 0, chunk)
	grant := 20*cost + cost/2
	harness.Each(t, func(t *testing.T, db harness.Database) {
		site := harness.NewSite(t, db, harness.Options{})
		account := site.Account(t, harness.NewAccount{Credits: grant})
		answered := rush(t, site, site.Key(t, account.ID).Key, model(used)+"-delay20", calls)

		require.Positive(t, answered)
		require.LessOrEqual(t, int64(answered), grant/set)
		rows := db.Open(t)
		var total int64
		for request, d := range harness.Debits(t, rows) {
			require.EqualValues(t, 1, d.Entries)
			require.LessOrEqual(t, d.Amount, cost)
			require.GreaterOrEqual(t, d.Amount, set, request)
			total += d.Amount
		}
		require.Equal(t, int64(answered)*cost, total+sum(t, rows, "uncollected"))
		left := site.Show(t, account.ID)
		require.Zero(t, left.Credits.Held)
		require.Equal(t, grant, total+left.Credits.Available)
		site.Verify(t)
	})
}

// sum adds up a column of the holds.
func sum(t *testing.T, rows *sql.DB, column string) int64 {
	t.Helper()
	var n int64
	require.NoError(t, rows.QueryRowContext(t.Context(), "SELECT coalesce(sum("+column+"), 0) FROM holds").Scan(&n))
	return n
}
