package ledger

import (
	"bytes"
	"cmp"
	"slices"
	"time"
)

// State is what Apply needs of one account: every lot that is live, held or
// named by an op of the batch, and the holds that its ops name, open or not.
type State struct {
	Account string
	Seq     int64     // of the last entry
	LastAt  time.Time // of the last op
	Epoch   int64     // of the last change that a gate may see; 0: not known
	lots    []*Lot
	byID    map[string]*Lot
	holds   map[string]*Hold
	// counters are those of every scope that an op of the batch names.
	counters map[string]*Counter
	// reservations are those of every name that an op of the batch brings.
	reservations map[[32]byte]*Reservation
	// corrections are the entries of those that ops of the batch ask for again.
	corrections map[string][]Entry
	changed     changed
}

type changed struct {
	lots     map[string]bool
	holds    map[string]bool
	counters map[string]bool
	// reservations by the ID of their name
	reservations map[[32]byte]bool
	entries      []Entry
	touched      bool
}

// NewState returns the state of an account as a store read it under its lock.
func NewState(account string, seq int64, lastAt time.Time, lots []Lot, holds []Hold) *State {
	s := &State{
		Account: account, Seq: seq, LastAt: lastAt, byID: make(map[string]*Lot, len(lots)), holds: make(map[string]*Hold, len(holds)),
		changed: changed{lots: map[string]bool{}, holds: map[string]bool{}},
	}
	for _, l := range lots {
		s.addLot(l)
	}
	for _, h := range holds {
		s.holds[h.Request] = &h
	}
	return s
}

// Count gives the state the counters of the scopes that its ops name.
func (s *State) Count(counters ...Counter) {
	if s.counters == nil {
		s.counters = make(map[string]*Counter, len(counters))
	}
	for _, c := range counters {
		s.counters[c.Scope] = &c
	}
}

// Changes is what a store must write, together or not at all.
type Changes struct {
	Seq      int64
	LastAt   time.Time
	Lots     []Lot     // new or changed; write by ID
	Holds    []Hold    // new or changed; write by request
	Entries  []Entry   // new; append
	Counters []Counter // new or changed; write by account and scope
	// Reservations are new or changed; write by account and ID, over another if need be.
	Reservations []Reservation
}

// Changes returns what the ops applied so far have changed, in a fixed order;
// false if nothing has.
func (s *State) Changes() (Changes, bool) {
	c := Changes{Seq: s.Seq, LastAt: s.LastAt, Entries: s.changed.entries}
	for _, l := range s.lots {
		if s.changed.lots[l.ID] {
			c.Lots = append(c.Lots, *l)
		}
	}
	for id := range s.changed.holds {
		c.Holds = append(c.Holds, *s.holds[id])
	}
	for scope := range s.changed.counters {
		c.Counters = append(c.Counters, *s.counters[scope])
	}
	for id := range s.changed.reservations {
		c.Reservations = append(c.Reservations, *s.reservations[id])
	}
	slices.SortFunc(c.Reservations, func(a, b Reservation) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	slices.SortFunc(c.Counters, func(a, b Counter) int { return cmp.Compare(a.Scope, b.Scope) })
	slices.SortFunc(c.Lots, func(a, b Lot) int { return spendOrder(&a, &b) })
	slices.SortFunc(c.Holds, func(a, b Hold) int {
		if a.Request < b.Request {
			return -1
		}
		return 1
	})
	return c, s.changed.touched
}

// Lots returns a copy of the lots in spending order.
func (s *State) Lots() []Lot {
	slices.SortFunc(s.lots, spendOrder)
	out := make([]Lot, len(s.lots))
	for i, l := range s.lots {
		out[i] = *l
	}
	return out
}

// Counter returns a copy of the counter of a scope.
func (s *State) Counter(scope string) Counter {
	if c := s.counters[scope]; c != nil {
		return *c
	}
	return Counter{Scope: scope}
}

// Hold returns a copy of the hold of a request.
func (s *State) Hold(request string) (Hold, bool) {
	h, ok := s.holds[request]
	if !ok {
		return Hold{}, false
	}
	return *h, true
}

func (s *State) addLot(l Lot) *Lot {
	p := &l
	s.lots = append(s.lots, p)
	s.byID[l.ID] = p
	return p
}

// available returns what can be spent at now, and until when that holds if
// nothing is done.
func (s *State) available(now time.Time) (sum int64, until time.Time) {
	for _, l := range s.lots {
		if l.Live(now) {
			sum += l.Free()
			if until.IsZero() || l.ExpiresAt.Before(until) {
				until = l.ExpiresAt
			}
		}
	}
	return sum, until
}

func (s *State) touchLot(l *Lot)   { s.changed.lots[l.ID], s.changed.touched = true, true }
func (s *State) touchHold(h *Hold) { s.changed.holds[h.Request], s.changed.touched = true, true }

// post appends an entry and moves the lot's remaining credits with it.
func (s *State) post(o *Outcome, l *Lot, e Entry) {
	s.Seq++
	e.Account, e.Seq, e.Lot = s.Account, s.Seq, l.ID
	l.Remaining += e.Amount
	s.touchLot(l)
	s.changed.entries = append(s.changed.entries, e)
	o.Entries = append(o.Entries, e)
}
