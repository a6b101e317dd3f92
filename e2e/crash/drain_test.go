//go:build e2e

package crash_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/e2e/harness"
)

// A server that is asked to end with 200 streams open lets those that are short
// come to their end, ends the others as errors in time, settles each once, and
// leaves nothing for others to resolve.
func TestDrain(t *testing.T) { // HOTPATH 24
	const streams = 200
	harness.Each(t, func(t *testing.T, db harness.Database) {
		site := harness.NewSite(t, db, harness.Options{Variables: map[string]string{"ARCHIBOT_DRAIN": "1s", "ARCHIBOT_GRACE": "20s"}})
		account := site.Account(t, harness.NewAccount{Credits: grant})
		server := site.Start(t)
		client := harness.NewClient(server.BaseURL(), site.Key(t, account.ID).Key)
		rows := db.Open(t)

		var mu sync.Mutex
		var whole, cut []harness.Answer
		var open sync.WaitGroup
		for i := range streams {
			open.Go(func() {
				model := "tok-in40-out90-chunks600-gap100" // a minute
				if i%2 == 0 {
					model = "tok-in40-out90-chunks40-gap100"
				}
				a, err := client.Ask(t.Context(), harness.Shape{Stream: true, Responses: i%4 < 2}, model)
				mu.Lock()
				defer mu.Unlock()
				if err == nil && a.Complete {
					whole = append(whole, a)
				} else {
					cut = append(cut, a)
				}
			})
		}
		harness.Eventually(t, progress, "all streams are held", func() error {
			if n := harness.Count(t, rows, "holds", ""); n < streams { // some have ended by then
				return fmt.Errorf("%d of them", n)
			}
			return nil
		})
		<-time.After(time.Second) // all of them show something
		server.Stop(t)
		open.Wait()

		require.NotEmpty(t, whole)
		require.NotEmpty(t, cut)
		require.Len(t, harness.Debits(t, rows), streams)
		for _, a := range cut {
			require.Contains(t, string(a.Body), "server_stopping", a.Request)
		}
		require.Empty(t, harness.OpenHolds(t, rows), "nothing is left to recovery")
		require.Zero(t, harness.Count(t, rows, "holds", "reason = 'replica_lost'"))
		require.Zero(t, harness.Count(t, rows, "replicas", ""), "the lease is given up")
		site.Verify(t)
		site.VerifyAudit(t)
		t.Logf("%d came to their end, %d were cut", len(whole), len(cut))
	})
}
