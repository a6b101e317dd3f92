package ledger

import (
	"math"
	"slices"
	"time"
)

// Apply applies ops in order at now and returns an outcome for each. Time
// never runs backwards within an account: now is raised to its last op's.
func Apply(s *State, ops []Op, now time.Time) []Outcome {
	if now.Before(s.LastAt) {
		now = s.LastAt
	}
	out := make([]Outcome, len(ops))
	for i := range ops {
		out[i] = s.apply(&ops[i], now)
	}
	return out
}

func (s *State) apply(op *Op, now time.Time) Outcome {
	o := Outcome{At: now}
	switch {
	case op.Account != s.Account:
		o.Err = ErrConflict
	case op.Amount < 0 && op.Kind != OpCorrect || op.Amount < -MaxAmount || op.Amount > MaxAmount || op.Cost < 0 || op.Cost > MaxAmount:
		o.Err = ErrAmount
	default:
		switch op.Kind {
		case OpGrant:
			s.grant(op, &o)
		case OpHold:
			s.hold(op, &o)
		case OpMark:
			s.mark(op, &o)
		case OpSettle:
			s.settle(op, &o)
		case OpRelease:
			s.release(op, &o)
		case OpSweep:
			s.sweep(&o)
		case OpClawback:
			s.clawback(op, &o)
		case OpClose:
			s.closeAll(op, &o)
		case OpExtend:
			s.extend(op, &o)
		case OpSpend:
			s.spend(op, &o)
		case OpCorrect:
			s.correction(op, &o)
		default:
			o.Err = ErrUnknownOp
		}
	}
	if o.Err == nil && !o.Replayed {
		s.LastAt = now
	}
	o.Available, o.Until = s.available(now)
	o.Room = s.room(op.Limits, now)
	if len(op.Limits) > 0 {
		o.Rates = s.rates(op.Limits, now)
		if end := Month(now).AddDate(0, 1, 0); o.Until.IsZero() || end.Before(o.Until) {
			o.Until = end
		}
	}
	return o
}

func (s *State) grant(op *Op, o *Outcome) {
	if l, ok := s.byID[op.Lot]; ok {
		if l.Granted != op.Amount || l.Source != op.Source {
			o.Err = ErrConflict
			return
		}
		o.Replayed, o.Lot = true, *l
		return
	}
	if op.Amount == 0 || op.Lot == "" {
		o.Err = ErrAmount
		return
	}
	if !s.fits(op.Amount) {
		o.Err = ErrOverflow // L1
		return
	}
	l := s.addLot(Lot{ID: op.Lot, Account: s.Account, Source: op.Source, State: LotLive, Granted: op.Amount, GrantedAt: o.At, ExpiresAt: Expiry(o.At)})
	s.post(o, l, Entry{Kind: EntryGrant, Amount: op.Amount, Reason: op.Reason, Actor: op.Actor, At: o.At})
	o.Lot = *l
}

// fits reports whether the balance may grow by amount.
func (s *State) fits(amount int64) bool {
	var total int64
	for _, l := range s.lots {
		total += l.Remaining // each ≤ MaxAmount; the sum is kept below by this very check
	}
	return total <= math.MaxInt64-amount && total+amount <= MaxAmount
}

func (s *State) hold(op *Op, o *Outcome) {
	if h, ok := s.holds[op.Request]; ok {
		if h.Nonce != op.Nonce || h.Amount != op.Amount {
			o.Err = ErrConflict
			return
		}
		o.Replayed, o.Hold = true, h.counting(op)
		return
	}
	if op.Request == "" {
		o.Err = ErrConflict
		return
	}
	if op.Epoch != 0 && op.Epoch != s.Epoch {
		o.Err = ErrEpoch
		return
	}
	if o.Err = s.taken(op, o.At); o.Err != nil {
		return
	}
	// In the order in which the gate lists its reasons (G2).
	parts, short := allocate(s.lots, op.Amount, o.At)
	if short > 0 {
		o.Err = ErrExhausted
		return
	}
	if op.Amount > s.room(op.Limits, o.At) {
		o.Err = ErrBudget
		return
	}
	if o.Err = s.rated(op.Limits, op.Tokens, o.At); o.Err != nil {
		return
	}
	s.set(parts)
	s.take(op.Limits, op.Amount, op.Tokens, o.At)
	h := &Hold{
		Request: op.Request, Account: s.Account, Replica: op.Replica, Nonce: op.Nonce, State: HoldOpen, Amount: op.Amount, Parts: parts,
		Work: op.Work, OpenedAt: o.At, Deadline: o.At.Add(op.Deadline), Epoch: op.Epoch, Limits: op.Limits, Tokens: op.Tokens,
	}
	if len(op.Limits) > 0 {
		h.Window = Month(o.At)
	}
	s.holds[op.Request] = h
	s.touchHold(h)
	o.Hold = *h
	if op.named() {
		s.name(op, o.At)
	}
}

