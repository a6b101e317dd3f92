package sessions_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/sqlstore"
	"github.com/archibot/archibotchat/adapters/sqlstore/blank"
	"github.com/archibot/archibotchat/adapters/system"
	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/sessions"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/billing"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/gates"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

// house is a store with one account, a service and a clock.
type house struct {
	*sessions.Service
	store *sqlstore.Store
	now   time.Time
}

func build(t *testing.T) *house {
	t.Helper()
	h := &house{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	ids := system.NewIDs(system.Now)
	clock := func() time.Time { return h.now }
	s, err := sqlstore.Open(t.Context(), sqlstore.Config{URL: blank.SQLite(t, filepath.Join(t.TempDir(), "test.db")), NewID: ids.New, Now: clock})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	require.NoError(t, s.Migrate(t.Context()))
	require.NoError(t, s.Accounts().Create(t.Context(), account(h.now)))
	h.store = s
	h.Service = sessions.New(sessions.Deps{Store: s, Now: clock, NewID: ids.New, Entropy: system.Entropy})
	return h
}

func account(now time.Time) store.Account {
	return store.Account{Account: access.Account{
		ID: "acct_1", Name: "One", Status: access.StatusActive, Groups: access.NewGroups(access.GroupAPI),
		CreatedAt: now, UpdatedAt: now,
	}, Billing: billing.Active}
}

// grant gives the account something to spend.
func (h *house) grant(t *testing.T) {
	t.Helper()
	out, err := h.store.Commit(t.Context(), store.Replica{}, []ledger.Op{{Kind: ledger.OpGrant, Account: "acct_1", Amount: 1, Lot: "lot_1", Source: ledger.SourceDemo}})
	require.NoError(t, err)
	require.NoError(t, out[0].Err)
}

func operator(t *testing.T) context.Context {
	return access.WithPrincipal(t.Context(), access.Principal{Kind: access.PrincipalOperator, ID: "cli"})
}

func TestService_Mint(t *testing.T) {
	t.Parallel()
	h := build(t)
	token, s, err := h.Mint(operator(t), sessions.Draft{Account: "acct_1", User: "user_1", Role: access.RoleAdmin})
	require.NoError(t, err)
	require.Len(t, token.Reveal(), 43)
	require.Equal(t, "[redacted] [redacted] [redacted]", fmt.Sprintf("%v %+v %s", token, token, token))
	require.NotContains(t, fmt.Sprintf("%+v", s), token.Reveal())

	got, a, err := h.Resolve(t.Context(), token.Reveal())
	require.NoError(t, err)
	require.Equal(t, s, got)
	require.Equal(t, "acct_1", a.ID)

	other, _, err := h.Mint(operator(t), sessions.Draft{Account: "acct_1"})
	require.NoError(t, err)
	require.NotEqual(t, token.Reveal(), other.Reveal())

	es, err := h.store.Events().List(t.Context(), store.EventQuery{Account: "acct_1"})
	require.NoError(t, err)
	require.Len(t, es, 2)
	require.Equal(t, audit.SessionCreated, es[1].Kind)
	require.Equal(t, s.ID, es[1].Subject)

	t.Run("refused", func(t *testing.T) {
		_, _, err := h.Mint(t.Context(), sessions.Draft{Account: "acct_1"})
		require.Equal(t, "operators_only", fault.CodeOf(err))
		_, _, err = h.Mint(operator(t), sessions.Draft{Account: "acct_2"})
		require.ErrorIs(t, err, store.ErrNotFound)
		_, _, err = h.Mint(operator(t), sessions.Draft{Account: "acct_1", Role: "owner"})
		require.Equal(t, "unknown_role", fault.CodeOf(err))
		closed := account(h.now)
		closed.Status = access.StatusClosed
		require.NoError(t, h.store.Accounts().Set(t.Context(), closed))
		_, _, err = h.Mint(operator(t), sessions.Draft{Account: "acct_1"})
		require.Equal(t, "account_closed", fault.CodeOf(err))
		_, _, err = h.Resolve(t.Context(), token.Reveal())
		require.ErrorIs(t, err, sessions.ErrNotSignedIn)
	})
}

// A5: idle and absolute limits, to the instant.
func TestService_Resolve_limits(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		operator       bool
		idle, absolute time.Duration
	}{
		"person": {false, 30 * time.Minute, 12 * time.Hour},
		"staff":  {true, 15 * time.Minute, 8 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := build(t)
			token, s, err := h.Mint(operator(t), sessions.Draft{Account: "acct_1", Operator: c.operator})
			require.NoError(t, err)
			start := h.now
			require.Equal(t, start.Add(c.absolute), s.ExpiresAt)

			h.now = start.Add(c.idle - time.Microsecond)
			got, _, err := h.Resolve(t.Context(), token.Reveal())
			require.NoError(t, err)
			require.Equal(t, h.now, got.SeenAt)
			h.now = h.now.Add(c.idle)
			_, _, err = h.Resolve(t.Context(), token.Reveal())
			require.ErrorIs(t, err, sessions.ErrNotSignedIn)

			token, _, err = h.Mint(operator(t), sessions.Draft{Account: "acct_1", Operator: c.operator})
			require.NoError(t, err)
			for start = h.now; h.now.Before(start.Add(c.absolute - c.idle/2)); h.now = h.now.Add(c.idle / 2) {
				_, _, err = h.Resolve(t.Context(), token.Reveal())
				require.NoError(t, err)
			}
			h.now = start.Add(c.absolute - time.Microsecond)
			_, _, err = h.Resolve(t.Context(), token.Reveal())
			require.NoError(t, err)
			h.now = start.Add(c.absolute)
			_, _, err = h.Resolve(t.Context(), token.Reveal())
			require.ErrorIs(t, err, sessions.ErrNotSignedIn)
		})
	}
}

