package spend

import (
	"context"
	"errors"
	"time"

	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

// recoverEvery resolves what dead replicas left, and holds of this one that
// outlived their deadline, several times a lease.
func (s *Spend) recoverEvery(ctx context.Context) {
	tick := time.NewTicker(max(s.deps.Lease/5, 10*time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := s.recoverAll(ctx); err != nil && ctx.Err() == nil {
			s.deps.Log.Warn("recovery failed, will retry", "error", err)
		}
	}
}

// recoverTime bounds one round, so that a call that hangs is not the last.
const recoverTime = time.Minute

func (s *Spend) recoverAll(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, recoverTime)
	defer cancel()
	me := s.replica()
	if me.ID == "" {
		return nil
	}
	lapsed, err := s.deps.Store.Replicas().Lapsed(ctx, me.ID, 100)
	if err != nil {
		return err
	}
	var errs []error
	for _, r := range lapsed { // one that cannot be resolved must not keep the others waiting
		errs = append(errs, s.takeOver(ctx, me, r))
	}
	errs = append(errs, s.resolve(ctx, me, me.ID, true, ledger.ReasonAbandoned))
	return errors.Join(errs...)
}

// takeOver fences a dead replica, resolves its holds and removes it. Fencing
// comes first: after it no batch of that replica can commit.
func (s *Spend) takeOver(ctx context.Context, me, dead store.Replica) error {
	fenced, err := s.deps.Store.Replicas().Fence(ctx, dead)
	if err != nil || !fenced {
		return err
	}
	if err := s.resolve(ctx, me, dead.ID, false, ledger.ReasonRecovered); err != nil {
		return err
	}
	_, err = s.deps.Store.Replicas().Leave(ctx, dead.ID)
	return err
}

// resolve ends the open holds of a replica by rule (L9). Whoever else ends one
// first wins; that is not an error.
func (s *Spend) resolve(ctx context.Context, me store.Replica, owner string, expired bool, reason string) error {
	for {
		holds, err := s.deps.Store.Ledger().OpenHolds(ctx, owner, expired, maxBatch)
		if err != nil || len(holds) == 0 {
			return err
		}
		ops := make([]ledger.Op, len(holds))
		settled := 0
		for i, h := range holds {
			ops[i] = h.Resolution()
			ops[i].Reason = reason
			if ops[i].Kind == ledger.OpSettle {
				settled++
			}
		}
		outcomes, err := s.commitApart(ctx, me, ops)
		if err != nil {
			return err
		}
		stuck := 0
		for i, o := range outcomes {
			s.queue.ended(ops[i].Request)
			if o.Err != nil && o.Hold.State == "" {
				stuck++
				s.deps.Log.Error("an open hold could not be resolved", "request_id", ops[i].Request, "account_id", ops[i].Account, "error", o.Err)
			}
		}
		s.deps.Log.Info("resolved open holds", "replica", owner, "reason", reason, "settled", settled, "released", len(ops)-settled)
		if len(holds) < maxBatch || stuck > 0 {
			return nil
		}
	}
}

// commitApart commits ops together or, if the store cannot take them as a
// whole, in halves, so that one bad row keeps no other hold open. The culprit's
// outcome has its Err set.
func (s *Spend) commitApart(ctx context.Context, by store.Replica, ops []ledger.Op) ([]ledger.Outcome, error) {
	outcomes, err := s.deps.Store.Commit(ctx, by, ops)
	switch {
	case err == nil || outOfReach(err):
		return outcomes, err
	case len(ops) == 1:
		return []ledger.Outcome{{Err: err}}, nil
	}
	half := len(ops) / 2
	first, err := s.commitApart(ctx, by, ops[:half])
	if err != nil {
		return nil, err
	}
	second, err := s.commitApart(ctx, by, ops[half:])
	return append(first, second...), err
}
