package relay

import (
	"context"
	"errors"
	"time"

	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/inference"
	"github.com/archibot/archibotchat/core/ledger"
)

// run is one job at work. It belongs to one goroutine.
type run struct {
	*Relay
	job    Job
	hold   ledger.Hold
	out    Sink
	client context.Context // ends when the client leaves
	work   context.Context // ends when the work must stop
	end    context.CancelCauseFunc
	ended  bool // the hold was settled or released, or at least asked to be
}

// reason returns why the work ended: the cause its context was given, where
// it was that which broke the call, else err itself.
func (r *run) reason(err error) error {
	if r.work.Err() == nil {
		return err
	}
	cause := context.Cause(r.work)
	if errors.Is(cause, context.Canceled) {
		return fault.Wrap(cause, fault.Canceled, "client_gone", "The client went away.")
	}
	return cause
}

// settle debits usage, durably. delivered says whether the client has seen any
// of the answer: if not, a debit that cannot be made in time is given up.
func (r *run) settle(u inference.Usage, reason string, delivered bool) (Bill, error) {
	r.ended = true
	finish := r.deps.Ledger.SettleOrRelease
	if delivered {
		finish = r.deps.Ledger.Settle
	}
	o, err := finish(r.hold, r.cost(u), booked(u), reason)
	if err != nil {
		r.deps.Log.Error("settle failed", "request_id", r.job.Request, "account_id", r.job.By.Account, "error", err)
		return Bill{}, err
	}
	return Bill{Debited: o.Debited, Remaining: o.Available}, nil
}

// cost prices usage. What cannot be priced, because it is absurd, costs what
// was set aside for the worst case.
func (r *run) cost(u inference.Usage) int64 {
	c, err := r.job.Quote.Price.Cost(u.Input, u.Cached, u.Output)
	if err != nil || c > ledger.MaxAmount {
		r.deps.Log.Error("usage cannot be priced; charging the hold", "request_id", r.job.Request, "input", u.Input, "output", u.Output)
		return r.hold.Amount
	}
	return c
}

// release gives the hold back.
func (r *run) release(reason string) {
	r.ended = true
	if _, err := r.deps.Ledger.Release(r.hold, reason); err != nil {
		// The step stays queued, and behind it are deadline and recovery.
		r.deps.Log.Error("release failed", "request_id", r.job.Request, "account_id", r.job.By.Account, "error", err)
	}
}

// abandon gives the hold back if nothing else ended it.
func (r *run) abandon() {
	if !r.ended {
		r.release("abandoned")
	}
}

// marker notes progress of a long answer (HOTPATH 8).
type marker struct {
	opened, last time.Time
}

// Progress is noted once an answer is a second old, then every two seconds.
const (
	firstMark = time.Second
	nextMark  = 2 * time.Second
)

func (m *marker) due(now time.Time) bool {
	if now.Sub(m.opened) < firstMark || !m.last.IsZero() && now.Sub(m.last) < nextMark {
		return false
	}
	m.last = now
	return true
}

func booked(u inference.Usage) ledger.Usage {
	return ledger.Usage{Input: u.Input, Cached: u.Cached, Output: u.Output, Estimated: u.Estimated}
}
