package gates

import (
	"maps"
	"slices"
)

// Reason is why a gate is closed: a machine code (G2).
type Reason string

// The reasons, in the order Decide lists them.
const (
	NotSignedIn            Reason = "not_signed_in"
	KeyRevoked             Reason = "key_revoked"
	KeyExpired             Reason = "key_expired"
	KeyNetwork             Reason = "network_not_allowed"
	AccountClosed          Reason = "account_closed"
	AccountPending         Reason = "account_pending"
	AccountSuspended       Reason = "account_suspended"
	NoProductGroup         Reason = "no_product_group"
	AreaDisabled           Reason = "area_disabled"
	BillingIncomplete      Reason = "billing_incomplete"
	PaymentReview          Reason = "payment_review"
	BoundaryUnacknowledged Reason = "boundary_unacknowledged"
	ModelNotAllowed        Reason = "model_not_allowed"
	CreditsExhausted       Reason = "credits_exhausted"
	BudgetReached          Reason = "budget_reached"
	RateLimited            Reason = "rate_limited"
)

type text struct{ sentence, next string }

var texts = map[Reason]text{
	NotSignedIn:            {"You are not signed in.", "Sign in, or send a valid API key."},
	KeyRevoked:             {"This API key was revoked.", "Create a new key."},
	KeyExpired:             {"This API key has expired.", "Create a new key."},
	KeyNetwork:             {"This API key may not be used from this network.", "Use it from one of its networks, or change those of the key."},
	AccountClosed:          {"This account is closed.", "Contact support if that is unexpected."},
	AccountPending:         {"This account is waiting for approval.", "You will be told when it is approved; contact support if it takes long."},
	AccountSuspended:       {"This account is suspended.", "Contact support."},
	NoProductGroup:         {"Your account or user does not have access to this area.", "Ask your administrator for access."},
	AreaDisabled:           {"This area is not available in this environment.", "Ask the operator which areas are enabled."},
	BillingIncomplete:      {"Billing is not complete.", "An administrator of the account can complete it under Billing."},
	PaymentReview:          {"A payment is under review.", "Contact support with the request ID."},
	BoundaryUnacknowledged: {"The data boundary has not been acknowledged yet.", "An administrator can read and acknowledge it under Setup."},
	ModelNotAllowed:        {"This model is not available here.", "List the models you can use, and pick one of them."},
	CreditsExhausted:       {"There are not enough credits for this request.", "Add credits, or ask for a shorter answer."},
	BudgetReached:          {"The monthly budget is used up.", "An administrator can raise it, or wait for the next month."},
	RateLimited:            {"Too many requests in a short time.", "Wait a moment, then try again."},
}

// Reasons returns all that there are, in the order of their codes.
func Reasons() []Reason { return slices.Sorted(maps.Keys(texts)) }

// Sentence says in plain words what the reason means.
func (r Reason) Sentence() string { return texts[r].sentence }

// NextStep says what the person can do about it.
func (r Reason) NextStep() string { return texts[r].next }
