package members_test

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/sqlstore"
	"github.com/archibot/archibotchat/adapters/sqlstore/blank"
	"github.com/archibot/archibotchat/adapters/system"
	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/members"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/billing"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/ports/store"
)

// urls are the databases that every test runs on.
var urls = map[string]func(t *testing.T) string{
	"sqlite": func(t *testing.T) string { return blank.SQLite(t, filepath.Join(t.TempDir(), "test.db")) },
}

// house is a store with two accounts, of which the first has an admin, Ann,
// and a member, Mo. Guests have signed in and belong to nothing.
type house struct {
	*members.Service
	store *sqlstore.Store
	ids   *system.IDs
	mu    sync.Mutex
	now   time.Time
}

const (
	ann   = "user_ann"
	mo    = "user_mo"
	guest = "user_guest"
	other = "user_other"
)

// each runs a test on every database.
func each(t *testing.T, test func(t *testing.T, h *house)) {
	t.Helper()
	t.Parallel()
	for name, url := range urls {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, build(t, url(t)))
		})
	}
}

func build(t *testing.T, url string) *house {
	t.Helper()
	h := &house{ids: system.NewIDs(system.Now), now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	s, err := sqlstore.Open(t.Context(), sqlstore.Config{URL: url, NewID: h.ids.New, TestClock: h.clock})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	require.NoError(t, s.Migrate(t.Context()))
	h.store = s
	h.Service = members.New(members.Deps{Store: s, Now: h.clock, NewID: h.ids.New, Entropy: system.Entropy})
	for _, id := range []string{"acct_1", "acct_2"} {
		require.NoError(t, s.Accounts().Create(t.Context(), store.Account{Billing: billing.Active, Account: access.Account{
			ID: id, Name: "House", Status: access.StatusActive, Groups: access.NewGroups(access.GroupAPI), CreatedAt: h.now, UpdatedAt: h.now,
		}}))
	}
	for id, email := range map[string]string{ann: "ann@example.org", mo: "mo@example.org", guest: "Guest@Example.org", other: "other@example.org"} {
		h.signIn(t, id, email, true)
	}
	h.add(t, "acct_1", ann, access.RoleAdmin)
	h.add(t, "acct_1", mo, access.RoleMember)
	return h
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

func (h *house) signIn(t *testing.T, id, email string, verified bool) {
	t.Helper()
	_, _, err := h.store.Users().SignedIn(t.Context(), store.User{
		ID: id, Issuer: "https://id.example", Subject: id, Email: email, EmailVerified: verified, Rule: "none", CreatedAt: h.now, UpdatedAt: h.now, SeenAt: h.now,
	})
	require.NoError(t, err)
}

func (h *house) add(t *testing.T, account, user string, role access.Role) {
	t.Helper()
	_, err := h.Add(operator(t), account, user, role)
	require.NoError(t, err)
}

func operator(t *testing.T) context.Context {
	return access.WithRequest(access.WithPrincipal(t.Context(), access.Principal{Kind: access.PrincipalOperator, ID: "cli"}), "req_1")
}

// as is the context of a user's session of an account, or of none.
func as(t *testing.T, user, account string, role access.Role) context.Context {
	return access.WithRequest(access.WithPrincipal(t.Context(), access.Principal{
		Kind: access.PrincipalUser, ID: user, User: user, Account: account, Role: role, Session: "ses_" + user,
	}), "req_1")
}

func admin(t *testing.T) context.Context { return as(t, ann, "acct_1", access.RoleAdmin) }

// session keeps a session of a user.
func (h *house) session(t *testing.T, id, user, account string) {
	t.Helper()
	require.NoError(t, h.store.Sessions().Create(t.Context(), store.Session{
		ID: id, Hash: access.SumToken(id), Account: account, User: user, Provider: "example", Issuer: "https://id.example",
		CreatedAt: h.now, SeenAt: h.now, ExpiresAt: h.now.Add(time.Hour),
	}))
}

func (h *house) ended(t *testing.T, id string) string {
	t.Helper()
	ses, err := h.store.Sessions().Get(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, ses.EndedAt.IsZero(), ses.EndReason == "")
	return ses.EndReason
}

// key keeps the n-th key of a user.
func (h *house) key(t *testing.T, n byte, user, account string) string {
	t.Helper()
	id := "key_" + string('a'+rune(n))
	require.NoError(t, h.store.Keys().Create(t.Context(), keys.Key{
		ID: id, Account: account, User: user, Name: "x", Digest: keys.Digest{n}, Pepper: "v1", CreatedAt: h.now, ExpiresAt: h.now.Add(time.Hour),
	}))
	return id
}

func (h *house) state(t *testing.T, key string) keys.State {
	t.Helper()
	k, err := h.store.Keys().Find(t.Context(), key)
	require.NoError(t, err)
	return k.State(h.clock())
}

// events returns the kinds of the first account's events with subject and reason,
// oldest first.
func (h *house) events(t *testing.T) (out []string) {
	t.Helper()
	list, err := h.store.Events().List(t.Context(), store.EventQuery{Account: "acct_1"})
	require.NoError(t, err)
	for _, e := range list {
		require.NotContains(t, e.Subject+e.Reason+e.Actor.ID, "@", "U2")
		out = append([]string{string(e.Kind) + " " + e.Subject + " " + e.Reason}, out...)
		if e.Kind == audit.KeyRevoked {
			require.Equal(t, e.Subject, e.Key)
		}
	}
	return out
}
