package store

import (
	"context"
	"time"

	"github.com/archibot/archibotchat/core/access"
)

// InvitationHash is the SHA-256 of an invitation's token; the token is not
// stored.
type InvitationHash [32]byte

// InvitationState is what became of an invitation.
type InvitationState string

// The states. An open one may have expired all the same.
const (
	InvitationOpen     InvitationState = "open"
	InvitationAccepted InvitationState = "accepted"
	InvitationRevoked  InvitationState = "revoked"
	InvitationReplaced InvitationState = "replaced" // by another one to the same address
	InvitationExpired  InvitationState = "expired"
)

// Invitation is what lets somebody with an e-mail address become a member
// (A7).
type Invitation struct {
	ID        string // inv_…
	Account   string
	Hash      InvitationHash
	Email     string // as it was typed
	Role      access.Role
	By        string // who invited: the actor's ID
	CreatedAt time.Time
	ExpiresAt time.Time
	State     InvitationState
	EndedAt   time.Time // zero while it is open
	User      string    // who accepted
}

// Invitations keeps invitations. Addresses are compared as access.FoldEmail
// leaves them.
type Invitations interface {
	// Create adds an open invitation; ErrTaken if the address has an open one
	// in the account.
	Create(ctx context.Context, v Invitation) error
	// Get returns an invitation of the account.
	Get(ctx context.Context, account, id string) (Invitation, error)
	// ByHash returns the invitation of a token, whatever its state.
	ByHash(ctx context.Context, h InvitationHash) (Invitation, error)
	// To returns the open invitation of an address in the account.
	To(ctx context.Context, account, email string) (Invitation, error)
	// List returns the account's invitations, newest first; the cursor is the ID.
	List(ctx context.Context, account string, p Page) ([]Invitation, error)
	// Open returns how many invitations of the account are open and have not
	// expired at now.
	Open(ctx context.Context, account string, now time.Time) (int64, error)
	// End ends an open invitation of the account; changed is false if it had
	// ended. user is who accepted it, or empty.
	End(ctx context.Context, v Invitation, to InvitationState, at time.Time, user string) (changed bool, err error)
	// Forget removes invitations, at most limit, that ended, or expired, before
	// a time; more tells that there may be others.
	Forget(ctx context.Context, before time.Time, limit int) (more bool, err error)
}
