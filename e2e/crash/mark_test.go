//go:build e2e

package crash_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/e2e/harness"
)

// What a server had noted of a stream when it died decides (L9): a stream that
// was delivered in part is settled at the last note, one of which nothing was
// noted yet is released.
func TestCrash_Mark(t *testing.T) {
	harness.Each(t, func(t *testing.T, db harness.Database) {
		site := harness.NewSite(t, db, harness.Options{})
		account := site.Account(t, harness.NewAccount{Credits: grant})
		rows := db.Open(t)
		key := site.Key(t, account.ID).Key

		for _, shape := range []harness.Shape{{Stream: true}, {Responses: true, Stream: true}} {
			t.Run(shape.String(), func(t *testing.T) {
				old, young := longModel+"-old-"+shape.String(), longModel+"-young-"+shape.String()
				server := site.Start(t)
				client := harness.NewClient(server.BaseURL(), key)
				ends := make(chan harness.Answer, 2)
				ask := func(model string) {
					a, err := client.Ask(t.Context(), shape, model)
					if err == nil {
						t.Errorf("%s: the server is dead, but its stream ended cleanly", model)
					}
					ends <- a
				}
				go ask(old)
				var noted resolution
				harness.Eventually(t, progress, "the old stream's progress is noted", func() error {
					var err error
					noted, err = read(t.Context(), rows, old)
					if err == nil && !noted.delivered {
						err = errors.New("not yet")
					}
					return err
				})
				begun := time.Now()
				go ask(young)
				harness.Eventually(t, progress, "the young stream is held", func() error {
					_, err := read(t.Context(), rows, young)
					return err
				})
				server.Kill()
				lived := time.Since(begun)
				seen := max(len((<-ends).Text), len((<-ends).Text))

				site.Start(t)
				harness.AwaitNoHolds(t, rows, recovery)
				last, err := read(t.Context(), rows, old)
				require.NoError(t, err)
				require.Equal(t, "settled", last.state)
				require.GreaterOrEqual(t, last.cost, noted.cost)
				require.Equal(t, last.cost, last.debited, "settled at the last note")
				require.Positive(t, last.debited)
				require.LessOrEqual(t, last.debited, harness.TokenTariff.Cost(500, 0, int64(seen)), "no more than was produced")
				require.Equal(t, harness.Debit{Request: last.request, Entries: 1, Amount: last.debited}, harness.Debits(t, rows)[last.request])
				lost, err := read(t.Context(), rows, young)
				require.NoError(t, err)
				if lost.delivered { // a busy machine has let it grow old
					require.GreaterOrEqual(t, lived, time.Second, "nothing is noted in the first second")
					require.Equal(t, "settled", lost.state)
					require.Equal(t, lost.cost, lost.debited)
				} else {
					require.Equal(t, "released", lost.state)
					require.Empty(t, harness.Debits(t, rows)[lost.request])
				}
				site.Verify(t)
			})
		}
	})
}

// resolution is how the newest hold on a model stands.
type resolution struct {
	request, state string
	delivered      bool
	cost, debited  int64
}

func read(ctx context.Context, rows *sql.DB, model string) (resolution, error) {
	var r resolution
	err := rows.QueryRowContext(ctx, `SELECT request_id, state, mark_delivered, mark_cost, debited FROM holds
		WHERE model = $1 ORDER BY request_id DESC LIMIT 1`, model).Scan(&r.request, &r.state, &r.delivered, &r.cost, &r.debited)
	return r, err
}
