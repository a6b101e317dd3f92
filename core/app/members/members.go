// Package members is who belongs to an account: listing, inviting, changing
// and removing members (A7).
//
// It keeps true that administrators of the account and operators alone manage
// its members, while anybody may leave; that an account which has an admin
// keeps one; that removal ends the member's sessions of the account and
// revokes their keys of it in the same transaction; and that an invitation is
// good once, for a week, for a user whose provider has verified the address
// that it names. It signs nobody in and sends no mail.
package members

import (
	"context"
	"time"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/ports/store"
)

// Max is how many members an account may have.
const Max = 1000

// Deps is what the use cases stand on.
type Deps struct {
	Store   store.Store
	Now     func() time.Time
	NewID   func(prefix string) string
	Entropy func([]byte)
}

// Service holds the use cases.
type Service struct{ d Deps }

// New returns the use cases.
func New(d Deps) *Service { return &Service{d} }

// Faults of the members; compare with errors.Is.
var (
	ErrAdminRequired = fault.New(fault.Forbidden, "admin_required", "Only an administrator of the account can manage its members.")
	ErrOperatorsOnly = fault.New(fault.Forbidden, "operators_only", "Only an operator can do this.")
	ErrLastAdmin     = fault.New(fault.Conflict, "last_admin", "This is the account's only administrator. Make somebody else one first.")
	ErrMember        = fault.New(fault.Conflict, "already_member", "This person is a member of the account already.")
	ErrTooMany       = fault.New(fault.Conflict, "too_many_members", "This account has as many members as it may have.")
	ErrTooManyOf     = fault.New(fault.Conflict, "too_many_accounts", "This person is a member of as many accounts as they may be.")
	ErrClosed        = fault.New(fault.Conflict, "account_closed", "This account is closed.")
)

// List returns the account's members by user ID; the cursor is the user ID.
// Faults: admin_required.
func (s *Service) List(ctx context.Context, account string, p store.Page) ([]store.MemberUser, error) {
	if err := manages(ctx, account); err != nil {
		return nil, err
	}
	return s.d.Store.Members().List(ctx, account, p)
}

// Find returns the user of an issuer and a subject, for operators. Faults:
// operators_only, not_found.
func (s *Service) Find(ctx context.Context, issuer, subject string) (store.User, error) {
	if !staff(ctx) {
		return store.User{}, ErrOperatorsOnly
	}
	return s.d.Store.Users().Find(ctx, issuer, subject)
}

func staff(ctx context.Context) bool {
	kind := access.By(ctx).Kind
	return kind == access.PrincipalOperator || kind == access.PrincipalService
}

// Add makes a user a member without an invitation, for operators. Faults:
// operators_only, unknown_role, not_found, account_closed, already_member,
// too_many_members, too_many_accounts.
func (s *Service) Add(ctx context.Context, account, user string, role access.Role) (store.Member, error) {
	if !staff(ctx) {
		return store.Member{}, ErrOperatorsOnly
	}
	if err := checkRole(role); err != nil {
		return store.Member{}, err
	}
	m := store.Member{Account: account, User: user, Role: role, CreatedAt: s.d.Now()}
	return m, s.d.Store.Do(ctx, func(ctx context.Context, tx store.Stores) error {
		if err := open(ctx, tx, account); err != nil {
			return err
		}
		return s.add(ctx, tx, m)
	})
}

// open locks an account that members may join.
func open(ctx context.Context, tx store.Stores, account string) error {
	if err := tx.Accounts().Lock(ctx, account); err != nil {
		return err
	}
	a, err := tx.Accounts().Get(ctx, account)
	if err == nil && a.Status == access.StatusClosed {
		err = ErrClosed
	}
	return err
}

// add adds a member, under the account's lock, with its event.
func (s *Service) add(ctx context.Context, tx store.Stores, m store.Member) error {
	if _, err := tx.Users().Get(ctx, m.User); err != nil {
		return err
	}
	switch _, err := tx.Members().Get(ctx, m.Account, m.User); {
	case err == nil:
		return ErrMember
	case fault.KindOf(err) != fault.NotFound:
		return err
	}
	of, err := tx.Members().Of(ctx, m.User)
	if err != nil {
		return err
	}
	if len(of) >= store.MaxMemberships {
		return ErrTooManyOf
	}
	all, err := tx.Members().List(ctx, m.Account, store.Page{Limit: Max})
	if err != nil {
		return err
	}
	if len(all) >= Max {
		return ErrTooMany
	}
	if err := tx.Members().Add(ctx, m); err != nil {
		return err
	}
	return tx.Events().Append(ctx, s.event(ctx, audit.MemberAdded, m.Account, m.User, string(m.Role)))
}

