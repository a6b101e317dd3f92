package store

import (
	"context"
	"time"

	"github.com/archibot/archibotchat/core/access"
)

// SessionHash is the SHA-256 of a session's token; the token is not stored.
type SessionHash [32]byte

// Session is somebody's sign-in, to one account or, while they belong to none,
// to no account (A5). A session that an operator minted has no provider; what
// it says of its user is its own. That of a session made by a sign-in is read
// from the user and the membership, as they are now.
type Session struct {
	ID        string // ses_…
	Hash      SessionHash
	Account   string // empty: signed in, but a member of nothing yet
	User      string // empty for a session that an operator minted for nobody
	Role      access.Role
	UserRule  string        // required | none: whether Groups narrow the account's
	Groups    access.Groups // of the user
	CreatedAt time.Time
	SeenAt    time.Time // idle limit counts from here
	ExpiresAt time.Time // absolute limit
	EndedAt   time.Time // zero: not ended
	EndReason string
	Operator  bool // minted for staff: shorter limits

	Provider string // the ID of the provider that signed them in; empty: minted
	Issuer   string
	SID      string // what the provider calls its own session; may be empty
	// Grant is what the provider is asked with, sealed. It goes when the
	// session ends.
	Grant     []byte
	FreshAt   time.Time // when the person last proved themselves
	CheckedAt time.Time // when the provider last vouched for them
	CheckAt   time.Time // when to ask the provider again; zero: never
}

// SessionQuery tells sessions by whose they are. Empty fields do not narrow,
// but ID, User, SID or Subject must be given; SID and Subject are an Issuer's.
type SessionQuery struct {
	ID      string
	User    string
	Account string
	Issuer  string
	// SID is a session of the provider. With a Subject, sessions of theirs whose
	// SID is not known count too.
	SID     string
	Subject string // the user as the issuer calls them
	Except  string // the ID of a session to leave alone
}

// Sessions keeps sessions.
type Sessions interface {
	// Create adds a session.
	Create(ctx context.Context, s Session) error
	// ByHash returns a session and its account, the zero Account if it has
	// none; ErrNotFound if there is no such session. It does not judge whether
	// the session is still good. A session made by a sign-in has no role where
	// its user is not a member, and no rule where there is no such user.
	ByHash(ctx context.Context, h SessionHash) (Session, Account, error)
	// Get returns a session by its ID, as ByHash does.
	Get(ctx context.Context, id string) (Session, error)
	// List returns the user's sessions that were not ended and have not
	// expired at now, newest first; the cursor is the ID.
	List(ctx context.Context, user string, now time.Time, p Page) ([]Session, error)
	// LastAccount returns the account that a session of the user was for
	// which was used last; empty if there is none.
	LastAccount(ctx context.Context, user string) (string, error)
	// Seen moves SeenAt forward.
	Seen(ctx context.Context, id string, at time.Time) error
	// Switch makes a session that is not ended one for another account;
	// ErrNotFound otherwise.
	Switch(ctx context.Context, id, account string) error
	// End ends a session; ended already is not an error.
	End(ctx context.Context, id string, at time.Time, reason string) error
	// EndAll ends the sessions that a query tells and returns those that it
	// ended, without account and user details.
	EndAll(ctx context.Context, q SessionQuery, at time.Time, reason string) ([]Session, error)
	// Claim returns sessions whose CheckAt has come by now, the longest overdue
	// first, and sets their CheckAt to until, so that nobody else is given them
	// before.
	Claim(ctx context.Context, now, until time.Time, limit int) ([]Session, error)
	// Checked writes CheckedAt, CheckAt and Grant of a session that is not
	// ended; ended is not an error.
	Checked(ctx context.Context, s Session) error
	// Forget removes sessions, at most limit, that expired before a time; more
	// tells that there may be others.
	Forget(ctx context.Context, before time.Time, limit int) (more bool, err error)
}
