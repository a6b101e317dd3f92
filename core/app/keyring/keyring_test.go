package keyring_test

import (
	"context"
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
	"github.com/archibot/archibotchat/core/app/keyring"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/billing"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/gates"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/ports/store"
)

const pepperText = "v2:0123456789abcdef0123456789abcdef,v1:abcdef0123456789abcdef0123456789"

// house is a store with two accounts, a keyring, a clock and a gate.
type house struct {
	*keyring.Service
	store   *sqlstore.Store
	peppers keys.Peppers
	mu      sync.Mutex
	now     time.Time
	gate    keyring.Gate
}

func build(t *testing.T) *house {
	t.Helper()
	h := &house{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), gate: func(context.Context, store.Account, access.Principal) error { return nil }}
	ids := system.NewIDs(system.Now)
	clock := func() time.Time { h.mu.Lock(); defer h.mu.Unlock(); return h.now }
	s, err := sqlstore.Open(t.Context(), sqlstore.Config{URL: blank.SQLite(t, filepath.Join(t.TempDir(), "test.db")), NewID: ids.New, Now: clock})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	require.NoError(t, s.Migrate(t.Context()))
	for _, id := range []string{"acct_1", "acct_2"} {
		require.NoError(t, s.Accounts().Create(t.Context(), account(id, h.now)))
	}
	h.store = s
	h.peppers, err = keys.ParsePeppers(pepperText)
	require.NoError(t, err)
	h.Service = keyring.New(keyring.Deps{
		Store: s, Now: clock, NewID: ids.New, Entropy: system.Entropy, Peppers: h.peppers,
		Gate: func(ctx context.Context, a store.Account, by access.Principal) error { return h.gate(ctx, a, by) },
	})
	return h
}

func account(id string, now time.Time) store.Account {
	return store.Account{Account: access.Account{
		ID: id, Name: "One", Status: access.StatusActive, Groups: access.NewGroups(access.GroupAPI),
		CreatedAt: now, UpdatedAt: now,
	}, Billing: billing.Active}
}

func by(t *testing.T, p access.Principal) context.Context {
	return access.WithPrincipal(t.Context(), p)
}

func operator(t *testing.T) context.Context {
	return by(t, access.Principal{Kind: access.PrincipalOperator, ID: "cli"})
}

func member(t *testing.T, user string) context.Context {
	return by(t, access.Principal{Kind: access.PrincipalUser, ID: user, User: user, Account: "acct_1", Role: access.RoleMember})
}

func admin(t *testing.T) context.Context {
	return by(t, access.Principal{Kind: access.PrincipalUser, ID: "user_admin", User: "user_admin", Account: "acct_1", Role: access.RoleAdmin})
}

func (h *house) kinds(t *testing.T, key string) (out []audit.Kind) {
	t.Helper()
	es, err := h.store.Events().List(t.Context(), store.EventQuery{Account: "acct_1", Key: key})
	require.NoError(t, err)
	for _, e := range es {
		out = append(out, e.Kind)
	}
	return out
}

func TestService_Create(t *testing.T) {
	t.Parallel()
	h := build(t)
	k, token, err := h.Create(member(t, "user_1"), keyring.Draft{Account: "acct_1", User: "user_1", Name: " build server ", Models: []string{"gpt-*"}})
	require.NoError(t, err)

	stored, err := h.Show(t.Context(), "acct_1", k.ID)
	require.NoError(t, err)
	require.Equal(t, k, stored)
	require.Equal(t, "build server", k.Name)
	require.Equal(t, keys.AllScopes, k.Scopes)
	require.Equal(t, keys.MaxLife(h.now), k.ExpiresAt) // K4
	parsed, err := keys.Parse(token.Reveal())
	require.NoError(t, err)
	require.True(t, h.peppers[0].Digest(parsed).Equal(k.Digest)) // K2
	require.Equal(t, "v2", k.Pepper)
	require.NotContains(t, fmt.Sprintf("%+v", k), token.Reveal())
	require.Equal(t, []audit.Kind{audit.KeyCreated}, h.kinds(t, k.ID))

	_, err = h.Show(t.Context(), "acct_2", k.ID)
	require.ErrorIs(t, err, store.ErrNotFound)
}

