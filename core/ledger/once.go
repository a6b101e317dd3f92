package ledger

import (
	"time"

	"github.com/archibot/archibotchat/core/fault"
)

// OnceFor is how long a client's own name of a request stands for it (W7).
const OnceFor = 24 * time.Hour

// Name is what is known of the name that a client gave a request: digests, by
// which neither the name nor the request can be had.
type Name struct {
	ID    [32]byte // of the name
	Print [32]byte // of what it was sent with
}

// Once makes a hold the only one under its name: for as long as another
// request has that name, the hold is refused.
//
// A name stands for work that was paid for. It is the request's from its hold
// on; a release, which costs nothing, frees it at once; after a settle it is
// kept for OnceFor.
type Once struct {
	// Names are one name in several forms: that to reserve under, then those
	// that earlier secrets gave it. A hold is refused for any of them.
	Names []Name
	// Kept says what became of the answer; of a settle or spend.
	Kept Kept
}

// Kept is what there is of the answer to a request that was settled.
type Kept string

// What may be kept. A request that was settled by anybody but itself, as after
// a crash, has left nothing.
const (
	KeptNothing Kept = ""
	KeptWhole   Kept = "whole"
	KeptTooBig  Kept = "too_big" // nothing, because it was larger than what is kept
)

// Reservation is a name that was given to a request.
type Reservation struct {
	Name
	Request string
	At      time.Time // when its hold was opened
	Kept    Kept
	Debited int64 // as settled
	// Remaining is what the account could spend after that.
	Remaining int64
	// Hold is the state of the request's hold, empty if there is none. A store
	// reads it with the reservation and does not write it.
	Hold HoldState
}

// Stands reports whether the name is the request's at now.
func (r Reservation) Stands(now time.Time) bool {
	switch r.Hold {
	case HoldReleased:
		return false
	case HoldOpen:
		return true
	default:
		return now.Before(r.At.Add(OnceFor))
	}
}

// Faults of a name that is taken. None of them changes anything.
var (
	ErrNameReused  = fault.New(fault.Invalid, "idempotency_key_reused", "This Idempotency-Key was sent before with a different request. Send the same request again, or use a new key for a new one.")
	ErrNameInUse   = fault.New(fault.Conflict, "idempotency_in_progress", "The request with this Idempotency-Key is still being answered. Wait a moment, then send the same request again for its answer.")
	ErrNameDone    = fault.New(fault.Conflict, "idempotency_answered", "The request with this Idempotency-Key has been answered. Send it again for the answer.")
	ErrNameTooBig  = fault.New(fault.Conflict, "outcome_too_large", "The request with this Idempotency-Key was answered and debited, but its answer was too large to be kept, and it is not run again. Use a new key to ask anew.")
	ErrNameUnknown = fault.New(fault.Conflict, "outcome_unknown", "The request with this Idempotency-Key was begun, but its answer was lost, and it is not run again. Activity shows what was debited. Use a new key to ask anew.")
)

// Refusal returns why a request of the name n may not run at now, nil if the
// name is free. ErrNameDone means that there is an answer to give instead.
func (r Reservation) Refusal(n Name, now time.Time) error {
	switch {
	case !r.Stands(now):
		return nil
	case r.Print != n.Print:
		return ErrNameReused
	case r.Hold == HoldOpen:
		f := *ErrNameInUse
		f.RetryAfter = min(max(now.Sub(r.At)/2, time.Second), 10*time.Second) // the longer it takes, the longer to wait
		return &f
	case r.Kept == KeptWhole:
		return ErrNameDone
	case r.Kept == KeptTooBig:
		return ErrNameTooBig
	default:
		return ErrNameUnknown
	}
}

// Reserve gives the state the reservations of the names that its ops bring.
func (s *State) Reserve(rs ...Reservation) {
	if s.reservations == nil {
		s.reservations = make(map[[32]byte]*Reservation, len(rs))
	}
	for _, r := range rs {
		s.reservations[r.ID] = &r
	}
}

// Reservation returns a copy of the reservation of a name, with its hold as it
// is now.
func (s *State) Reservation(id [32]byte) (Reservation, bool) {
	r := s.reservations[id]
	if r == nil {
		return Reservation{}, false
	}
	out := *r
	if h := s.holds[r.Request]; h != nil {
		out.Hold = h.State
	}
	return out, true
}

// named reports whether an op brings its request's own name.
func (op *Op) named() bool { return op.Once != nil && len(op.Once.Names) > 0 }

// taken returns why a hold under its name is refused.
func (s *State) taken(op *Op, now time.Time) error {
	if !op.named() {
		return nil
	}
	for _, n := range op.Once.Names {
		if r, ok := s.Reservation(n.ID); ok && r.Request != op.Request {
			if err := r.Refusal(n, now); err != nil {
				return err
			}
		}
	}
	return nil
}

// name gives an op's name to its request.
func (s *State) name(op *Op, at time.Time) *Reservation {
	r := &Reservation{Name: op.Once.Names[0], Request: op.Request, At: at}
	if s.reservations == nil {
		s.reservations = map[[32]byte]*Reservation{}
	}
	s.reservations[r.ID] = r
	s.touchReservation(r)
	return r
}

// keep notes what became of the answer to a request that is settled by itself.
// As a settle carries its whole intent, it takes the name if that is still free.
func (s *State) keep(op *Op, o *Outcome) {
	if !op.named() || s.taken(op, o.At) != nil {
		return
	}
	r := s.reservations[op.Once.Names[0].ID]
	if r == nil || r.Request != op.Request {
		r = s.name(op, o.Hold.OpenedAt)
	}
	r.Kept, r.Debited = op.Once.Kept, o.Debited
	r.Remaining, _ = s.available(o.At)
	s.touchReservation(r)
}

func (s *State) touchReservation(r *Reservation) {
	if s.changed.reservations == nil {
		s.changed.reservations = map[[32]byte]bool{}
	}
	s.changed.reservations[r.ID], s.changed.touched = true, true
}
