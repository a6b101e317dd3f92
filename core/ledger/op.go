package ledger

import (
	"time"

	"github.com/archibot/archibotchat/core/fault"
)

// OpKind names a step.
type OpKind uint8

// The steps.
const (
	OpGrant    OpKind = iota + 1 // make a lot
	OpHold                       // set credits aside for a request
	OpMark                       // note how far a held request has come
	OpSettle                     // turn a hold into a debit
	OpRelease                    // give a hold back
	OpSweep                      // write the expiry entries of lots past their time
	OpClawback                   // take back what is left of a lot
	OpClose                      // zero every lot
	OpExtend                     // set more aside for a held request
	OpSpend                      // hold and settle in one step (HOTPATH 14)
	OpCorrect                    // give or take credits by an operator's word (L11)
)

var opNames = [...]string{"", "grant", "hold", "mark", "settle", "release", "sweep", "clawback", "close", "extend", "spend", "correct"}

// String returns the step's name.
func (k OpKind) String() string {
	if int(k) < len(opNames) {
		return opNames[k]
	}
	return "unknown"
}

// Terminal reports whether the step ends a hold.
func (k OpKind) Terminal() bool { return k == OpSettle || k == OpRelease || k == OpSpend }

// Op is one step to apply to one account.
type Op struct {
	Kind    OpKind
	Account string
	// Amount is the sum of a grant or hold, the actual cost of a settle, the
	// new sum of a hold that is extended, and the bound of a spend. Of a
	// correction it is signed as the balance is to move.
	Amount  int64
	Cost    int64  // spend: the actual cost
	Request string // hold, extend, mark, settle, release, spend; correct, once each
	Replica string
	Nonce   string
	Work    Work
	// Deadline is how long after it is opened a hold may live.
	Deadline time.Duration
	Usage    Usage // settle, spend
	// Epoch is the account's epoch that a hold or spend was decided under; the
	// step is refused with ErrEpoch under another one. 0 means any (HOTPATH 20).
	Epoch int64
	// Limits are what the request counts against. Whoever ends or extends a
	// hold passes those of its hold again.
	Limits []Limit
	// Tokens is how many the request was thought to take when it was held.
	Tokens int64
	// Once is the client's own name of the request, if it gave one; of a hold,
	// settle or spend.
	Once   *Once
	Mark   Mark // mark
	Lot    string
	Spare  string // correct: the ID of the lot to make if none takes the credits back
	Source Source // grant
	Reason string
	Actor  string // who asked: empty for the service itself, else an ID
	// ActorKind is the audit name of the actor's kind.
	ActorKind string
}

// Outcome is what became of an op. A refusal has Err set and changed nothing.
type Outcome struct {
	Err error // *fault.Error, or nil
	// Replayed is true if this very op had been applied before; the figures
	// are those recorded then.
	Replayed bool
	At       time.Time // money time: the store's clock, never behind the account's last op
	Hold     Hold      // as it is now; hold, mark, settle, release
	Lot      Lot       // as it is now; grant, clawback
	Entries  []Entry   // what was written
	// Correction is the entries of a correction, also of one that was booked
	// before.
	Correction  []Entry
	Debited     int64
	Uncollected int64
	Available   int64 // what the account can spend after this op
	// Room is what the monthly limits of the op leave, MaxAmount if it has none.
	Room int64
	// Until is when Available or Room may change by themselves: a lot or the
	// month ends. Zero: never.
	Until time.Time
	Rates Rates
}

// Faults that Apply returns. Compare with errors.Is.
var (
	ErrExhausted   = fault.New(fault.Exhausted, "credits_exhausted", "There are not enough credits for this request. Add credits, or ask for a shorter answer.")
	ErrAmount      = fault.New(fault.Invalid, "invalid_amount", "The amount is not one that can be booked.")
	ErrOverflow    = fault.New(fault.Invalid, "amount_overflow", "The amount is too large to be counted.")
	ErrConflict    = fault.New(fault.Conflict, "request_conflict", "This request ID already stands for other work.")
	ErrHoldClosed  = fault.New(fault.Conflict, "hold_closed", "The credits of this request were already settled or released.")
	ErrUnknownLot  = fault.New(fault.NotFound, "unknown_lot", "There is no such lot of credits.")
	ErrUnknownHold = fault.New(fault.NotFound, "unknown_hold", "No credits are held for this request.")
	// ErrEpoch means that the account was changed since the request was decided.
	// Decide again and send it once more.
	ErrEpoch = &fault.Error{
		Kind: fault.Unavailable, Code: "epoch_changed", RetryAfter: time.Second,
		Message: "The account is being changed just now. Nothing was debited; try again shortly.",
	}
	ErrUnknownOp = fault.New(fault.Internal, "unknown_op", "This ledger step is not known.")
)
