package relay

import (
	"errors"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/ledger"
)

// allowance is how much of a stream is set aside (HOTPATH 10), in output
// tokens; the input is set aside whole. A stream begins with a chunk of what
// it may have, and asks for the next one in time, so that it seldom waits.
type allowance struct {
	// due is how much the stream may bring until there is something to do.
	due atomic.Int64

	mu     sync.Mutex
	most   int64 // that the call may have
	chunk  int64
	have   int64 // that are set aside
	next   int64 // produced tokens at which there is something to do
	unseen int64 // taken to be produced in silence

	asking  <-chan ledger.Outcome // an extension under way
	asked   int64                 // what have is then
	askedAt int64                 // what had been produced when it was asked for
	held    ledger.Hold           // by the last extension
}

const (
	// extendAt is the part of the last chunk, in percent, that is used up when
	// the next one is asked for.
	extendAt = 70
	// unseenRate is how many tokens a second each choice is taken to come to
	// while nothing is seen of it: some models think for long before they write,
	// and say what that took at the end.
	unseenRate = 100
)

// share returns how many output tokens a job may have at the most, how many are
// set aside at first, and how many at a time.
func (r *Relay) share(j *Job) (most, first, chunk int64) {
	_, most = j.Call.TokenBound(j.Quote.Price.MaxOutputTokens)
	if !j.Call.Stream {
		return most, most, 0 // an answer in one piece is delivered whole or not at all
	}
	chunk = r.deps.Limits.Chunk * max(j.Call.N, 1)
	return most, min(most, chunk), chunk
}

// bound is the most that a job can cost with so many output tokens.
func (j *Job) bound(output int64) (int64, error) {
	input, _ := j.Call.TokenBound(j.Quote.Price.MaxOutputTokens)
	b, err := j.Quote.Price.Bound(input, output)
	if err != nil || b > ledger.MaxAmount {
		return 0, ledger.ErrExhausted // more than any account can have
	}
	return b, nil
}

// begin notes what is set aside at first.
func (a *allowance) begin(most, first, chunk int64) {
	a.most, a.chunk = most, chunk
	a.reach(first)
}

// reach notes what is set aside now.
func (a *allowance) reach(have int64) {
	a.have = have
	next := int64(math.MaxInt64)
	if have < a.most {
		next = have - a.chunk*(100-extendAt)/100
	}
	a.act(next)
}

// act notes when there is something to do.
func (a *allowance) act(next int64) {
	a.next = next
	if next < math.MaxInt64 {
		next -= a.unseen
	}
	a.due.Store(next)
}

// runsShort reports whether more has to be set aside. An answer that is whole
// is not held up: what it used beyond the hold is for the settle to find (L8).
func (s *streaming) runsShort() bool {
	return s.meter.Produced() >= s.allow.due.Load() && !s.meter.Finished()
}

// afford makes sure that what the stream has brought is set aside. Only where
// all of that is used up does the stream wait. An error ends the work: no more
// can be had.
func (s *streaming) afford() error {
	s.allow.mu.Lock()
	defer s.allow.mu.Unlock()
	return s.provide(s.meter.Produced()+s.allow.unseen, s.await)
}

// think counts a time in which nothing was seen of a stream that had produced
// so much before.
func (r *run) think(produced int64, silent time.Duration) {
	a := &r.allow
	if a.due.Load() == math.MaxInt64 || !a.mu.TryLock() {
		return // all is set aside, or something came just now
	}
	defer a.mu.Unlock()
	a.unseen += unseenRate * max(r.job.Call.N, 1) * int64(silent/time.Second)
	a.act(a.next)
	_ = r.provide(produced+a.unseen, nil) // it ends the work
}

