//go:build e2e

package ledger_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/e2e/harness"
)

const (
	floodTime  = 2 * time.Second // of each kind
	floodConns = 64
)

// A flood of refusals of each kind, as fast as this machine makes it, leaves a
// few events that count every one, no row in the ledger, and every request ID
// in the log (HOTPATH 22). The rate is in the test's own log.
func TestRefused_Flood(t *testing.T) {
	harness.Each(t, func(t *testing.T, db harness.Database) {
		site := harness.NewSite(t, db, harness.Options{Variables: map[string]string{"ARCHIBOT_LOG_LEVEL": "info"}})
		replica := site.Start(t)
		rows := db.Open(t)
		var entropy [keys.EntropyLen]byte
		_, err := rand.Read(entropy[:])
		require.NoError(t, err)

		type kind struct{ reason, account, key, model string }
		kinds := []kind{
			{reason: "key_malformed", key: "abk_short", model: "tok"},
			{reason: "key_unknown", key: keys.Mint(entropy).Reveal(), model: "tok"},
			{reason: "key_revoked", model: "tok"},
			{reason: "no_product_group", model: "tok"},
			{reason: "payment_review", model: "tok"},
			{reason: "model_not_allowed", model: harness.UnpricedModel},
			{reason: "credits_exhausted", model: "req"},
		}
		for i := range kinds {
			k := &kinds[i]
			if k.key != "" {
				continue
			}
			k.account = site.Account(t, harness.NewAccount{Name: k.reason, Credits: harness.Credit / 2}).ID
			key := site.Key(t, k.account)
			k.key = key.Key
			switch k.reason {
			case "no_product_group":
				site.SetGroups(t, k.account, "chat")
			case "payment_review":
				site.SetBilling(t, k.account, "review")
			case "key_revoked":
				site.Revoke(t, key.ID)
			}
		}
		before := harness.LedgerRows(t, rows)
		var sample []string
		counts := make([]int64, len(kinds))
		for i, k := range kinds {
			begun := time.Now()
			f := flood(t, replica.BaseURL(), k.key, k.model)
			t.Logf("%s: %d refusals, %.0f a second", k.reason, f.count, float64(f.count)/time.Since(begun).Seconds())
			require.Positive(t, f.count)
			counts[i], sample = f.count, append(sample, f.ids...)
		}
		for i, k := range kinds {
			harness.Eventually(t, foldTime, "the refusals for "+k.reason+" are counted", func() error {
				var events, sum int64
				const query = "SELECT count(*), COALESCE(sum(count), 0) FROM events WHERE reason = $1 AND account_id = $2"
				require.NoError(t, rows.QueryRowContext(t.Context(), query, k.reason, k.account).Scan(&events, &sum))
				require.LessOrEqual(t, sum, counts[i])
				require.LessOrEqual(t, events, int64(4), "the flood touches two windows at most")
				if sum < counts[i] {
					return fmt.Errorf("%d of %d", sum, counts[i])
				}
				return nil
			})
		}
		require.Equal(t, before, harness.LedgerRows(t, rows))
		require.Zero(t, site.Upstream.Stats(t).Requests)
		log := replica.Log(t)
		for _, id := range sample {
			require.Contains(t, log, id)
		}
		site.VerifyAudit(t)
	})
}

// flooded is what came of a flood.
type flooded struct {
	count int64
	ids   []string // of some of the requests
}

// flood asks with a key for a while, over connections that stay open.
func flood(t *testing.T, base, key, model string) (f flooded) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: floodConns}}
	defer client.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(t.Context(), floodTime)
	defer cancel()
	body := fmt.Sprintf(`{"model":%q,"messages":[{"role":"user","content":"Hello"}]}`, model)
	var count atomic.Int64
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range floodConns {
		wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				// Not cut short by ctx: each request is answered, so that all can be counted.
				r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/chat/completions", strings.NewReader(body))
				if err != nil {
					t.Error(err)
					return
				}
				r.Header.Set("Authorization", "Bearer "+key)
				r.Header.Set("Content-Type", "application/json")
				res, err := client.Do(r)
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
				if res.StatusCode == http.StatusServiceUnavailable {
					continue // no refusal: it was not decided
				}
				if res.StatusCode < 400 || res.StatusCode >= 500 {
					t.Errorf("status %d", res.StatusCode)
					return
				}
				count.Add(1)
				if n%500 == 0 {
					mu.Lock()
					f.ids = append(f.ids, res.Header.Get("X-Request-Id"))
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	f.count = count.Load()
	return f
}