// A5: what a page does by itself keeps no session awake.
func TestService_Glance(t *testing.T) {
	t.Parallel()
	h := build(t)
	token, s, err := h.Mint(operator(t), sessions.Draft{Account: "acct_1"})
	require.NoError(t, err)
	start := h.now
	for h.now = start; h.now.Before(start.Add(sessions.Idle)); h.now = h.now.Add(sessions.Idle / 5) {
		got, a, err := h.Glance(t.Context(), token.Reveal())
		require.NoError(t, err)
		require.Equal(t, s.SeenAt, got.SeenAt)
		require.Equal(t, "acct_1", a.ID)
	}
	_, _, err = h.Glance(t.Context(), token.Reveal())
	require.ErrorIs(t, err, sessions.ErrNotSignedIn)
}

func TestService_Resolve_touch(t *testing.T) {
	t.Parallel()
	h := build(t)
	token, s, err := h.Mint(operator(t), sessions.Draft{Account: "acct_1"})
	require.NoError(t, err)
	h.now = h.now.Add(sessions.TouchEvery - time.Microsecond)
	got, _, err := h.Resolve(t.Context(), token.Reveal())
	require.NoError(t, err)
	require.Equal(t, s.SeenAt, got.SeenAt)
	h.now = h.now.Add(time.Microsecond)
	_, _, err = h.Resolve(t.Context(), token.Reveal())
	require.NoError(t, err)
	stored, _, err := h.store.Sessions().ByHash(t.Context(), s.Hash)
	require.NoError(t, err)
	require.Equal(t, h.now, stored.SeenAt)
}

func TestService_Resolve_refused(t *testing.T) {
	t.Parallel()
	h := build(t)
	token, _, err := h.Mint(operator(t), sessions.Draft{Account: "acct_1"})
	require.NoError(t, err)
	text := token.Reveal()
	flipped := "A"
	if text[0] == 'A' {
		flipped = "B"
	}
	for _, bad := range []string{"", "x", text[1:], text + "=", text + text, flipped + text[1:], strings.Repeat("\x00", 43)} {
		_, _, err := h.Resolve(t.Context(), bad)
		require.ErrorIs(t, err, sessions.ErrNotSignedIn)
	}
	t.Run("an unreachable store is not a sign-out", func(t *testing.T) { // G3
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, _, err := h.Resolve(ctx, text)
		require.Error(t, err)
		require.NotErrorIs(t, err, sessions.ErrNotSignedIn)
	})
}

