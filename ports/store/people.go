package store

import (
	"context"
	"time"

	"github.com/archibot/archibotchat/core/access"
)

// User is one identity: an issuer and a subject there, never an e-mail address
// (A1). Nothing else is kept of a person (A2).
type User struct {
	ID            string // user_…
	Issuer        string
	Subject       string
	Provider      string // the provider's ID, as it is configured
	Email         string
	EmailVerified bool
	Name          string
	Rule          string        // required | none: whether Groups narrow the accounts'
	Groups        access.Groups // product groups, as last seen
	CreatedAt     time.Time
	UpdatedAt     time.Time // when what the provider says was last different
	SeenAt        time.Time // last sign-in or re-check
}

// Users keeps identities.
type Users interface {
	// SignedIn adds the user of (Issuer, Subject), or brings the one there is up
	// to date, and returns them as kept: with the ID and CreatedAt that they
	// have. created says that they are new. If Rule or Groups differ from what
	// was kept, it is a Change of every account that the user is a member of.
	SignedIn(ctx context.Context, u User) (kept User, created bool, err error)
	// Get returns a user.
	Get(ctx context.Context, id string) (User, error)
	// Find returns the user of an issuer and a subject.
	Find(ctx context.Context, issuer, subject string) (User, error)
}

// Member is a user of an account.
type Member struct {
	Account   string
	User      string
	Role      access.Role
	CreatedAt time.Time
}

// Membership is a member as the user sees it.
type Membership struct {
	Member
	Name   string // of the account
	Status access.Status
}

// MemberUser is a member as the account sees it.
type MemberUser struct {
	Member
	Email  string
	Name   string // of the user
	SeenAt time.Time
}

// MaxMemberships is how many accounts of a user are listed.
const MaxMemberships = 100

// Members keeps who belongs to which account. All that changes one is a Change
// and raises the account's epoch.
type Members interface {
	// Add adds a member; ErrTaken if the user is one already, ErrNotFound if
	// there is no such account or user.
	Add(ctx context.Context, m Member) error
	// Get returns a member of the account.
	Get(ctx context.Context, account, user string) (Member, error)
	// Of returns the accounts of a user by ID, MaxMemberships at most.
	Of(ctx context.Context, user string) ([]Membership, error)
	// List returns the account's members by user ID; the cursor is the user ID.
	List(ctx context.Context, account string, p Page) ([]MemberUser, error)
	// SetRole writes a member's role.
	SetRole(ctx context.Context, account, user string, r access.Role) error
	// Remove removes a member. Their keys and sessions are the caller's affair.
	Remove(ctx context.Context, account, user string) error
	// Admins returns how many members are admins.
	Admins(ctx context.Context, account string) (int64, error)
}
