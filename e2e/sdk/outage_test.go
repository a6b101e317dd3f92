//go:build e2e

package sdk_test

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/ssestream"
	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/e2e/engine/localpg"
	"github.com/archibot/archibotchat/e2e/harness"
)

// What the upstream does while the database is away: it is at work for four
// seconds, of which the database sees the beginning.
const (
	jsonModel   = "tok-in40-out80-delay4000"
	streamModel = "tok-in40-out80-chunks80-gap50"
	outageTime  = 60 * time.Second // until all is as it should be again
)

// seen is what one call saw.
type seen struct {
	Shape   string `json:"shape"`
	Calls   int    `json:"calls"` // that the SDK made of it
	Text    string `json:"text"`
	Request string `json:"request"`
	Status  int    `json:"status"`
	Code    string `json:"code"`
	Retry   string `json:"retry"`  // x-should-retry
	Failed  bool   `json:"failed"` // with the SDK's own error
	Ended   bool   `json:"ended"`  // cleanly
}

// The database stops after the last that the upstream sends can be booked, and
// comes back: no client has taken an answer for complete, no SDK has had the
// work done twice, what was not delivered is not charged for, and what was is
// charged for once.
func TestOutage(t *testing.T) { // HOTPATH 16, W3, L9
	for name, outage := range map[string]func(t *testing.T, c *localpg.Cluster, dir string) (back func()){
		"frozen": func(t *testing.T, c *localpg.Cluster, _ string) func() {
			require.NoError(t, c.Freeze())
			return func() { require.NoError(t, c.Thaw()) }
		},
		"crashed": func(t *testing.T, c *localpg.Cluster, dir string) func() {
			require.NoError(t, c.Stop(true))
			return func() {
				again, err := localpg.Start(dir)
				require.NoError(t, err)
				t.Cleanup(func() { _ = again.Stop(true) })
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir, err := os.MkdirTemp("", "outage-")
			require.NoError(t, err)
			t.Cleanup(func() { _ = os.RemoveAll(dir) })
			cluster, err := localpg.Start(dir)
			require.NoError(t, err)
			t.Cleanup(func() {
				_ = cluster.Thaw()
				_ = cluster.Stop(true)
			})

			db := harness.Database{Kind: harness.Postgres, URL: cluster.URL("postgres")}
			site := harness.NewSite(t, db, harness.Options{})
			server := site.Start(t)
			account := site.Account(t, harness.NewAccount{Credits: grant})
			key := site.Key(t, account.ID).Key
			rows := db.Open(t)

			calls := startCalls(t, server.BaseURL(), key)
			harness.Eventually(t, eventTime, "the work is under way", func() error {
				held := harness.Count(t, rows, "holds", "state = 'open'")
				noted := harness.Count(t, rows, "holds", "state = 'open' AND mark_delivered")
				if held < int64(calls.n) || noted < int64(calls.n/2) {
					return fmt.Errorf("%d are held, %d noted", held, noted)
				}
				return nil
			})
			back := outage(t, cluster, dir)
			all := calls.wait(t)
			require.EqualValues(t, calls.n, site.Upstream.Stats(t).Requests, "no work was done twice")
			back()

			harness.AwaitNoHolds(t, rows, outageTime)
			debits := harness.Debits(t, rows)
			for _, c := range all {
				c.audit(t, rows, debits)
			}
			var total int64
			for _, d := range debits {
				total += d.Amount
			}
			left := site.Show(t, account.ID)
			require.Zero(t, left.Credits.Held)
			require.Equal(t, grant, total+left.Credits.Available)
			site.Verify(t)
		})
	}
}

// A settle that was on its way to a database which hangs does nothing when that
// goes on, long after its client was told that there is no answer.
func TestOutage_alone(t *testing.T) { // HOTPATH 16
	dir, err := os.MkdirTemp("", "outage-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	cluster, err := localpg.Start(dir)
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = cluster.Thaw()
		_ = cluster.Stop(true)
	})
	db := harness.Database{Kind: harness.Postgres, URL: cluster.URL("postgres")}
	site := harness.NewSite(t, db, harness.Options{})
	account := site.Account(t, harness.NewAccount{Credits: grant})
	key := site.Key(t, account.ID).Key
	rows := db.Open(t)
	for range 3 {
		server := site.Start(t) // its first settle goes alone, in one round trip
		done := make(chan seen, 1)
		go func() { done <- askGo(t, server.BaseURL(), key, harness.Shape{}) }()
		harness.Eventually(t, eventTime, "the work is under way", func() error {
			if harness.Count(t, rows, "holds", "state = 'open'") == 0 {
				return errors.New("nothing is held")
			}
			return nil
		})
		require.NoError(t, cluster.Freeze())
		c := <-done
		require.NoError(t, cluster.Thaw())
		harness.AwaitNoHolds(t, rows, outageTime)
		c.audit(t, rows, harness.Debits(t, rows))
		server.Stop(t)
	}
	require.Equal(t, grant, site.Show(t, account.ID).Credits.Available)
	site.Verify(t)
}

