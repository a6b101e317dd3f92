package firstparty_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/sqlstore"
	"github.com/archibot/archibotchat/adapters/sqlstore/blank"
	"github.com/archibot/archibotchat/adapters/system"
	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/firstparty"
	"github.com/archibot/archibotchat/core/billing"
	"github.com/archibot/archibotchat/core/gates"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/ports/store"
)

const (
	pepper1 = "v1:11111111111111111111111111111111"
	pepper2 = "v2:22222222222222222222222222222222"
)

// house is a store with an account and a member who may chat.
type house struct {
	t      *testing.T
	db     *sqlstore.Store
	deps   firstparty.Deps
	person firstparty.Person
	now    time.Time
	gate   error
	mu     sync.Mutex
	raw    [][]byte // what was drawn
}

func build(t *testing.T) *house {
	t.Helper()
	t.Parallel()
	h := &house{t: t, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	ids := system.NewIDs(system.Now)
	db, err := sqlstore.Open(t.Context(), sqlstore.Config{URL: blank.SQLite(t, filepath.Join(t.TempDir(), "test.db")), NewID: ids.New, Now: func() time.Time { return h.now }})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	require.NoError(t, db.Migrate(t.Context()))
	h.db = db
	chat := access.NewGroups(access.GroupChat)
	a := store.Account{Billing: billing.Active, Account: access.Account{ID: "acct_1", Name: "x", Status: access.StatusActive, Groups: chat, CreatedAt: h.now, UpdatedAt: h.now}}
	require.NoError(t, db.Accounts().Create(t.Context(), a))
	h.person = firstparty.Person{Account: a, User: "user_1", Rule: "required", Groups: chat}
	h.deps = firstparty.Deps{
		Store: db, Now: func() time.Time { return h.now }, NewID: ids.New, Peppers: h.peppers(pepper1),
		Gate: func(context.Context, store.Account) error { return h.gate },
		Entropy: func(b []byte) {
			system.Entropy(b)
			h.mu.Lock()
			defer h.mu.Unlock()
			h.raw = append(h.raw, append([]byte(nil), b...))
		},
	}
	return h
}

func (h *house) peppers(text string) keys.Peppers {
	h.t.Helper()
	ps, err := keys.ParsePeppers(text)
	require.NoError(h.t, err)
	return ps
}

func (h *house) credential() keys.FirstParty {
	h.t.Helper()
	c, err := firstparty.New(h.deps).Credential(h.t.Context(), h.person)
	require.NoError(h.t, err)
	return c
}

func TestService_Credential(t *testing.T) { // K8
	h := build(t)
	first := h.credential()
	require.Equal(t, first, h.credential(), "one for all turns")
	require.Equal(t, "acct_1", first.Account())
	for what, change := range map[string]func(){
		"age":                  func() { h.now = h.now.Add(firstparty.RotateAfter) },
		"a clock that was set": func() { h.now = h.now.Add(-time.Hour) },
		"the pepper":           func() { h.deps.Peppers = h.peppers(pepper2 + "," + pepper1) },
		"the user's groups":    func() { h.person.Groups = access.NewGroups(access.GroupChat, access.GroupAPI) },
		"the account's groups": func() { h.person.Account.Groups = access.NewGroups(access.GroupChat, access.GroupAPI) },
		"the rule":             func() { h.person.Rule = "none" },
		"removal":              func() { require.NoError(t, h.db.FirstParties().End(t.Context(), "acct_1", "user_1")) },
	} {
		before := h.credential()
		change()
		after := h.credential()
		require.NotEqual(t, before, after, what)
		require.Equal(t, after, h.credential(), what)
		_, err := h.db.FirstParties().ByDigest(t.Context(), before.Digest())
		require.ErrorIs(t, err, store.ErrNotFound, what)
	}
	other := h.person
	other.User = "user_2"
	c, err := firstparty.New(h.deps).Credential(t.Context(), other)
	require.NoError(t, err)
	require.NotEqual(t, h.credential(), c, "each member has their own")
}

func TestService_Credential_gate(t *testing.T) { // G5
	h := build(t)
	h.gate = gates.BillingIncomplete.Fault()
	c, err := firstparty.New(h.deps).Credential(t.Context(), h.person)
	require.Equal(t, h.gate, err)
	require.Zero(t, c)
	_, err = h.db.FirstParties().Of(t.Context(), "acct_1", "user_1")
	require.ErrorIs(t, err, store.ErrNotFound, "nothing is made behind a closed gate")
}

func TestService_Credential_parallel(t *testing.T) { // several servers, one credential
	h := build(t)
	found := make([]keys.FirstParty, 20)
	var wg sync.WaitGroup
	for i := range found {
		wg.Go(func() {
			c, err := firstparty.New(h.deps).Credential(t.Context(), h.person)
			if err != nil {
				t.Error(err)
			}
			found[i] = c
		})
	}
	wg.Wait()
	for _, c := range found {
		require.Equal(t, h.credential(), c)
	}
}

// Nothing that is kept or handed out shows the token, or is taken for one.
func TestService_Credential_hides(t *testing.T) { // K8, leaks
	h := build(t)
	c := h.credential()
	token := keys.Mint([32]byte(h.raw[0])).Reveal()
	text, err := json.Marshal(c)
	require.NoError(t, err)
	digest := c.Digest()
	for _, shown := range []string{string(text), fmt.Sprint(c), fmt.Sprintf("%+v %#v %s %x", c, c, c, c), fmt.Sprintf("%+v", struct{ C keys.FirstParty }{c})} {
		require.NotContains(t, shown, token)
		require.NotContains(t, shown, hex.EncodeToString(digest[:8]))
		require.Contains(t, shown, "[redacted]")
	}
	events, err := h.db.Events().List(t.Context(), store.EventQuery{Account: "acct_1"})
	require.NoError(t, err)
	require.Empty(t, events)
}

func TestService_Expire(t *testing.T) {
	h := build(t)
	h.credential()
	s := firstparty.New(h.deps)
	h.now = h.now.Add(firstparty.RotateAfter + time.Hour)
	require.NoError(t, s.Expire(t.Context()))
	_, err := h.db.FirstParties().Of(t.Context(), "acct_1", "user_1")
	require.NoError(t, err)
	h.now = h.now.Add(time.Hour + time.Second)
	require.NoError(t, s.Expire(t.Context()))
	_, err = h.db.FirstParties().Of(t.Context(), "acct_1", "user_1")
	require.ErrorIs(t, err, store.ErrNotFound)
}
