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
	_, err := s.Renew(ctx)
	return err
}

// Renew returns ctx with its session and account as they are now, if Check takes
// them.
func (s *Service) Renew(ctx context.Context) (context.Context, error) {
	c, ok := From(ctx)
	if !ok {
		return ctx, ErrNotSignedIn
	}
	now, err := s.now(ctx, c)
	switch {
	case err != nil && fault.KindOf(err) == fault.NotFound:
		return ctx, ErrNotSignedIn
	case err != nil:
		return ctx, err
	}
	ses := now.Session
	if !s.good(ses, s.d.Now()) || ses.Role == "" || ses.Account != c.Session.Account || now.Account.Status == access.StatusClosed {
		return ctx, ErrNotSignedIn
	}
	return With(ctx, now), nil
}

// now reads a session and the account that it was for.
func (s *Service) now(ctx context.Context, c Current) (Current, error) {
	ses, err := s.d.Store.Sessions().Get(ctx, c.Session.ID)
	if err != nil {
		return Current{}, err
	}
	a, err := s.d.Store.Accounts().Get(ctx, c.Session.Account)
	return Current{Session: ses, Account: a}, err
}
