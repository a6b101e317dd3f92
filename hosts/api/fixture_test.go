package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/demoupstream"
	"github.com/archibot/archibotchat/adapters/memlimits"
	"github.com/archibot/archibotchat/adapters/sqlstore"
	"github.com/archibot/archibotchat/adapters/sqlstore/blank"
	"github.com/archibot/archibotchat/adapters/system"
	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/accounts"
	"github.com/archibot/archibotchat/core/app/activity"
	"github.com/archibot/archibotchat/core/app/credits"
	"github.com/archibot/archibotchat/core/app/keyring"
	"github.com/archibot/archibotchat/core/app/limits"
	"github.com/archibot/archibotchat/core/app/members"
	"github.com/archibot/archibotchat/core/app/models"
	"github.com/archibot/archibotchat/core/app/requests"
	"github.com/archibot/archibotchat/core/app/sessions"
	"github.com/archibot/archibotchat/core/app/setup"
	"github.com/archibot/archibotchat/core/app/signin"
	"github.com/archibot/archibotchat/core/app/threads"
	"github.com/archibot/archibotchat/core/app/turns"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/billing"
	"github.com/archibot/archibotchat/core/gates"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/hosts/api"
	"github.com/archibot/archibotchat/hosts/edge"
	"github.com/archibot/archibotchat/ports/identity"
	"github.com/archibot/archibotchat/ports/identity/identitytest"
	attempts "github.com/archibot/archibotchat/ports/limits"
	"github.com/archibot/archibotchat/ports/store"
)

func TestMain(m *testing.M) {
	huma.ValidateStrictCasing = true // as every main does
	os.Exit(m.Run())
}

// house is an API over a SQLite store with two accounts, each with credits,
// an admin, a member and a key of each.
type house struct {
	http.Handler
	store    *sqlstore.Store
	accounts *accounts.Service
	keyring  *keyring.Service
	sessions *sessions.Service
	now      time.Time
	log      *bytes.Buffer
	refusals refusals
	reporter reporter
	believe  func(api.Leaks) // starts the API anew with other reporters
	attempts *tries
	signin   *signin.Service
	members  *members.Service
	requests *requests.Service
	acme     *identitytest.Fake // a provider
	local    *identitytest.Fake // signs in by tickets, which are subjects
	secure   http.Handler       // the same API behind TLS
	prices   *prices
	ids      *system.IDs

	account, foreign           store.Account
	admin, member, foreignUser string // session tokens
	adminKey, memberKey        keys.Key
	foreignKey                 keys.Key
	talks                      map[string]talk // by user
}

// refusals is a recorder.
type refusals struct {
	mu   sync.Mutex
	list []audit.Event
	from []netip.Addr // of those whose account is not known
}

func (r *refusals) Refused(e audit.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, e)
}

// RefusedFrom notes the address as nothing that is kept.
func (r *refusals) RefusedFrom(e audit.Event, from netip.Addr) {
	r.Refused(e)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.from = append(r.from, from)
}

// tries is a limiter that fails as it is told.
type tries struct {
	attempts.Limiter
	err error
}

func (t *tries) Take(ctx context.Context, key string, r attempts.Rule) (attempts.Verdict, error) {
	if t.err != nil {
		return attempts.Verdict{}, t.err
	}
	return t.Limiter.Take(ctx, key, r)
}

// tickets signs in by links: a ticket is a subject.
type tickets struct{ *identitytest.Fake }

func (t tickets) Finish(ctx context.Context, f identity.Flow, callback url.Values) (identity.Identity, error) {
	return t.Fake.Finish(ctx, f, url.Values{"code": callback["ticket"]})
}

