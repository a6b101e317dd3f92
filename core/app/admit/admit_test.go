package admit_test

import (
	"context"
	"errors"
	"net/netip"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/archibot/archibotchat/adapters/sqlstore"
	"github.com/archibot/archibotchat/adapters/sqlstore/blank"
	"github.com/archibot/archibotchat/adapters/system"
	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/admit"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/billing"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/gates"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/ports/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// counting counts the look-ups of keys, and fails them if it is told to.
type counting struct {
	store.Store
	mu      sync.Mutex
	lookups int
	fail    error
}

func (c *counting) Keys() store.Keys { return countingKeys{c.Store.Keys(), c} }

type countingKeys struct {
	store.Keys
	of *counting
}

func (k countingKeys) ByDigests(ctx context.Context, ds []keys.Digest) ([]store.KeyHolder, error) {
	k.of.mu.Lock()
	k.of.lookups++
	err := k.of.fail
	k.of.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return k.Keys.ByDigests(ctx, ds)
}

const peppers = "v2:22222222222222222222222222222222,v1:11111111111111111111111111111111"

// door is an admission over a real store with one usable account and key.
type door struct {
	t       *testing.T
	db      *counting
	account store.Account
	user    store.User
	key     keys.Key
	token   keys.Token
	now     time.Time
	deps    admit.Deps

	mu     sync.Mutex
	events []audit.Event
	from   netip.Addr // of the last one
}

var visitor = netip.MustParseAddr("192.0.2.7")

func (d *door) RefusedFrom(e audit.Event, from netip.Addr) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.from = from
	d.events = append(d.events, e)
}

func newDoor(t *testing.T, pepper int) *door {
	t.Helper()
	t.Parallel()
	ids := system.NewIDs(system.Now)
	db, err := sqlstore.Open(t.Context(), sqlstore.Config{URL: blank.SQLite(t, filepath.Join(t.TempDir(), "test.db")), NewID: ids.New, Now: system.Now})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	require.NoError(t, db.Migrate(t.Context()))

	ps, err := keys.ParsePeppers(peppers)
	require.NoError(t, err)
	d := &door{t: t, db: &counting{Store: db}, now: system.Now(), token: keys.Mint([32]byte{1, 2, 3})}
	d.account = store.Account{Billing: billing.Active, Account: access.Account{
		ID: "acct_1", Name: "Test", Status: access.StatusActive,
		Groups: access.NewGroups(access.GroupAPI), CreatedAt: d.now, UpdatedAt: d.now,
	}}
	require.NoError(t, db.Accounts().Create(t.Context(), d.account))
	d.user = store.User{ID: "user_1", Issuer: "https://id.example", Subject: "1", Rule: "required", Groups: access.NewGroups(access.GroupAPI), CreatedAt: d.now}
	_, _, err = db.Users().SignedIn(t.Context(), d.user)
	require.NoError(t, err)
	require.NoError(t, db.Members().Add(t.Context(), store.Member{Account: "acct_1", User: "user_1", Role: access.RoleMember, CreatedAt: d.now}))
	d.key = keys.Key{
		ID: "key_1", Account: "acct_1", User: "user_1", Name: "test", Digest: ps[pepper].Digest(d.token), Pepper: ps[pepper].Version,
		Scopes: []keys.Scope{keys.ScopeModels}, CreatedAt: d.now, ExpiresAt: d.now.Add(24 * time.Hour),
	}
	require.NoError(t, db.Keys().Create(t.Context(), d.key))
	d.deps = admit.Deps{
		Store: d.db, Peppers: ps, Enabled: access.NewGroups(access.GroupAPI), Boundary: gates.BoundaryNotRequired, Recorder: d,
		Now: func() time.Time { return d.now },
	}
	return d
}

func (d *door) enter(text string) (admit.Grant, error) {
	ctx := access.WithRequest(d.t.Context(), "req_1")
	return admit.New(d.deps).Key(ctx, admit.Visit{Token: text, Scope: keys.ScopeModels, From: visitor})
}

