//go:build e2e

package ledger_test

import (
	"database/sql"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/packages/ssestream"
	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/e2e/harness"
)

// cutTime is how long work under way may go on behind a gate that was closed:
// five seconds (K5), and as long again for a busy machine.
const cutTime = 10 * time.Second

// Whatever closes the gate ends what is under way behind it, on every server:
// streams as errors that say why and are debited once, answers in one piece as
// refusals that cost nothing (K5, G7, L9).
func TestGateCloses(t *testing.T) {
	harness.Each(t, func(t *testing.T, db harness.Database) {
		site := harness.NewSite(t, db, harness.Options{})
		var servers []*harness.Replica
		for range replicas[db.Kind] {
			servers = append(servers, site.Start(t))
		}
		rows := db.Open(t)
		for _, c := range []struct {
			reason string
			shut   func(t *testing.T, account, key string)
		}{
			{"key_revoked", func(t *testing.T, _, key string) { site.Revoke(t, key) }},
			{"key_expired", func(t *testing.T, _, key string) { harness.Expire(t, rows, key) }},
			{"no_product_group", func(t *testing.T, account, _ string) { site.SetGroups(t, account, "chat") }},
			{"account_suspended", func(t *testing.T, account, _ string) { site.SetStatus(t, account, "suspended") }},
			{"account_closed", func(t *testing.T, account, _ string) { site.SetStatus(t, account, "closed") }},
			{"billing_incomplete", func(t *testing.T, account, _ string) { site.SetBilling(t, account, "cancelled") }},
		} {
			t.Run(c.reason, func(t *testing.T) {
				account := site.Account(t, harness.NewAccount{Credits: 10 * harness.Credit})
				key := site.Key(t, account.ID)
				w := startWork(t, servers, key.Key)
				w.await(t, rows, account.ID)
				c.shut(t, account.ID, key.ID)
				shut := time.Now()
				w.done.Wait()
				took := time.Since(shut)
				t.Logf("all had ended %v after", took)
				require.Less(t, took, cutTime)

				harness.AwaitNoHolds(t, rows, settleTime)
				w.audit(t, rows, c.reason)
				site.Verify(t)
			})
		}
	})
}

// work is a stream of each kind and an answer in one piece, on every server.
type work struct {
	calls int64
	done  sync.WaitGroup
	mu    sync.Mutex
	ended []ended
}

type ended struct {
	shape harness.Shape
	harness.Answer
	err error
}

var atWork = []harness.Shape{{Stream: true}, {Responses: true, Stream: true}, {}}

func startWork(t *testing.T, servers []*harness.Replica, key string) *work {
	t.Helper()
	w := &work{}
	for _, s := range servers {
		client := harness.NewClient(s.BaseURL(), key)
		for _, shape := range atWork {
			model := "tok-gap50-chunks4000"
			if !shape.Stream {
				model = "tok-delay120000"
			}
			w.calls++
			w.done.Go(func() {
				a, err := client.Ask(t.Context(), shape, model)
				w.mu.Lock()
				defer w.mu.Unlock()
				w.ended = append(w.ended, ended{shape, a, err})
			})
		}
	}
	return w
}

// await waits until all of it is held and the streams' progress is noted.
func (w *work) await(t *testing.T, rows *sql.DB, account string) {
	t.Helper()
	streams := w.calls * 2 / 3
	harness.Eventually(t, settleTime, "the work is under way", func() error {
		held := harness.Count(t, rows, "holds", "account_id = $1 AND state = 'open'", account)
		noted := harness.Count(t, rows, "holds", "account_id = $1 AND state = 'open' AND mark_delivered", account)
		if held < w.calls || noted < streams {
			return fmt.Errorf("%d are held, %d noted", held, noted)
		}
		return nil
	})
}

func (w *work) audit(t *testing.T, rows *sql.DB, reason string) {
	t.Helper()
	debits := harness.Debits(t, rows)
	for _, e := range w.ended {
		require.Error(t, e.err)
		require.False(t, e.Complete)
		if !e.shape.Stream {
			var refusal *openai.Error
			require.ErrorAs(t, e.err, &refusal)
			require.Contains(t, []int{401, 403}, refusal.StatusCode)
			require.Empty(t, debits[e.Request])
			continue
		}
		var broken *ssestream.StreamError
		require.ErrorAs(t, e.err, &broken)
		require.Contains(t, string(e.Body), reason)
		require.NotEmpty(t, e.Text)
		d := debits[e.Request]
		require.EqualValues(t, 1, d.Entries, "debited once")
		require.LessOrEqual(t, d.Amount, harness.TokenTariff.Cost(500, 0, int64(len(e.Text))), "no more than was produced")
		require.GreaterOrEqual(t, d.Amount, harness.TokenTariff.Cost(1, 0, int64(len(e.Text))/4), "no less than was seen")
	}
}
