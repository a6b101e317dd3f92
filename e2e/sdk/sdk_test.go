//go:build e2e

// Package sdk_test runs the official OpenAI SDKs, unmodified, against the
// server: every shape of answer, and the typed error of every refusal.
//
// The refusals stand in cases.json, which the Go SDK's tests here and the Node
// SDK's tests in the folder node both read, so that neither can drift.
package sdk_test

import (
	"crypto/rand"
	_ "embed"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/e2e/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

//go:embed cases.json
var casesJSON []byte

// refusal is a call that must fail, and how.
type refusal struct {
	Name   string            `json:"name"`
	Key    string            `json:"key"` // a role of the fixture
	Model  string            `json:"model"`
	Status int               `json:"status"`
	Code   *string           `json:"code"`  // null: any
	Class  string            `json:"class"` // of the Node SDK
	Event  string            `json:"event"` // kind of the event it leaves, if it can be owned
	Reason string            `json:"reason"`
	Header map[string]string `json:"header"`
}

func refusals(t *testing.T) []refusal {
	t.Helper()
	var list []refusal
	require.NoError(t, json.Unmarshal(casesJSON, &list))
	return list
}

// eventTime is how long the event of a refusal may take to be written; refusals
// do not wait for theirs.
const eventTime = 10 * time.Second

// grant is what a good account starts with.
const grant = 1_000 * harness.Credit

// fixture is a site with a server, and a key for every case.
type fixture struct {
	site    *harness.Site
	replica *harness.Replica
	holders map[string]holder // by role
}

// holder is a key and the account it belongs to, if it belongs to one.
type holder struct{ account, key string }

func newFixture(t *testing.T, db harness.Database) *fixture {
	t.Helper()
	site := harness.NewSite(t, db, harness.Options{Record: 1_000, Variables: map[string]string{"ARCHIBOT_UPSTREAM_TIMEOUT": "1s"}})
	return &fixture{site: site, replica: site.Start(t)}
}

// keys replaces the fixture's keys by fresh ones, so that no refusal is folded
// into one of an earlier suite.
func (f *fixture) keys(t *testing.T) {
	t.Helper()
	rows := f.site.Database.Open(t)
	f.holders = map[string]holder{}
	add := func(role string, credits int64) holder {
		account := f.site.Account(t, harness.NewAccount{Name: role, Credits: credits}).ID
		f.holders[role] = holder{account, f.site.Key(t, account).Key}
		return f.holders[role]
	}
	good := add("good", grant)
	add("other", grant)
	f.site.SetGroups(t, add("no group", grant).account, "chat")
	f.site.SetBilling(t, add("review", grant).account, "review")
	add("broke", 1) // enough to make a key, not to use it

	revoked := f.site.Key(t, good.account)
	f.site.Revoke(t, revoked.ID)
	f.holders["revoked"] = holder{good.account, revoked.Key}
	expired := f.site.Key(t, good.account)
	harness.Expire(t, rows, expired.ID)
	f.holders["expired"] = holder{good.account, expired.Key}

	f.holders["elsewhere"] = holder{good.account, f.site.Key(t, good.account, "--networks", "192.0.2.0/24").Key}
	f.site.Limit(t, add("budget", grant).account, "--monthly", "0.5") // less than a request for a whole credit
	rated := f.site.Account(t, harness.NewAccount{Name: "rated", Credits: grant})
	f.holders["rated"] = holder{rated.ID, f.site.Key(t, rated.ID, "--requests", "20", "--tokens", "1000000").Key}

	f.holders["malformed"] = holder{key: good.key[:len(good.key)-1]}
	var entropy [keys.EntropyLen]byte
	_, err := rand.Read(entropy[:])
	require.NoError(t, err)
	f.holders["unknown"] = holder{key: keys.Mint(entropy).Reveal()}
}

func (f *fixture) client(role string) *harness.Client {
	return harness.NewClient(f.replica.BaseURL(), f.holders[role].key)
}

func TestSDK(t *testing.T) {
	harness.Each(t, func(t *testing.T, db harness.Database) {
		f := newFixture(t, db)
		f.keys(t)
		t.Run("go", func(t *testing.T) {
			t.Run("answers", f.answers)
			t.Run("models", f.models)
			t.Run("refusals", f.refusals)
			t.Run("retries", f.retries)
			t.Run("rate", f.rate)
			t.Run("cut", f.cut)
			t.Run("once", f.once)
			t.Run("objects", f.objects)
		})
		f.keys(t)
		t.Run("node", f.node)
		f.killed(t)
		f.site.Verify(t)
		f.replica.Stop(t)
		f.site.Verify(t)
	})
}
