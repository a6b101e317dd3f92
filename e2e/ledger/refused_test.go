//go:build e2e

package ledger_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/e2e/harness"
)

// foldTime bounds how long the last count of a run of refusals may take to be
// written: the window they are folded over, and some.
const foldTime = 30 * time.Second

// A call refused before it is forwarded leaves no ledger row (L6), and a loop
// of them leaves few events that count them all (G6).
func TestRefused(t *testing.T) {
	const times = 40
	harness.Each(t, func(t *testing.T, db harness.Database) {
		site := harness.NewSite(t, db, harness.Options{})
		replica := site.Start(t)
		rows := db.Open(t)

		type refused struct {
			reason, model string
			account, key  string
		}
		cases := []refused{
			{reason: "no_product_group", model: "tok"},
			{reason: "payment_review", model: "tok"},
			{reason: "credits_exhausted", model: "req"},
			{reason: "model_not_allowed", model: harness.UnpricedModel},
			{reason: "key_revoked", model: "tok"},
		}
		for i := range cases {
			c := &cases[i]
			c.account = site.Account(t, harness.NewAccount{Name: c.reason, Credits: harness.Credit / 2}).ID
			key := site.Key(t, c.account)
			c.key = key.Key
			switch c.reason {
			case "no_product_group":
				site.SetGroups(t, c.account, "chat")
			case "payment_review":
				site.SetBilling(t, c.account, "review")
			case "key_revoked":
				site.Revoke(t, key.ID)
			}
		}
		before := harness.LedgerRows(t, rows)
		require.Equal(t, harness.Rows{Lots: int64(len(cases)), Entries: int64(len(cases))}, before)

		harness.Parallel(times*len(cases), 16, func(i int) {
			c := cases[i%len(cases)]
			_, err := harness.NewClient(replica.BaseURL(), c.key).Ask(t.Context(), harness.Shapes[i%len(harness.Shapes)], c.model)
			var failure *openai.Error
			if !errors.As(err, &failure) {
				t.Errorf("%s: %v", c.reason, err)
			}
		})
		require.False(t, t.Failed())
		require.Equal(t, before, harness.LedgerRows(t, rows))
		require.Zero(t, site.Upstream.Stats(t).Requests)

		for _, c := range cases {
			var found []harness.Event
			harness.Eventually(t, foldTime, "the refusals for "+c.reason+" are counted", func() error {
				found = nil
				var count int64
				for _, e := range site.Activity(t, c.account, "") {
					if e.Reason == c.reason {
						found, count = append(found, e), count+e.Count
					}
				}
				if count < times {
					return fmt.Errorf("%d of %d in %d events", count, times, len(found))
				}
				require.EqualValues(t, times, count)
				return nil
			})
			require.LessOrEqual(t, len(found), 5, "repeats are folded")
		}
		require.Equal(t, before, harness.LedgerRows(t, rows))
		site.Verify(t)
	})
}

// Work that the upstream refuses leaves one released hold and no entry, and
// gives everything back (L6, L7).
func TestUpstreamRefused(t *testing.T) {
	const grant = harness.Credit
	harness.Each(t, func(t *testing.T, db harness.Database) {
		site := harness.NewSite(t, db, harness.Options{Variables: map[string]string{"ARCHIBOT_UPSTREAM_TIMEOUT": "1s"}})
		replica := site.Start(t)
		account := site.Account(t, harness.NewAccount{Credits: grant})
		client := harness.NewClient(replica.BaseURL(), site.Key(t, account.ID).Key)
		rows := db.Open(t)

		refuse := func(t *testing.T, model string) {
			for _, shape := range harness.Shapes {
				before := harness.LedgerRows(t, rows)
				a, err := client.Ask(t.Context(), shape, model)
				require.Error(t, err)
				require.NotEmpty(t, a.Request)
				before.Holds++
				require.Equal(t, before, harness.LedgerRows(t, rows), shape)
				var state string
				require.NoError(t, rows.QueryRow("SELECT state FROM holds WHERE request_id = $1", a.Request).Scan(&state))
				require.Equal(t, "released", state, shape)
				left := site.Show(t, account.ID)
				require.Equal(t, grant, left.Credits.Available)
				require.Zero(t, left.Credits.Held)
			}
		}
		for _, model := range []string{"tok-err400", "tok-err429", "tok-err500", "tok-redirect", "tok-html"} {
			t.Run(model, func(t *testing.T) { refuse(t, model) })
		}
		t.Run("timeout", func(t *testing.T) { refuse(t, "tok-hang") })
		site.Upstream.Stop()
		t.Run("connection refused", func(t *testing.T) { refuse(t, "tok") })
		site.Verify(t)
	})
}
