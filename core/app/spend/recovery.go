package spend

import (
	"context"
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

func (s *Spend) recoverAll(ctx context.Context) error {
	me := s.replica()
	if me.ID == "" {
		return nil
	}
	lapsed, err := s.deps.Store.Replicas().Lapsed(ctx, me.ID, 100)
	if err != nil {
		return err
	}
	for _, r := range lapsed {
		if err := s.takeOver(ctx, me, r); err != nil {
			return err
		}
	}
	return s.resolve(ctx, me, me.ID, true, ledger.ReasonAbandoned)
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
		outcomes, err := s.deps.Store.Commit(ctx, me, ops)
		if err != nil {
			return err
		}
		stuck := 0
		for i, o := range outcomes {
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
