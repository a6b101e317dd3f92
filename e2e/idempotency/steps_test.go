//go:build e2e

package idempotency_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/e2e/harness"
)

// A server is killed at each step of a request, which is then sent again: until
// its settle is durable the work cost nothing and is done anew; from then on the
// answer is there. Nothing is unknown, for none of these answers is long.
func TestKill_steps(t *testing.T) {
	steps := []struct {
		step string
		kept bool // the answer is there already
	}{
		{"hold.before", false},
		{"hold.after", false},
		{"upstream.before", false},
		{"upstream.after", false},
		{"upstream.body", false},
		{"record.before", false},
		{"record.after", false},
		{"settle.before", false},
		{"settle.after", true},
	}
	shapes := []harness.Shape{{}, {Stream: true}, {Responses: true}, {Responses: true, Stream: true}}
	harness.Each(t, func(t *testing.T, db harness.Database) {
		site := harness.NewSite(t, db, harness.Options{Tags: []string{"faultpoints"}})
		account := site.Account(t, harness.NewAccount{Credits: grant})
		s := &stand{t: t, whole: t, site: site, key: site.Key(t, account.ID).Key, rows: db.Open(t)}
		shape := func(i int) harness.Shape { return shapes[i%len(shapes)] }
		model := func(i int) string {
			return "tok-in10-out20-chunks4-" + strings.ReplaceAll(steps[i].step, ".", "")
		}

		for i, c := range steps {
			s.server = site.StartWith(t, map[string]string{"ARCHIBOT_FAULT": c.step + ":1:kill"})
			_, err := s.ask(c.step, shape(i), model(i))
			require.Error(t, err, c.step)
			harness.Eventually(t, recovery, "the server dies at "+c.step, func() error {
				if s.server.Alive() {
					return errors.New("it lives")
				}
				return nil
			})
		}
		s.server = site.Start(t)
		for i, c := range steps {
			before := s.calls(model(i))
			a, err := s.settle(c.step, shape(i), model(i))
			require.NoError(t, err, c.step)
			require.True(t, a.Complete, c.step)
			require.Equal(t, c.kept, replayed(a), c.step)
			if c.kept {
				require.Equal(t, before, s.calls(model(i)), c.step)
			}
			calls := s.calls(model(i))
			again, err := s.ask(c.step, shape(i), model(i))
			require.NoError(t, err)
			require.True(t, replayed(again), c.step)
			require.Equal(t, string(a.Body), string(again.Body), c.step)
			require.Equal(t, calls, s.calls(model(i)), c.step)
			s.hold(model(i), "settled")
		}

		// The reply of a commit that was made gets lost: the server goes on.
		for i, step := range []string{"hold.after", "settle.after"} {
			s.server.Kill()
			s.server = site.StartWith(t, map[string]string{"ARCHIBOT_FAULT": step + ":1:lose"})
			model := "tok-in10-out20-chunks4-lose" + strings.ReplaceAll(step, ".", "")
			a, err := s.ask("lose-"+step, shape(i), model)
			require.NoError(t, err)
			require.Contains(t, s.server.Log(t), "fault point "+step)
			again, err := s.ask("lose-"+step, shape(i), model)
			require.NoError(t, err)
			require.True(t, replayed(again))
			require.Equal(t, string(a.Body), string(again.Body))
			require.EqualValues(t, 1, s.calls(model))
			s.hold(model, "settled")
		}
		harness.AwaitNoHolds(t, s.rows, recovery)
		debits := harness.Debits(t, s.rows)
		require.Len(t, debits, len(steps)+2)
		for request, d := range debits {
			require.Equal(t, harness.Debit{Request: request, Entries: 1, Amount: harness.TokenTariff.Cost(10, 0, 20)}, d)
		}
		site.Verify(t)
	})
}
