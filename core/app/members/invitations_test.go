package members_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/members"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/ports/store"
)

func TestService_Accept(t *testing.T) { // A7, U1
	each(t, func(t *testing.T, h *house) {
		h.session(t, "ses_"+guest, guest, "")
		before := len(h.events(t))
		v, token, err := h.Invite(admin(t), "acct_1", "gUEST@example.org", access.RoleAdmin)
		require.NoError(t, err)
		require.Equal(t, h.now.Add(7*24*time.Hour), v.ExpiresAt)
		require.Equal(t, ann, v.By)
		require.Equal(t, "[redacted]", fmt.Sprint(token))

		m, err := h.Accept(as(t, guest, "", ""), token.Reveal())
		require.NoError(t, err)
		require.Equal(t, store.Member{Account: "acct_1", User: guest, Role: access.RoleAdmin, CreatedAt: h.now}, m)
		got, err := h.store.Members().Get(t.Context(), "acct_1", guest)
		require.NoError(t, err)
		require.Equal(t, m, got)
		ses, err := h.store.Sessions().Get(t.Context(), "ses_"+guest)
		require.NoError(t, err)
		require.Equal(t, "acct_1", ses.Account, "a session of nothing is one of the account now")
		require.Equal(t, []string{"invitation.created " + v.ID + " admin", "invitation.accepted " + v.ID + " ", "member.added " + guest + " admin", "session.switched ses_" + guest + " "},
			h.events(t)[before:])

		_, err = h.Accept(as(t, guest, "acct_1", access.RoleAdmin), token.Reveal())
		require.Equal(t, "invitation_over", fault.CodeOf(err), "twice")
	})
}

func TestService_Accept_refused(t *testing.T) { // A7
	each(t, func(t *testing.T, h *house) {
		v, token, err := h.Invite(admin(t), "acct_1", "guest@example.org", access.RoleMember)
		require.NoError(t, err)
		accept := func(user, text string) string {
			_, err := h.Accept(as(t, user, "", ""), text)
			require.Error(t, err)
			_, found := h.store.Members().Get(t.Context(), "acct_1", user)
			require.ErrorIs(t, found, store.ErrNotFound)
			return fault.CodeOf(err)
		}
		require.Equal(t, "invitation_for_another", accept(other, token.Reveal()), "another address")
		h.signIn(t, guest, "guest@example.org", false)
		require.Equal(t, "invitation_for_another", accept(guest, token.Reveal()), "an address that nobody verified")
		h.signIn(t, guest, "guest@example.org", true)
		for _, text := range []string{"", token.Reveal() + "A", token.Reveal()[1:], access.NewToken(func([]byte) {}).Reveal()} {
			require.Equal(t, "not_found", accept(guest, text))
		}
		_, err = h.Accept(access.WithPrincipal(t.Context(), access.Principal{Kind: access.PrincipalKey, User: guest}), token.Reveal())
		require.Equal(t, "not_signed_in", fault.CodeOf(err))

		require.NoError(t, h.RevokeInvitation(admin(t), "acct_1", v.ID))
		require.Equal(t, "invitation_over", accept(guest, token.Reveal()), "revoked")

		_, second, err := h.Invite(admin(t), "acct_1", "guest@example.org", access.RoleMember)
		require.NoError(t, err)
		_, third, err := h.Invite(admin(t), "acct_1", "GUEST@example.org", access.RoleMember)
		require.NoError(t, err)
		require.Equal(t, "invitation_over", accept(guest, second.Reveal()), "replaced")
		h.wait(members.InvitationLife)
		require.Equal(t, "invitation_over", accept(guest, third.Reveal()), "expired")
		_, fourth, err := h.Invite(admin(t), "acct_1", "guest@example.org", access.RoleMember)
		require.NoError(t, err)
		h.close(t, "acct_1")
		require.Equal(t, "account_closed", accept(guest, fourth.Reveal()))
	})
}

func TestService_Accept_member(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		_, token, err := h.Invite(admin(t), "acct_1", "mo@example.org", access.RoleAdmin)
		require.NoError(t, err)
		_, err = h.Accept(as(t, mo, "acct_1", access.RoleMember), token.Reveal())
		require.Equal(t, "already_member", fault.CodeOf(err))
		m, err := h.store.Members().Get(t.Context(), "acct_1", mo)
		require.NoError(t, err)
		require.Equal(t, access.RoleMember, m.Role)
	})
}

func TestService_Invite_faults(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		_, _, err := h.Invite(admin(t), "acct_1", "nobody", access.RoleMember)
		require.Equal(t, "invalid_email", fault.CodeOf(err))
		_, _, err = h.Invite(admin(t), "acct_1", "x@example.org", "owner")
		require.Equal(t, "unknown_role", fault.CodeOf(err))
		_, _, err = h.Invite(operator(t), "acct_9", "x@example.org", access.RoleMember)
		require.ErrorIs(t, err, store.ErrNotFound)
		require.ErrorIs(t, h.RevokeInvitation(admin(t), "acct_1", "inv_none"), store.ErrNotFound)
		h.close(t, "acct_2")
		_, _, err = h.Invite(operator(t), "acct_2", "x@example.org", access.RoleMember)
		require.Equal(t, "account_closed", fault.CodeOf(err))
	})
}

func TestService_Invite_bounded(t *testing.T) { // one for each address, so many of an account
	each(t, func(t *testing.T, h *house) {
		for n := range members.MaxOpen {
			_, _, err := h.Invite(admin(t), "acct_1", fmt.Sprint(n, "@example.org"), access.RoleMember)
			require.NoError(t, err)
		}
		_, _, err := h.Invite(admin(t), "acct_1", "one@example.org", access.RoleMember)
		require.Equal(t, "too_many_invitations", fault.CodeOf(err))
		again, _, err := h.Invite(admin(t), "acct_1", "7@EXAMPLE.org", access.RoleMember)
		require.NoError(t, err, "in place of another")
		list, err := h.Invitations(admin(t), "acct_1", store.Page{Limit: 1})
		require.NoError(t, err)
		require.Equal(t, again, list[0])
		h.wait(members.InvitationLife)
		_, _, err = h.Invite(admin(t), "acct_1", "one@example.org", access.RoleMember)
		require.NoError(t, err)
		list, err = h.Invitations(admin(t), "acct_1", store.Page{})
		require.NoError(t, err)
		require.Equal(t, store.InvitationOpen, list[0].State)
		require.Equal(t, store.InvitationExpired, list[1].State)
		h.wait(members.InvitationLife + 31*24*time.Hour)
		more, err := h.Forget(t.Context(), 1000)
		require.NoError(t, err)
		require.False(t, more)
		list, err = h.Invitations(admin(t), "acct_1", store.Page{})
		require.NoError(t, err)
		require.Empty(t, list)
	})
}
