package gates

import "github.com/archibot/archibotchat/core/fault"

// Fault returns a closed decision as a fault: its first reason sets kind and
// code. An allowed decision has none.
func (d Decision) Fault() *fault.Error {
	if d.Allowed {
		return nil
	}
	return d.First().Fault()
}

// Fault returns the reason as a fault.
func (r Reason) Fault() *fault.Error {
	kind := fault.Forbidden
	switch r {
	case NotSignedIn, KeyRevoked, KeyExpired, KeyNetwork, AccountClosed:
		kind = fault.Unauthenticated
	case ModelNotAllowed:
		kind = fault.NotFound
	case CreditsExhausted, BudgetReached:
		kind = fault.Exhausted
	case RateLimited:
		kind = fault.Limited
	default:
	}
	return fault.New(kind, string(r), r.Sentence()+" "+r.NextStep())
}
