package limits_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/sqlstore"
	"github.com/archibot/archibotchat/adapters/sqlstore/blank"
	"github.com/archibot/archibotchat/adapters/system"
	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/limits"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/billing"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

// house is a store with two accounts that have credits, and a clock.
type house struct {
	*limits.Service
	t     *testing.T
	store *sqlstore.Store
	now   time.Time
}

func build(t *testing.T) *house {
	t.Helper()
	t.Parallel()
	h := &house{t: t, now: time.Date(2026, 3, 15, 12, 0, 0, 0, time.UTC)}
	ids := system.NewIDs(system.Now)
	clock := func() time.Time { return h.now }
	var err error
	h.store, err = sqlstore.Open(t.Context(), sqlstore.Config{URL: blank.SQLite(t, filepath.Join(t.TempDir(), "test.db")), NewID: ids.New, TestClock: clock})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, h.store.Close()) })
	require.NoError(t, h.store.Migrate(t.Context()))
	for _, id := range []string{"acct_1", "acct_2"} {
		require.NoError(t, h.store.Accounts().Create(t.Context(), store.Account{Billing: billing.Active, Account: access.Account{
			ID: id, Name: "One", Status: access.StatusActive, Groups: access.NewGroups(access.GroupAPI), CreatedAt: h.now, UpdatedAt: h.now,
		}}))
		h.commit(ledger.Op{Kind: ledger.OpGrant, Account: id, Lot: "lot_" + id, Amount: ledger.MaxAmount, Source: ledger.SourceOperator})
	}
	h.Service = limits.New(limits.Deps{Store: h.store, Now: clock, NewID: ids.New})
	return h
}

func (h *house) commit(ops ...ledger.Op) {
	h.t.Helper()
	outs, err := h.store.Commit(h.t.Context(), store.Replica{}, ops)
	require.NoError(h.t, err)
	for _, o := range outs {
		require.NoError(h.t, o.Err)
	}
}

// spend debits an account, under the limits it has.
func (h *house) spend(account, request string, cost int64, of ...ledger.Limit) {
	h.t.Helper()
	h.commit(ledger.Op{Kind: ledger.OpSpend, Account: account, Request: request, Nonce: "n", Amount: cost, Cost: cost, Limits: of})
}

func (h *house) events() (out []audit.Event) {
	h.t.Helper()
	es, err := h.store.Events().List(h.t.Context(), store.EventQuery{Account: "acct_1", Kinds: []audit.Kind{audit.LimitSet, audit.LimitCleared}})
	require.NoError(h.t, err)
	return es
}

func by(t *testing.T, p access.Principal) context.Context {
	return access.WithRequest(access.WithPrincipal(t.Context(), p), "req_1")
}

func operator(t *testing.T) context.Context {
	return by(t, access.Principal{Kind: access.PrincipalOperator, ID: "pat"})
}

func user(t *testing.T, account string, role access.Role) context.Context {
	return by(t, access.Principal{Kind: access.PrincipalUser, ID: "user_1", User: "user_1", Account: account, Role: role})
}

func n(v int64) *int64 { return &v }

var (
	ofOperator = limits.Whose{Kind: limits.Operator}
	ofAccount  = limits.Whose{Kind: limits.Account}
	ofMember   = limits.Whose{Kind: limits.Member, ID: "user_7"}
)

