package admit_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/sqlstore"
	"github.com/archibot/archibotchat/adapters/sqlstore/blank"
	"github.com/archibot/archibotchat/adapters/system"
	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/admit"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/billing"
	"github.com/archibot/archibotchat/core/gates"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/ports/store"
)

// edge is the way from one replica to the store, which a test can cut. A cut
// is silent: calls get lost, and come back only when their time is over.
type edge struct {
	store.Store
	mu       sync.Mutex
	cutKeys  bool
	keysFail error // what look-ups fail with at once
	cutPolls bool
	flood    bool // each page of changes is full, and none of them matters
	pruned   []time.Duration
	lookups  int // keys that were asked for
	queries  int
	flying   int
	most     int                       // that were flying at once
	read     func(ctx context.Context) // between the query and its reply
}

func (e *edge) set(change func(e *edge)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	change(e)
}

func (e *edge) cut(cut bool) { e.set(func(e *edge) { e.cutKeys, e.cutPolls = cut, cut }) }

func (e *edge) count() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.lookups
}

func lost(ctx context.Context) error {
	<-ctx.Done()
	return store.ErrUnavailable
}

func (e *edge) Keys() store.Keys { return edgeKeys{e.Store.Keys(), e} }

type edgeKeys struct {
	store.Keys
	of *edge
}

func (k edgeKeys) ByDigests(ctx context.Context, ds []keys.Digest) ([]store.KeyHolder, error) {
	var cut bool
	var fail error
	var read func(context.Context)
	k.of.set(func(e *edge) {
		e.lookups += len(ds) / 2 // a digest for each pepper
		e.queries++
		e.flying++
		e.most = max(e.most, e.flying)
		cut, fail, read = e.cutKeys, e.keysFail, e.read
	})
	defer k.of.set(func(e *edge) { e.flying-- })
	if cut {
		return nil, lost(ctx)
	}
	if fail != nil {
		return nil, fail
	}
	h, err := k.Keys.ByDigests(ctx, ds)
	if read != nil {
		read(ctx)
	}
	return h, err
}

func (e *edge) FirstParties() store.FirstParties { return edgeHidden{e.Store.FirstParties(), e} }

type edgeHidden struct {
	store.FirstParties
	of *edge
}

func (f edgeHidden) ByDigest(ctx context.Context, d keys.Digest) (store.KeyHolder, error) {
	var cut bool
	var fail error
	f.of.set(func(e *edge) {
		e.queries++
		cut, fail = e.cutKeys, e.keysFail
	})
	switch {
	case cut:
		return store.KeyHolder{}, lost(ctx)
	case fail != nil:
		return store.KeyHolder{}, fail
	}
	return f.FirstParties.ByDigest(ctx, d)
}

func (e *edge) Changes() store.Changes { return edgeChanges{e.Store.Changes(), e} }

type edgeChanges struct {
	store.Changes
	of *edge
}

func (c edgeChanges) Since(ctx context.Context, after int64, limit int) ([]store.Change, error) {
	var cut, flood bool
	c.of.set(func(e *edge) { cut, flood = e.cutPolls, e.flood })
	if cut {
		return nil, lost(ctx)
	}
	if flood {
		list := make([]store.Change, limit)
		for i := range list {
			list[i] = store.Change{Seq: after + int64(i) + 1, Account: "acct_other"}
		}
		return list, nil
	}
	return c.Changes.Since(ctx, after, limit)
}

// Prune has a full page to remove the first time, and little after that.
func (c edgeChanges) Prune(_ context.Context, keep time.Duration, limit int) (n int, err error) {
	c.of.set(func(e *edge) {
		if e.pruned = append(e.pruned, keep); len(e.pruned) == 1 {
			n = limit
		}
	})
	return n, nil
}

// replica is one server's admission.
type replica struct {
	*admit.Service
	edge *edge
	h    *house

	mu     sync.Mutex
	behind time.Duration // how far its clock is
	events []audit.Event
}

func (r *replica) now() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return system.Now().Add(-r.behind)
}

func (r *replica) RefusedFrom(e audit.Event, _ netip.Addr) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

// enter asks for admission with the n-th key.
func (r *replica) enter(n int) error { return r.enterFrom(netip.Addr{}, n) }

func (r *replica) enterFrom(a netip.Addr, n int) error {
	_, err := r.Key(r.h.t.Context(), admit.Visit{Token: token(n).Reveal(), Scope: keys.ScopeModels, From: a})
	return err
}