// SetRole changes what a member may do. Faults: admin_required, unknown_role,
// not_found, last_admin.
func (s *Service) SetRole(ctx context.Context, account, user string, role access.Role) (store.Member, error) {
	if err := manages(ctx, account); err != nil {
		return store.Member{}, err
	}
	if err := checkRole(role); err != nil {
		return store.Member{}, err
	}
	var m store.Member
	err := s.d.Store.Do(ctx, func(ctx context.Context, tx store.Stores) error {
		var err error
		if m, err = locked(ctx, tx, account, user); err != nil || m.Role == role {
			return err
		}
		if err := spare(ctx, tx, m); err != nil {
			return err
		}
		m.Role = role
		if err := tx.Members().SetRole(ctx, account, user, role); err != nil {
			return err
		}
		return tx.Events().Append(ctx, s.event(ctx, audit.MemberChanged, account, user, string(role)))
	})
	return m, err
}

// Remove takes a member out of the account. Their sessions of the account end
// and their keys of it are revoked, at once. Members may remove themselves.
// Faults: admin_required, not_found, last_admin.
func (s *Service) Remove(ctx context.Context, account, user string) error {
	reason := "removed"
	if by := access.By(ctx); by.Kind == access.PrincipalUser && by.Account == account && by.User != "" && by.User == user {
		reason = "left"
	} else if err := manages(ctx, account); err != nil {
		return err
	}
	return s.d.Store.Do(ctx, func(ctx context.Context, tx store.Stores) error {
		m, err := locked(ctx, tx, account, user)
		if err != nil {
			return err
		}
		if err := spare(ctx, tx, m); err != nil {
			return err
		}
		if err := tx.Members().Remove(ctx, account, user); err != nil {
			return err
		}
		events := []audit.Event{s.event(ctx, audit.MemberRemoved, account, user, reason)}
		ended, err := s.endSessions(ctx, tx, account, user)
		if err != nil {
			return err
		}
		revoked, err := s.revokeKeys(ctx, tx, account, user)
		if err != nil {
			return err
		}
		return tx.Events().Append(ctx, append(append(events, ended...), revoked...)...)
	})
}

// memberRemoved is the reason of what ends with a membership.
const memberRemoved = "member_removed"

func (s *Service) endSessions(ctx context.Context, tx store.Stores, account, user string) (events []audit.Event, err error) {
	ended, err := tx.Sessions().EndAll(ctx, store.SessionQuery{User: user, Account: account}, s.d.Now(), memberRemoved)
	for _, ses := range ended {
		events = append(events, s.event(ctx, audit.SessionEnded, account, ses.ID, memberRemoved))
	}
	return events, err
}

func (s *Service) revokeKeys(ctx context.Context, tx store.Stores, account, user string) (events []audit.Event, err error) {
	for p := (store.Page{Limit: store.MaxPage}); ; {
		ks, err := tx.Keys().OfUser(ctx, account, user, p)
		if err != nil {
			return nil, err
		}
		for _, k := range ks {
			if p.After = k.ID; !k.RevokedAt.IsZero() {
				continue
			}
			if _, err := tx.Keys().Revoke(ctx, account, k.ID, s.d.Now(), audit.By(ctx).ID); err != nil {
				return nil, err
			}
			e := s.event(ctx, audit.KeyRevoked, account, k.ID, memberRemoved)
			e.Key, e.Area = k.ID, string(access.AreaAPI)
			events = append(events, e)
		}
		if len(ks) < store.MaxPage {
			return events, nil
		}
	}
}

// locked returns a member under the account's lock.
func locked(ctx context.Context, tx store.Stores, account, user string) (store.Member, error) {
	if err := tx.Accounts().Lock(ctx, account); err != nil {
		return store.Member{}, err
	}
	return tx.Members().Get(ctx, account, user)
}

// spare fails if the account can spare no admin like m, under its lock.
func spare(ctx context.Context, tx store.Stores, m store.Member) error {
	if m.Role != access.RoleAdmin {
		return nil
	}
	n, err := tx.Members().Admins(ctx, m.Account)
	if err == nil && n <= 1 {
		err = ErrLastAdmin
	}
	return err
}

// manages fails unless whoever acts may manage the account's members.
func manages(ctx context.Context, account string) error {
	switch by := access.By(ctx); {
	case staff(ctx):
		return nil
	case by.Account != account:
		return store.ErrNotFound
	case by.Admin():
		return nil
	}
	return ErrAdminRequired
}

func checkRole(r access.Role) error {
	if r == access.RoleMember || r == access.RoleAdmin {
		return nil
	}
	f := fault.New(fault.Invalid, "unknown_role", "A role is member or admin.")
	f.Param = "role"
	return f
}

func (s *Service) event(ctx context.Context, kind audit.Kind, account, subject, reason string) audit.Event {
	return audit.Event{
		ID: s.d.NewID("evt"), Account: account, At: s.d.Now(), Kind: kind, Actor: audit.By(ctx),
		Request: access.Request(ctx), Reason: reason, Subject: subject, Count: 1,
	}
}