// reason returns the reason of the one event there is.
func (d *door) event() audit.Event {
	d.t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	require.Len(d.t, d.events, 1)
	require.Equal(d.t, "req_1", d.events[0].Request)
	require.Equal(d.t, "api", d.events[0].Area)
	return d.events[0]
}

func (d *door) set(change func(a *store.Account)) {
	d.t.Helper()
	change(&d.account)
	require.NoError(d.t, d.db.Accounts().Set(d.t.Context(), d.account))
}

// says has the provider say otherwise of the key's user.
func (d *door) says(change func(u *store.User)) {
	d.t.Helper()
	change(&d.user)
	_, _, err := d.db.Users().SignedIn(d.t.Context(), d.user)
	require.NoError(d.t, err)
}

func TestService_Key(t *testing.T) {
	d := newDoor(t, 0)
	g, err := d.enter(d.token.Reveal())
	require.NoError(t, err)
	require.Equal(t, access.Principal{Kind: access.PrincipalKey, ID: "key_1", Account: "acct_1", User: "user_1"}, g.Principal())
	require.Equal(t, 1, d.db.lookups)
	require.Empty(t, d.events)
}

func TestService_Key_userWithoutGroups(t *testing.T) { // A3, A4: a provider that sends none leaves it to the account
	d := newDoor(t, 0)
	d.says(func(u *store.User) { u.Rule, u.Groups = "none", access.Groups{} })
	_, err := d.enter(d.token.Reveal())
	require.NoError(t, err)
	d.set(func(a *store.Account) { a.Groups = access.Groups{} })
	_, err = d.enter(d.token.Reveal())
	require.Equal(t, "no_product_group", fault.CodeOf(err))
}

func (d *door) acknowledge(version string) {
	d.t.Helper()
	_, err := d.db.Setups().Acknowledge(d.t.Context(), store.Acknowledgement{Account: "acct_1", Environment: "test", Version: version, User: "user_1", At: d.now})
	require.NoError(d.t, err)
}

func TestService_Key_boundary(t *testing.T) { // A8: the current version, by this account
	d := newDoor(t, 0)
	d.deps.Boundary, d.deps.BoundaryVersion = gates.BoundaryMissing, "v2"
	_, err := d.enter(d.token.Reveal())
	require.Equal(t, "boundary_unacknowledged", fault.CodeOf(err))
	d.acknowledge("v2")
	_, err = d.enter(d.token.Reveal())
	require.NoError(t, err)
	d.acknowledge("v3")
	_, err = d.enter(d.token.Reveal())
	require.Equal(t, "boundary_unacknowledged", fault.CodeOf(err))
}

func TestService_Key_malformed(t *testing.T) { // K1: costs no query
	d := newDoor(t, 0)
	good := d.token.Reveal()
	wrongSum := good[:len(good)-1] + map[bool]string{true: "1", false: "0"}[good[len(good)-1] == '0']
	for name, text := range map[string]string{
		"empty": "", "prefix": "abk_", "wrong checksum": wrongSum, "truncated": good[:len(good)-1], "extended": good + "0",
		"leading space": " " + good, "zero width": good[:10] + "\u200b" + good[10:], "other prefix": "sk-_" + good[4:],
		"upper case": "ABK_" + good[4:], "a megabyte": string(make([]byte, 1<<20)), "no base62": good[:5] + "-" + good[6:],
	} {
		_, err := d.enter(text)
		require.Equal(t, gates.NotSignedIn.Fault(), err, name)
	}
	require.Zero(t, d.db.lookups)
	for _, e := range d.events {
		require.Equal(t, "key_malformed", e.Reason)
		require.Equal(t, visitor, d.from)
		require.Empty(t, e.Account)
		require.Equal(t, audit.ActorUnknown, e.Actor.Kind)
	}
}

