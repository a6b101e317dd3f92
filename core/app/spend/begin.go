package spend

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/ledger"
)

// Begin lets a request start before its hold is durable, if what the account
// has makes a refusal unlikely (HOTPATH 13); false if not: then call Hold. The
// hold that it returns is provisional. Nothing may be passed on to the client
// before Confirm, Settle or SettleOrRelease has returned without an error, and
// one of these or Release must be called. Work tells of a hold that is refused
// meanwhile: its context ends with the ledger's fault. inOne says that the answer
// leaves in one piece, after its settle, as far as one can know.
func (s *Spend) Begin(op ledger.Op, inOne bool) (ledger.Hold, bool) {
	me := s.replica()
	if !s.ready.Load() || me.ID == "" {
		return ledger.Hold{}, false
	}
	op.Kind, op.Replica, op.Nonce = ledger.OpHold, me.ID, s.deps.NewID("try")
	c := newCall(op)
	if inOne {
		c.manner = whole
	}
	if !s.queue.begin(c, s.deps.Now()) {
		return ledger.Hold{}, false
	}
	return ledger.Hold{
		Request: op.Request, Account: op.Account, Replica: op.Replica, Nonce: op.Nonce, State: ledger.HoldOpen, Amount: op.Amount, Work: op.Work,
		Epoch: op.Epoch, Limits: op.Limits, Tokens: op.Tokens,
	}, true
}

// Confirm returns once a provisional hold is durable, or with the fault that
// it was refused with.
func (s *Spend) Confirm(h ledger.Hold) (ledger.Outcome, error) {
	c := s.queue.pending(h.Request, h.Nonce)
	if c == nil {
		return ledger.Outcome{}, unknown(errors.New("confirm: the hold is not here any more"))
	}
	s.queue.hasten(c)
	o, err := s.wait(c, holdWait)
	s.queue.confirmed(c)
	return o, err
}

// Confirmed reports whether a provisional hold has been answered, so that
// Confirm will not wait.
func (s *Spend) Confirmed(h ledger.Hold) bool {
	c := s.queue.pending(h.Request, h.Nonce)
	return c == nil || c.state.Load() != waiting
}

// Hasten sends a provisional hold on its way without waiting for it.
func (s *Spend) Hasten(h ledger.Hold) {
	if c := s.queue.pending(h.Request, h.Nonce); c != nil {
		s.queue.hasten(c)
	}
}

// land brings a provisional hold to an end ahead of the op that ends it. A
// hold that no batch has taken yet is taken back, and a settle of it becomes
// one step with it; any other is waited for.
func (s *Spend) land(op *ledger.Op) error {
	c := s.queue.pending(op.Request, op.Nonce)
	if c == nil {
		return nil
	}
	if op.Kind == ledger.OpSettle && s.queue.withdraw(c) {
		op.Kind, op.Cost, op.Amount, op.Deadline, op.Epoch = ledger.OpSpend, op.Amount, c.op.Amount, c.op.Deadline, c.op.Epoch
		return nil
	}
	s.queue.hasten(c)
	_, err := s.wait(c, holdWait)
	s.queue.confirmed(c)
	return err
}

// hurry puts provisional holds that have waited long enough into the queue,
// until ctx ends; then all of them.
func (s *Spend) hurry(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		next, ok := s.queue.overdue(s.deps.Now())
		wait := time.Hour
		if ok {
			wait = max(next.Sub(s.deps.Now()), 100*time.Microsecond)
		}
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-s.queue.begun:
		case <-ctx.Done():
			s.queue.overdue(s.deps.Now().Add(time.Hour))
			return
		}
	}
}

// refreshEvery is how often the amounts of accounts in use are read that would
// cover the next request if they were younger, and of which no batch has told
// lately. They are read a few at a time, all through that while: to read all at
// once would keep the batches of that moment waiting.
const (
	refreshEvery = 500 * time.Millisecond
	refreshChunk = 50
)

// refresh keeps what is known of the accounts in use young enough to count, as
// far as that is too little to count when it is older.
func (s *Spend) refresh(ctx context.Context) {
	tick := time.NewTicker(refreshEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		accounts := s.queue.inUse(s.deps.Now())
		wait := refreshEvery / time.Duration(len(accounts)/refreshChunk+2)
		for chunk := range slices.Chunk(accounts, refreshChunk) {
			now := s.deps.Now()
			ask, cancel := context.WithTimeout(ctx, refreshEvery)
			found, err := s.deps.Store.Ledger().Funds(ask, chunk)
			cancel()
			if err != nil {
				break // what is known grows old, and holds come first again
			}
			s.queue.heard(found, now)
			if !pause(ctx, wait) {
				return
			}
		}
	}
}

// refusal reports whether the ledger refused a hold for what the account has.
func refusal(err error) bool {
	k := fault.KindOf(err)
	return err != nil && (k == fault.Exhausted || k == fault.Limited)
}