// audit checks one call, and what was booked for it.
func (c seen) audit(t *testing.T, rows *sql.DB, debits map[string]harness.Debit) {
	t.Helper()
	require.NotEmpty(t, c.Request, c.Shape)
	require.False(t, c.Ended, "%s: it ended cleanly", c.Shape)
	require.True(t, c.Failed, "%s: %s", c.Shape, c.Code)
	require.Equal(t, 1, c.Calls, "%s: the SDK tried again", c.Shape)
	var state, reason string
	require.NoError(t, rows.QueryRow("SELECT state, reason FROM holds WHERE request_id = $1", c.Request).Scan(&state, &reason))
	t.Logf("%s: %d %s; %s (%s), debited %d", c.Shape, c.Status, c.Code, state, reason, debits[c.Request].Amount)
	if !strings.HasSuffix(c.Shape, "stream") {
		require.Equal(t, http.StatusServiceUnavailable, c.Status, c.Shape)
		require.Equal(t, "false", c.Retry, c.Shape)
		require.Equal(t, "released", state, "%s: released in full", c.Shape)
		require.Empty(t, debits[c.Request], c.Shape)
		return
	}
	require.NotEmpty(t, c.Text, c.Shape)
	require.Equal(t, "settled", state, c.Shape)
	d := debits[c.Request]
	require.EqualValues(t, 1, d.Entries, c.Shape)
	exact := harness.TokenTariff.Cost(40, 0, 80)
	if d.Amount != exact { // by recovery, at the last mark
		require.Equal(t, "replica_lost", reason, c.Shape)
		require.LessOrEqual(t, d.Amount, harness.TokenTariff.Cost(500, 0, int64(len(c.Text))), c.Shape)
	}
}

// calls are one of each shape by each SDK, with their retries on.
type calls struct {
	n    int
	done sync.WaitGroup
	mu   sync.Mutex
	all  []seen
	errs []error
}

func startCalls(t *testing.T, baseURL, key string) *calls {
	t.Helper()
	harness.InstallNode(t, nodeFolder)
	c := &calls{}
	for _, shape := range []harness.Shape{{}, {Responses: true}, {Stream: true}, {Responses: true, Stream: true}} {
		c.n += 2
		c.done.Go(func() { c.note(askGo(t, baseURL, key, shape)) })
	}
	c.done.Go(func() {
		cmd := exec.CommandContext(t.Context(), "node", "outage.js")
		cmd.Dir = nodeFolder
		cmd.Env = append(os.Environ(), "E2E_BASE_URL="+baseURL, "E2E_KEY="+key, "E2E_JSON_MODEL="+jsonModel, "E2E_STREAM_MODEL="+streamModel)
		out, err := cmd.Output()
		if err != nil {
			c.fail(fmt.Errorf("node: %w", err))
		}
		for d := json.NewDecoder(strings.NewReader(string(out))); d.More(); {
			var s seen
			if err := d.Decode(&s); err != nil {
				c.fail(fmt.Errorf("node wrote %q: %w", out, err))
				return
			}
			s.Shape = "node " + s.Shape
			c.note(s)
		}
	})
	return c
}

func askGo(t *testing.T, baseURL, key string, shape harness.Shape) seen {
	s := seen{Shape: "go " + shape.String()}
	model := jsonModel
	if shape.Stream {
		model = streamModel
	}
	count := option.WithMiddleware(func(r *http.Request, next option.MiddlewareNext) (*http.Response, error) {
		s.Calls++
		return next(r)
	})
	a, err := harness.NewClient(baseURL, key, option.WithMaxRetries(2), count).Ask(t.Context(), shape, model)
	s.Request, s.Text, s.Ended, s.Code = a.Request, a.Text, err == nil || a.Complete, fmt.Sprint(err)
	var refusal *openai.Error
	var broken *ssestream.StreamError
	switch {
	case errors.As(err, &refusal):
		s.Failed, s.Status, s.Code, s.Retry = true, refusal.StatusCode, refusal.Code, refusal.Response.Header.Get("X-Should-Retry")
	case errors.As(err, &broken):
		s.Failed, s.Code = true, broken.Message
	}
	return s
}

func (c *calls) note(s seen) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = append(c.all, s)
}

func (c *calls) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.errs = append(c.errs, err)
}

func (c *calls) wait(t *testing.T) []seen {
	t.Helper()
	c.done.Wait()
	require.Empty(t, c.errs)
	require.Len(t, c.all, c.n)
	return c.all
}
