package ledger

// spend holds op.Amount and settles op.Cost of it at once: work that was done
// before its hold was committed. If the hold is refused nothing is debited,
// and the answer must not be delivered. A hold that is there already, as after
// a commit whose reply was lost, is settled.
func (s *State) spend(op *Op, o *Outcome) {
	if _, ok := s.holds[op.Request]; !ok {
		first := *op
		first.Kind = OpHold
		if s.hold(&first, o); o.Err != nil {
			return
		}
	}
	then := *op
	then.Kind, then.Amount, then.Cost = OpSettle, op.Cost, 0
	s.settle(&then, o)
}
