package spend

import (
	"context"
	"errors"
	"time"

	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

// write commits the batches of a desk until gathering ends, then what is still
// queued there. When writing ends, calls are answered with the store's failure.
func (s *Spend) write(gathering, writing context.Context, d desk) {
	batch := make([]*call, 0, maxBatch)
	for {
		batch = s.gather(gathering, d, batch[:0])
		if len(batch) == 0 {
			return
		}
		s.queue.back(s.commit(writing, d, batch))
	}
}

// gather waits for calls and returns the next batch, or nothing once ctx has
// ended and nothing is queued.
func (s *Spend) gather(ctx context.Context, d desk, batch []*call) []*call {
	for {
		if batch = s.queue.take(d, s.deps.Now(), batch); len(batch) > 0 {
			return batch
		}
		select {
		case <-s.queue.wake[d]:
		case <-ctx.Done():
			return s.queue.take(d, s.deps.Now(), batch) // what was queued before the end is still answered
		}
	}
}

// commit brings a batch to its end and returns the calls of busy accounts,
// which it left behind. A store that is out of reach is tried again until ctx
// ends; a batch that the store cannot take as a whole is halved until the
// culprit stands alone.
func (s *Spend) commit(ctx context.Context, d desk, batch []*call) (busy []*call) {
	wait := 10 * time.Millisecond
	for {
		by := s.replica()
		sent := s.deps.Now()
		outcomes, err := s.attempt(ctx, d, by, batch)
		if err == nil {
			return s.answer(ctx, batch, outcomes, sent)
		}
		switch {
		case errors.Is(err, store.ErrFenced):
			s.lose(by, ErrLost)
			batch = s.refuseSteps(batch, err)
			if len(batch) == 0 {
				return nil
			}
		case !outOfReach(err):
			return s.divide(ctx, d, batch, err)
		default:
			s.deps.Log.Warn("ledger commit failed, will retry", "ops", len(batch), "error", err)
		}
		if !pause(ctx, wait) {
			for _, c := range batch {
				s.reply(c, result{err: err})
			}
			return nil
		}
		wait = min(2*wait, 2*time.Second)
	}
}

// divide commits the halves of a batch that failed for what is in it. An
// account that the first half left behind is left behind by the second, too,
// so that its ops keep their order. The culprit's account is sent to the
// patient desk, where what else is wrong with it costs nobody's time.
func (s *Spend) divide(ctx context.Context, d desk, batch []*call, err error) (busy []*call) {
	if len(batch) == 1 {
		op := &batch[0].op
		s.deps.Log.Error("ledger op failed", "op", op.Kind.String(), "request_id", op.Request, "error", err)
		s.queue.suspect(op.Account)
		s.reply(batch[0], result{err: err})
		return nil
	}
	half := len(batch) / 2
	busy = s.commit(ctx, d, batch[:half:half])
	left := map[string]bool{}
	for _, c := range busy {
		left[c.op.Account] = true
	}
	var rest []*call
	for _, c := range batch[half:] {
		if left[c.op.Account] {
			busy = append(busy, c)
			continue
		}
		rest = append(rest, c)
	}
	if len(rest) == 0 {
		return busy
	}
	return append(busy, s.commit(ctx, d, rest)...)
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

// Why a batch is not sent at all, and is tried again in a moment.
var (
	errNobody = unknown(errors.New("this server is between two identities"))
	errLate   = unknown(errors.New("a settle comes too late, and is a release in a moment"))
)

func (s *Spend) attempt(ctx context.Context, d desk, by store.Replica, batch []*call) ([]ledger.Outcome, error) {
	ops := make([]ledger.Op, len(batch))
	limit := commitTime
	for i, c := range batch {
		switch {
		case c.op.Kind == ledger.OpHold, c.op.Kind == ledger.OpSpend && !c.abandoned():
			// Whoever commits it owns it: a hold that waited while the replica
			// changed its identity must not go to one that is gone, where no
			// recovery would look for it.
			c.op.Replica = by.ID
		case c.release && (c.op.Kind == ledger.OpSettle || c.op.Kind == ledger.OpSpend) && c.abandoned():
			c.op.Kind, c.op.Amount, c.op.Cost, c.op.Usage, c.op.Reason = ledger.OpRelease, 0, 0, ledger.Usage{}, "settle_timed_out"
		}
		if c.release && c.op.Kind != ledger.OpRelease {
			limit = min(limit, c.until.Sub(s.deps.Now()))
		}
		ops[i] = c.op
	}
	if by.ID == "" {
		return nil, errNobody
	}
	if limit <= 0 {
		return nil, errLate
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	wait := time.Duration(0)
	if d == patient {
		wait = patience
	}
	out, err := s.deps.Store.TryCommit(ctx, by, ops, wait)
	s.failure[d].Store(&err)
	return out, err
}

// answer replies to the calls of a committed batch and returns those that it
// left behind. Once ctx has ended there is no next batch.
func (s *Spend) answer(ctx context.Context, batch []*call, outcomes []ledger.Outcome, sent time.Time) (busy []*call) {
	for i, c := range batch {
		o := &outcomes[i]
		if errors.Is(o.Err, store.ErrBusyAccount) && ctx.Err() == nil {
			busy = append(busy, c)
			continue
		}
		s.reply(c, result{outcome: o, err: o.Err, sent: sent})
	}
	return busy
}

// reply ends a call. What nobody waits for any more is undone or noted.
func (s *Spend) reply(c *call, r result) {
	held := c.op.Kind == ledger.OpHold && r.err == nil
	// The books come first: whoever hears of a refusal must find what follows
	// from it, such as that the account starts nothing early.
	s.queue.done(c, held, r)
	if !c.answer(r) {
		switch {
		case c.release && c.op.Kind == ledger.OpRelease && r.outcome != nil && r.outcome.Hold.State == ledger.HoldSettled:
			s.deps.Log.Error("an answer that was not delivered stays debited: its settle was committed, but the reply got lost",
				"request_id", c.op.Request, "account_id", c.op.Account, "debited", r.outcome.Hold.Debited)
		case held: // the caller has gone: give back what it will never use
			op := endOf(r.outcome.Hold)
			op.Kind, op.Reason = ledger.OpRelease, "hold_timed_out"
			s.queue.put(newCall(op))
		}
	}
}

// refuseSteps answers the holds, spends and extensions of a batch that was not
// committed and returns the rest: a fenced replica may start nothing, but what
// it ends may still be the first word on a hold.
func (s *Spend) refuseSteps(batch []*call, err error) []*call {
	rest := batch[:0]
	for _, c := range batch {
		if c.op.Kind == ledger.OpHold || c.op.Kind == ledger.OpExtend || c.op.Kind == ledger.OpSpend {
			s.reply(c, result{err: err})
			continue
		}
		rest = append(rest, c)
	}
	return rest
}
