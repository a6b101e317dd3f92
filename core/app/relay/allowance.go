package relay

import (
	"errors"
	"math"
	"time"

	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/ledger"
)

// allowance is how much of a stream is set aside (HOTPATH 10), in output
// tokens; the input is set aside whole. A stream begins with a chunk of what
// it may have, and asks for the next one in time, so that it seldom waits.
type allowance struct {
	most  int64 // that the call may have
	chunk int64
	have  int64 // that are set aside
	next  int64 // produced tokens at which there is something to do

	asking  <-chan ledger.Outcome // an extension under way
	asked   int64                 // what have is then
	askedAt int64                 // what had been produced when it was asked for
}

// extendAt is the part of the last chunk, in percent, that is used up when the
// next one is asked for.
const extendAt = 70

// newAllowance returns what a job begins with.
func (r *Relay) newAllowance(j *Job) allowance {
	_, most := j.Call.TokenBound(j.Quote.Price.MaxOutputTokens)
	a := allowance{most: most, have: most, next: math.MaxInt64}
	if !j.Call.Stream {
		return a // an answer in one piece is delivered whole or not at all
	}
	a.chunk = r.deps.Limits.Chunk * max(j.Call.N, 1)
	a.reach(min(most, a.chunk))
	return a
}

// reach notes what is set aside now.
func (a *allowance) reach(have int64) {
	a.have, a.next = have, math.MaxInt64
	if have < a.most {
		a.next = have - a.chunk*(100-extendAt)/100
	}
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

// runsShort reports whether more has to be set aside. An answer that is whole
// is not held up: what it used beyond the hold is for the settle to find (L8).
func (s *streaming) runsShort() bool {
	return s.meter.Produced() >= s.allow.next && !s.meter.Finished()
}

// afford makes sure that what the stream has brought is set aside. Only where
// all of that is used up does the stream wait. An error ends the work: no more
// can be had.
func (s *streaming) afford() error {
	a := &s.allow
	for s.runsShort() {
		produced := s.meter.Produced()
		if a.asking == nil {
			if err := s.ask(produced); err != nil {
				return s.short(err)
			}
		}
		var o ledger.Outcome
		if produced < a.have {
			select {
			case o = <-a.asking:
			default:
				return nil // there is some left meanwhile
			}
		} else {
			var err error
			if o, err = s.await(a.asking); err != nil {
				return err
			}
		}
		a.asking = nil
		switch {
		case o.Err == nil:
			s.hold = o.Hold
			a.reach(a.asked)
		case !errors.Is(o.Err, ledger.ErrExhausted) && !errors.Is(o.Err, ledger.ErrBudget):
			return s.short(o.Err)
		case a.askedAt >= a.have:
			return s.short(o.Err)
		default:
			a.next = a.have // what is set aside may be used up; then it is asked once more
		}
	}
	return nil
}

// ask asks for a chunk more than what is set aside, or was produced.
func (s *streaming) ask(produced int64) error {
	a := &s.allow
	a.askedAt = produced
	a.asked = a.most
	if from := max(a.have, produced); a.most-from > a.chunk {
		a.asked = from + a.chunk
	}
	amount, err := s.job.bound(a.asked)
	if err == nil {
		a.asking = s.deps.Ledger.Extend(s.hold, amount)
	}
	return err
}

// short ends the work upstream because no more can be set aside for it.
func (s *streaming) short(err error) error {
	f := fault.From(err)
	err = fault.Wrap(err, f.Kind, f.Code, f.Message+" The answer broke off here; you are charged for what came of it.")
	s.end(err)
	return err
}

// extendWait is how long an extension is waited for (HOTPATH 16).
const extendWait = 10 * time.Second

// errStalled means that no extension could be booked in time.
var errStalled = fault.New(fault.Unavailable, "store_unavailable", "The service could not set credits aside in time. Try again shortly.")

// await waits for an extension, and keeps the client awake meanwhile.
func (s *streaming) await(asking <-chan ledger.Outcome) (ledger.Outcome, error) {
	select { // most often it is there
	case o := <-asking:
		return o, nil
	default:
	}
	if s.begun && !s.gone {
		h := beat(s.out)
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
	a := r.newAllowance(&r.job)
	if a.have == a.most {
		return nil
	}
	if err := r.confirm(); err != nil {
		return err
	}
	var o ledger.Outcome
	amount, err := r.job.bound(a.most)
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
	return nil
}
