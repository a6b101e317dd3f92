package ledger

import "time"

// HoldState is where a hold is in its life. It leaves open once.
type HoldState string

// The hold states.
const (
	HoldOpen     HoldState = "open"
	HoldSettled  HoldState = "settled"
	HoldReleased HoldState = "released"
)

// Part is the share of a lot in a hold or a debit.
type Part struct {
	Lot    string `json:"lot"`
	Amount int64  `json:"amount"`
}

// Usage is what a request consumed, in tokens. Cached is part of Input.
type Usage struct {
	Input     int64
	Cached    int64
	Output    int64
	Estimated bool // counted here because the upstream did not say (W6)
}

// Mark is how far the work behind a hold had come when its replica last said
// so. Recovery settles by it (L9).
type Mark struct {
	At        time.Time // zero: no mark
	Accepted  bool      // the upstream took the work
	Delivered bool      // the client got some of the answer
	Cost      int64     // what settling at this point would debit
	Usage     Usage
}

// Work describes the request that credits are spent on. It is frozen in the
// hold, so that a later price book or key cannot change what it meant.
type Work struct {
	Key          string // key_…
	User         string // user_…, empty for a key without a user
	Area         string // access.Area as text
	Route        string
	Model        string
	PriceVersion string
}

// Hold is credits set aside for one request.
type Hold struct {
	Request     string // req_…, unique for ever
	Account     string
	Replica     string // who will settle it
	Nonce       string // tells the owner's own retry from anybody else's
	State       HoldState
	Amount      int64
	Parts       []Part
	Work        Work
	OpenedAt    time.Time
	Deadline    time.Time
	Mark        Mark
	ClosedAt    time.Time
	Reason      string // why it was released, or settled by recovery
	Usage       Usage  // as settled
	Debited     int64
	Uncollected int64 // cost that no live credit covered (L8)
	Epoch       int64 // that it was decided under
	// Window is the month that the hold counts in, zero without Limits.
	Window time.Time
	// Limits are what the hold counts against. A store keeps the scopes alone:
	// what it reads back has MonthlyUnknown. The outcome of a hold or an
	// extension has them in full.
	Limits []Limit
	Tokens int64 // not stored: as in Op
	Once   *Once // not stored: as in Op
}

// counting returns the hold with what its owner knows of its limits.
func (h *Hold) counting(op *Op) Hold {
	full := *h
	full.Limits, full.Tokens = op.Limits, op.Tokens
	return full
}

// Resolution returns the op that ends a hold whose replica is gone: accepted
// work of which something was delivered is settled at the last mark, anything
// else is released (L9).
func (h Hold) Resolution() Op {
	op := Op{Kind: OpRelease, Account: h.Account, Request: h.Request, Nonce: h.Nonce, Replica: h.Replica, Work: h.Work, Reason: ReasonRecovered, Limits: h.Limits}
	if !h.Mark.At.IsZero() && h.Mark.Accepted && h.Mark.Delivered {
		op.Kind, op.Amount, op.Usage = OpSettle, h.Mark.Cost, h.Mark.Usage
		op.Usage.Estimated = true
	}
	return op
}

// Reasons a hold was closed other than by its request's own end.
const (
	ReasonRecovered = "replica_lost"
	ReasonAbandoned = "hold_deadline"
)