func TestService_Key_refused(t *testing.T) { // G3, G6, DECISIONS' table
	for name, c := range map[string]struct {
		change func(d *door)
		kind   fault.Kind
		reason string
		event  audit.Kind
		owned  bool // the event is the account's
	}{
		"unknown": {func(d *door) { d.token = keys.Mint([32]byte{9}) }, fault.Unauthenticated, "key_unknown", audit.KeyRefused, false},
		"revoked": {func(d *door) {
			_, err := d.db.Keys().Revoke(d.t.Context(), "acct_1", "key_1", d.now, "pat")
			require.NoError(d.t, err)
		}, fault.Unauthenticated, "key_revoked", audit.KeyRefused, true},
		"expired":       {func(d *door) { d.now = d.key.ExpiresAt }, fault.Unauthenticated, "key_expired", audit.KeyRefused, true},
		"closed":        {func(d *door) { d.set(func(a *store.Account) { a.Status = access.StatusClosed }) }, fault.Unauthenticated, "account_closed", audit.GateDenied, true},
		"suspended":     {func(d *door) { d.set(func(a *store.Account) { a.Status = access.StatusSuspended }) }, fault.Forbidden, "account_suspended", audit.GateDenied, true},
		"pending":       {func(d *door) { d.set(func(a *store.Account) { a.Status = access.StatusPending }) }, fault.Forbidden, "account_pending", audit.GateDenied, true},
		"no group":      {func(d *door) { d.set(func(a *store.Account) { a.Groups = access.Groups{} }) }, fault.Forbidden, "no_product_group", audit.GateDenied, true},
		"user's groups": {func(d *door) { d.says(func(u *store.User) { u.Groups = access.NewGroups(access.GroupChat) }) }, fault.Forbidden, "no_product_group", audit.GateDenied, true},
		"user's rule":   {func(d *door) { d.says(func(u *store.User) { u.Rule = "" }) }, fault.Forbidden, "no_product_group", audit.GateDenied, true},
		"no member": {func(d *door) {
			require.NoError(d.t, d.db.Members().Remove(d.t.Context(), "acct_1", "user_1"))
		}, fault.Forbidden, "no_product_group", audit.GateDenied, true},
		"area disabled": {func(d *door) { d.deps.Enabled = access.NewGroups(access.GroupChat) }, fault.Forbidden, "area_disabled", audit.GateDenied, true},
		"past due":      {func(d *door) { d.set(func(a *store.Account) { a.Billing = billing.PastDue }) }, fault.Forbidden, "billing_incomplete", audit.GateDenied, true},
		"review":        {func(d *door) { d.set(func(a *store.Account) { a.Billing = billing.Review }) }, fault.Forbidden, "payment_review", audit.GateDenied, true},
		"new boundary": {func(d *door) {
			d.acknowledge("v1")
			d.deps.Boundary, d.deps.BoundaryVersion = gates.BoundaryMissing, "v2"
		}, fault.Forbidden, "boundary_unacknowledged", audit.GateDenied, true},
		"no version": {func(d *door) { d.deps.Boundary = gates.BoundaryMissing }, fault.Forbidden, "boundary_unacknowledged", audit.GateDenied, true},
		"boundary":   {func(d *door) { d.deps.Boundary = gates.BoundaryUnknown }, fault.Forbidden, "boundary_unacknowledged", audit.GateDenied, true},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDoor(t, 0)
			c.change(d)
			_, err := d.enter(d.token.Reveal())
			require.Equal(t, c.kind, fault.KindOf(err))
			e := d.event()
			require.Equal(t, c.reason, e.Reason)
			require.Equal(t, c.event, e.Kind)
			if c.owned {
				require.Equal(t, "acct_1", e.Account)
				require.Equal(t, "key_1", e.Key)
				require.Equal(t, audit.Actor{Kind: audit.ActorKey, ID: "key_1"}, e.Actor)
			} else {
				require.Empty(t, e.Account+e.Key)
				require.Equal(t, visitor, d.from, "so that strangers are told apart")
			}
		})
	}
}

func TestService_Key_expiry(t *testing.T) { // K4: to the second
	d := newDoor(t, 0)
	d.now = d.key.ExpiresAt.Add(-time.Second)
	_, err := d.enter(d.token.Reveal())
	require.NoError(t, err)
	d.now = d.key.ExpiresAt
	_, err = d.enter(d.token.Reveal())
	require.Equal(t, fault.Unauthenticated, fault.KindOf(err))
}

