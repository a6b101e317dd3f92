package turns

import (
	"context"
	"errors"
	"time"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/chat"
	"github.com/archibot/archibotchat/core/gates"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

const (
	sweepEvery = 3 * time.Second
	sweepStep  = 100
	// forgotten is how long after its end a turn of which the ledger knows nothing
	// is taken to have cost nothing.
	forgotten = 2 * time.Minute
	// endWait is how long Run waits for turns at the end.
	endWait = 15 * time.Second
)

// Run ends turns whose servers are gone, and finds out what they cost, until ctx
// ends; then it cuts those at work here and waits for them.
func (s *Service) Run(ctx context.Context) error {
	ctx = access.WithPrincipal(ctx, access.Principal{Kind: access.PrincipalService})
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		if err := s.Sweep(ctx); err != nil && ctx.Err() == nil {
			s.d.Log.Warn("looking after turns failed, will retry", "error", err)
		}
		select {
		case <-ctx.Done():
			s.Cut()
			s.settleDown(context.WithoutCancel(ctx))
			return nil
		case <-tick.C:
		}
	}
}

func (s *Service) settleDown(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, endWait)
	defer cancel()
	s.Drain(ctx)
}

// Sweep does once what Run does again and again.
func (s *Service) Sweep(ctx context.Context) error {
	return errors.Join(s.bury(ctx), s.reckon(ctx))
}

// bury ends turns of which no server has given a sign of life for too long.
func (s *Service) bury(ctx context.Context) error {
	lapsed, err := s.d.Store.Turns().Lapsed(ctx, s.d.Now(), sweepStep)
	if err != nil {
		return err
	}
	var errs []error
	for _, t := range lapsed {
		if s.here(t.ID) != nil {
			continue // only the store was away
		}
		t.State, t.Reason, t.EndedAt = chat.Failed, gates.FailureServerLost, s.d.Now()
		if len(t.Steps) < chat.MaxSteps {
			t.Steps = append(t.Steps, chat.Step{Name: stepEnd, At: t.EndedAt.Sub(t.StartedAt), Note: t.Reason})
		}
		evidence := s.event(ctx, t)
		err := s.d.Store.Do(ctx, func(ctx context.Context, tx store.Stores) error {
			if _, err := tx.Turns().End(ctx, t.Owner, t, nil); err != nil {
				return err
			}
			return tx.Events().Append(ctx, evidence)
		})
		if err != nil && !errors.Is(err, store.ErrNotFound) { // else another server was quicker
			errs = append(errs, err)
			continue
		}
		s.d.Log.Warn("a turn was ended whose server is gone", "turn_id", t.ID, "request_id", t.Request, "account_id", t.Account)
	}
	return errors.Join(errs...)
}

// reckon finds out what turns cost whose end was booked later than it was
// written down, or by somebody else (L9).
func (s *Service) reckon(ctx context.Context) error {
	open, err := s.d.Store.Turns().Unsettled(ctx, sweepStep)
	if err != nil {
		return err
	}
	var errs []error
	for _, t := range open {
		h, err := s.d.Store.Ledger().Hold(ctx, t.Account, t.Request)
		switch {
		case errors.Is(err, store.ErrNotFound):
			if s.d.Now().Sub(t.EndedAt) < forgotten {
				continue // it may be under way
			}
			h = ledger.Hold{}
		case err != nil:
			errs = append(errs, err)
			continue
		case h.State == ledger.HoldOpen:
			continue
		}
		if err := s.d.Store.Turns().Settled(ctx, t.ID, h.Debited); err != nil && !errors.Is(err, store.ErrNotFound) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