// build opens a house. swap may put another store before the services.
func build(t *testing.T, swap ...func(store.Store) store.Store) *house {
	t.Helper()
	h := &house{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), log: &bytes.Buffer{}}
	ids := system.NewIDs(system.Now)
	h.ids = ids
	clock := func() time.Time { return h.now }
	db, err := sqlstore.Open(t.Context(), sqlstore.Config{URL: blank.SQLite(t, filepath.Join(t.TempDir(), "test.db")), NewID: ids.New, Now: clock})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	require.NoError(t, db.Migrate(t.Context()))
	h.store = db
	var s store.Store = db
	for _, f := range swap {
		s = f(s)
	}
	peppers, err := keys.ParsePeppers("v1:0123456789abcdef0123456789abcdef")
	require.NoError(t, err)
	gate := &sessions.Gate{Store: s, Enabled: access.NewGroups(access.GroupAPI, access.GroupChat, access.GroupOperator), Boundary: gates.BoundaryNotRequired}
	h.accounts = accounts.New(accounts.Deps{Store: s, Now: clock, NewID: ids.New})
	h.keyring = keyring.New(keyring.Deps{Store: s, Now: clock, NewID: ids.New, Entropy: system.Entropy, Peppers: peppers, Gate: gate.Admit})
	h.sessions = sessions.New(sessions.Deps{Store: s, Now: clock, NewID: ids.New, Entropy: system.Entropy})
	gate.Fresh = h.sessions.Fresh
	h.prices, err = newPrices()
	require.NoError(t, err)
	log := slog.New(slog.NewTextHandler(h.log, nil))
	h.attempts = &tries{Limiter: memlimits.New(memlimits.Config{Now: clock})}
	h.acme = identitytest.NewFake(identity.Description{ID: "acme", Name: "Acme & Söhne", Issuer: "https://id.acme.example", Rule: identity.RuleRequired})
	h.local = identitytest.NewFake(identity.Description{ID: "local", Name: "This machine", Issuer: "urn:local", Rule: identity.RuleNone})
	h.signin, err = signin.New(signin.Deps{
		Store: s, Providers: []identity.Provider{h.acme, h.local}, Links: tickets{h.local}, Sessions: h.sessions, Recorder: &h.refusals, Peppers: peppers,
		Now: clock, NewID: ids.New, Entropy: system.Entropy, Log: log, Recheck: sessions.Recheck,
	})
	require.NoError(t, err)
	h.members = members.New(members.Deps{Store: s, Now: clock, NewID: ids.New, Entropy: system.Entropy})
	h.requests = requests.New(requests.Deps{
		Store: s, Accounts: h.accounts, Members: h.members, Now: clock, NewID: ids.New, Entropy: system.Entropy, Secrets: [][32]byte{{1}}, Difficulty: 4,
	})
	config := api.Config{
		Members: h.members, Requests: h.requests,
		Setup:  setup.New(setup.Deps{Store: s, Now: clock, NewID: ids.New, Environment: "test", Boundary: setup.Boundary{Version: "v1", Text: "Read this."}}),
		SignIn: h.signin, Base: func() string { return "https://chat.example" },
		Sessions: h.sessions, Gate: gate, Keyring: h.keyring, Limits: limits.New(limits.Deps{Store: s, Now: clock, NewID: ids.New}),
		Models:   models.New(models.Deps{Upstream: demoupstream.New(demoupstream.Config{Now: clock}), Prices: h.prices, Now: clock, Log: log}),
		Threads:  threads.New(threads.Deps{Store: s, Now: clock, NewID: ids.New}),
		Turns:    turns.New(turns.Deps{Store: s, Door: shut{h.sessions}, Now: clock, NewID: ids.New, Log: log}),
		Credits:  credits.New(credits.Deps{Store: s, Now: clock, NewID: ids.New}),
		Activity: activity.New(activity.Deps{Store: s, Now: clock, NewID: ids.New}),
		Recorder: &h.refusals, Log: log, Attempts: h.attempts, Edge: edge.New(edge.Config{NewRequestID: func() string { return ids.New("req") }, Log: log}),
	}
	h.reporter = newReporter(t)
	h.believe = func(l api.Leaks) {
		config.Leaks = l
		h.Handler = api.New(config)
		secure := config
		secure.Secure = true
		h.secure = api.New(secure)
	}
	h.believe(h.reporter.leaks())
	h.furnish(t)
	return h
}

func (h *house) furnish(t *testing.T) {
	t.Helper()
	ctx := h.operator(t)
	var err error
	for _, a := range []*store.Account{&h.account, &h.foreign} {
		*a, err = h.accounts.Create(ctx, accounts.Draft{Name: "House", Groups: access.NewGroups(access.GroupAPI), Billing: billing.Active, Credits: 10 * ledger.Credit})
		require.NoError(t, err)
	}
	h.admin = h.mint(t, h.account.ID, "user_admin", access.RoleAdmin)
	h.member = h.mint(t, h.account.ID, "user_member", access.RoleMember)
	h.foreignUser = h.mint(t, h.foreign.ID, "user_foreign", access.RoleAdmin)
	h.adminKey = h.key(t, h.account.ID, "user_admin")
	h.memberKey = h.key(t, h.account.ID, "user_member")
	h.foreignKey = h.key(t, h.foreign.ID, "user_foreign")
	h.talks = map[string]talk{
		"user_admin": h.talk(t, h.account.ID, "user_admin"), "user_member": h.talk(t, h.account.ID, "user_member"), "user_foreign": h.talk(t, h.foreign.ID, "user_foreign"),
	}
}

func (h *house) operator(t *testing.T) context.Context {
	return access.WithRequest(access.WithPrincipal(t.Context(), access.Principal{Kind: access.PrincipalOperator, ID: "cli"}), "req_furnish")
}

func (h *house) mint(t *testing.T, account, user string, role access.Role) string {
	t.Helper()
	token, _, err := h.sessions.Mint(h.operator(t), sessions.Draft{Account: account, User: user, Role: role})
	require.NoError(t, err)
	return token.Reveal()
}

func (h *house) key(t *testing.T, account, user string) keys.Key {
	t.Helper()
	k, _, err := h.keyring.Create(h.operator(t), keyring.Draft{Account: account, User: user, Name: "key of " + user})
	require.NoError(t, err)
	return k
}

// reply is an answer with its body read.
type reply struct {
	*http.Response
	text string
}

// call sends a request with a session's cookie, if token is not empty.
// change may bend the request.
func (h *house) call(t *testing.T, token, method, target, body string, change ...func(*http.Request)) reply {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, nil)
	if body != "" {
		r = httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.AddCookie(api.Cookie(token, false))
	}
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return read(t, w.Result())
}

func read(t *testing.T, res *http.Response) reply {
	t.Helper()
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return reply{res, string(text)}
}

// into decodes the answer's body.
func into[T any](t *testing.T, r reply) T {
	t.Helper()
	var v T
	d := json.NewDecoder(strings.NewReader(r.text))
	d.DisallowUnknownFields()
	require.NoError(t, d.Decode(&v), r.text)
	return v
}

// problem checks the form of a problem and returns it.
func problem(t *testing.T, r reply, status int, code string) api.Problem {
	t.Helper()
	require.Equal(t, status, r.StatusCode, r.text)
	require.Equal(t, "application/problem+json", r.Header.Get("Content-Type"))
	p := into[api.Problem](t, r)
	require.Equal(t, code, p.Code, r.text)
	require.Equal(t, status, p.Status)
	require.Equal(t, http.StatusText(status), p.Title)
	require.NotEmpty(t, p.Detail)
	require.NotEmpty(t, p.RequestID)
	require.Equal(t, r.Header.Get("X-Request-Id"), p.RequestID)
	return p
}