// house is a store with an account per key and the replicas on it, in a
// bubble of fake time.
type house struct {
	t   testing.TB
	db  *sqlstore.Store
	ids *system.IDs
	ps  keys.Peppers
}

func inBubble(t *testing.T, test func(t *testing.T, h *house)) {
	t.Helper()
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		h := &house{t: t, ids: system.NewIDs(system.Now)}
		var err error
		h.ps, err = keys.ParsePeppers(peppers)
		require.NoError(t, err)
		h.db, err = sqlstore.Open(t.Context(), sqlstore.Config{URL: blank.SQLite(t, filepath.Join(dir, "test.db")), NewID: h.ids.New, Now: system.Now})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, h.db.Close()) })
		require.NoError(t, h.db.Migrate(t.Context()))
		test(t, h)
		time.Sleep(time.Second) // what rests between two queries wakes up, and finds that nobody waits
	})
}

func token(n int) keys.Token {
	var entropy [keys.EntropyLen]byte
	binary.BigEndian.PutUint64(entropy[:], uint64(n)+1)
	return keys.Mint(entropy)
}

func acct(n int) string  { return fmt.Sprint("acct_", n) }
func keyID(n int) string { return fmt.Sprint("key_", n) }

// add makes accounts 0 to n-1 with a key each.
func (h *house) add(n int) {
	h.t.Helper()
	require.NoError(h.t, h.db.Do(h.t.Context(), func(ctx context.Context, s store.Stores) error {
		for i := range n {
			if err := s.Accounts().Create(ctx, usable(i)); err != nil {
				return err
			}
			if err := s.Keys().Create(ctx, h.key(i)); err != nil {
				return err
			}
		}
		return nil
	}))
	h.people()
}

// people makes the user whose account 0's key is a member of it.
func (h *house) people() {
	h.t.Helper()
	h.says(func(*store.User) {})
	require.NoError(h.t, h.db.Members().Add(h.t.Context(), store.Member{Account: acct(0), User: "user_0", Role: access.RoleMember, CreatedAt: system.Now()}))
}

// says has the provider tell of that member.
func (h *house) says(change func(u *store.User)) {
	h.t.Helper()
	u := store.User{ID: "user_0", Issuer: "https://id.example", Subject: "0", Rule: "required", Groups: access.NewGroups(access.GroupAPI), CreatedAt: system.Now()}
	change(&u)
	_, _, err := h.db.Users().SignedIn(h.t.Context(), u)
	require.NoError(h.t, err)
}

func usable(n int) store.Account {
	return store.Account{Billing: billing.Active, Account: access.Account{
		ID: acct(n), Name: "Test", Status: access.StatusActive, Groups: access.NewGroups(access.GroupAPI), CreatedAt: system.Now(), UpdatedAt: system.Now(),
	}}
}

func (h *house) key(n int) keys.Key {
	user := ""
	if n == 0 {
		user = "user_0"
	}
	return keys.Key{
		ID: keyID(n), Account: acct(n), User: user, Name: "test", Digest: h.ps[0].Digest(token(n)), Pepper: h.ps[0].Version,
		Scopes: []keys.Scope{keys.ScopeModels}, CreatedAt: system.Now(), ExpiresAt: system.Now().Add(24 * time.Hour),
	}
}

// set writes account 0 as it should be.
func (h *house) set(change func(a *store.Account)) {
	h.t.Helper()
	a := usable(0)
	change(&a)
	require.NoError(h.t, h.db.Accounts().Set(h.t.Context(), a))
}

func (h *house) revoke(n int) {
	h.t.Helper()
	changed, err := h.db.Keys().Revoke(h.t.Context(), acct(n), keyID(n), system.Now(), "pat")
	require.NoError(h.t, err)
	require.True(h.t, changed)
}

// replica starts a server that polls, and stops it when the test ends.
func (h *house) replica(most int) *replica {
	h.t.Helper()
	r := &replica{edge: &edge{Store: h.db}, h: h}
	r.Service = admit.New(admit.Deps{
		Store: r.edge, Peppers: h.ps, Enabled: access.NewGroups(access.GroupAPI, access.GroupChat), Boundary: gates.BoundaryNotRequired, Recorder: r,
		Now: r.now, Snapshots: most,
	})
	ctx, cancel := context.WithCancel(h.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx, slog.New(slog.DiscardHandler)) }()
	h.t.Cleanup(func() {
		cancel()
		require.NoError(h.t, <-ended)
	})
	synctest.Wait()
	return r
}
