package store

import (
	"context"
	"net/netip"
	"time"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/core/ledger"
)

// KeyHolder is a key with the account it belongs to: what an admission needs.
type KeyHolder struct {
	Key     keys.Key
	Account Account
	// UserRule and UserGroups are those of the key's user. The rule is empty
	// for a key without a user, and for one whose user is no member of the
	// account.
	UserRule   string
	UserGroups access.Groups
	// Limits are those that the operator gave the account, and those of the
	// account, the key's user and the key's root, by scope.
	Limits []ledger.Limit
}

// Keys keeps API keys. All that changes a key, save Touch and Noticed, is a Change
// and raises the account's epoch.
type Keys interface {
	// Create adds a key; ErrTaken if its ID or digest exists.
	Create(ctx context.Context, k keys.Key) error
	// Get returns a key of the account.
	Get(ctx context.Context, account, id string) (keys.Key, error)
	// Find returns a key by ID alone, for operators.
	Find(ctx context.Context, id string) (keys.Key, error)
	// List returns the account's keys, newest first; the cursor is the ID.
	List(ctx context.Context, account string, p Page) ([]keys.Key, error)
	// ByDigests returns the keys that have one of the digests, in no order, as
	// they and what belongs to them were at one moment. One query.
	ByDigests(ctx context.Context, digests []keys.Digest) ([]KeyHolder, error)
	// Holders returns the account's keys that have one of the IDs, as ByDigests
	// does.
	Holders(ctx context.Context, account string, ids []string) ([]KeyHolder, error)
	// OfUser returns the keys of the account that are a user's, newest first; the
	// cursor is the ID.
	OfUser(ctx context.Context, account, user string, p Page) ([]keys.Key, error)
	// Revoke marks a key as revoked, of which nobody need be told any more that
	// it expires. A key that is revoked already keeps its time and actor, and
	// changed is false.
	Revoke(ctx context.Context, account, id string, at time.Time, by string) (changed bool, err error)
	// Succeed names the successor of an active key that has none yet, sets its
	// new expiry and takes its notices back; ErrTaken if it has one already or is revoked.
	Succeed(ctx context.Context, account, id, successor string, expires time.Time) error
	// Notices returns keys whose NoticeAt is over by the store's clock, the
	// earliest first.
	Notices(ctx context.Context, limit int) ([]keys.Key, error)
	// Noticed moves NoticeAt of a key of the account on from one time to another, or to
	// none; false if it stands elsewhere by now. It is no Change.
	Noticed(ctx context.Context, account, id string, from, to time.Time) (changed bool, err error)
	// Narrow writes the models and networks of a key of the account.
	Narrow(ctx context.Context, account, id string, models []string, networks []netip.Prefix) error
	// Touch notes that a key was used, unless that was noted later than every
	// before, so that several servers note it no oftener than one.
	Touch(ctx context.Context, id string, at time.Time, every time.Duration) error
	// Peppers returns how many keys there are under each pepper that are
	// neither revoked nor expired by the store's clock.
	Peppers(ctx context.Context) (map[string]int64, error)
	// Rehash moves a key to another pepper.
	Rehash(ctx context.Context, id string, d keys.Digest, pepper string) error
}