func TestService_Create_refused(t *testing.T) {
	t.Parallel()
	h := build(t)
	good := keyring.Draft{Account: "acct_1", User: "user_1", Name: "x"}
	with := func(change func(*keyring.Draft)) keyring.Draft { d := good; change(&d); return d }
	nobody := by(t, access.Principal{Kind: access.PrincipalUser, ID: "ses_1", Account: "acct_1", Role: access.RoleMember})
	for name, c := range map[string]struct {
		ctx   context.Context
		draft keyring.Draft
		code  string
	}{
		"a member for another":     {member(t, "user_2"), good, "admin_required"},
		"a member for the account": {member(t, "user_1"), with(func(d *keyring.Draft) { d.User = "" }), "admin_required"},
		"a member without a user":  {nobody, with(func(d *keyring.Draft) { d.User = "" }), "admin_required"},
		"nobody":                   {t.Context(), good, "admin_required"},
		"unknown account":          {operator(t), with(func(d *keyring.Draft) { d.Account = "acct_9" }), "not_found"},
		"no name":                  {admin(t), with(func(d *keyring.Draft) { d.Name = " " }), "invalid_name"},
		"a secret as name":         {admin(t), with(func(d *keyring.Draft) { d.Name = "abk_0123456789abcdef" }), "secret_in_text"},
		"too long a life":          {admin(t), with(func(d *keyring.Draft) { d.ExpiresIn = 367 * 24 * time.Hour }), "invalid_expiry"},
		"a negative life":          {admin(t), with(func(d *keyring.Draft) { d.ExpiresIn = -time.Hour }), "invalid_expiry"},
		"unknown scope":            {admin(t), with(func(d *keyring.Draft) { d.Scopes = []string{"files"} }), "unknown_scope"},
		"empty model":              {admin(t), with(func(d *keyring.Draft) { d.Models = []string{""} }), "invalid_model"},
		"too many models":          {admin(t), with(func(d *keyring.Draft) { d.Models = make([]string, 101) }), "invalid_model"},
	} {
		t.Run(name, func(t *testing.T) {
			_, token, err := h.Create(c.ctx, c.draft)
			require.Equal(t, c.code, fault.CodeOf(err))
			require.Zero(t, token)
		})
	}
	ks, err := h.List(t.Context(), "acct_1", store.Page{})
	require.NoError(t, err)
	require.Empty(t, ks)
	require.Empty(t, h.kinds(t, ""))
}

// G5: the gate is asked, for users only, and again if the account moved.
func TestService_Create_gate(t *testing.T) {
	t.Parallel()
	draft := keyring.Draft{Account: "acct_1", User: "user_1", Name: "x"}

	t.Run("closed", func(t *testing.T) {
		t.Parallel()
		h := build(t)
		h.gate = func(context.Context, store.Account, access.Principal) error { return gates.PaymentReview.Fault() }
		_, _, err := h.Create(member(t, "user_1"), draft)
		require.Equal(t, "payment_review", fault.CodeOf(err))
		_, _, err = h.Create(operator(t), draft)
		require.NoError(t, err, "operators are let through")
	})
	t.Run("missing", func(t *testing.T) { // G3
		t.Parallel()
		h := build(t)
		svc := keyring.New(keyring.Deps{Store: h.store, Now: system.Now, NewID: func(string) string { return "key_1" }, Entropy: system.Entropy, Peppers: h.peppers})
		_, _, err := svc.Create(member(t, "user_1"), draft)
		require.Equal(t, fault.Forbidden, fault.KindOf(err))
	})
	t.Run("closed account", func(t *testing.T) {
		t.Parallel()
		h := build(t)
		a := account("acct_1", h.now)
		a.Status = access.StatusClosed
		require.NoError(t, h.store.Accounts().Set(t.Context(), a))
		_, _, err := h.Create(operator(t), draft)
		require.Equal(t, "account_closed", fault.CodeOf(err))
	})
	t.Run("account moves after the gate", func(t *testing.T) {
		t.Parallel()
		h := build(t)
		asked := 0
		h.gate = func(ctx context.Context, a store.Account, _ access.Principal) error {
			if asked++; a.Billing == billing.Review {
				return gates.PaymentReview.Fault()
			}
			a.Billing = billing.Review
			return h.store.Accounts().Set(ctx, a)
		}
		_, _, err := h.Create(member(t, "user_1"), draft)
		require.Equal(t, "payment_review", fault.CodeOf(err))
		require.Equal(t, 2, asked)
	})
}

