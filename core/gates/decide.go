package gates

import (
	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/billing"
	"github.com/archibot/archibotchat/core/keys"
)

// Credential says what the principal showed. The zero value is nothing.
type Credential uint8

// The credentials.
const (
	NoCredential Credential = iota
	Session
	Key // also the hidden first-party credential
)

// GroupRule says whether the user's own groups count (A3).
type GroupRule uint8

// The rules. The zero value is unknown and closes.
const (
	GroupsUnknown  GroupRule = iota
	GroupsRequired           // the area needs the group on the user too
	GroupsNone               // no user, or a provider that sends no groups: the account's decide
)

// RuleOf reads the rule of a user as it is kept: required or none. Anything
// else is unknown.
func RuleOf(text string) GroupRule {
	switch text {
	case "required":
		return GroupsRequired
	case "none":
		return GroupsNone
	}
	return GroupsUnknown
}

// Boundary says where the data-boundary acknowledgement stands (A8).
type Boundary uint8

// The boundary states. The zero value is unknown and closes.
const (
	BoundaryUnknown Boundary = iota
	BoundaryNotRequired
	BoundaryAcknowledged
	BoundaryMissing
)

// Of returns where an account stands in an environment whose boundary is b, in
// a version: one that must be acknowledged (BoundaryMissing) is, if the account
// acknowledged that version last.
func (b Boundary) Of(version, acknowledged string) Boundary {
	if b == BoundaryMissing && version != "" && acknowledged == version {
		return BoundaryAcknowledged
	}
	return b
}

// Credits says whether there is anything to spend, where the caller asks.
type Credits uint8

// The credit states. The zero value is unknown and closes.
const (
	CreditsUnknown   Credits = iota
	CreditsUnchecked         // this use costs nothing, or the ledger decides with the amount
	CreditsAvailable
	CreditsNone
)

// Input is everything a decision rests on.
type Input struct {
	Area       access.Area
	Credential Credential
	KeyState   keys.State // where Credential is Key
	Account    access.Status
	Groups     access.Groups // of the account
	UserRule   GroupRule
	UserGroups access.Groups
	Enabled    access.Groups // areas that the environment offers
	Billing    billing.State
	Boundary   Boundary
	Credits    Credits
}

// Decision is the answer. Allowed is true only if there is no reason not to.
type Decision struct {
	Allowed bool
	Reasons []Reason // the first one sets the status
}

// Has reports whether r is among the reasons.
func (d Decision) Has(r Reason) bool {
	for _, x := range d.Reasons {
		if x == r {
			return true
		}
	}
	return false
}

// First returns the reason that sets the status, or "".
func (d Decision) First() Reason {
	if len(d.Reasons) == 0 {
		return ""
	}
	return d.Reasons[0]
}

// Decide returns whether the area may be used, and every reason why not.
func Decide(in Input) Decision {
	var rs []Reason
	no := func(r Reason) { rs = append(rs, r) }

	switch in.Credential {
	case Session:
	case Key:
		switch in.KeyState {
		case keys.StateActive:
		case keys.StateRevoked:
			no(KeyRevoked)
		case keys.StateExpired:
			no(KeyExpired)
		case keys.StateElsewhere:
			no(KeyNetwork)
		default:
			no(NotSignedIn)
		}
	default:
		no(NotSignedIn)
	}

	operator := in.Area == access.AreaOperator
	if !operator {
		switch in.Account {
		case access.StatusActive:
		case access.StatusClosed:
			no(AccountClosed)
		case access.StatusSuspended:
			no(AccountSuspended)
		default:
			no(AccountPending)
		}
	}
	if !mayEnter(in, operator) {
		no(NoProductGroup)
	}
	if g := in.Area.Group(); g == "" || !in.Enabled.Has(g) {
		no(AreaDisabled)
	}
	if !operator {
		rs = append(rs, spending(in)...)
	}
	return Decision{Allowed: len(rs) == 0, Reasons: rs}
}

// mayEnter looks at groups: on the account and on the user, except that the
// operator area needs the user's operator group alone and never a key (A4).
func mayEnter(in Input, operator bool) bool {
	g := in.Area.Group()
	if g == "" {
		return false
	}
	if operator {
		return in.Credential == Session && in.UserRule == GroupsRequired && in.UserGroups.Has(g)
	}
	switch in.UserRule {
	case GroupsRequired:
		return in.Groups.Has(g) && in.UserGroups.Has(g)
	case GroupsNone:
		return in.Groups.Has(g)
	default:
		return false
	}
}

func spending(in Input) (rs []Reason) {
	switch {
	case in.Billing.Usable():
	case in.Billing == billing.Review:
		rs = append(rs, PaymentReview)
	default:
		rs = append(rs, BillingIncomplete)
	}
	if in.Boundary != BoundaryNotRequired && in.Boundary != BoundaryAcknowledged {
		rs = append(rs, BoundaryUnacknowledged)
	}
	if in.Credits != CreditsUnchecked && in.Credits != CreditsAvailable {
		rs = append(rs, CreditsExhausted)
	}
	return rs
}
