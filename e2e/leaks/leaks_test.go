//go:build e2e

// Package leaks_test plants secrets and then looks for them everywhere: in
// every answer, header, log line, event and database row that the ordinary and
// the failing calls of a site leave behind, at debug level, in any of the ways
// that a secret can be written.
package leaks_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/e2e/canary"
	"github.com/archibot/archibotchat/e2e/harness"
)

// eventually bounds a wait for the server to finish what it has begun.
const eventually = time.Minute

func TestMain(m *testing.M) { harness.Main(m) }

// hay is what is searched, by where it was found.
type hay map[string][]byte

func (h hay) add(place string, parts ...[]byte) {
	h[fmt.Sprintf("%s (%d)", place, len(h))] = bytes.Join(parts, []byte("\n"))
}

func (h hay) answer(place string, a harness.Answer, err error) {
	h.add(place, headerBytes(a.Header), a.Body, []byte(fmt.Sprint(err)))
}

func headerBytes(h http.Header) []byte {
	var b bytes.Buffer
	_ = h.Write(&b) // a buffer takes everything
	return b.Bytes()
}

func TestLeaks(t *testing.T) {
	harness.Each(t, func(t *testing.T, db harness.Database) {
		site := harness.NewSite(t, db, harness.Options{Record: 10_000, Variables: map[string]string{"ARCHIBOT_UPSTREAM_TIMEOUT": "1s"}})
		replica := site.Start(t)
		h, secrets, accounts := hay{}, map[string]string{}, []string{}
		for name, secret := range site.Secrets {
			secrets[name] = secret
		}
		newKey := func(role string, credits int64) (account string, key harness.Key) {
			account = site.Account(t, harness.NewAccount{Name: role, Credits: credits}).ID
			key = site.Key(t, account)
			accounts = append(accounts, account)
			secrets[role+" key"] = key.Key
			return account, key
		}
		account, good := newKey("good", 1_000*harness.Credit)
		revoked, expired := site.Key(t, account), site.Key(t, account)
		secrets["revoked key"], secrets["expired key"] = revoked.Key, expired.Key
		site.Revoke(t, revoked.ID)
		harness.Expire(t, db.Open(t), expired.ID)
		shut, noGroup := newKey("no group", harness.Credit)
		site.SetGroups(t, shut, "chat")
		late, review := newKey("review", harness.Credit)
		site.SetBilling(t, late, "review")
		_, broke := newKey("broke", 1)
		var entropy [keys.EntropyLen]byte
		_, err := rand.Read(entropy[:])
		require.NoError(t, err)
		unknown := keys.Mint(entropy).Reveal()
		secrets["unknown key"] = unknown

		refused := "" // the last request ID
		ask := func(key, model string) {
			client := harness.NewClient(replica.BaseURL(), key)
			for _, shape := range harness.Shapes {
				a, err := client.Ask(t.Context(), shape, model)
				h.answer("answer to "+model+" "+shape.String(), a, err)
				refused = a.Request
			}
		}
		for _, key := range []string{revoked.Key, expired.Key, noGroup.Key, review.Key, unknown, good.Key + "x", good.Key[1:]} {
			ask(key, "tok")
		}
		ask(broke.Key, "req")
		for _, model := range []string{
			"tok", "tok-nousage", "tok-cookie", harness.UnpricedModel,
			"tok-err400", "tok-err401", "tok-err403", "tok-err404", "tok-err413", "tok-err422", "tok-err429", "tok-err500", "tok-err503",
			"tok-redirect", "tok-html", "tok-cut", "tok-reset", "tok-nodone", "tok-malformed", "tok-negusage", "tok-hugeusage", "tok-hang",
			"tok-leakkey", "tok-leakkey-err401", "tok-leakkey-err403", "tok-leakkey-err404", "tok-leakkey-err413",
			"tok-leakkey-err422", "tok-leakkey-err429", "tok-leakkey-err500",
		} {
			ask(good.Key, model)
		}
		h.misplaced(t, replica, good.Key)
		ctx, leave := context.WithCancel(t.Context())
		a := harness.NewClient(replica.BaseURL(), good.Key).Leave(ctx, leave, harness.Shape{Stream: true}, "tok-chunks20-gap20", 2)
		h.answer("answer to one who left", a, nil)
		harness.AwaitNoHolds(t, db.Open(t), eventually)

		// Beside the calls: the metrics, what operators see, the drain.
		h.add("metrics", fetch(t, replica.Root+"/metrics", site.Secrets["metrics token"]))
		for _, id := range accounts {
			h.command(t, site, "admin", "activity", "--account", id, "--limit", "1000", "--json")
			h.command(t, site, "admin", "account", "show", id, "--json")
			h.command(t, site, "admin", "key", "list", "--account", id, "--json")
		}
		h.command(t, site, "ledger", "verify")
		h.command(t, site, "audit", "verify")
		running := hay{}
		for place, content := range db.Dump(t) {
			running.add("database while it serves: "+place, content)
		}
		requireOnlyItsKey(t, site, secrets)
		replica.Stop(t)
		h.add("the server's log", []byte(replica.Log(t)))
		require.Contains(t, replica.Log(t), refused, "the log tells of refusals")
		require.Contains(t, replica.Log(t), `"level":"DEBUG","msg":"request settled"`, "the log is at debug level")
		for place, content := range db.Dump(t) {
			h.add("database: "+place, content)
		}

		var all []canary.Needle
		for name, secret := range secrets {
			all = append(all, canary.Needles(name, secret)...)
		}
		for _, h := range []hay{h, running} {
			for place, content := range h {
				if what := canary.Found(content, all); what != "" {
					t.Errorf("%s holds the %s", place, what)
				}
			}
		}
		t.Logf("searched %d places for %d secrets in %d forms", len(h)+len(running), len(secrets), len(all))
	})
}