// set sets the parts aside.
func (s *State) set(parts []Part) {
	for _, p := range parts {
		l := s.byID[p.Lot]
		l.Held += p.Amount
		s.touchLot(l)
	}
}

func (s *State) mark(op *Op, o *Outcome) {
	h, ok := s.holds[op.Request]
	switch {
	case !ok:
		o.Err = ErrUnknownHold
	case h.Nonce != op.Nonce:
		o.Err = ErrConflict
	case h.State != HoldOpen:
		o.Err, o.Hold = ErrHoldClosed, *h
	default:
		h.Mark = op.Mark
		h.Mark.At = o.At
		s.touchHold(h)
		o.Hold = *h
	}
}

// settle debits op.Amount: first from the hold's own parts, then from live
// credit that nobody holds; the rest stays uncollected (L8). A settle carries
// its whole intent: where its hold is not to be found, as after a commit
// whose reply was lost with the rows, it collects what it can from live lots.
func (s *State) settle(op *Op, o *Outcome) {
	h, ok := s.holds[op.Request]
	if ok && h.Nonce != op.Nonce {
		o.Err = ErrConflict
		return
	}
	if ok && h.State != HoldOpen {
		s.replay(op, o, h, HoldSettled)
		return
	}
	if op.Request == "" {
		o.Err = ErrConflict
		return
	}
	if !ok {
		h = &Hold{Request: op.Request, Account: s.Account, Replica: op.Replica, Nonce: op.Nonce, State: HoldOpen, Work: op.Work, OpenedAt: o.At, Deadline: o.At, Limits: op.Limits}
		if len(h.Limits) > 0 {
			h.Window = Month(o.At)
		}
		s.holds[op.Request] = h
		s.take(h.Limits, 0, op.Tokens, o.At) // what its hold would have taken
	}
	need := op.Amount
	s.reserve(h, -h.Amount, o.At)
	s.correct(h.bounds(op), op.Tokens, op.Usage.Input+op.Usage.Output, o.At)
	var debits []Part
	for _, p := range h.Parts {
		take := min(p.Amount, need)
		need -= take
		l := s.byID[p.Lot]
		l.Held -= p.Amount
		s.touchLot(l)
		if take > 0 {
			debits = append(debits, Part{Lot: p.Lot, Amount: take})
		}
	}
	// What the hold returned may itself cover the rest only if its lot is
	// live, so overage is allocated after the parts were unheld, never before;
	// the parts about to be debited are kept out of reach meanwhile.
	for _, d := range debits {
		s.byID[d.Lot].Held += d.Amount
	}
	covered := op.Amount - need
	extra := min(need, s.overage(h, h.bounds(op), covered, o.At))
	over, short := allocate(s.lots, extra, o.At)
	short += need - extra
	for _, d := range debits {
		s.byID[d.Lot].Held -= d.Amount
	}
	for _, p := range over {
		debits = merge(debits, p)
	}
	for _, d := range debits {
		s.post(o, s.byID[d.Lot], Entry{Kind: EntryDebit, Amount: -d.Amount, Request: op.Request, Reason: op.Reason, Actor: op.Actor, At: o.At})
		o.Debited += d.Amount
	}
	for _, p := range h.Parts {
		s.returned(o, s.byID[p.Lot])
	}
	s.spent(h, o.Debited, o.At)
	o.Uncollected = short
	h.State, h.ClosedAt, h.Reason, h.Usage, h.Debited, h.Uncollected = HoldSettled, o.At, op.Reason, op.Usage, o.Debited, short
	s.touchHold(h)
	o.Hold = *h
	s.keep(op, o)
}

