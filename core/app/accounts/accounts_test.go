package accounts_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/sqlstore"
	"github.com/archibot/archibotchat/adapters/sqlstore/blank"
	"github.com/archibot/archibotchat/adapters/system"
	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/accounts"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/billing"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func open(t *testing.T) (*sqlstore.Store, func(string) string) {
	t.Helper()
	ids := system.NewIDs(system.Now)
	s, err := sqlstore.Open(t.Context(), sqlstore.Config{
		URL: blank.SQLite(t, filepath.Join(t.TempDir(), "test.db")), NewID: ids.New,
		Now: func() time.Time { return noon },
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	require.NoError(t, s.Migrate(t.Context()))
	return s, ids.New
}

func service(s store.Store, newID func(string) string) *accounts.Service {
	return accounts.New(accounts.Deps{Store: s, Now: func() time.Time { return noon }, NewID: newID})
}

func operator(t *testing.T) context.Context {
	return access.WithRequest(access.WithPrincipal(t.Context(), access.Principal{Kind: access.PrincipalOperator, ID: "cli"}), "req_1")
}

func events(t *testing.T, s store.Store, account string) []audit.Event {
	t.Helper()
	es, err := s.Events().List(t.Context(), store.EventQuery{Account: account})
	require.NoError(t, err)
	return es
}

func TestService_Create(t *testing.T) {
	t.Parallel()
	s, newID := open(t)
	svc := service(s, newID)

	t.Run("with credits", func(t *testing.T) {
		a, err := svc.Create(operator(t), accounts.Draft{Name: " Example ", Groups: access.NewGroups(access.GroupAPI), Billing: billing.OperatorApproved, Credits: 5 * ledger.Credit})
		require.NoError(t, err)
		require.Equal(t, "Example", a.Name)
		require.Equal(t, access.StatusActive, a.Status)
		require.EqualValues(t, 1, a.Entries)

		v, err := svc.Show(t.Context(), a.ID)
		require.NoError(t, err)
		require.Equal(t, a, v.Account)
		require.Equal(t, ledger.Balance{Balance: 5 * ledger.Credit, Available: 5 * ledger.Credit}, v.Balance)

		es := events(t, s, a.ID)
		require.Len(t, es, 2)
		require.Equal(t, audit.CreditsGranted, es[0].Kind)
		require.Equal(t, 5*ledger.Credit, es[0].Amount)
		require.Equal(t, audit.AccountCreated, es[1].Kind)
		for _, e := range es { // U1, and the request ID on all
			require.Equal(t, "req_1", e.Request)
			require.Equal(t, audit.Actor{Kind: audit.ActorOperator, ID: "cli"}, e.Actor)
		}
	})
	t.Run("states unless told", func(t *testing.T) {
		a, err := svc.Create(operator(t), accounts.Draft{Name: "Bare"})
		require.NoError(t, err)
		require.Equal(t, billing.None, a.Billing)
		require.Zero(t, a.Entries)
	})
	for name, d := range map[string]accounts.Draft{
		"no name":         {},
		"bidi name":       {Name: "a\u202eb"},
		"unknown billing": {Name: "x", Billing: "paid"},
		"unknown status":  {Name: "x", Status: "open"},
		"negative":        {Name: "x", Credits: -1},
		"too much":        {Name: "x", Credits: ledger.MaxAmount + 1},
	} {
		t.Run(name, func(t *testing.T) {
			before, err := svc.List(t.Context(), store.Page{})
			require.NoError(t, err)
			_, err = svc.Create(operator(t), d)
			require.Equal(t, fault.Invalid, fault.KindOf(err))
			after, err := svc.List(t.Context(), store.Page{})
			require.NoError(t, err)
			require.Equal(t, before, after)
		})
	}
	t.Run("not by a user", func(t *testing.T) {
		ctx := access.WithPrincipal(t.Context(), access.Principal{Kind: access.PrincipalUser, Role: access.RoleAdmin, ID: "user_1", User: "user_1"})
		_, err := svc.Create(ctx, accounts.Draft{Name: "x"})
		require.ErrorIs(t, err, accounts.ErrOperatorsOnly)
		_, err = svc.Create(t.Context(), accounts.Draft{Name: "x"}) // by nobody
		require.ErrorIs(t, err, accounts.ErrOperatorsOnly)
	})
}

// deaf is a store whose commits fail; replies counts those that fail after
// the commit.
type deaf struct {
	store.Store
	lost, calls int
}

func (d *deaf) Commit(ctx context.Context, by store.Replica, ops []ledger.Op) ([]ledger.Outcome, error) {
	d.calls++
	if d.lost == 0 {
		return nil, store.ErrUnavailable
	}
	out, err := d.Store.Commit(ctx, by, ops)
	if d.lost--; err == nil && d.calls == 1 {
		return nil, store.ErrUnavailable
	}
	return out, err
}

func TestService_Create_grantFails(t *testing.T) {
	t.Parallel()
	s, newID := open(t)

	t.Run("the account is named", func(t *testing.T) {
		a, err := service(&deaf{Store: s}, newID).Create(operator(t), accounts.Draft{Name: "x", Credits: 1})
		require.Equal(t, "grant_failed", fault.CodeOf(err))
		require.Equal(t, fault.Unavailable, fault.KindOf(err))
		require.NotEmpty(t, a.ID)
		require.Contains(t, fault.From(err).Message, a.ID)
		require.ErrorIs(t, err, store.ErrUnavailable)
		_, err = s.Accounts().Get(t.Context(), a.ID)
		require.NoError(t, err)
	})
	t.Run("a lost reply grants once", func(t *testing.T) {
		a, err := service(&deaf{Store: s, lost: 2}, newID).Create(operator(t), accounts.Draft{Name: "x", Credits: 7})
		require.NoError(t, err)
		lots, err := s.Ledger().Lots(t.Context(), a.ID)
		require.NoError(t, err)
		require.Len(t, lots, 1)
		require.EqualValues(t, 1, a.Entries)
	})
}

func TestService_Set(t *testing.T) {
	t.Parallel()
	s, newID := open(t)
	svc := service(s, newID)
	a, err := svc.Create(operator(t), accounts.Draft{Name: "Old", Groups: access.NewGroups(access.GroupChat)})
	require.NoError(t, err)

	name, state, groups, status := "New", billing.Active, access.NewGroups(access.GroupAPI, access.GroupChat), access.StatusSuspended
	b, err := svc.Set(operator(t), a.ID, accounts.Change{Name: &name, Billing: &state, Groups: &groups, Status: &status})
	require.NoError(t, err)
	require.Equal(t, "New", b.Name)
	require.Equal(t, billing.Active, b.Billing)
	require.True(t, groups.Equal(b.Groups))
	require.Equal(t, access.StatusSuspended, b.Status)
	require.Greater(t, b.Epoch, a.Epoch) // G7

	es := events(t, s, a.ID)
	require.Len(t, es, 2)
	require.Equal(t, audit.AccountChanged, es[0].Kind)
	require.Equal(t, "name,groups,billing,status", es[0].Reason)
	require.Equal(t, a.ID, es[0].Subject)

	t.Run("without a difference", func(t *testing.T) {
		c, err := svc.Set(operator(t), a.ID, accounts.Change{Name: &name, Groups: &groups})
		require.NoError(t, err)
		require.Equal(t, b, c)
		require.Len(t, events(t, s, a.ID), 2)
	})
	t.Run("refused", func(t *testing.T) {
		bad, open := billing.State("paid"), access.Status("open")
		_, err := svc.Set(operator(t), a.ID, accounts.Change{Billing: &bad})
		require.Equal(t, "unknown_billing_state", fault.CodeOf(err))
		_, err = svc.Set(operator(t), a.ID, accounts.Change{Status: &open})
		require.Equal(t, "unknown_status", fault.CodeOf(err))
		_, err = svc.Set(operator(t), "acct_none", accounts.Change{Name: &name})
		require.ErrorIs(t, err, store.ErrNotFound)
		_, err = svc.Set(t.Context(), a.ID, accounts.Change{Name: &name})
		require.ErrorIs(t, err, accounts.ErrOperatorsOnly)
		require.Len(t, events(t, s, a.ID), 2)
	})
}