func TestService_Key_scope(t *testing.T) { // K7
	d := newDoor(t, 0)
	_, err := admit.New(d.deps).Key(access.WithRequest(t.Context(), "req_1"), admit.Visit{Token: d.token.Reveal(), Scope: keys.ScopeResponses})
	require.ErrorIs(t, err, admit.ErrScope)
	require.Equal(t, "insufficient_scope", d.event().Reason)
}

func TestService_Key_network(t *testing.T) { // K7: by the caller's address, told like any unusable key
	for name, c := range map[string]struct {
		from string
		ok   bool
	}{
		"inside": {"192.0.2.255", true}, "mapped": {"::ffff:192.0.2.1", true}, "the one address": {"2001:db8::7", true},
		"outside": {"192.0.3.0", false}, "its neighbour": {"2001:db8::8", false}, "not known": {"", false},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDoor(t, 0)
			networks, err := keys.ParseNetworks([]string{"192.0.2.0/24", "2001:db8::7"})
			require.NoError(t, err)
			require.NoError(t, d.db.Keys().Narrow(t.Context(), "acct_1", "key_1", nil, networks))
			v := admit.Visit{Token: d.token.Reveal(), Scope: keys.ScopeModels}
			if c.from != "" {
				v.From = netip.MustParseAddr(c.from)
			}
			_, err = admit.New(d.deps).Key(access.WithRequest(t.Context(), "req_1"), v)
			if c.ok {
				require.NoError(t, err)
				return
			}
			require.Equal(t, fault.Unauthenticated, fault.KindOf(err))
			require.Equal(t, "network_not_allowed", d.event().Reason)
			require.Equal(t, audit.KeyRefused, d.event().Kind)
			require.Equal(t, "acct_1", d.event().Account, "the owner is told")
		})
	}
}

func TestService_Run(t *testing.T) { // K2, HOTPATH 22, 24
	d := newDoor(t, 1) // under the earlier pepper
	s := admit.New(d.deps)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, nil) }()
	defer func() {
		cancel()
		require.NoError(t, <-ended)
	}()

	for range 100 {
		_, err := s.Key(t.Context(), admit.Visit{Token: d.token.Reveal(), Scope: keys.ScopeModels})
		require.NoError(t, err)
	}
	current := d.deps.Peppers[0]
	require.Eventually(t, func() bool {
		k, err := d.db.Keys().Find(t.Context(), "key_1")
		return err == nil && k.Pepper == current.Version && k.Digest.Equal(current.Digest(d.token)) && k.LastUsedAt.Equal(d.now)
	}, 10*time.Second, time.Millisecond)

	d.deps.Peppers = d.deps.Peppers[:1] // the earlier one is gone for good
	_, err := d.enter(d.token.Reveal())
	require.NoError(t, err)
}

func TestService_Refuse(t *testing.T) {
	d := newDoor(t, 0)
	g, err := d.enter(d.token.Reveal())
	require.NoError(t, err)
	admit.New(d.deps).Refuse(access.WithRequest(t.Context(), "req_1"), g, "model_not_allowed")
	require.Equal(t, "model_not_allowed", d.event().Reason)
}

func TestService_Key_digestOfAnother(t *testing.T) { // K2: what the store returns is compared
	d := newDoor(t, 0)
	d.db.fail = errors.New("unused")
	wrong := store.KeyHolder{Key: d.key, Account: d.account}
	wrong.Key.Digest[0]++
	d.deps.Store = lying{d.db, wrong}
	_, err := d.enter(d.token.Reveal())
	require.Equal(t, fault.Unauthenticated, fault.KindOf(err))
	require.Equal(t, "key_unknown", d.event().Reason)
}

// lying returns the same key to whoever asks.
type lying struct {
	store.Store
	holder store.KeyHolder
}

func (l lying) Keys() store.Keys { return lyingKeys{l.Store.Keys(), l.holder} }

type lyingKeys struct {
	store.Keys
	holder store.KeyHolder
}

func (l lyingKeys) ByDigests(context.Context, []keys.Digest) ([]store.KeyHolder, error) {
	return []store.KeyHolder{l.holder}, nil
}
