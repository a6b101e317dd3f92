package credits

import (
	"context"
	"strings"
	"time"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/ledger"
)

// Correction describes credits to give to an account, or to take from it, because
// its books do not say what they should (L11).
type Correction struct {
	Account string
	Amount  int64  // microcredits, signed as the balance is to move
	Lot     string // the one lot to correct; empty: see ledger.OpCorrect
	Reason  string // why, in a few words; kept in the entries and their event
}

// Corrected is what a correction did, or would do.
type Corrected struct {
	Account   string
	At        time.Time
	Parts     []CorrectedLot
	Available int64 // after it
}

// CorrectedLot is one lot of it.
type CorrectedLot struct {
	Lot    string // empty: one that would be made
	Made   bool   // it was, or would be, made for the correction
	Amount int64
}

// Correct writes a correction, its entries and its event, once for the request
// that ctx carries. Faults: operators_only, not_found, invalid_amount,
// amount_overflow, invalid_name (of the reason), correction_not_covered,
// unknown_lot, lot_not_live, lot_full, request_conflict.
func (s *Service) Correct(ctx context.Context, c Correction) (Corrected, error) {
	op, err := s.correction(ctx, c)
	if err != nil {
		return Corrected{}, err
	}
	out, err := s.commit(ctx, op)
	if err != nil {
		return Corrected{}, err
	}
	return correctedBy(op, out[0])
}

// Preview returns what Correct would do now, and changes nothing. Its faults
// are those of Correct.
func (s *Service) Preview(ctx context.Context, c Correction) (Corrected, error) {
	op, err := s.correction(ctx, c)
	if err != nil {
		return Corrected{}, err
	}
	now, err := s.d.Store.Now(ctx)
	if err != nil {
		return Corrected{}, err
	}
	last, lots, err := s.books(ctx, c.Account)
	if err != nil {
		return Corrected{}, err
	}
	// The store's own arithmetic, on a copy.
	state := ledger.NewState(c.Account, last, time.Time{}, lots, nil)
	would, err := correctedBy(op, ledger.Apply(state, []ledger.Op{op}, now)[0])
	for i := range would.Parts {
		if would.Parts[i].Made {
			would.Parts[i].Lot = ""
		}
	}
	return would, err
}

// correction checks a correction and returns its op.
func (s *Service) correction(ctx context.Context, c Correction) (ledger.Op, error) {
	switch access.By(ctx).Kind {
	case access.PrincipalOperator, access.PrincipalService:
	default:
		return ledger.Op{}, ErrOperatorsOnly
	}
	reason, err := access.CheckName(c.Reason, "reason")
	if err != nil {
		return ledger.Op{}, err
	}
	if c.Amount == 0 || c.Amount < -ledger.MaxAmount || c.Amount > ledger.MaxAmount {
		return ledger.Op{}, ledger.ErrAmount
	}
	by := audit.By(ctx)
	op := ledger.Op{
		Kind: ledger.OpCorrect, Account: c.Account, Amount: c.Amount, Lot: c.Lot, Spare: s.d.NewID("lot"), Reason: reason,
		Request: access.Request(ctx), Actor: by.ID, ActorKind: string(by.Kind),
	}
	if op.Request == "" { // so that a reply that is lost doubles nothing
		op.Request = s.d.NewID("req")
	}
	return op, nil
}

func correctedBy(op ledger.Op, o ledger.Outcome) (Corrected, error) {
	if o.Err != nil {
		return Corrected{}, o.Err
	}
	c := Corrected{Account: op.Account, At: o.At, Available: o.Available}
	for _, e := range o.Correction {
		c.At = e.At
		c.Parts = append(c.Parts, CorrectedLot{Lot: e.Lot, Made: e.Lot == op.Spare, Amount: e.Amount})
	}
	return c, nil
}

// ParseSigned reads decimal credits with a sign or without, such as -12.5, into
// microcredits. Fault: invalid_credits.
func ParseSigned(text string) (int64, error) {
	digits, negative := strings.CutPrefix(text, "-")
	if !negative {
		digits = strings.TrimPrefix(text, "+")
	}
	n, err := ParseCredits(digits)
	if negative {
		n = -n
	}
	return n, err
}
