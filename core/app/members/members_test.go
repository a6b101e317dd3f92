package members_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/ports/store"
)

func TestService_Remove(t *testing.T) { // A7, U1
	each(t, func(t *testing.T, h *house) {
		h.add(t, "acct_2", mo, access.RoleMember)
		h.session(t, "ses_1", mo, "acct_1")
		h.session(t, "ses_2", mo, "acct_2")
		h.session(t, "ses_3", ann, "acct_1")
		own, elsewhere, anns, nobodys := h.key(t, 1, mo, "acct_1"), h.key(t, 2, mo, "acct_2"), h.key(t, 3, ann, "acct_1"), h.key(t, 4, "", "acct_1")
		before := len(h.events(t))
		head, err := h.store.Changes().Head(t.Context())
		require.NoError(t, err)

		require.NoError(t, h.Remove(admin(t), "acct_1", mo))
		require.Equal(t, "member_removed", h.ended(t, "ses_1"))
		require.Empty(t, h.ended(t, "ses_2"), "of another account")
		require.Empty(t, h.ended(t, "ses_3"), "somebody else's")
		require.Equal(t, keys.StateRevoked, h.state(t, own))
		for _, id := range []string{elsewhere, anns, nobodys} {
			require.Equal(t, keys.StateActive, h.state(t, id))
		}
		require.Equal(t, []string{"member.removed " + mo + " removed", "session.ended ses_1 member_removed", "key.revoked " + own + " member_removed"},
			h.events(t)[before:])
		changes, err := h.store.Changes().Since(t.Context(), head, 100)
		require.NoError(t, err)
		require.NotEmpty(t, changes, "every replica hears of it (G7)")
		_, err = h.store.Members().Get(t.Context(), "acct_1", mo)
		require.ErrorIs(t, err, store.ErrNotFound)
		require.ErrorIs(t, h.Remove(admin(t), "acct_1", mo), store.ErrNotFound)
	})
}

func TestService_Remove_whole(t *testing.T) { // U1: all of it or nothing
	each(t, func(t *testing.T, h *house) {
		h.session(t, "ses_1", mo, "acct_1")
		own := h.key(t, 1, mo, "acct_1")
		bad := access.WithRequest(admin(t), "req_\x00") // its events cannot be written
		require.Error(t, h.Remove(bad, "acct_1", mo))
		require.Empty(t, h.ended(t, "ses_1"))
		require.Equal(t, keys.StateActive, h.state(t, own))
		_, err := h.store.Members().Get(t.Context(), "acct_1", mo)
		require.NoError(t, err)
	})
}

func TestService_Remove_leave(t *testing.T) { // A7
	each(t, func(t *testing.T, h *house) {
		require.NoError(t, h.Remove(as(t, mo, "acct_1", access.RoleMember), "acct_1", mo))
		events := h.events(t)
		require.Equal(t, "member.removed "+mo+" left", events[len(events)-1])
	})
}

func TestService_lastAdmin(t *testing.T) { // A7
	each(t, func(t *testing.T, h *house) {
		for name, ctx := range map[string]context.Context{"admin": admin(t), "operator": operator(t)} {
			require.Equal(t, "last_admin", fault.CodeOf(h.Remove(ctx, "acct_1", ann)), name)
			_, err := h.SetRole(ctx, "acct_1", ann, access.RoleMember)
			require.Equal(t, "last_admin", fault.CodeOf(err), name)
		}
		m, err := h.SetRole(admin(t), "acct_1", mo, access.RoleAdmin)
		require.NoError(t, err)
		require.Equal(t, access.RoleAdmin, m.Role)
		// Of two admins who remove each other at once, one stays.
		errs := make(chan error, 2)
		go func() { errs <- h.Remove(admin(t), "acct_1", mo) }()
		go func() { errs <- h.Remove(as(t, mo, "acct_1", access.RoleAdmin), "acct_1", ann) }()
		first, second := <-errs, <-errs
		require.NotEqual(t, first == nil, second == nil, "%v, %v", first, second)
		n, err := h.store.Members().Admins(t.Context(), "acct_1")
		require.NoError(t, err)
		require.EqualValues(t, 1, n)
	})
}