// provide sets aside for so many tokens. If all of what there is is used up it
// waits; without a way to wait it leaves that to the next call.
func (r *run) provide(produced int64, wait func(<-chan ledger.Outcome) (ledger.Outcome, error)) error {
	a := &r.allow
	for produced >= a.next {
		if a.asking == nil {
			if err := r.ask(produced); err != nil {
				return r.short(err)
			}
		}
		var o ledger.Outcome
		select {
		case o = <-a.asking:
		default:
			if produced < a.have || wait == nil {
				return nil // there is some left meanwhile
			}
			var err error
			if o, err = wait(a.asking); err != nil {
				return err
			}
		}
		a.asking = nil
		switch {
		case o.Err == nil:
			a.held = o.Hold
			a.reach(a.asked)
		case !errors.Is(o.Err, ledger.ErrExhausted) && !errors.Is(o.Err, ledger.ErrBudget):
			return r.short(o.Err)
		case a.askedAt >= a.have:
			return r.short(o.Err)
		default:
			a.act(a.have) // what is set aside may be used up; then it is asked once more
		}
	}
	return nil
}

// ask asks for a chunk more than what is set aside, or was produced.
func (r *run) ask(produced int64) error {
	a := &r.allow
	a.askedAt = produced
	a.asked = a.most
	if from := max(a.have, produced); a.most-from > a.chunk {
		a.asked = from + a.chunk
	}
	amount, err := r.job.bound(a.asked)
	if err == nil {
		a.asking = r.deps.Ledger.Extend(r.pulse.hold(), amount)
	}
	return err
}

// extended takes what was set aside over into the hold.
func (r *run) extended() {
	r.allow.mu.Lock()
	defer r.allow.mu.Unlock()
	if r.allow.held.Amount > r.hold.Amount {
		r.hold.Amount, r.hold.Parts = r.allow.held.Amount, r.allow.held.Parts
	}
}

// short ends the work upstream because no more can be set aside for it.
func (r *run) short(err error) error {
	f := fault.From(err)
	if f.Kind == fault.Unavailable {
		r.deps.Log.Error("extend failed", "request_id", r.job.Request, "account_id", r.job.By.Account, "error", err)
	}
	err = fault.Wrap(err, f.Kind, f.Code, f.Message+" The answer broke off here; you are charged for what came of it.")
	r.end(err)
	return err
}

// extendWait is how long an extension is waited for (HOTPATH 16).
const extendWait = 10 * time.Second

// errStalled means that no extension could be booked in time.
var errStalled = &fault.Error{
	Kind: fault.Unavailable, Code: "store_unavailable", Part: "ledger", Message: "The service could not set credits aside in time. Try again shortly.",
	Err: errors.New("extend: no answer in " + extendWait.String()),
}

// await waits for an extension, and keeps the client awake meanwhile.
func (s *streaming) await(asking <-chan ledger.Outcome) (ledger.Outcome, error) {
	if s.begun && !s.gone {
		h := beat(s.out, s.waiting)
		defer func() {
			if h.stop() != nil {
				s.leave()
			}
		}()
	}
	return s.told(asking)
}

// told waits for an extension.
func (r *run) told(asking <-chan ledger.Outcome) (ledger.Outcome, error) {
	limit := time.NewTimer(extendWait)
	defer limit.Stop()
	select {
	case o := <-asking:
		return o, nil
	case <-r.work.Done():
		return ledger.Outcome{}, r.work.Err()
	case <-limit.C:
		return ledger.Outcome{Err: errStalled}, nil
	}
}

// cover sets the whole bound aside, for an answer that comes in one piece
// though a stream was asked for. If it cannot be, nothing is delivered.
func (r *run) cover() error {
	r.allow.mu.Lock()
	defer r.allow.mu.Unlock()
	if r.allow.have == r.allow.most {
		return nil
	}
	if err := r.confirm(); err != nil {
		return err
	}
	var o ledger.Outcome
	amount, err := r.job.bound(r.allow.most)
	if err == nil {
		o, err = r.told(r.deps.Ledger.Extend(r.hold, amount))
	}
	if err == nil {
		err = o.Err
	}
	if err != nil {
		err = r.reason(err)
		r.release(codeOf(err))
		return err
	}
	r.hold = o.Hold
	r.allow.reach(r.allow.most)
	return nil
}