func (s *State) release(op *Op, o *Outcome) {
	h, ok := s.holds[op.Request]
	if !ok {
		o.Err = ErrUnknownHold
		return
	}
	if h.Nonce != op.Nonce {
		o.Err = ErrConflict
		return
	}
	if h.State != HoldOpen {
		s.replay(op, o, h, HoldReleased)
		return
	}
	for _, p := range h.Parts {
		l := s.byID[p.Lot]
		l.Held -= p.Amount
		s.touchLot(l)
		s.returned(o, l)
	}
	s.reserve(h, -h.Amount, o.At)
	s.correct(h.bounds(op), op.Tokens, 0, o.At)
	h.State, h.ClosedAt, h.Reason = HoldReleased, o.At, op.Reason
	s.touchHold(h)
	o.Hold = *h
}

// replay answers a terminal op for a hold that is closed: the recorded
// outcome if it was the same step, a refusal if the other one came first.
func (s *State) replay(op *Op, o *Outcome, h *Hold, same HoldState) {
	o.Hold = *h
	if h.State != same {
		o.Err = ErrHoldClosed
		return
	}
	if op.Kind == OpSettle && h.Debited+h.Uncollected != op.Amount {
		o.Err = ErrHoldClosed
		return
	}
	o.Replayed, o.Debited, o.Uncollected = true, h.Debited, h.Uncollected
}

// returned books what a hold gave back to a lot that is no longer live by the
// rule of the lot's state. A lot that is merely past its time is left to the
// sweep, which dates the expiry entry at the expiry.
func (s *State) returned(o *Outcome, l *Lot) {
	free := l.Free()
	if free <= 0 {
		return
	}
	switch l.State {
	case LotExpired:
		s.post(o, l, Entry{Kind: EntryExpiry, Amount: -free, Reason: "returned_after_expiry", At: l.ExpiresAt})
	case LotClawedBack:
		s.post(o, l, Entry{Kind: EntryClawback, Amount: -free, Reason: "returned_after_clawback", At: o.At})
	case LotClosed:
		s.post(o, l, Entry{Kind: EntryClosure, Amount: -free, Reason: "returned_after_closure", At: o.At})
	default:
	}
}

func (s *State) sweep(o *Outcome) {
	slices.SortFunc(s.lots, spendOrder) // so that entries come in one order, however the lots were loaded
	for _, l := range s.lots {
		if l.State != LotLive || o.At.Before(l.ExpiresAt) {
			continue
		}
		l.State = LotExpired
		s.touchLot(l)
		if free := l.Free(); free > 0 {
			s.post(o, l, Entry{Kind: EntryExpiry, Amount: -free, At: l.ExpiresAt})
		}
	}
}

func (s *State) clawback(op *Op, o *Outcome) {
	l, ok := s.byID[op.Lot]
	if !ok {
		o.Err = ErrUnknownLot
		return
	}
	if l.State == LotClawedBack {
		o.Replayed, o.Lot = true, *l
		return
	}
	l.State = LotClawedBack
	s.touchLot(l)
	if free := l.Free(); free > 0 {
		s.post(o, l, Entry{Kind: EntryClawback, Amount: -free, Reason: op.Reason, Actor: op.Actor, At: o.At})
	}
	o.Lot = *l
}

func (s *State) closeAll(op *Op, o *Outcome) {
	slices.SortFunc(s.lots, spendOrder)
	for _, l := range s.lots {
		if l.State == LotClosed {
			continue
		}
		l.State = LotClosed
		s.touchLot(l)
		if free := l.Free(); free > 0 {
			s.post(o, l, Entry{Kind: EntryClosure, Amount: -free, Reason: op.Reason, Actor: op.Actor, At: o.At})
		}
	}
}

// merge adds a part to a list that names each lot once.
func merge(parts []Part, p Part) []Part {
	for i := range parts {
		if parts[i].Lot == p.Lot {
			parts[i].Amount += p.Amount
			return parts
		}
	}
	return append(parts, p)
}
