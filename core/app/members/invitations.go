package members

import (
	"context"
	"errors"
	"time"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/ports/store"
)

const (
	// InvitationLife is how long an invitation may be accepted.
	InvitationLife = 7 * 24 * time.Hour
	// MaxOpen is how many invitations of an account may be open at one time.
	MaxOpen = 100
	// keepInvitations is how long those that are over are kept, with the
	// addresses in them.
	keepInvitations = 30 * 24 * time.Hour
)

// Faults of invitations; compare with errors.Is.
var (
	ErrTooManyOpen = fault.New(fault.Conflict, "too_many_invitations", "This account has as many open invitations as it may have. Revoke one, or wait until one is accepted or expires.")
	ErrOver        = fault.New(fault.Conflict, "invitation_over", "This invitation was used, revoked or replaced, or it has expired. Ask for a new one.")
	ErrOtherEmail  = fault.New(fault.Forbidden, "invitation_for_another", "This invitation is for another e-mail address, or your provider has not verified yours. Sign in with the address that was invited.")
)

// Invite invites somebody by their e-mail address. The token is to be had this
// once. An open invitation to the same address is replaced. Faults:
// admin_required, not_found, invalid_email, unknown_role, account_closed,
// too_many_invitations.
func (s *Service) Invite(ctx context.Context, account, email string, role access.Role) (store.Invitation, access.Token, error) {
	var v store.Invitation
	token := access.NewToken(s.d.Entropy)
	err := s.d.Store.Do(ctx, func(ctx context.Context, tx store.Stores) (err error) {
		v, err = s.InviteIn(ctx, tx, account, email, role, token)
		return err
	})
	return v, token, err
}

// InviteIn is Invite with a token of the caller's, within their transaction.
func (s *Service) InviteIn(ctx context.Context, tx store.Stores, account, email string, role access.Role, token access.Token) (store.Invitation, error) {
	if err := manages(ctx, account); err != nil {
		return store.Invitation{}, err
	}
	email, err := access.CheckEmail(email, "email")
	if err != nil {
		return store.Invitation{}, err
	}
	if err := checkRole(role); err != nil {
		return store.Invitation{}, err
	}
	if err := open(ctx, tx, account); err != nil {
		return store.Invitation{}, err
	}
	now := s.d.Now()
	switch old, err := tx.Invitations().To(ctx, account, email); {
	case err == nil:
		if err := s.end(ctx, tx, old, store.InvitationReplaced); err != nil {
			return store.Invitation{}, err
		}
	case !errors.Is(err, store.ErrNotFound):
		return store.Invitation{}, err
	}
	n, err := tx.Invitations().Open(ctx, account, now)
	if err != nil {
		return store.Invitation{}, err
	}
	if n >= MaxOpen {
		return store.Invitation{}, ErrTooManyOpen
	}
	v := store.Invitation{
		ID: s.d.NewID("inv"), Account: account, Hash: token.Sum(), Email: email, Role: role, By: audit.By(ctx).ID,
		CreatedAt: now, ExpiresAt: now.Add(InvitationLife), State: store.InvitationOpen,
	}
	if err := tx.Invitations().Create(ctx, v); err != nil {
		return store.Invitation{}, err
	}
	return v, tx.Events().Append(ctx, s.event(ctx, audit.InvitationCreated, account, v.ID, string(role)))
}

// end ends an open invitation, with its event.
func (s *Service) end(ctx context.Context, tx store.Stores, v store.Invitation, to store.InvitationState) error {
	if !s.d.Now().Before(v.ExpiresAt) {
		to = store.InvitationExpired
	}
	changed, err := tx.Invitations().End(ctx, v, to, s.d.Now(), "")
	if err != nil || !changed {
		return err
	}
	return tx.Events().Append(ctx, s.event(ctx, audit.InvitationRevoked, v.Account, v.ID, string(to)))
}

// Invitations returns the account's invitations of late, newest first; the
// cursor is the ID. Faults: admin_required.
func (s *Service) Invitations(ctx context.Context, account string, p store.Page) ([]store.Invitation, error) {
	if err := manages(ctx, account); err != nil {
		return nil, err
	}
	vs, err := s.d.Store.Invitations().List(ctx, account, p)
	for i := range vs {
		if vs[i].State == store.InvitationOpen && !s.d.Now().Before(vs[i].ExpiresAt) {
			vs[i].State = store.InvitationExpired
		}
	}
	return vs, err
}

// RevokeInvitation takes an invitation back; one that is over stays as it is.
// Faults: admin_required, not_found.
func (s *Service) RevokeInvitation(ctx context.Context, account, id string) error {
	if err := manages(ctx, account); err != nil {
		return err
	}
	return s.d.Store.Do(ctx, func(ctx context.Context, tx store.Stores) error {
		if err := tx.Accounts().Lock(ctx, account); err != nil {
			return err
		}
		v, err := tx.Invitations().Get(ctx, account, id)
		if err != nil || v.State != store.InvitationOpen {
			return err
		}
		return s.end(ctx, tx, v, store.InvitationRevoked)
	})
}

// Accept makes the user who acts a member by an invitation's token. A session
// of no account becomes one for it. Faults: not_signed_in, not_found,
// invitation_over, invitation_for_another, account_closed, already_member,
// too_many_members, too_many_accounts.
func (s *Service) Accept(ctx context.Context, token string) (store.Member, error) {
	by := access.By(ctx)
	if by.Kind != access.PrincipalUser || by.User == "" {
		return store.Member{}, fault.New(fault.Unauthenticated, "not_signed_in", "Sign in to accept an invitation.")
	}
	if len(token) != access.TokenLen {
		return store.Member{}, store.ErrNotFound
	}
	var m store.Member
	err := s.d.Store.Do(ctx, func(ctx context.Context, tx store.Stores) error {
		v, err := tx.Invitations().ByHash(ctx, access.SumToken(token))
		if err != nil {
			return err
		}
		if err := open(ctx, tx, v.Account); err != nil {
			return err
		}
		u, err := tx.Users().Get(ctx, by.User)
		if err != nil {
			return err
		}
		if !u.EmailVerified || access.FoldEmail(u.Email) != access.FoldEmail(v.Email) {
			return ErrOtherEmail
		}
		now := s.d.Now()
		if !now.Before(v.ExpiresAt) {
			return ErrOver
		}
		changed, err := tx.Invitations().End(ctx, v, store.InvitationAccepted, now, u.ID)
		if err != nil {
			return err
		}
		if !changed {
			return ErrOver
		}
		if err := tx.Events().Append(ctx, s.event(ctx, audit.InvitationAccepted, v.Account, v.ID, "")); err != nil {
			return err
		}
		m = store.Member{Account: v.Account, User: u.ID, Role: v.Role, CreatedAt: now}
		if err := s.add(ctx, tx, m); err != nil {
			return err
		}
		if by.Account != "" || by.Session == "" {
			return nil
		}
		if err := tx.Sessions().Switch(ctx, by.Session, v.Account); err != nil {
			return err
		}
		return tx.Events().Append(ctx, s.event(ctx, audit.SessionSwitched, v.Account, by.Session, ""))
	})
	return m, err
}

// Forget removes invitations that were over a month ago; more tells that there
// may be others.
func (s *Service) Forget(ctx context.Context, limit int) (more bool, err error) {
	return s.d.Store.Invitations().Forget(ctx, s.d.Now().Add(-keepInvitations), limit)
}
