package spend

import (
	"context"
	"errors"
	"time"

	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

// write commits batches until gathering ends, then what is still queued. When
// writing ends, calls are answered with the store's failure.
func (s *Spend) write(gathering, writing context.Context) {
	batch := make([]*call, 0, maxBatch)
	for {
		batch = s.gather(gathering, batch[:0])
		if len(batch) == 0 {
			return
		}
		s.commit(writing, batch)
	}
}

// gather waits for a call and takes what else is queued, ends first. It
// returns nothing once ctx has ended and the queues are empty.
func (s *Spend) gather(ctx context.Context, batch []*call) []*call {
	batch = take(s.ends, batch)
	batch = take(s.holds, batch)
	if len(batch) > 0 {
		return batch
	}
	select {
	case c := <-s.ends:
		batch = append(batch, c)
	case c := <-s.holds:
		batch = append(batch, c)
	case <-ctx.Done():
		// What was queued before the end is still answered.
		return take(s.holds, take(s.ends, batch))
	}
	return take(s.holds, take(s.ends, batch))
}

func take(from chan *call, batch []*call) []*call {
	for len(batch) < maxBatch {
		select {
		case c := <-from:
			if c.op.Kind == ledger.OpHold && c.abandoned() {
				continue // never started, nobody waits
			}
			batch = append(batch, c)
		default:
			return batch
		}
	}
	return batch
}

// commit brings a batch to its end. A store that is out of reach is tried
// again until ctx ends; a batch that the store cannot take as a whole is halved
// until the culprit stands alone.
func (s *Spend) commit(ctx context.Context, batch []*call) {
	wait := 10 * time.Millisecond
	for {
		by := s.replica()
		outcomes, err := s.attempt(ctx, by, batch)
		if err == nil {
			s.answer(batch, outcomes)
			return
		}
		switch {
		case errors.Is(err, store.ErrFenced):
			s.lose(by, ErrLost)
			batch = refuseHolds(batch, err)
			if len(batch) == 0 {
				return
			}
		case !outOfReach(err):
			if len(batch) > 1 {
				half := len(batch) / 2
				s.commit(ctx, batch[:half])
				s.commit(ctx, batch[half:])
				return
			}
			s.deps.Log.Error("ledger op failed", "op", batch[0].op.Kind.String(), "request_id", batch[0].op.Request, "error", err)
			batch[0].answer(result{err: err})
			return
		default:
			s.deps.Log.Warn("ledger commit failed, will retry", "ops", len(batch), "error", err)
		}
		if !pause(ctx, wait) {
			for _, c := range batch {
				c.answer(result{err: err})
			}
			return
		}
		wait = min(2*wait, 2*time.Second)
	}
}

// outOfReach reports whether the store may take the same batch later.
func outOfReach(err error) bool {
	return fault.KindOf(err) == fault.Unavailable || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// pause waits for d; false if ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (s *Spend) attempt(ctx context.Context, by store.Replica, batch []*call) ([]ledger.Outcome, error) {
	ops := make([]ledger.Op, len(batch))
	for i, c := range batch {
		switch {
		case c.op.Kind == ledger.OpHold:
			// Whoever commits it owns it: a hold that waited while the replica
			// changed its identity must not go to one that is gone, where no
			// recovery would look for it.
			c.op.Replica = by.ID
		case c.release && c.op.Kind == ledger.OpSettle && c.abandoned():
			c.op.Kind, c.op.Amount, c.op.Usage, c.op.Reason = ledger.OpRelease, 0, ledger.Usage{}, "settle_timed_out"
		}
		ops[i] = c.op
	}
	if by.ID == "" {
		return nil, store.ErrUnavailable // between two identities
	}
	ctx, cancel := context.WithTimeout(ctx, commitTime)
	defer cancel()
	return s.deps.Store.Commit(ctx, by, ops)
}

func (s *Spend) answer(batch []*call, outcomes []ledger.Outcome) {
	for i, c := range batch {
		o := outcomes[i]
		if c.answer(result{outcome: o, err: o.Err}) {
			continue
		}
		if c.release && c.op.Kind == ledger.OpRelease && o.Hold.State == ledger.HoldSettled {
			s.deps.Log.Error("an answer that was not delivered stays debited: its settle was committed, but the reply got lost",
				"request_id", c.op.Request, "account_id", c.op.Account, "debited", o.Hold.Debited)
		}
		if c.op.Kind == ledger.OpHold && o.Err == nil {
			// The caller has gone: give back what it will never use.
			op := endOf(o.Hold)
			op.Kind, op.Reason = ledger.OpRelease, "hold_timed_out"
			select {
			case s.ends <- newCall(op):
			default: // the hold's deadline will see to it
			}
		}
	}
}

// refuseHolds answers the holds of a batch that was not committed and returns
// the rest: a fenced replica may start nothing, but what it ends may still be
// the first word on a hold.
func refuseHolds(batch []*call, err error) []*call {
	rest := batch[:0]
	for _, c := range batch {
		if c.op.Kind == ledger.OpHold {
			c.answer(result{err: err})
			continue
		}
		rest = append(rest, c)
	}
	return rest
}
