package setup_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/sqlstore"
	"github.com/archibot/archibotchat/adapters/sqlstore/blank"
	"github.com/archibot/archibotchat/adapters/system"
	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/setup"
	"github.com/archibot/archibotchat/core/billing"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/ports/store"
)

// urls are the databases that every test runs on.
var urls = map[string]func(t *testing.T) string{
	"sqlite": func(t *testing.T) string { return blank.SQLite(t, filepath.Join(t.TempDir(), "test.db")) },
}

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// house is a store with two accounts, in an environment that asks for v2.
type house struct {
	store *sqlstore.Store
	ids   *system.IDs
}

func (h *house) service(b setup.Boundary) *setup.Service {
	return setup.New(setup.Deps{Store: h.store, Now: func() time.Time { return now }, NewID: h.ids.New, Environment: "hosted", Boundary: b})
}

var v2 = setup.Boundary{Required: true, Version: "v2", Text: "Read this."}

func each(t *testing.T, test func(t *testing.T, h *house)) {
	t.Helper()
	t.Parallel()
	for name, url := range urls {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := &house{ids: system.NewIDs(system.Now)}
			s, err := sqlstore.Open(t.Context(), sqlstore.Config{URL: url(t), NewID: h.ids.New, TestClock: func() time.Time { return now }})
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, s.Close()) })
			require.NoError(t, s.Migrate(t.Context()))
			h.store = s
			for _, id := range []string{"acct_1", "acct_2"} {
				require.NoError(t, s.Accounts().Create(t.Context(), store.Account{Billing: billing.Active, Account: access.Account{ID: id, Name: "House", Status: access.StatusActive}}))
			}
			test(t, h)
		})
	}
}

func as(t *testing.T, account string, role access.Role) context.Context {
	return access.WithPrincipal(t.Context(), access.Principal{Kind: access.PrincipalUser, ID: "user_1", User: "user_1", Account: account, Role: role})
}

func operator(t *testing.T) context.Context {
	return access.WithPrincipal(t.Context(), access.Principal{Kind: access.PrincipalOperator, ID: "cli"})
}

func (h *house) events(t *testing.T) (out []string) {
	t.Helper()
	list, err := h.store.Events().List(t.Context(), store.EventQuery{Account: "acct_1"})
	require.NoError(t, err)
	for _, e := range list {
		out = append(out, string(e.Kind)+" "+e.Reason)
	}
	return out
}

func TestService_Save(t *testing.T) { // A8, U1
	each(t, func(t *testing.T, h *house) {
		s := h.service(v2)
		v, err := s.Show(as(t, "acct_1", access.RoleMember), "acct_1")
		require.NoError(t, err)
		require.Equal(t, setup.View{Setup: store.Setup{Account: "acct_1"}, Boundary: v2, Acknowledgements: []store.Acknowledgement{}}, v)
		for _, use := range []string{" Summaries\nof notes ", "Other"} {
			v, err = s.Save(as(t, "acct_1", access.RoleAdmin), "acct_1", setup.Draft{IntendedUse: use, Notifications: "essential", Files: "metadata"})
			require.NoError(t, err)
			require.Equal(t, store.Setup{
				Account: "acct_1", IntendedUse: strings.TrimSpace(use), Notifications: "essential", Files: "metadata", UpdatedAt: now, UpdatedBy: "user_1",
			}, v.Setup)
		}
		require.Equal(t, []string{"setup.changed ", "setup.changed "}, h.events(t), "and none of the text")
		for code, d := range map[string]setup.Draft{
			"invalid_text":   {IntendedUse: strings.Repeat("x", setup.MaxUse+1), Notifications: "all", Files: "none"},
			"secret_in_text": {IntendedUse: "The password is hunter2.", Notifications: "all", Files: "none"}, // S2
			"unknown_choice": {Notifications: "all", Files: "some"},
		} {
			_, err = s.Save(as(t, "acct_1", access.RoleAdmin), "acct_1", d)
			require.Equal(t, code, fault.CodeOf(err))
		}
		_, err = s.Save(as(t, "acct_1", access.RoleAdmin), "acct_1", setup.Draft{IntendedUse: "a\u202eb", Notifications: "all", Files: "none"})
		require.Equal(t, "invalid_text", fault.CodeOf(err))
	})
}

func TestService_Acknowledge(t *testing.T) { // A8
	each(t, func(t *testing.T, h *house) {
		s := h.service(v2)
		_, err := s.Acknowledge(as(t, "acct_1", access.RoleAdmin), "acct_1", "v1")
		require.Equal(t, "boundary_changed", fault.CodeOf(err))
		for range 2 {
			v, err := s.Acknowledge(as(t, "acct_1", access.RoleAdmin), "acct_1", "v2")
			require.NoError(t, err)
			require.True(t, v.Acknowledged)
			require.Equal(t, []store.Acknowledgement{{Account: "acct_1", Environment: "hosted", Version: "v2", User: "user_1", At: now}}, v.Acknowledgements)
		}
		require.Equal(t, "boundary.acknowledged v2", h.events(t)[0])

		next := h.service(setup.Boundary{Required: true, Version: "v3"})
		v, err := next.Show(operator(t), "acct_1")
		require.NoError(t, err)
		require.False(t, v.Acknowledged, "a new version")
		v, err = s.Show(operator(t), "acct_2")
		require.NoError(t, err)
		require.False(t, v.Acknowledged, "another account")
		_, err = h.service(setup.Boundary{}).Acknowledge(as(t, "acct_1", access.RoleAdmin), "acct_1", "")
		require.Equal(t, "boundary_not_required", fault.CodeOf(err))
	})
}

func TestService_allowed(t *testing.T) { // A8, W4
	each(t, func(t *testing.T, h *house) {
		s := h.service(v2)
		draft := setup.Draft{Notifications: "all", Files: "none"}
		for who, c := range map[string]struct {
			ctx                     context.Context
			show, save, acknowledge string
		}{
			"member":      {as(t, "acct_1", access.RoleMember), "", "admin_required", "admin_required"},
			"other admin": {as(t, "acct_2", access.RoleAdmin), "not_found", "not_found", "not_found"},
			"no account":  {as(t, "", ""), "not_found", "not_found", "not_found"},
			"nobody":      {t.Context(), "not_found", "not_found", "admin_required"},
			"operator":    {operator(t), "", "", "admin_required"},
		} {
			code := func(err error) string {
				if err == nil {
					return ""
				}
				return fault.CodeOf(err)
			}
			_, err := s.Show(c.ctx, "acct_1")
			require.Equal(t, c.show, code(err), who)
			_, err = s.Save(c.ctx, "acct_1", draft)
			require.Equal(t, c.save, code(err), who)
			_, err = s.Acknowledge(c.ctx, "acct_1", "v2")
			require.Equal(t, c.acknowledge, code(err), who)
		}
		a, err := h.store.Accounts().Get(t.Context(), "acct_1")
		require.NoError(t, err)
		require.Empty(t, a.Boundary)
		_, err = s.Show(operator(t), "acct_9")
		require.ErrorIs(t, err, store.ErrNotFound)
	})
}