func TestService_SetRole(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		before := len(h.events(t))
		for range 2 { // the second changes nothing
			_, err := h.SetRole(admin(t), "acct_1", mo, access.RoleAdmin)
			require.NoError(t, err)
		}
		require.Equal(t, []string{"member.changed " + mo + " admin"}, h.events(t)[before:])
		_, err := h.SetRole(admin(t), "acct_1", mo, "owner")
		require.Equal(t, "unknown_role", fault.CodeOf(err))
		_, err = h.SetRole(admin(t), "acct_1", guest, access.RoleAdmin)
		require.ErrorIs(t, err, store.ErrNotFound)
	})
}

func TestService_List(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		list, err := h.List(admin(t), "acct_1", store.Page{})
		require.NoError(t, err)
		require.Len(t, list, 2)
		require.Equal(t, "ann@example.org", list[0].Email)
	})
}

func TestService_Add(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		_, err := h.Add(admin(t), "acct_1", guest, access.RoleMember)
		require.Equal(t, "operators_only", fault.CodeOf(err), "only who is invited joins")
		_, err = h.Add(operator(t), "acct_1", mo, access.RoleAdmin)
		require.Equal(t, "already_member", fault.CodeOf(err))
		_, err = h.Add(operator(t), "acct_1", "user_none", access.RoleAdmin)
		require.ErrorIs(t, err, store.ErrNotFound)
		_, err = h.Add(operator(t), "acct_9", guest, access.RoleAdmin)
		require.ErrorIs(t, err, store.ErrNotFound)
		h.close(t, "acct_2")
		_, err = h.Add(operator(t), "acct_2", guest, access.RoleAdmin)
		require.Equal(t, "account_closed", fault.CodeOf(err))
	})
}

func (h *house) close(t *testing.T, account string) {
	t.Helper()
	a, err := h.store.Accounts().Get(t.Context(), account)
	require.NoError(t, err)
	a.Status = access.StatusClosed
	require.NoError(t, h.store.Accounts().Set(t.Context(), a))
}

// A member, an administrator of another account, a key, and nobody manage
// nothing; to those of another account it is not there.
func TestService_allowed(t *testing.T) { // A7, W4
	each(t, func(t *testing.T, h *house) {
		v, _, err := h.Invite(admin(t), "acct_1", "new@example.org", access.RoleMember)
		require.NoError(t, err)
		for who, c := range map[string]struct {
			ctx  context.Context
			code string
		}{
			"member":      {as(t, mo, "acct_1", access.RoleMember), "admin_required"},
			"no role":     {as(t, mo, "acct_1", ""), "admin_required"},
			"other admin": {as(t, other, "acct_2", access.RoleAdmin), "not_found"},
			"no account":  {as(t, guest, "", ""), "not_found"},
			"key":         {access.WithPrincipal(t.Context(), access.Principal{Kind: access.PrincipalKey, ID: "key_1", Account: "acct_1", User: ann, Role: access.RoleAdmin}), "admin_required"},
			"nobody":      {t.Context(), "not_found"},
		} {
			for what, do := range map[string]func() error{
				"list":   func() error { _, err := h.List(c.ctx, "acct_1", store.Page{}); return err },
				"role":   func() error { _, err := h.SetRole(c.ctx, "acct_1", mo, access.RoleAdmin); return err },
				"remove": func() error { return h.Remove(c.ctx, "acct_1", ann) },
				"invite": func() error { _, _, err := h.Invite(c.ctx, "acct_1", "x@example.org", access.RoleAdmin); return err },
				"list invitations": func() error {
					_, err := h.Invitations(c.ctx, "acct_1", store.Page{})
					return err
				},
				"revoke": func() error { return h.RevokeInvitation(c.ctx, "acct_1", v.ID) },
			} {
				require.Equal(t, c.code, fault.CodeOf(do()), "%s: %s", who, what)
			}
		}
	})
}
