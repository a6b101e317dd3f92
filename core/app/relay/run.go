package relay

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/inference"
	"github.com/archibot/archibotchat/core/ledger"
)

// run is one job at work. It belongs to one goroutine.
type run struct {
	*Relay
	job     Job
	hold    ledger.Hold
	out     Sink
	started time.Time       // by this machine's clock; the hold's is the store's
	work    context.Context // ends when the work must stop
	end     context.CancelCauseFunc
	drain   drain
	pulse   pulse
	allow   allowance
	live    *streaming // once there is a stream
	parts   *long      // once there is such an answer
	ended   bool       // the hold was settled or released, or at least asked to be
	unsure  bool       // the hold is not known to be durable
	keep    *keeper    // of a job with a name

	upstream string // that answers
	owned    string // ID of the answer, once it is the account's
}

// cancel ends the work because nobody waits for it any more.
func (r *run) cancel() { r.end(context.Canceled) }

// reason returns why the work ended: the cause its context was given, where
// it was that which broke the call, else err itself.
func (r *run) reason(err error) error {
	cause := context.Cause(r.work)
	if cause == nil {
		if !errors.Is(err, context.Canceled) {
			return err
		}
		cause = err // the upstream saw by itself that the client had left
	}
	if errors.Is(cause, context.Canceled) {
		return fault.Wrap(cause, errGone.Kind, errGone.Code, errGone.Message)
	}
	return cause
}

// settle debits usage, durably, or returns ErrUnsettled. delivered says whether
// the client has seen any of the answer: if not, a debit that cannot be made in
// time is given up.
func (r *run) settle(u inference.Usage, reason string, delivered bool) (Bill, error) {
	r.ended = true
	if fair, ok := r.job.Call.Plausible(u, r.job.Quote.Price.MaxOutputTokens); !ok {
		r.deps.Log.Warn("usage beyond what was asked for; charging no more than that", "request_id", r.job.Request, "input", u.Input, "output", u.Output)
		u, reason = fair, cmp.Or(reason, "usage_capped")
	}
	r.extended()
	finish := r.deps.Ledger.SettleOrRelease
	if delivered {
		finish = r.deps.Ledger.Settle
	}
	r.hold.Once = r.keep.record(r.work, r.hold)
	o, err := finish(r.hold, r.cost(u, r.hold.Amount), booked(u), reason)
	if r.unsure && refused(err) {
		if err = r.again(err); err != nil {
			return Bill{}, err
		}
		o, err = finish(r.hold, r.cost(u, r.hold.Amount), booked(u), reason)
	}
	if err != nil {
		r.deps.Log.Error("settle failed", "request_id", r.job.Request, "account_id", r.job.By.Account, "error", err)
		return Bill{}, fault.Wrap(err, ErrUnsettled.Kind, ErrUnsettled.Code, ErrUnsettled.Message)
	}
	r.trace("request settled", slog.Int64("debited", o.Debited), slog.Int64("uncollected", o.Uncollected), slog.Bool("estimated", u.Estimated))
	if told := r.job.Observer; told != nil {
		if r.unsure { // both in one step (HOTPATH 14)
			told.Held()
		}
		told.Settled(Bill{Debited: o.Debited, Remaining: o.Available}, u)
	}
	return Bill{Debited: o.Debited, Remaining: o.Available}, nil
}

// confirm waits for the hold to be durable. If it was refused the answer must
// not be shown: nothing is debited for it.
func (r *run) confirm() error {
	if !r.unsure {
		return nil
	}
	o, err := r.deps.Ledger.Confirm(r.hold)
	if err == nil {
		r.unsure, r.hold = false, o.Hold
		r.pulse.holds(o.Hold)
		r.held()
		return nil
	}
	if err = r.again(err); err != nil {
		r.ended = true // there is nothing to end
	}
	return err
}

// again is anew, and tells whoever watches if nothing is held for good.
func (r *run) again(err error) error {
	was := err
	err = r.anew(err)
	if o := r.job.Observer; o != nil && err != nil && refused(was) {
		o.Released(Bill{})
	}
	return err
}

