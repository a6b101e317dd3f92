package signin

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/ports/identity"
	"github.com/archibot/archibotchat/ports/store"
)

const (
	// checkWait bounds one question to a provider.
	checkWait = 10 * time.Second
	// checkBatch is how many sessions are claimed at a time, and checkers how
	// many are asked about at once.
	checkBatch = 64
	checkers   = 8
	// checkLease is how long a claim holds: longer than its batch can take.
	checkLease = 2 * time.Minute
	// sweepEvery is how often what is over is removed, keepSessions for how long
	// expired sessions stay: the account that was used last is known from them.
	sweepEvery   = time.Minute
	keepSessions = 90 * 24 * time.Hour
	sweepStep    = 500
)

// Run asks providers about the sessions that are due, and removes what is over,
// until ctx ends. All replicas do; a session is claimed by one of them.
func (s *Service) Run(ctx context.Context) error {
	ctx = access.WithPrincipal(ctx, access.Principal{Kind: access.PrincipalService, ID: "recheck"})
	tick := time.NewTicker(min(max(s.d.Recheck/30, 50*time.Millisecond), 30*time.Second))
	defer tick.Stop()
	var swept time.Time
	for {
		if err := s.Check(ctx); err != nil && ctx.Err() == nil {
			s.d.Log.Warn("checking sessions with their providers failed, will retry", "error", err)
		}
		if now := s.d.Now(); now.Sub(swept) >= sweepEvery {
			swept = now
			if err := s.sweep(ctx, now); err != nil && ctx.Err() == nil {
				s.d.Log.Warn("removing old sign-ins failed, will retry", "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Check asks providers about all sessions that are due.
func (s *Service) Check(ctx context.Context) error {
	for {
		now := s.d.Now()
		due, err := s.d.Store.Sessions().Claim(ctx, now, now.Add(checkLease), checkBatch)
		if err != nil {
			return err
		}
		var asked sync.WaitGroup
		slots := make(chan struct{}, checkers)
		for _, ses := range due {
			slots <- struct{}{}
			asked.Go(func() {
				defer func() { <-slots }()
				if err := s.check(ctx, ses); err != nil && ctx.Err() == nil {
					s.d.Log.Warn("checking a session failed, will retry", "session", ses.ID, "provider", ses.Provider, "error", err)
				}
			})
		}
		asked.Wait()
		if len(due) < checkBatch || ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// check asks about one session and writes what follows. An error is the
// store's: the claim runs out, and the session is due again.
func (s *Service) check(ctx context.Context, ses store.Session) error {
	if !s.d.Sessions.Live(ses) {
		return s.finish(ctx, ses, EndLapsed)
	}
	g, err := s.box.open(ses.ID, ses.Grant)
	if err != nil {
		return s.finish(ctx, ses, EndGrant)
	}
	id, fresh, err := s.ask(ctx, ses, g)
	if ctx.Err() != nil {
		ctx = context.WithoutCancel(ctx) // a provider that took the old refresh token back knows only the new one
	}
	if !fresh.Empty() {
		sealed, err := s.box.seal(ses.ID, fresh)
		if err != nil {
			return err
		}
		ses.Grant = sealed
	}
	now := s.d.Now()
	switch {
	case err == nil:
		ses.CheckedAt, ses.CheckAt = now, now.Add(s.d.Recheck)
		return s.d.Store.Do(ctx, func(ctx context.Context, tx store.Stores) error {
			u, err := tx.Users().Get(ctx, ses.User)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
			if u.Subject != id.Subject || u.Issuer != id.Issuer { // the answer is about somebody else
				return s.end(ctx, tx, store.SessionQuery{ID: ses.ID}, EndRefused)
			}
			if _, _, err := s.keep(ctx, tx, ses.Provider, id); err != nil {
				return err
			}
			return tx.Sessions().Checked(ctx, ses)
		})
	case errors.Is(err, identity.ErrRefused):
		return s.finish(ctx, ses, EndRefused)
	case errors.Is(err, identity.ErrNoRecheck):
		ses.CheckAt = time.Time{}
		return s.d.Store.Sessions().Checked(ctx, ses)
	}
	last := ses.CheckedAt.Add(2 * s.d.Recheck)
	if !now.Before(last) {
		return s.finish(ctx, ses, EndUnreachable)
	}
	s.d.Log.WarnContext(ctx, "a provider did not answer about a session", "session", ses.ID, "provider", ses.Provider, "code", fault.CodeOf(err))
	if ses.CheckAt = now.Add(s.d.Recheck / 5); ses.CheckAt.After(last) {
		ses.CheckAt = last
	}
	return s.d.Store.Sessions().Checked(ctx, ses)
}

// ask asks the provider. One that is not configured here, perhaps not yet,
// has not answered.
func (s *Service) ask(ctx context.Context, ses store.Session, g identity.Grant) (identity.Identity, identity.Grant, error) {
	p := s.of[ses.Provider]
	if p == nil || p.Describe().Issuer != ses.Issuer {
		return identity.Identity{}, identity.Grant{}, identity.ErrUnavailable
	}
	ctx, cancel := context.WithTimeout(ctx, checkWait)
	defer cancel()
	id, fresh, err := p.Recheck(ctx, g)
	if err == nil && (id.Issuer != ses.Issuer || id.Subject == "") {
		err = identity.ErrRefused
	}
	return id, fresh, err
}

// finish ends a session with its evidence.
func (s *Service) finish(ctx context.Context, ses store.Session, reason string) error {
	return s.d.Store.Do(ctx, func(ctx context.Context, tx store.Stores) error {
		return s.end(ctx, tx, store.SessionQuery{ID: ses.ID}, reason)
	})
}

// sweep removes sign-ins that nobody brought back, and sessions of long ago.
func (s *Service) sweep(ctx context.Context, now time.Time) error {
	for more := true; more; {
		var err error
		if more, err = s.d.Store.Flows().Sweep(ctx, now, sweepStep); err != nil {
			return err
		}
	}
	for more := true; more; {
		var err error
		if more, err = s.d.Store.Sessions().Forget(ctx, now.Add(-keepSessions), sweepStep); err != nil {
			return err
		}
	}
	return nil
}