func TestService_Set(t *testing.T) { // L12, U1
	h := build(t)
	v, err := h.Set(user(t, "acct_1", access.RoleAdmin), "acct_1", ofAccount, ledger.LimitChange{Monthly: n(500)})
	require.NoError(t, err)
	april := time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
	require.Equal(t, limits.View{Whose: ofAccount, Limit: ledger.Limit{Scope: "acct_1", Monthly: 500}, UpdatedAt: h.now, Until: april}, v)
	v, err = h.Set(operator(t), "acct_1", ofOperator, ledger.LimitChange{Monthly: n(900), Requests: n(60)})
	require.NoError(t, err)
	require.Equal(t, ledger.Limit{Scope: "operator", Monthly: 900, Requests: 60}, v.Limit)
	_, err = h.Set(operator(t), "acct_1", ofMember, ledger.LimitChange{Tokens: n(1000)})
	require.NoError(t, err)
	v, err = h.Set(operator(t), "acct_1", ofOperator, ledger.LimitChange{Requests: n(0)})
	require.NoError(t, err)
	require.Equal(t, ledger.Limit{Scope: "operator", Monthly: 900}, v.Limit, "what is not named stays")

	list, err := h.List(user(t, "acct_1", access.RoleAdmin), "acct_1", store.Page{})
	require.NoError(t, err)
	var of []limits.Whose
	for _, v := range list {
		of = append(of, v.Whose)
	}
	require.Equal(t, []limits.Whose{ofAccount, ofOperator, ofMember}, of)

	es := h.events()
	require.Len(t, es, 4)
	require.Equal(t, []string{"operator", "user_7", "operator", "acct_1"}, []string{es[0].Subject, es[1].Subject, es[2].Subject, es[3].Subject})
	require.Equal(t, "monthly=900,requests=0,tokens=0", es[0].Reason)
	require.Equal(t, audit.Actor{Kind: audit.ActorOperator, ID: "pat"}, es[0].Actor)
	require.Equal(t, audit.Actor{Kind: audit.ActorUser, ID: "user_1"}, es[3].Actor)
	require.Equal(t, "req_1", es[3].Request)

	for _, c := range []ledger.LimitChange{{}, {Monthly: n(900)}, {Tokens: n(0)}} {
		_, err = h.Set(operator(t), "acct_1", ofOperator, c)
		require.NoError(t, err)
	}
	_, err = h.Set(operator(t), "acct_2", ofAccount, ledger.LimitChange{Monthly: n(0)})
	require.NoError(t, err)
	require.Len(t, h.events(), 4, "a change that changes nothing writes nothing")

	v, err = h.Set(operator(t), "acct_1", ofOperator, ledger.LimitChange{Monthly: n(0)})
	require.NoError(t, err)
	require.True(t, v.None())
	require.Equal(t, audit.LimitCleared, h.events()[0].Kind)
	require.ErrorIs(t, h.Clear(operator(t), "acct_1", ofOperator), store.ErrNotFound)
	require.NoError(t, h.Clear(operator(t), "acct_1", ofMember))
	require.Equal(t, "user_7", h.events()[0].Subject)
	list, err = h.List(operator(t), "acct_1", store.Page{})
	require.NoError(t, err)
	require.Len(t, list, 1)
}

func TestService_refused(t *testing.T) { // L12: who may
	h := build(t)
	admin, member := user(t, "acct_1", access.RoleAdmin), user(t, "acct_1", access.RoleMember)
	foreign := user(t, "acct_2", access.RoleAdmin)
	key := by(t, access.Principal{Kind: access.PrincipalKey, ID: "key_1", Account: "acct_1", User: "user_1"})
	for name, c := range map[string]struct {
		ctx  context.Context
		of   limits.Whose
		code string
	}{
		"a member":             {member, ofAccount, "admin_required"},
		"a member for another": {member, ofMember, "admin_required"},
		"a member for oneself": {member, limits.Whose{Kind: limits.Member, ID: "user_1"}, "admin_required"},
		"a key":                {key, ofAccount, "admin_required"},
		"nobody":               {t.Context(), ofAccount, "admin_required"},
		"another account's":    {foreign, ofAccount, "admin_required"},
		"what operators gave":  {admin, ofOperator, "operators_only"},
		"a key's":              {admin, limits.Whose{Kind: limits.Key, ID: "key_1"}, "not_found"},
		"no user":              {admin, limits.Whose{Kind: limits.Member, ID: "acct_1"}, "not_found"},
		"an account with ID":   {admin, limits.Whose{Kind: limits.Account, ID: "acct_2"}, "not_found"},
		"nothing":              {admin, limits.Whose{}, "not_found"},
	} {
		_, err := h.Set(c.ctx, "acct_1", c.of, ledger.LimitChange{Monthly: n(1)})
		require.Equal(t, c.code, fault.CodeOf(err), name)
		require.Equal(t, c.code, fault.CodeOf(h.Clear(c.ctx, "acct_1", c.of)), name)
	}
	for name, ctx := range map[string]context.Context{"a member": member, "nobody": t.Context(), "a key": key, "foreign": foreign} {
		_, err := h.List(ctx, "acct_1", store.Page{})
		require.ErrorIs(t, err, limits.ErrAdminRequired, name)
	}
	_, err := h.Set(admin, "acct_1", ofAccount, ledger.LimitChange{Requests: n(-1)})
	require.Equal(t, "invalid_limit", fault.CodeOf(err))
	_, err = h.Set(operator(t), "acct_none", ofAccount, ledger.LimitChange{Requests: n(1)})
	require.ErrorIs(t, err, store.ErrNotFound)
	require.Empty(t, h.events())
}

