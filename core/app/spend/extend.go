package spend

import (
	"errors"

	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/ledger"
)

// Extend raises what a hold sets aside to total, for work that goes on for
// longer than was thought (HOTPATH 10). It does not wait. What becomes of it
// comes on the channel, once: the hold as it is now, or in Err the fault for
// which it stayed as it was. Nothing comes after Run has ended.
//
// It may be sent again, and may come too late: a hold that has as much, or is
// closed, is left alone. There must be one under way at a time for a hold.
func (s *Spend) Extend(h ledger.Hold, total int64) <-chan ledger.Outcome {
	told := make(chan ledger.Outcome, 1) // the writer never blocks on it
	op := endOf(h)
	op.Kind, op.Amount = ledger.OpExtend, total
	c := newCall(op)
	c.tell = func(r result) {
		var o ledger.Outcome
		if r.outcome != nil {
			o = *r.outcome
		}
		o.Err = faultOf(r.err)
		told <- o
	}
	if !s.queue.put(c) { // its slot is gone with the replica's identity
		c.answer(result{err: ErrLost})
	}
	return told
}

// faultOf returns an error as its callers may see it.
func faultOf(err error) error {
	var f *fault.Error
	if err == nil || errors.As(err, &f) {
		return err
	}
	return unknown(err)
}
