package sessions

import (
	"context"
	"errors"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/gates"
	"github.com/archibot/archibotchat/ports/store"
)

// Own returns the sessions that the user of the session in ctx may still use,
// newest first, with the cursor of the next page, empty on the last one. A
// session of nobody in particular is alone. Faults: not_signed_in.
func (s *Service) Own(ctx context.Context, p store.Page) ([]store.Session, string, error) {
	c, ok := From(ctx)
	if !ok {
		return nil, "", ErrNotSignedIn
	}
	if c.Session.User == "" {
		return []store.Session{c.Session}, "", nil
	}
	now := s.d.Now()
	all, err := s.d.Store.Sessions().List(ctx, c.Session.User, now, p)
	if err != nil {
		return nil, "", err
	}
	next := ""
	if len(all) == p.Size() {
		next = all[len(all)-1].ID
	}
	live := all[:0]
	for _, ses := range all {
		if s.good(ses, now) {
			live = append(live, ses)
		}
	}
	return live, next, nil
}

// EndOther ends a session of the user of the session in ctx. Faults:
// not_signed_in, not_found.
func (s *Service) EndOther(ctx context.Context, id string) error {
	c, ok := From(ctx)
	if !ok {
		return ErrNotSignedIn
	}
	return s.d.Store.Do(ctx, func(ctx context.Context, tx store.Stores) error {
		ses, err := tx.Sessions().Get(ctx, id)
		if err != nil {
			return err
		}
		own := ses.ID == c.Session.ID || c.Session.User != "" && ses.User == c.Session.User
		if !own || !ses.EndedAt.IsZero() {
			return store.ErrNotFound
		}
		if err := tx.Sessions().End(ctx, id, s.d.Now(), "ended_by_user"); err != nil {
			return err
		}
		return tx.Events().Append(ctx, s.event(ctx, audit.SessionEnded, ses.Account, id, "ended_by_user"))
	})
}

// SwitchAccount makes the session in ctx one for another account of its user.
// Faults: not_signed_in, not_found, account_closed.
func (s *Service) SwitchAccount(ctx context.Context, account string) (store.Session, store.Account, error) {
	c, ok := From(ctx)
	if !ok {
		return store.Session{}, store.Account{}, ErrNotSignedIn
	}
	if c.Session.User == "" {
		return store.Session{}, store.Account{}, store.ErrNotFound
	}
	var ses store.Session
	var a store.Account
	err := s.d.Store.Do(ctx, func(ctx context.Context, tx store.Stores) error {
		if _, err := tx.Members().Get(ctx, account, c.Session.User); err != nil {
			return err
		}
		var err error
		if a, err = tx.Accounts().Get(ctx, account); err != nil {
			return err
		}
		if a.Status == access.StatusClosed {
			return fault.New(fault.Conflict, string(gates.AccountClosed), gates.AccountClosed.Sentence())
		}
		if err := tx.Sessions().Switch(ctx, c.Session.ID, account); err != nil {
			if errors.Is(err, store.ErrNotFound) { // ended meanwhile
				err = ErrNotSignedIn
			}
			return err
		}
		if ses, err = tx.Sessions().Get(ctx, c.Session.ID); err != nil || account == c.Session.Account {
			return err
		}
		return tx.Events().Append(ctx, s.event(ctx, audit.SessionSwitched, account, ses.ID, ""))
	})
	return ses, a, err
}

// Who returns the user of the session in ctx, and the accounts that they are a
// member of; the zero User for a session of nobody that a provider knows.
// Faults: not_signed_in.
func (s *Service) Who(ctx context.Context) (store.User, []store.Membership, error) {
	c, ok := From(ctx)
	if !ok {
		return store.User{}, nil, ErrNotSignedIn
	}
	if c.Session.User == "" {
		return store.User{}, nil, nil
	}
	u, err := s.d.Store.Users().Get(ctx, c.Session.User)
	if errors.Is(err, store.ErrNotFound) {
		return store.User{}, nil, nil
	}
	if err != nil {
		return store.User{}, nil, err
	}
	mine, err := s.d.Store.Members().Of(ctx, u.ID)
	return u, mine, err
}