func TestService_Set_tooMany(t *testing.T) {
	h := build(t)
	require.NoError(t, h.store.Do(t.Context(), func(ctx context.Context, tx store.Stores) error {
		for i := range limits.MaxMembers {
			if err := tx.Limits().Set(ctx, "acct_1", ledger.Limit{Scope: fmt.Sprintf("user_%04d", i), Monthly: 1}, h.now); err != nil {
				return err
			}
		}
		return tx.Limits().Set(ctx, "acct_2", ledger.Limit{Scope: "user_0", Monthly: 1}, h.now)
	}))
	_, err := h.Set(operator(t), "acct_1", limits.Whose{Kind: limits.Member, ID: "user_more"}, ledger.LimitChange{Monthly: n(1)})
	require.ErrorIs(t, err, limits.ErrTooMany)
	_, err = h.Set(operator(t), "acct_1", limits.Whose{Kind: limits.Member, ID: "user_0007"}, ledger.LimitChange{Monthly: n(2)})
	require.NoError(t, err)
	_, err = h.Set(operator(t), "acct_2", limits.Whose{Kind: limits.Member, ID: "user_more"}, ledger.LimitChange{Monthly: n(1)})
	require.NoError(t, err)
}

// A budget that begins in the middle of a month counts all of it.
func TestService_Set_midMonth(t *testing.T) { // L12
	h := build(t)
	h.now = time.Date(2026, 3, 31, 23, 59, 59, 0, time.UTC)
	h.spend("acct_1", "req_before", 1000)
	h.now = h.now.Add(time.Second)
	for i := range 2500 {
		h.spend("acct_1", fmt.Sprint("req_", i), 2)
	}
	h.spend("acct_2", "req_elsewhere", 77)
	for _, of := range []limits.Whose{ofAccount, ofOperator} {
		v, err := h.Set(operator(t), "acct_1", of, ledger.LimitChange{Monthly: n(6000), Requests: n(10)})
		require.NoError(t, err)
		require.EqualValues(t, 5000, v.Spent, "all of April, and nothing of March")
	}
	v, err := h.Set(operator(t), "acct_1", ofMember, ledger.LimitChange{Monthly: n(6000)})
	require.NoError(t, err)
	require.Zero(t, v.Spent, "a member's counts from when it is set")

	of := ledger.Limit{Scope: "acct_1", Monthly: 6000}
	h.spend("acct_1", "req_next", 100, of)
	v, err = h.Set(operator(t), "acct_1", ofAccount, ledger.LimitChange{Monthly: n(5200)})
	require.NoError(t, err)
	require.EqualValues(t, 5100, v.Spent, "a budget that is changed goes on counting")

	require.NoError(t, h.Clear(operator(t), "acct_1", ofAccount))
	h.spend("acct_1", "req_unseen", 300)
	v, err = h.Set(operator(t), "acct_1", ofAccount, ledger.LimitChange{Monthly: n(5200)})
	require.NoError(t, err)
	require.EqualValues(t, 5400, v.Spent, "one that was cleared has missed nothing")

	h.now = h.now.AddDate(0, 1, 0)
	list, err := h.List(operator(t), "acct_1", store.Page{Limit: 1})
	require.NoError(t, err)
	require.Zero(t, list[0].Spent, "a new month")
	require.Equal(t, time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC), list[0].Until)
}

// late is a store on which something happens before a transaction begins.
type late struct {
	store.Store
	before func()
}

func (l late) Do(ctx context.Context, fn func(context.Context, store.Stores) error) error {
	l.before()
	return l.Store.Do(ctx, fn)
}

func TestService_Set_midMonth_busy(t *testing.T) { // what is spent while the month is counted counts, too
	h := build(t)
	h.spend("acct_1", "req_1", 7)
	busy := limits.New(limits.Deps{Store: late{h.store, func() {
		for i := range 1001 {
			h.spend("acct_1", fmt.Sprint("req_late_", i), 1)
		}
	}}, Now: func() time.Time { return h.now }, NewID: system.NewIDs(system.Now).New})
	v, err := busy.Set(operator(t), "acct_1", ofAccount, ledger.LimitChange{Monthly: n(6000)})
	require.NoError(t, err)
	require.EqualValues(t, 1008, v.Spent)
}
