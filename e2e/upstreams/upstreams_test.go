//go:build e2e

// Package upstreams_test fails the first of two upstreams in every way and
// counts what reached them and what was debited (W8): a call goes on where no
// work was begun, is over where some may have been, and is never debited twice.
package upstreams_test

import (
	"crypto/rand"
	"database/sql"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/e2e/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

const (
	grant  = 1_000 * harness.Credit
	record = 20_000
)

// pair is a site with two upstreams.
type pair struct {
	*harness.Site
	first, second *harness.Upstream
	account       string
	key           string
	rows          *sql.DB
}

func newPair(t *testing.T, db harness.Database, variables map[string]string) *pair {
	t.Helper()
	p := &pair{first: start(t), second: start(t)}
	all := map[string]string{
		"ARCHIBOT_UPSTREAM_NAME":   "first",
		"ARCHIBOT_UPSTREAM_2_NAME": "second", "ARCHIBOT_UPSTREAM_2_URL": p.second.BaseURL(), "ARCHIBOT_UPSTREAM_2_KEY": p.second.Key,
		"ARCHIBOT_UPSTREAM_TIMEOUT": "1s", "ARCHIBOT_UPSTREAM_2_TIMEOUT": "1s",
	}
	for name, value := range variables {
		all[name] = value
	}
	p.Site = harness.NewSite(t, db, harness.Options{Upstream: p.first, Variables: all})
	p.account = p.Account(t, harness.NewAccount{Credits: grant}).ID
	p.key = p.Key(t, p.account).Key
	p.rows = db.Open(t)
	return p
}

func start(t *testing.T) *harness.Upstream {
	t.Helper()
	return harness.StartUpstream(t, "sk-"+rand.Text()+rand.Text(), record)
}

// requests returns the IDs of the calls that an upstream got, and fails the
// test if it got one twice.
func requests(t *testing.T, u *harness.Upstream) map[string]bool {
	t.Helper()
	ids := map[string]bool{}
	for _, r := range u.Requests(t) {
		id := r.Headers.Get("X-Request-Id")
		if r.Method == http.MethodGet {
			continue // the list of models
		}
		require.NotEmpty(t, id)
		require.False(t, ids[id], "%s was sent twice", id)
		ids[id] = true
	}
	return ids
}

func TestFailures(t *testing.T) {
	used := harness.Usage{Input: 40, Output: 30}
	const model = "tok-in40-out30-chunks3"
	for _, c := range []struct {
		name, script string
		stopped      bool
		status       int // of what the client gets
		first        int64
		second       int64
	}{
		{name: "limited", script: "err429", status: 200, first: 1, second: 1},
		{name: "unavailable", script: "err503", status: 200, first: 1, second: 1},
		{name: "key refused", script: "err401", status: 200, first: 1, second: 1},
		{name: "internal error", script: "err500", status: 502, first: 1},
		{name: "bad gateway", script: "err502", status: 502, first: 1},
		{name: "bad request", script: "err400", status: 400, first: 1},
		{name: "unknown model", script: "err404", status: 404, first: 1},
		{name: "lost after it was sent", script: "drop", status: 502, first: 1},
		{name: "silent", script: "hang", status: 504, first: 1},
		{name: "no answer", script: "html", status: 502, first: 1},
		{name: "down", stopped: true, status: 200, second: 1}, // stopped for good: the last case
	} {
		t.Run(c.name, func(t *testing.T) {
			harness.Each(t, func(t *testing.T, db harness.Database) {
				p := newPair(t, db, nil)
				client := harness.NewClient(p.Start(t).BaseURL(), p.key)
				if c.stopped {
					p.first.Stop()
				} else {
					p.first.Play(t, c.script)
				}
				for i, shape := range harness.Shapes {
					a, err := client.Ask(t.Context(), shape, model)
					require.Equal(t, c.status, a.Status, "%s: %s", shape, a.Body)
					n := int64(i + 1)
					if !c.stopped {
						require.Equal(t, n*c.first, p.first.Stats(t).Requests, shape)
					}
					require.Equal(t, n*c.second, p.second.Stats(t).Requests, shape)
					require.Equal(t, n, harness.Count(t, p.rows, "holds", ""), shape)
					if c.status == http.StatusOK {
						require.NoError(t, err)
						require.True(t, a.Complete)
						require.Equal(t, harness.Debit{Request: a.Request, Entries: 1, Amount: harness.TokenTariff.Cost(used.Input, used.Cached, used.Output)},
							harness.Debits(t, p.rows)[a.Request])
						continue
					}
					require.Error(t, err)
					require.Empty(t, harness.Debits(t, p.rows))
					require.Equal(t, n, harness.Count(t, p.rows, "holds", "state = 'released'"), shape)
					require.Equal(t, grant, p.Show(t, p.account).Credits.Available)
				}
				require.Zero(t, p.Show(t, p.account).Credits.Held)
				p.Verify(t)
			})
		})
	}
}

// The second upstream's refusal reaches the client where both refuse, cleaned;
// what a client did wrong is the first one's to say.
func TestBothRefuse(t *testing.T) {
	p := newPair(t, harness.NewSQLite(t), nil)
	client := harness.NewClient(p.Start(t).BaseURL(), p.key)
	p.first.Play(t, "err503")
	p.second.Play(t, "err429")
	a, err := client.Ask(t.Context(), harness.Shape{}, "tok")
	var failure *openai.Error
	require.ErrorAs(t, err, &failure)
	require.Equal(t, "upstream_rate_limited", failure.Code)
	require.Equal(t, "7", a.Header.Get("Retry-After"))
	require.Equal(t, []int64{1, 1}, []int64{p.first.Stats(t).Requests, p.second.Stats(t).Requests})
	p.Verify(t)
}

// An upstream that fails again and again is left alone, tried again, and back.
func TestBreaker(t *testing.T) {
	const soon, opens = 20 * time.Second, "left alone for a while"
	p := newPair(t, harness.NewSQLite(t), map[string]string{"ARCHIBOT_UPSTREAM_BREAKER": "3"})
	replica := p.Start(t)
	client := harness.NewClient(replica.BaseURL(), p.key)
	ask := func() harness.Answer {
		t.Helper()
		a, _ := client.Ask(t.Context(), harness.Shape{Stream: true}, "tok-in1-out1-chunks1")
		return a
	}
	stats := func() [2]int64 {
		return [2]int64{p.first.Stats(t).Requests, p.second.Stats(t).Requests}
	}
	ready := func() {
		t.Helper()
		response, err := http.Get(replica.Root + "/readyz")
		require.NoError(t, err)
		_ = response.Body.Close()
		require.Equal(t, http.StatusOK, response.StatusCode, "an upstream is no part of readiness")
	}

	p.first.Play(t, "hang")
	for range 3 {
		require.Equal(t, http.StatusGatewayTimeout, ask().Status)
	}
	require.Contains(t, replica.Log(t), opens)
	require.Equal(t, [2]int64{3, 0}, stats())
	ready()

	// Nobody waits for it: calls go to the second, save one on trial.
	p.second.Play(t, "")
	require.True(t, ask().Complete)
	require.Equal(t, [2]int64{3, 1}, stats())

	p.first.Play(t, "")
	harness.Eventually(t, soon, "the first upstream is used again", func() error {
		require.True(t, ask().Complete)
		if !strings.Contains(replica.Log(t), "the upstream is back") {
			return errWaiting
		}
		return nil
	})
	before := stats()
	require.True(t, ask().Complete)
	require.Equal(t, [2]int64{before[0] + 1, before[1]}, stats())

	// Both away: a 503 that says when to come back, and leaves no row.
	p.first.Play(t, "err502")
	p.second.Play(t, "err503")
	harness.Eventually(t, soon, "the first upstream is given up", func() error {
		if ask(); strings.Count(replica.Log(t), opens) < 2 {
			return errWaiting
		}
		return nil
	})
	harness.Eventually(t, soon, "the second upstream is given up", func() error {
		if a := ask(); a.Status != http.StatusServiceUnavailable {
			return errWaiting
		}
		return nil
	})
	rows, calls := harness.LedgerRows(t, p.rows), stats()
	a := ask()
	if stats() == calls { // else it was a trial
		require.Equal(t, http.StatusServiceUnavailable, a.Status)
		require.Contains(t, string(a.Body), `"upstream_unavailable"`)
		require.NotEmpty(t, a.Header.Get("Retry-After"))
		require.Equal(t, rows, harness.LedgerRows(t, p.rows), "refused before anything was set aside") // L6
	}
	ready()
	p.second.Play(t, "")
	harness.Eventually(t, 2*soon, "an upstream is back", func() error {
		if !ask().Complete {
			return errWaiting
		}
		return nil
	})
	p.Verify(t)
}

type waiting struct{}

func (waiting) Error() string { return "not yet" }

var errWaiting = waiting{}