// misplaced sends a key where it does not belong; each is refused or ignored,
// and none may be repeated.
func (h hay) misplaced(t *testing.T, r *harness.Replica, key string) {
	t.Helper()
	const body = `{"model":"tok","messages":[{"role":"user","content":"hi"}]}`
	for _, c := range []struct {
		name, path, body string
		header           http.Header
	}{
		{"in the query", "/v1/models?api_key=" + key, "", nil},
		{"in the path", "/v1/" + key, "", nil},
		{"as a model", "/v1/models/" + key, "", http.Header{"Authorization": {"Bearer " + key}}},
		{"as a model that is asked", "/v1/chat/completions", strings.Replace(body, "tok", key, 1), http.Header{"Authorization": {"Bearer " + key}}},
		{"in X-Api-Key", "/v1/models", "", http.Header{"X-Api-Key": {key}}},
		{"in a cookie", "/v1/models", "", http.Header{"Cookie": {"key=" + key}}},
		{"as basic credentials", "/v1/models", "", http.Header{"Authorization": {"Basic " + key}}},
		{"twice", "/v1/models", "", http.Header{"Authorization": {"Bearer " + key, "Bearer " + key}}},
		{"as a request ID", "/v1/models", "", http.Header{"Authorization": {"Bearer x"}, "X-Request-Id": {key}}},
		{"as a field", "/v1/chat/completions", `{"` + key + `":1,"` + key + `":2}`, http.Header{"Authorization": {"Bearer " + key}}},
		{"as not JSON", "/v1/chat/completions", key, http.Header{"Authorization": {"Bearer " + key}}},
		{"in a host", "/v1/models", "", http.Header{"X-Forwarded-Host": {key}}},
	} {
		method, reader := http.MethodGet, io.Reader(nil)
		if c.body != "" {
			method, reader = http.MethodPost, strings.NewReader(c.body)
		}
		request, err := http.NewRequestWithContext(t.Context(), method, r.Root+c.path, reader)
		require.NoError(t, err)
		for name, values := range c.header {
			request.Header[name] = values
		}
		request.Header.Set("Content-Type", "application/json")
		response, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		content, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.GreaterOrEqual(t, response.StatusCode, 400, c.name)
		require.Less(t, response.StatusCode, 500, c.name)
		h.add("answer to a key "+c.name, headerBytes(response.Header), content)
	}
}

// command searches what a command prints.
func (h hay) command(t *testing.T, site *harness.Site, args ...string) {
	t.Helper()
	stdout, stderr, code := site.Run(t, args...)
	require.Zero(t, code, "%v: %s", args, stderr)
	h.add(strings.Join(args[:2], " "), []byte(stdout), []byte(stderr))
}

func fetch(t *testing.T, address, token string) []byte {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, response.StatusCode, "%s", content)
	return content
}

// requireOnlyItsKey checks that each request the upstream got carried the
// upstream's own key and no other secret.
func requireOnlyItsKey(t *testing.T, site *harness.Site, secrets map[string]string) {
	t.Helper()
	var foreign []canary.Needle
	for name, secret := range secrets {
		if secret != site.Upstream.Key {
			foreign = append(foreign, canary.Needles(name, secret)...)
		}
	}
	requests := site.Upstream.Requests(t)
	require.NotEmpty(t, requests)
	for _, r := range requests {
		require.Equal(t, []string{"Bearer " + site.Upstream.Key}, r.Headers["Authorization"], r.Path)
		require.NotContains(t, r.Headers, "Cookie")
		content, err := json.Marshal(r)
		require.NoError(t, err)
		require.Empty(t, canary.Found(content, foreign), "%s %s", r.Method, r.Path)
	}
}
