package signin_test

import (
	"context"
	"log/slog"
	"net/url"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/sqlstore"
	"github.com/archibot/archibotchat/adapters/sqlstore/blank"
	"github.com/archibot/archibotchat/adapters/system"
	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/sessions"
	"github.com/archibot/archibotchat/core/app/signin"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/billing"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/ports/identity"
	"github.com/archibot/archibotchat/ports/identity/identitytest"
	"github.com/archibot/archibotchat/ports/store"
)

// databases are those that every case runs on; tag engines adds Postgres.
var databases = map[string]func(testing.TB) string{
	"sqlite": func(t testing.TB) string { return blank.SQLite(t, filepath.Join(t.TempDir(), "test.db")) },
}

// onEach runs a case on every database.
func onEach(t *testing.T, run func(t *testing.T, h *house)) {
	t.Helper()
	for name, url := range databases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, build(t, url(t)))
		})
	}
}

const callback = "https://chat.example/auth/acme/callback"

// house is the use cases over a store with two accounts, two providers and a
// clock.
type house struct {
	*signin.Service
	sessions    *sessions.Service
	store       *sqlstore.Store
	deps        signin.Deps
	acme, other *identitytest.Fake
	clock       *clock
	refused     *refusals
}

type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

type refusals struct {
	mu   sync.Mutex
	list []audit.Event
}

func (r *refusals) Refused(e audit.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, e)
}

// reasons returns the reasons of what was refused, and forgets them.
func (r *refusals) reasons() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, e := range r.list {
		out = append(out, e.Reason)
	}
	r.list = nil
	return out
}

func build(t *testing.T, url string) *house {
	t.Helper()
	h := &house{clock: &clock{at: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}, refused: &refusals{}}
	ids := system.NewIDs(system.Now)
	db, err := sqlstore.Open(t.Context(), sqlstore.Config{URL: url, NewID: ids.New, Now: h.clock.now})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	require.NoError(t, db.Migrate(t.Context()))
	h.store = db
	for _, id := range []string{"acct_1", "acct_2"} {
		require.NoError(t, db.Accounts().Create(t.Context(), store.Account{
			Account: access.Account{ID: id, Name: id, Status: access.StatusActive, Groups: access.NewGroups(access.GroupAPI)}, Billing: billing.Active,
		}))
	}
	peppers, err := keys.ParsePeppers("v1:0123456789abcdef0123456789abcdef")
	require.NoError(t, err)
	h.acme = identitytest.NewFake(identity.Description{ID: "acme", Name: "Acme", Issuer: "https://id.acme.example", Rule: identity.RuleRequired})
	h.other = identitytest.NewFake(identity.Description{ID: "other", Name: "Other", Issuer: "https://id.other.example", Rule: identity.RuleNone})
	h.sessions = sessions.New(sessions.Deps{Store: db, Now: h.clock.now, NewID: ids.New, Entropy: system.Entropy})
	h.deps = signin.Deps{
		Store: db, Providers: []identity.Provider{h.acme, h.other}, Sessions: h.sessions, Recorder: h.refused, Peppers: peppers, Now: h.clock.now,
		NewID: ids.New, Entropy: system.Entropy, Log: slog.New(slog.DiscardHandler), Recheck: sessions.Recheck,
	}
	h.Service, err = signin.New(h.deps)
	require.NoError(t, err)
	return h
}

// person is somebody that acme knows.
func person(subject string, groups ...access.Group) identity.Identity {
	return identity.Identity{Subject: subject, Email: subject + "@acme.example", EmailVerified: true, Name: "P. " + subject, Groups: access.NewGroups(groups...), SID: "sid-" + subject}
}

// begin starts a sign-in and returns what the browser will bring back.
func (h *house) begin(t *testing.T, n signin.Start) (signin.Begun, string) {
	t.Helper()
	if n.Provider == "" {
		n.Provider = "acme"
	}
	n.Redirect = callback
	b, err := h.Begin(t.Context(), n)
	require.NoError(t, err)
	u, err := url.Parse(b.URL)
	require.NoError(t, err)
	state := u.Query().Get("state")
	require.Equal(t, signin.FlowName(state), b.Name)
	return b, state
}

func back(b signin.Begun, state, code string) signin.Return {
	return signin.Return{
		Provider: "acme", Redirect: callback, Values: url.Values{"state": {state}, "code": {code}}, Binding: b.Binding.Reveal(),
	}
}

// signIn signs a person in; n may say more about how.
func (h *house) signIn(t *testing.T, subject string, n signin.Start, old string) signin.Done {
	t.Helper()
	b, state := h.begin(t, n)
	r := back(b, state, subject)
	r.Old = old
	if n.Provider != "" {
		r.Provider = n.Provider
	}
	d, err := h.Finish(t.Context(), r)
	require.NoError(t, err)
	return d
}

// belong makes the user of a session a member.
func (h *house) belong(t *testing.T, d signin.Done, account string) {
	t.Helper()
	require.NoError(t, h.store.Members().Add(t.Context(), store.Member{Account: account, User: d.Session.User, Role: access.RoleAdmin, CreatedAt: h.clock.now()}))
}

// alive returns the session of a token, nil if it does not work.
func (h *house) alive(t *testing.T, token access.Token) *sessions.Current {
	t.Helper()
	s, a, err := h.sessions.Resolve(t.Context(), token.Reveal())
	if err != nil {
		require.ErrorIs(t, err, sessions.ErrNotSignedIn)
		return nil
	}
	return &sessions.Current{Session: s, Account: a}
}

// as is a context in which the session of a token acts.
func (h *house) as(t *testing.T, d signin.Done) context.Context {
	t.Helper()
	c := h.alive(t, d.Token)
	require.NotNil(t, c)
	return sessions.With(t.Context(), *c)
}

// events returns kind and reason of an account's events, newest first; those of
// no account for "".
func (h *house) events(t *testing.T, account string) []string {
	t.Helper()
	var es []audit.Event
	var err error
	if account == "" {
		es, err = h.store.Events().Unowned(t.Context(), store.Page{})
	} else {
		es, err = h.store.Events().List(t.Context(), store.EventQuery{Account: account})
	}
	require.NoError(t, err)
	var out []string
	for _, e := range es {
		out = append(out, string(e.Kind)+" "+e.Reason)
	}
	return out
}

// start runs a service until the function is called that it returns.
func start(t *testing.T, s *signin.Service) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	return sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-done)
	})
}
