// Package billing names the billing states of an account and says which of
// them let it spend (G4).
//
// It keeps true that an unknown state is not usable. It does not talk to a
// payment provider and holds no amounts.
package billing

import "github.com/archibot/archibotchat/core/fault"

// State is an account's billing state.
type State string

// The states.
const (
	None             State = "none"
	Incomplete       State = "incomplete"
	Trial            State = "trial"
	Active           State = "active"
	OperatorApproved State = "operator_approved"
	PastDue          State = "past_due"
	Review           State = "review"
	Cancelled        State = "cancelled"
)

// Usable reports whether an account in this state may spend credits.
func (s State) Usable() bool { return s == Active || s == Trial || s == OperatorApproved }

// Parse returns the state named by text, or a fault that lists the states.
func Parse(text string) (State, error) {
	switch s := State(text); s {
	case None, Incomplete, Trial, Active, OperatorApproved, PastDue, Review, Cancelled:
		return s, nil
	}
	f := fault.New(fault.Invalid, "unknown_billing_state", "Billing is one of none, incomplete, trial, active, operator_approved, past_due, review, cancelled.")
	f.Param = "billing"
	return "", f
}
