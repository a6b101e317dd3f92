package sessions_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/sessions"
	"github.com/archibot/archibotchat/ports/store"
)

func TestService_Check(t *testing.T) { // A5, A7: what goes on ends with its session
	t.Parallel()
	for name, end := range map[string]func(h *house, u store.User, session string) error{
		"ended": func(h *house, _ store.User, session string) error {
			return h.store.Sessions().End(t.Context(), session, h.now, "test")
		},
		"idle": func(h *house, _ store.User, _ string) error {
			h.now = h.now.Add(sessions.Idle)
			return nil
		},
		"removed": func(h *house, u store.User, _ string) error {
			return h.store.Members().Remove(t.Context(), "acct_1", u.ID)
		},
		"switched": func(h *house, u store.User, session string) error {
			a := account(h.now)
			a.ID = "acct_2"
			if err := h.store.Accounts().Create(t.Context(), a); err != nil {
				return err
			}
			if err := h.store.Members().Add(t.Context(), store.Member{Account: "acct_2", User: u.ID, Role: access.RoleMember}); err != nil {
				return err
			}
			return h.store.Sessions().Switch(t.Context(), session, "acct_2")
		},
		"closed": func(h *house, _ store.User, _ string) error {
			a, err := h.store.Accounts().Get(t.Context(), "acct_1")
			if err != nil {
				return err
			}
			a.Status = access.StatusClosed
			return h.store.Accounts().Set(t.Context(), a)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := build(t)
			u := h.user(t, 1, sessions.RuleNone, nil, "acct_1")
			ctx, _ := h.open(t, store.Session{Account: "acct_1", User: u.ID})
			require.NoError(t, h.Check(ctx))
			require.NoError(t, end(h, u, current(t, ctx).Session.ID))
			require.ErrorIs(t, h.Check(ctx), sessions.ErrNotSignedIn)
		})
	}
	require.ErrorIs(t, build(t).Check(t.Context()), sessions.ErrNotSignedIn)
}
