//go:build e2e

package doors_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/e2e/engine/localpg"
	"github.com/archibot/archibotchat/e2e/harness"
)

const (
	// shutTime is how long a door may stay open when the database has gone:
	// what was read last is good for a second (G7), and this machine is busy.
	shutTime = 5 * time.Second
	// backTime bounds how long doors stay shut once the database is back.
	backTime = 60 * time.Second
)

// home is an account with everything, and somebody in it.
func home(t *testing.T, site *harness.Site, desk *harness.Desk) harness.Person {
	t.Helper()
	account := site.Account(t, harness.NewAccount{Credits: grant})
	return desk.Person(t, harness.NewPerson{Account: account.ID, Role: access.RoleAdmin})
}

// doorsOf are calls at every door, of somebody who may.
func doorsOf(p harness.Person) map[string]ask {
	all := map[string]ask{
		"completions": complete(p),
		"models":      models(p),
		"a model":     {http.MethodGet, "/v1/models/test", "", "", p.Key},
		"responses":   {http.MethodPost, "/v1/responses", `{"model":"tok","input":"Say a few words."}`, "", p.Key},
		"a response":  {http.MethodGet, "/v1/responses/resp_0", "", "", p.Key},
		"embeddings":  {http.MethodPost, "/v1/embeddings", `{"model":"tok","input":"A few words."}`, "", p.Key},
		"new key":     newKey(p),
		"revoke":      {http.MethodDelete, "/api/keys/" + p.KeyID, "", p.Cookie, ""},
		"limit":       {http.MethodPut, "/api/limits/account", `{"monthly":7000000}`, p.Cookie, ""},
		"sign-out":    {http.MethodDelete, "/api/session", "", p.Cookie, ""},
		"switch":      {http.MethodPut, "/api/session/account", `{"account_id":"` + p.Account + `"}`, p.Cookie, ""},
		"end session": {http.MethodDelete, "/api/sessions/ses_0", "", p.Cookie, ""},
		"providers":   {http.MethodGet, "/api/providers", "", "", ""},
		"sign-in":     {http.MethodGet, "/auth/anyone/start", "", "", ""},
		"callback":    {http.MethodGet, "/auth/anyone/callback?state=x&code=x", "", "", ""},
	}
	for _, path := range []string{"me", "sessions", "account", "keys", "keys/" + p.KeyID, "limits", "credits", "credits/lots", "credits/lines", "activity", "activity.csv"} {
		all[path] = ask{http.MethodGet, "/api/" + path, "", p.Cookie, ""}
	}
	return all
}

// unavailable returns what is wrong with an answer that must say, in its
// surface's form, that the service cannot read its records.
func unavailable(a ask, got answer) error {
	switch wait, err := strconv.Atoi(got.header.Get("Retry-After")); {
	case got.err != nil:
		return got.err
	case got.status != http.StatusServiceUnavailable:
		return fmt.Errorf("%d instead of 503: %s", got.status, got.body)
	case err != nil || wait < 1:
		return fmt.Errorf("retry-after is %q", got.header.Get("Retry-After"))
	case !strings.HasPrefix(got.request, "req_"):
		return errors.New("there is no request ID")
	}
	if a.page() {
		if media := got.header.Get("Content-Type"); !strings.HasPrefix(media, "text/html") || !strings.Contains(got.body, got.request) {
			return fmt.Errorf("not a page that tells the request: %s: %s", media, got.body)
		}
		return nil
	}
	var body struct {
		Code, Detail string
		RequestID    string `json:"request_id"`
		Error        struct{ Code, Message, Type string }
	}
	if err := json.Unmarshal([]byte(got.body), &body); err != nil {
		return fmt.Errorf("%w: %s", err, got.body)
	}
	if strings.HasPrefix(a.path, "/v1") {
		if body.Error.Code != "store_unavailable" || body.Error.Message == "" || body.Error.Type != "server_error" {
			return fmt.Errorf("not OpenAI's error of a server: %s", got.body)
		}
		return nil
	}
	if got.header.Get("Content-Type") != "application/problem+json" || body.Code != "store_unavailable" || body.Detail == "" || body.RequestID != got.request {
		return fmt.Errorf("not a problem: %s", got.body)
	}
	return nil
}

