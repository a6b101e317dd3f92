package sessions

import (
	"context"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/fault"
)

// Check returns nil while the session that ctx carries is one that Resolve would
// take now, for the same account, else ErrNotSignedIn. It is for what goes on
// after a request was let in, and is no use of the session.
func (s *Service) Check(ctx context.Context) error {
	c, ok := From(ctx)
	if !ok {
		return ErrNotSignedIn
	}
	ses, err := s.d.Store.Sessions().Get(ctx, c.Session.ID)
	if err == nil {
		if !s.good(ses, s.d.Now()) || ses.Role == "" || ses.Account != c.Session.Account {
			return ErrNotSignedIn
		}
		a, failed := s.d.Store.Accounts().Get(ctx, ses.Account)
		if failed == nil && a.Status == access.StatusClosed {
			return ErrNotSignedIn
		}
		err = failed
	}
	if err != nil && fault.KindOf(err) == fault.NotFound {
		return ErrNotSignedIn
	}
	return err
}

// Renew returns ctx with its session and account as they are now, if Check takes
// them.
func (s *Service) Renew(ctx context.Context) (context.Context, error) {
	if err := s.Check(ctx); err != nil {
		return ctx, err
	}
	c, _ := From(ctx)
	ses, err := s.d.Store.Sessions().Get(ctx, c.Session.ID)
	if err != nil {
		return ctx, err
	}
	a, err := s.d.Store.Accounts().Get(ctx, ses.Account)
	return With(ctx, Current{Session: ses, Account: a}), err
}
