package ledger

import "slices"

// extend raises a hold to op.Amount. A hold that has as much already is left
// as it is, so that the op may be sent twice.
func (s *State) extend(op *Op, o *Outcome) {
	h, ok := s.holds[op.Request]
	switch {
	case !ok:
		o.Err = ErrUnknownHold
		return
	case h.Nonce != op.Nonce:
		o.Err = ErrConflict
		return
	case h.State != HoldOpen:
		o.Err, o.Hold = ErrHoldClosed, *h
		return
	case h.Amount >= op.Amount:
		o.Replayed, o.Hold = true, h.counting(op)
		return
	}
	more := op.Amount - h.Amount
	parts, short := allocate(s.lots, more, o.At)
	if short > 0 {
		o.Err, o.Hold = ErrExhausted, *h
		return
	}
	// A hold of an earlier month has no budget left to draw from: this month's
	// is not its own. It goes on within its credits.
	if h.Window.Equal(Month(o.At)) && more > s.room(h.bounds(op), o.At) {
		o.Err, o.Hold = ErrBudget, *h
		return
	}
	s.reserve(h, more, o.At)
	s.set(parts)
	all := slices.Clone(h.Parts)
	for _, p := range parts {
		all = merge(all, p)
	}
	h.Amount, h.Parts = op.Amount, all
	s.touchHold(h)
	o.Hold = h.counting(op)
}