// anew holds once more for work whose hold was refused because the account
// was changed meanwhile, if the gate still lets it in. Any other refusal stands.
// Where the gate has cut the work by then, its reason is the one to tell.
func (r *run) anew(err error) error {
	if !errors.Is(err, ledger.ErrEpoch) || r.job.Gate == nil {
		r.denied(&r.job, err)
		return err
	}
	if r.job.Epoch, r.job.Limits, err = r.job.Gate.Again(r.work, r.job.Epoch); err != nil {
		return r.reason(err) // noted where it was decided
	}
	r.job.Current = false // the hold comes first now
	hold, _, err := r.Relay.hold(r.work, &r.job, r.out)
	if err != nil {
		return r.reason(err)
	}
	r.hold, r.unsure = hold, false
	r.pulse.holds(hold)
	r.held()
	return nil
}

// refused reports whether the ledger refused a hold that its request did not
// wait for.
func refused(err error) bool {
	k := fault.KindOf(err)
	return err != nil && (k == fault.Exhausted || k == fault.Limited || errors.Is(err, ledger.ErrEpoch))
}

// trace logs a step of the request, for those who look into one.
func (r *run) trace(msg string, attrs ...slog.Attr) {
	if !r.deps.Log.Enabled(r.work, slog.LevelDebug) {
		return
	}
	about := []slog.Attr{slog.String("request_id", r.job.Request), slog.String("account_id", r.job.By.Account), slog.String("key_id", r.job.By.Key())}
	r.deps.Log.LogAttrs(r.work, slog.LevelDebug, msg, append(about, attrs...)...) //nolint:sloglint // constant at each call
}

// cost prices usage. What cannot be priced, because it is absurd, costs what
// was set aside.
func (r *run) cost(u inference.Usage, held int64) int64 {
	c, err := r.job.Quote.Price.Cost(u.Input, u.Cached, u.Output)
	if err != nil || c > ledger.MaxAmount {
		r.deps.Log.Error("usage cannot be priced; charging the hold", "request_id", r.job.Request, "input", u.Input, "output", u.Output)
		return held
	}
	return c
}

// release gives the hold back.
func (r *run) release(reason string) Bill {
	r.ended = true
	o, err := r.deps.Ledger.Release(r.hold, reason)
	if r.unsure && refused(err) { // there is nothing to give back
		r.denied(&r.job, err)
		if told := r.job.Observer; told != nil {
			told.Released(Bill{})
		}
		return Bill{}
	}
	if err != nil {
		// The step stays queued, and behind it are deadline and recovery.
		r.deps.Log.Error("release failed", "request_id", r.job.Request, "account_id", r.job.By.Account, "error", err)
	}
	r.trace("hold released", slog.String("reason", reason))
	if told := r.job.Observer; told != nil && err == nil {
		told.Released(Bill{Remaining: o.Available})
	}
	return Bill{Remaining: o.Available}
}

// abandon ends the hold if nothing else did, as after a panic: what the client
// saw is paid for, the rest is given back.
func (r *run) abandon() {
	switch {
	case r.ended:
	case r.live != nil && r.live.saw:
		r.keep.giveUp(ledger.KeptNothing)                  // nobody knows how it would have gone on
		_, _ = r.settle(r.live.usage(), "abandoned", true) // it logs
	case r.parts != nil && r.parts.saw:
		u, _ := r.parts.usage()
		_, _ = r.settle(u, "abandoned", true)
	default:
		r.release("abandoned")
	}
}

// emptyTime is how long an upstream may take to end a stream after its last event.
const emptyTime = 100 * time.Millisecond

// empty reads what follows the last event, which is nothing, so that the
// connection to the upstream can be used again.
func (r *run) empty(body io.Reader) {
	limit := time.AfterFunc(emptyTime, r.cancel)
	defer limit.Stop()
	_, _ = io.CopyN(io.Discard, body, 512)
}

func booked(u inference.Usage) ledger.Usage {
	return ledger.Usage{Input: u.Input, Cached: u.Cached, Output: u.Output, Estimated: u.Estimated}
}
