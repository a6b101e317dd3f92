//go:build e2e

package ledger_test

import (
	"errors"
	"testing"

	"github.com/openai/openai-go/v3/packages/ssestream"
	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/e2e/harness"
)

// chunk is how many output tokens a stream sets aside for at a time.
const chunk = 2048

// A stream whose account has credits for one chunk and a half is cut when they
// are used up; what came is charged, and what nobody paid for is less than a
// chunk (HOTPATH 10, L8).
func TestChunk(t *testing.T) {
	perChunk := harness.TokenTariff.Cost(0, 0, chunk)
	harness.Each(t, func(t *testing.T, db harness.Database) {
		site := harness.NewSite(t, db, harness.Options{})
		replica := site.Start(t)
		rows := db.Open(t)
		for _, shape := range []harness.Shape{{Stream: true}, {Stream: true, Usage: true}, {Responses: true, Stream: true}} {
			t.Run(shape.String(), func(t *testing.T) {
				grant := perChunk*3/2 + harness.TokenTariff.Cost(500, 0, 0)
				account := site.Account(t, harness.NewAccount{Credits: grant})
				client := harness.NewClient(replica.BaseURL(), site.Key(t, account.ID).Key)
				aborted := site.Upstream.Stats(t).Aborted

				a, err := client.Ask(t.Context(), shape, "tok-gap1-chunks4000")
				var broken *ssestream.StreamError
				require.ErrorAs(t, err, &broken)
				require.Contains(t, string(a.Body), "credits_exhausted")
				require.False(t, a.Complete)
				require.NotEmpty(t, a.Text)

				harness.AwaitNoHolds(t, rows, settleTime)
				d := harness.Debits(t, rows)[a.Request]
				require.Equal(t, grant, d.Amount+site.Show(t, account.ID).Credits.Available)
				require.Greater(t, d.Amount, perChunk/2, "what came is charged")
				var uncollected int64
				require.NoError(t, rows.QueryRow("SELECT uncollected FROM holds WHERE request_id = $1", a.Request).Scan(&uncollected))
				require.LessOrEqual(t, uncollected, perChunk)
				harness.Eventually(t, settleTime, "the upstream is cut", func() error {
					if site.Upstream.Stats(t).Aborted == aborted {
						return errors.New("it still works")
					}
					return nil
				})
			})
		}
		t.Run("with enough", func(t *testing.T) {
			account := site.Account(t, harness.NewAccount{Credits: 3 * perChunk})
			a, err := harness.NewClient(replica.BaseURL(), site.Key(t, account.ID).Key).Ask(t.Context(), harness.Shape{Stream: true}, "tok-in40-out4000-chunks4000")
			require.NoError(t, err)
			require.True(t, a.Complete)
			require.Equal(t, harness.TokenTariff.Cost(40, 0, 4000), harness.Debits(t, rows)[a.Request].Amount)
		})
		site.Verify(t)
	})
}
