package store

import (
	"context"
	"time"

	"github.com/archibot/archibotchat/core/access"
)

// SessionHash is the SHA-256 of a session's token; the token is not stored.
type SessionHash [32]byte

// Session is somebody's sign-in to one account (A5).
type Session struct {
	ID        string // ses_…
	Hash      SessionHash
	Account   string
	User      string        // empty for a session that an operator minted
	Role      access.Role   // within the account
	UserRule  string        // required | none: whether Groups narrow the account's
	Groups    access.Groups // of the user, as last seen at sign-in
	CreatedAt time.Time
	SeenAt    time.Time // idle limit counts from here
	ExpiresAt time.Time // absolute limit
	EndedAt   time.Time // zero: not ended
	EndReason string
	Operator  bool // minted for staff: shorter limits
}

// Sessions keeps sessions.
type Sessions interface {
	// Create adds a session.
	Create(ctx context.Context, s Session) error
	// ByHash returns a session and its account, ErrNotFound if there is none.
	// It does not judge whether the session is still good.
	ByHash(ctx context.Context, h SessionHash) (Session, Account, error)
	// Seen moves SeenAt forward.
	Seen(ctx context.Context, id string, at time.Time) error
	// End ends a session; ended already is not an error.
	End(ctx context.Context, id string, at time.Time, reason string) error
}