func TestService_End(t *testing.T) {
	t.Parallel()
	h := build(t)
	token, s, err := h.Mint(operator(t), sessions.Draft{Account: "acct_1"})
	require.NoError(t, err)
	require.ErrorIs(t, h.End(t.Context(), "signed_out"), sessions.ErrNotSignedIn)

	ctx := sessions.With(t.Context(), sessions.Current{Session: s, Account: account(h.now)})
	require.NoError(t, h.End(ctx, "signed_out"))
	_, _, err = h.Resolve(t.Context(), token.Reveal())
	require.ErrorIs(t, err, sessions.ErrNotSignedIn)
	es, err := h.store.Events().List(t.Context(), store.EventQuery{Account: "acct_1"})
	require.NoError(t, err)
	require.Equal(t, audit.SessionEnded, es[0].Kind)
	require.Equal(t, audit.Actor{Kind: audit.ActorUser, ID: s.ID}, es[0].Actor)
}

func TestFrom(t *testing.T) {
	t.Parallel()
	c := sessions.Current{Session: store.Session{ID: "ses_1", Account: "acct_1", User: "user_1", Role: access.RoleAdmin}}
	ctx := sessions.With(t.Context(), c)
	got, ok := sessions.From(ctx)
	require.True(t, ok)
	require.Equal(t, c, got)
	require.Equal(t, "user_1", access.By(ctx).ID)
	_, ok = sessions.From(access.WithPrincipal(ctx, access.Principal{Kind: access.PrincipalService}))
	require.False(t, ok, "another principal acts by now")
	_, ok = sessions.From(t.Context())
	require.False(t, ok)
}

func TestGate(t *testing.T) {
	t.Parallel()
	h := build(t)
	gate := &sessions.Gate{Store: h.store, Enabled: access.NewGroups(access.GroupAPI, access.GroupChat), Boundary: gates.BoundaryNotRequired}
	a := account(h.now)
	ctx := func(s store.Session) context.Context {
		s.ID = "ses_1"
		return sessions.With(t.Context(), sessions.Current{Session: s, Account: a})
	}
	mine := store.Session{Account: a.ID, UserRule: sessions.RuleNone}

	require.Equal(t, "credits_exhausted", fault.CodeOf(gate.Admit(ctx(mine), a, access.Principal{})))
	h.grant(t)
	require.NoError(t, gate.Admit(ctx(mine), a, access.Principal{}))

	for name, c := range map[string]struct {
		session store.Session
		account func(*store.Account)
		reason  gates.Reason
	}{
		"session of another account": {store.Session{Account: "acct_2", UserRule: sessions.RuleNone}, nil, gates.NotSignedIn},
		"unknown rule":               {store.Session{Account: a.ID}, nil, gates.NoProductGroup},
		"user without the group":     {store.Session{Account: a.ID, UserRule: sessions.RuleRequired}, nil, gates.NoProductGroup},
		"review":                     {mine, func(a *store.Account) { a.Billing = billing.Review }, gates.PaymentReview},
		"pending":                    {mine, func(a *store.Account) { a.Status = access.StatusPending }, gates.AccountPending},
		"no group":                   {mine, func(a *store.Account) { a.Groups = access.Groups{} }, gates.NoProductGroup},
	} {
		t.Run(name, func(t *testing.T) {
			a := a
			if c.account != nil {
				c.account(&a)
			}
			require.Equal(t, string(c.reason), fault.CodeOf(gate.Admit(ctx(c.session), a, access.Principal{})))
		})
	}
	require.Equal(t, "not_signed_in", fault.CodeOf(gate.Admit(t.Context(), a, access.Principal{})))
	ds, err := gate.Decide(ctx(mine), a, access.AreaChat, access.AreaAPI, access.AreaOperator)
	require.NoError(t, err)
	require.Equal(t, []bool{false, true, false}, []bool{ds[0].Allowed, ds[1].Allowed, ds[2].Allowed})
	require.Equal(t, []gates.Reason{gates.NoProductGroup}, ds[0].Reasons)
}
