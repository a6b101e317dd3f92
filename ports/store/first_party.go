package store

import (
	"context"
	"time"

	"github.com/archibot/archibotchat/core/keys"
)

// FirstParty is the hidden credential under which a member's browser chat is
// done (K8). Nobody has its token: it is dropped as soon as it is digested.
type FirstParty struct {
	ID      string // fpc_…
	Account string
	User    string // empty: of sessions without a user
	Digest  keys.Digest
	Pepper  string // the pepper's version
	// Seen is what groups it was made under, to be compared.
	Seen      string
	CreatedAt time.Time
	ExpiresAt time.Time
}

// FirstParties keeps hidden credentials, one of each user and account. They are
// not among Keys. One that is replaced or removed is a Change and raises the
// account's epoch. A member who is removed, and an account that is closed, has
// none any more, whoever does it.
type FirstParties interface {
	// Of returns the credential of a user and an account.
	Of(ctx context.Context, account, user string) (FirstParty, error)
	// Put adds a credential, or renews the one with the digest was, which keeps
	// its ID: what goes on under it goes on. ErrTaken if there is another one
	// meanwhile, or none.
	Put(ctx context.Context, c FirstParty, was keys.Digest) error
	// ByDigest returns the credential with the digest as a hidden key, and what
	// belongs to it, as they were at one moment.
	ByDigest(ctx context.Context, d keys.Digest) (KeyHolder, error)
	// Holders returns the account's credentials that have one of the IDs, as
	// ByDigest does.
	Holders(ctx context.Context, account string, ids []string) ([]KeyHolder, error)
	// End removes the credential of a user and an account, if there is one.
	End(ctx context.Context, account, user string) error
	// Expire removes credentials that are expired for an hour by the store's
	// clock, at most so many, and returns how many.
	Expire(ctx context.Context, limit int) (int, error)
}
