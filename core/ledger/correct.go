package ledger

import (
	"cmp"
	"slices"
	"time"

	"github.com/archibot/archibotchat/core/fault"
)

// Faults of a correction. None of them changes anything.
var (
	ErrNotCovered = fault.New(fault.Conflict, "correction_not_covered", "There is not that much credit that is neither held nor expired. Nothing was corrected.")
	ErrLotNotLive = fault.New(fault.Conflict, "lot_not_live", "This lot has expired or was taken back. Leave the lot out of the correction.")
	ErrLotFull    = fault.New(fault.Conflict, "lot_full", "A correction cannot bring this lot above what was granted. Leave the lot out of the correction.")
)

// Recall gives the state the entries of the corrections that its ops ask for.
func (s *State) Recall(entries ...Entry) {
	slices.SortFunc(entries, func(a, b Entry) int { return cmp.Compare(a.Seq, b.Seq) })
	if s.corrections == nil {
		s.corrections = map[string][]Entry{}
	}
	for _, e := range entries {
		s.corrections[e.Request] = append(s.corrections[e.Request], e)
	}
}

// correction books a correction once for its request (L11).
//
// One that takes goes the way of spending, over lots that are live, and leaves
// what is held; or it takes from the lot that it names. What is not there in
// full is refused. One that gives goes the way back: to the last lot in
// spending order that has room for all of it, or to the lot that it names. If
// no lot has that room, it makes one.
func (s *State) correction(op *Op, o *Outcome) {
	if done := s.corrections[op.Request]; len(done) > 0 {
		o.Err = op.sameAs(done)
		if o.Err == nil {
			o.Replayed, o.Correction = true, done
		}
		return
	}
	switch {
	case op.Request == "" || op.Amount == 0:
		o.Err = ErrAmount
	case op.Amount < 0:
		s.takeBack(op, o)
	default:
		s.giveBack(op, o)
	}
	s.Recall(o.Entries...)
	o.Correction = o.Entries
}

// sameAs returns ErrConflict unless the entries are what the correction asks for.
func (op *Op) sameAs(done []Entry) error {
	var sum int64
	for _, e := range done {
		sum += e.Amount
		if op.Lot != "" && e.Lot != op.Lot {
			return ErrConflict
		}
	}
	if sum != op.Amount {
		return ErrConflict
	}
	return nil
}

func (s *State) takeBack(op *Op, o *Outcome) {
	from := s.lots
	if op.Lot != "" {
		l := s.live(op, o)
		if l == nil {
			return
		}
		from = []*Lot{l}
	}
	parts, short := allocate(from, -op.Amount, o.At)
	if short > 0 {
		o.Err = ErrNotCovered
		return
	}
	for _, p := range parts {
		s.correctLot(op, o, s.byID[p.Lot], -p.Amount)
	}
}

func (s *State) giveBack(op *Op, o *Outcome) {
	var to *Lot
	if op.Lot != "" {
		if to = s.live(op, o); to == nil {
			return
		}
		if to.room() < op.Amount {
			o.Err = ErrLotFull
			return
		}
	}
	if !s.fits(op.Amount) {
		o.Err = ErrOverflow // L1
		return
	}
	if to == nil {
		to = s.roomFor(op.Amount, o.At)
	}
	if to == nil {
		if op.Spare == "" || s.byID[op.Spare] != nil {
			o.Err = ErrConflict
			return
		}
		to = s.addLot(Lot{ID: op.Spare, Account: s.Account, Source: SourceCorrection, State: LotLive, Granted: op.Amount, GrantedAt: o.At, ExpiresAt: Expiry(o.At)})
	}
	s.correctLot(op, o, to, op.Amount)
}

// live returns the lot that a correction names, or nil and the fault.
func (s *State) live(op *Op, o *Outcome) *Lot {
	l := s.byID[op.Lot]
	switch {
	case l == nil:
		o.Err = ErrUnknownLot
	case !l.Live(o.At):
		o.Err = ErrLotNotLive
	default:
		return l
	}
	return nil
}

// room is how much the lot can be given back.
func (l *Lot) room() int64 { return l.Granted - l.Remaining }

// roomFor returns the last live lot in spending order that has room for amount,
// nil if none has.
func (s *State) roomFor(amount int64, now time.Time) *Lot {
	slices.SortFunc(s.lots, spendOrder)
	for _, l := range slices.Backward(s.lots) {
		if l.Live(now) && l.room() >= amount {
			return l
		}
	}
	return nil
}

func (s *State) correctLot(op *Op, o *Outcome, l *Lot, amount int64) {
	s.post(o, l, Entry{Kind: EntryCorrection, Amount: amount, Request: op.Request, Reason: op.Reason, Actor: op.Actor, At: o.At})
}
