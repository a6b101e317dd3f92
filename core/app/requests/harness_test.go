package requests_test

import (
	"context"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/sqlstore"
	"github.com/archibot/archibotchat/adapters/sqlstore/blank"
	"github.com/archibot/archibotchat/adapters/system"
	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/accounts"
	"github.com/archibot/archibotchat/core/app/members"
	"github.com/archibot/archibotchat/core/app/requests"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/ports/store"
)

// urls are the databases that every test runs on.
var urls = map[string]func(t *testing.T) string{
	"sqlite": func(t *testing.T) string { return blank.SQLite(t, filepath.Join(t.TempDir(), "test.db")) },
}

const difficulty = 6 // quick, and not by chance alone

// house is an empty store with a desk for requests.
type house struct {
	*requests.Service
	members *members.Service
	store   *sqlstore.Store
	deps    requests.Deps
	mu      sync.Mutex
	now     time.Time
}

func each(t *testing.T, test func(t *testing.T, h *house)) {
	t.Helper()
	t.Parallel()
	for name, url := range urls {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := &house{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
			ids := system.NewIDs(system.Now)
			s, err := sqlstore.Open(t.Context(), sqlstore.Config{URL: url(t), NewID: ids.New, TestClock: h.clock})
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, s.Close()) })
			require.NoError(t, s.Migrate(t.Context()))
			h.store = s
			h.members = members.New(members.Deps{Store: s, Now: h.clock, NewID: ids.New, Entropy: system.Entropy})
			h.deps = requests.Deps{
				Store: s, Accounts: accounts.New(accounts.Deps{Store: s, Now: h.clock, NewID: ids.New}), Members: h.members,
				Now: h.clock, NewID: ids.New, Entropy: system.Entropy, Secrets: [][32]byte{{1}}, Difficulty: difficulty,
			}
			h.Service = requests.New(h.deps)
			test(t, h)
		})
	}
}

func (h *house) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *house) wait(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

// prove works until it has found a proof.
func prove(text string, bits int) string {
	for n := 0; ; n++ {
		if proof := strconv.Itoa(n); requests.Zeros(text, proof) >= bits {
			return proof
		}
	}
}

// form is a good form of somebody, filled in without haste.
func (h *house) form(email string) requests.Form {
	c := h.Challenge()
	h.wait(requests.MinFill)
	return requests.Form{
		Company: "Example Ltd", Use: "Summaries of\nour notes", Email: email, Products: []string{"chat", "api"},
		Challenge: c.Text, Proof: prove(c.Text, c.Difficulty),
	}
}

// ask sends a form and returns the request that is kept.
func (h *house) ask(t *testing.T, email string) store.AccessRequest {
	t.Helper()
	require.NoError(t, h.Submit(t.Context(), h.form(email)))
	r, err := h.store.AccessRequests().Latest(t.Context(), email)
	require.NoError(t, err)
	return r
}

func operator(t *testing.T) context.Context {
	return access.WithRequest(access.WithPrincipal(t.Context(), access.Principal{Kind: access.PrincipalOperator, ID: "pat"}), "req_1")
}

// all returns every request.
func (h *house) all(t *testing.T) []store.AccessRequest {
	t.Helper()
	list, err := h.List(operator(t), "", store.Page{})
	require.NoError(t, err)
	return list
}

// unowned returns the kinds and subjects of the events of no account, oldest first.
func (h *house) unowned(t *testing.T) (out []string) {
	t.Helper()
	list, err := h.store.Events().Unowned(t.Context(), store.Page{})
	require.NoError(t, err)
	for _, e := range list {
		out = append([]string{string(e.Kind) + " " + e.Subject}, out...)
		requireNoText(t, e)
	}
	return out
}

// requireNoText: evidence holds nothing that people wrote (U2).
func requireNoText(t *testing.T, e audit.Event) {
	t.Helper()
	for _, text := range []string{"@", "Example", "notes", "because"} {
		require.NotContains(t, string(e.Canonical()), text)
	}
}
