package store

import (
	"context"
	"time"

	"github.com/archibot/archibotchat/core/ledger"
)

// OperatorScope is the scope of the limits that operators give an account: it
// cannot raise them itself.
const OperatorScope = "operator"

// Limited is a limit with what was counted against it.
type Limited struct {
	ledger.Limit
	UpdatedAt time.Time
	// Counter is as it was last written: its Window may be a month that is over.
	Counter ledger.Counter
}

// Limits keeps what the scopes of accounts may spend (L12, K7). All that
// changes one is a Change and raises the account's epoch. What they count is
// written by batches alone, and outlives them.
type Limits interface {
	// Set writes the limit of a scope in place of the one it had. ErrNotFound
	// if there is no such account.
	Set(ctx context.Context, account string, l ledger.Limit, at time.Time) error
	// Get returns the limit of a scope, ErrNotFound if it has none.
	Get(ctx context.Context, account, scope string) (Limited, error)
	// Of returns the limits of those scopes that have one, by scope.
	Of(ctx context.Context, account string, scopes []string) ([]Limited, error)
	// List returns the account's limits by scope; the cursor is the scope.
	List(ctx context.Context, account string, p Page) ([]Limited, error)
	// Count sets what a scope has spent in a month; what it has reserved there,
	// and its rates, stay. The account must be locked, or a batch may count at
	// the same time. It is no Change.
	Count(ctx context.Context, account, scope string, month time.Time, spent int64) error
	// Remove takes the limit of a scope away, ErrNotFound if it has none.
	Remove(ctx context.Context, account, scope string) error
}
