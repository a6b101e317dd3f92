//go:build e2e

package ledger_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/e2e/harness"
)

// settleTime is how long the debit of a call whose client left may take: the
// upstream may go on for a while, because its last chunk has the exact usage.
const settleTime = 40 * time.Second

// A client that disconnects pays for what the upstream produced (L9).
func TestDisconnect(t *testing.T) {
	const grant = 10 * harness.Credit
	exact := harness.TokenTariff.Cost(120, 10, 80)
	harness.Each(t, func(t *testing.T, db harness.Database) {
		site := harness.NewSite(t, db, harness.Options{})
		replica := site.Start(t)
		account := site.Account(t, harness.NewAccount{Credits: grant})
		client := harness.NewClient(replica.BaseURL(), site.Key(t, account.ID).Key)
		rows := db.Open(t)

		// settled waits for the hold's end and returns the debit.
		settled := func(t *testing.T, request string) harness.Debit {
			t.Helper()
			harness.Eventually(t, settleTime, "the call is settled", func() error {
				if harness.Count(t, rows, "holds", "request_id = $1 AND state = 'settled'", request) == 0 {
					return errors.New("its hold is open or released")
				}
				return nil
			})
			return harness.Debits(t, rows)[request]
		}
		for _, shape := range harness.Shapes {
			if !shape.Stream {
				continue
			}
			t.Run(shape.String()+" near its end pays the exact usage", func(t *testing.T) {
				ctx, leave := context.WithCancel(t.Context())
				a := client.Leave(ctx, leave, shape, "tok-in120-out80-cached10-chunks12-gap50", 3)
				require.NotEmpty(t, a.Request)
				d := settled(t, a.Request)
				require.Equal(t, harness.Debit{Request: a.Request, Entries: 1, Amount: exact}, d)
			})
			t.Run(shape.String()+" far from its end pays what was produced", func(t *testing.T) {
				aborted := site.Upstream.Stats(t).Aborted
				ctx, leave := context.WithCancel(t.Context())
				a := client.Leave(ctx, leave, shape, "tok-in120-out80-chunks4000-gap50", 3)
				require.NotEmpty(t, a.Request)
				d := settled(t, a.Request)
				require.EqualValues(t, 1, d.Entries)
				seen := int64(len(a.Text)) / 4
				require.Greater(t, d.Amount, harness.TokenTariff.Cost(1, 0, seen), "at least what was seen")
				require.Less(t, d.Amount, harness.TokenTariff.Cost(500, 0, harness.MaxOutput/4), "not what never came")
				harness.Eventually(t, settleTime, "the upstream is let go", func() error {
					if site.Upstream.Stats(t).Aborted == aborted {
						return errors.New("it still works")
					}
					return nil
				})
			})
		}
		for _, shape := range []harness.Shape{{}, {Responses: true}} {
			t.Run(shape.String()+" pays the exact usage", func(t *testing.T) {
				before := harness.Debits(t, rows)
				calls := site.Upstream.Stats(t).Requests
				ctx, leave := context.WithCancel(t.Context())
				done := make(chan struct{})
				go func() {
					defer close(done)
					_, _ = client.Ask(ctx, shape, "tok-in120-out80-cached10-delay500")
				}()
				harness.Eventually(t, settleTime, "the upstream has the call", func() error {
					if site.Upstream.Stats(t).Requests == calls {
						return errors.New("not yet")
					}
					return nil
				})
				leave()
				<-done
				harness.Eventually(t, settleTime, "the call is debited", func() error {
					if len(harness.Debits(t, rows)) == len(before) {
						return errors.New("not yet")
					}
					return nil
				})
				for request, d := range harness.Debits(t, rows) {
					if _, known := before[request]; !known {
						require.Equal(t, harness.Debit{Request: request, Entries: 1, Amount: exact}, d)
					}
				}
			})
		}
		harness.AwaitNoHolds(t, rows, settleTime)
		site.Verify(t)
	})
}