// The database stops: every door shuts, says so with a 503 that names the
// request and when to come back, and opens again once the database is back.
// Nothing was debited meanwhile (G3, DECISIONS).
func TestOutage(t *testing.T) {
	t.Parallel()
	for name, outage := range map[string]func(t *testing.T, c *localpg.Cluster, dir string) (back func()){
		"stopped": func(t *testing.T, c *localpg.Cluster, dir string) func() {
			require.NoError(t, c.Stop(true))
			return func() {
				again, err := localpg.Start(dir)
				require.NoError(t, err)
				t.Cleanup(func() { _ = again.Stop(true) })
			}
		},
		"frozen": func(t *testing.T, c *localpg.Cluster, _ string) func() {
			require.NoError(t, c.Freeze())
			return func() { require.NoError(t, c.Thaw()) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, err := os.MkdirTemp("", "doors-")
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
			server, desk := site.Start(t), site.Desk(t)
			p := home(t, site, desk)
			before := completed(t, complete(p), server.Root, db)

			back := outage(t, cluster, dir)
			harness.Eventually(t, shutTime+answerTime, "the door that needs no hold is shut", func() error {
				return unavailable(models(p), models(p).at(t, server.Root))
			})
			var mu sync.Mutex
			var wg sync.WaitGroup
			var longest time.Duration
			for door, a := range doorsOf(p) {
				wg.Go(func() {
					asked := time.Now()
					if err := unavailable(a, a.at(t, server.Root)); err != nil {
						t.Errorf("%s: %v", door, err)
					}
					mu.Lock()
					defer mu.Unlock()
					longest = max(longest, time.Since(asked))
				})
			}
			wg.Wait()
			t.Logf("every door was shut; the longest answer took %v", longest)
			require.Less(t, longest, answerTime)
			require.Equal(t, http.StatusOK, ask{path: "/healthz"}.at(t, server.Root).status, "the server lives")
			require.Equal(t, http.StatusServiceUnavailable, ask{path: "/readyz"}.at(t, server.Root).status, "but is not ready")

			back()
			returned := time.Now()
			for door, a := range map[string]ask{"models": models(p), "me": me(p), "new key": newKey(p)} {
				harness.Eventually(t, backTime, door+" opens again", func() error {
					if got := a.at(t, server.Root); got.err != nil || got.status >= 300 {
						return fmt.Errorf("%d %w %s", got.status, got.err, got.body)
					}
					return nil
				})
			}
			t.Logf("open again %v after the database", time.Since(returned))
			require.Equal(t, before, harness.Debits(t, db.Open(t)), "what was refused is not debited")
			require.Equal(t, http.StatusOK, complete(p).at(t, server.Root).status)
			site.Verify(t)
		})
	}
}

// completed makes a completion and returns the debits after it.
func completed(t *testing.T, a ask, root string, db harness.Database) map[string]harness.Debit {
	t.Helper()
	require.Equal(t, http.StatusOK, a.at(t, root).status)
	debits := harness.Debits(t, db.Open(t))
	require.Len(t, debits, 1)
	return debits
}

// SQLite is a file in the server's own hands: no stop or missing permission
// takes it away once it is open. What can be taken is the right to write, by
// another process that holds the file's lock for longer than the server waits.
// Doors behind which something is written shut; what only reads goes on.
func TestOutage_locked(t *testing.T) {
	t.Parallel()
	db := harness.NewSQLite(t)
	site := harness.NewSite(t, db, harness.Options{})
	server, desk := site.Start(t), site.Desk(t)
	p := home(t, site, desk)
	rows := db.Open(t)
	before := completed(t, complete(p), server.Root, db)

	lock, err := rows.BeginTx(t.Context(), nil) // immediate
	require.NoError(t, err)
	defer func() { _ = lock.Rollback() }()
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := unavailable(newKey(p), newKey(p).at(t, server.Root)); err != nil {
			t.Errorf("new key: %v", err)
		}
	})
	wg.Go(func() { // the upstream may have been at work by then: a client is told not to have that done again
		got := complete(p).at(t, server.Root)
		if got.status != http.StatusServiceUnavailable || got.request == "" || got.header.Get("Retry-After") == "" && got.header.Get("X-Should-Retry") != "false" {
			t.Errorf("completions: %d %v %v: %s", got.status, got.err, got.header, got.body)
		}
	})
	wg.Wait()
	require.Equal(t, http.StatusOK, me(p).at(t, server.Root).status)
	require.NoError(t, lock.Rollback())
	for _, a := range []ask{complete(p), newKey(p)} {
		harness.Eventually(t, backTime, a.path+" opens again", func() error {
			if got := a.at(t, server.Root); got.err != nil || got.status >= 300 {
				return fmt.Errorf("%d %w %s", got.status, got.err, got.body)
			}
			return nil
		})
	}
	require.Len(t, harness.Debits(t, rows), len(before)+1, "only what was answered is debited")
	site.Verify(t)
}
