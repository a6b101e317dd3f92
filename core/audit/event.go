package audit

import "time"

// Kind says what happened. Kinds are public API; never rename one.
type Kind string

// The kinds (U3).
const (
	AccountCreated    Kind = "account.created"
	AccountChanged    Kind = "account.changed"
	SessionCreated    Kind = "session.created"
	SessionEnded      Kind = "session.ended"
	SessionSwitched   Kind = "session.switched" // to another account of its user
	SignedIn          Kind = "signin.succeeded"
	SignInFailed      Kind = "signin.failed"
	UserChanged       Kind = "user.changed" // the provider says otherwise than before
	GateDenied        Kind = "gate.denied"
	KeyCreated        Kind = "key.created"
	KeyRotated        Kind = "key.rotated"
	KeyChanged        Kind = "key.changed"
	KeyRevoked        Kind = "key.revoked"
	KeyExpiring       Kind = "key.expiring" // its owner is told that it will expire
	KeyRefused        Kind = "key.refused"  // a key that did not work, with its true reason
	LimitSet          Kind = "limit.set"
	LimitCleared      Kind = "limit.cleared"
	UsageDebited      Kind = "usage.debited"
	UsageReleased     Kind = "usage.released" // held, then given back: the upstream did no work
	UsageUncollected  Kind = "usage.uncollected"
	CreditsGranted    Kind = "credits.granted"
	CreditsExpired    Kind = "credits.expired"
	CreditsClawedBack Kind = "credits.clawed_back"
	CreditsClosed     Kind = "credits.closed"
	CreditsCorrected  Kind = "credits.corrected"
	PricesPublished   Kind = "prices.published"
	ResponseDeleted   Kind = "response.deleted"
)

// ActorKind says what sort of party acted.
type ActorKind string

// The kinds of actor.
const (
	ActorService  ActorKind = "service"
	ActorOperator ActorKind = "operator"
	ActorUser     ActorKind = "user"
	ActorKey      ActorKind = "key"
	ActorUnknown  ActorKind = "unknown"
)

// Actor is who did it: an ID, never an e-mail address.
type Actor struct {
	Kind ActorKind
	ID   string
}

// Event is one append-only record.
type Event struct {
	ID      string // evt_…
	Account string // empty where no account is known
	Seq     int64  // within the account, given by the store under its lock
	At      time.Time
	Kind    Kind
	Actor   Actor
	Area    string
	Request string // req_…
	Key     string
	Amount  int64  // microcredits, signed as the balance moved
	Reason  string // a code
	Subject string // ID of what it happened to
	Model   string
	Count   int64 // how many alike this one stands for; at least 1
}
