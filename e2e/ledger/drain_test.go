//go:build e2e

package ledger_test

import (
	"errors"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/e2e/harness"
)

// Four servers drain one account. Work may start before its hold while there is
// plenty, so some of the last may be refused after they started: hardly any, and
// none of them is answered or debited.
func TestOverlap_Drain(t *testing.T) { // HOTPATH 13
	const servers, clients, paid = 4, 48, 3_000
	db := harness.NewPostgres(t)
	site := harness.NewSite(t, db, harness.Options{})
	account := site.Account(t, harness.NewAccount{Credits: paid * harness.Credit})
	key := site.Key(t, account.ID).Key
	var at []*harness.Client
	for range servers {
		at = append(at, harness.NewClient(site.Start(t).BaseURL(), key))
	}
	var answered, refused atomic.Int64
	harness.Parallel(clients, clients, func(i int) {
		for n := i; refused.Load() < clients; n++ {
			a, err := at[n%servers].Ask(t.Context(), harness.Shapes[n%len(harness.Shapes)], "req-delay20-chunks2")
			if err == nil && a.Complete {
				answered.Add(1)
				continue
			}
			var failure *openai.Error
			if !errors.As(err, &failure) || failure.StatusCode != http.StatusTooManyRequests || failure.Code != "insufficient_quota" {
				assert.NoError(t, err, "status %d: %s", a.Status, a.Body)
				return
			}
			refused.Add(1)
		}
	})
	require.EqualValues(t, paid, answered.Load())
	started := site.Upstream.Stats(t).Requests
	rows := db.Open(t)
	settled := harness.Count(t, rows, "holds", "state = 'settled'")
	require.EqualValues(t, paid, settled, "L6: what was refused left no row")
	require.Len(t, harness.Debits(t, rows), paid)
	require.LessOrEqual(t, started-paid, int64(paid/1000), "refused after their start")
	t.Logf("%d answered, %d refused, of which %d had started", paid, refused.Load(), started-paid)
	left := site.Show(t, account.ID)
	require.Zero(t, left.Credits.Available)
	require.Zero(t, left.Credits.Held)
	site.Verify(t)
}