func TestService_Create_limit(t *testing.T) {
	t.Parallel()
	h := build(t)
	require.NoError(t, h.store.Do(t.Context(), func(ctx context.Context, tx store.Stores) error {
		for i := range keyring.MaxLive + 10 {
			k := keys.Key{ID: fmt.Sprintf("key_%04d", i), Account: "acct_1", Name: "x", Pepper: "v1", Scopes: keys.AllScopes, CreatedAt: h.now, ExpiresAt: h.now.Add(time.Hour)}
			k.Digest[0], k.Digest[1] = byte(i), byte(i>>8)
			if i < 11 { // eleven that do not work any more
				k.ExpiresAt = h.now
			}
			if err := tx.Keys().Create(ctx, k); err != nil {
				return err
			}
		}
		return nil
	}))
	draft := keyring.Draft{Account: "acct_1", Name: "x"}
	_, _, err := h.Create(operator(t), draft)
	require.NoError(t, err)
	_, _, err = h.Create(operator(t), draft)
	require.ErrorIs(t, err, keyring.ErrTooMany)
	_, _, err = h.Rotate(operator(t), "acct_1", "key_0500", time.Hour)
	require.ErrorIs(t, err, keyring.ErrTooMany)
	_, _, err = h.Rotate(operator(t), "acct_1", "key_0500", 0)
	require.NoError(t, err, "a rotation without overlap adds no working key")
	_, _, err = h.Create(operator(t), keyring.Draft{Account: "acct_2", Name: "x"})
	require.NoError(t, err)
}

func TestService_Revoke(t *testing.T) {
	t.Parallel()
	h := build(t)
	k, _, err := h.Create(member(t, "user_1"), keyring.Draft{Account: "acct_1", User: "user_1", Name: "x"})
	require.NoError(t, err)

	t.Run("refused", func(t *testing.T) {
		_, err := h.Revoke(member(t, "user_2"), "acct_1", k.ID)
		require.ErrorIs(t, err, keyring.ErrAdminRequired)
		_, err = h.Revoke(admin(t), "acct_2", k.ID)
		require.ErrorIs(t, err, store.ErrNotFound)
		_, err = h.Revoke(admin(t), "", k.ID)
		require.ErrorIs(t, err, store.ErrNotFound, "only operators may leave the account empty")
	})
	before, err := h.store.Accounts().Get(t.Context(), "acct_1")
	require.NoError(t, err)
	got, err := h.Revoke(member(t, "user_1"), "acct_1", k.ID)
	require.NoError(t, err)
	require.Equal(t, keys.StateRevoked, got.State(h.now))
	after, err := h.store.Accounts().Get(t.Context(), "acct_1")
	require.NoError(t, err)
	require.Greater(t, after.Epoch, before.Epoch) // K5

	again, err := h.Revoke(operator(t), "", k.ID)
	require.NoError(t, err)
	require.Equal(t, got, again)
	require.Equal(t, []audit.Kind{audit.KeyRevoked, audit.KeyCreated}, h.kinds(t, k.ID))
}
