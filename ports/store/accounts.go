package store

import (
	"context"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/billing"
)

// Account is an account with its billing state.
type Account struct {
	access.Account
	Billing billing.State
	// Boundary is the version of the data boundary that was acknowledged last,
	// empty if none was (A8).
	Boundary string
	// Entries is how many ledger entries the account has: the last one's Seq.
	Entries int64
}

// Accounts keeps accounts.
type Accounts interface {
	// Create adds an account; ErrTaken if the ID exists.
	Create(ctx context.Context, a Account) error
	// Get returns an account, ErrNotFound if there is none.
	Get(ctx context.Context, id string) (Account, error)
	// Set writes name, status, groups, billing and UpdatedAt of an existing
	// account; ErrNotFound if there is none. It is a Change, even if all stays
	// as it was. It never touches Boundary and the ledger's
	// columns.
	Set(ctx context.Context, a Account) error
	// Lock keeps everybody else from changing the account, its keys, limits and
	// books until the transaction ends; ErrNotFound if there is none. Within Do.
	Lock(ctx context.Context, id string) error
	// List returns accounts by ID; the cursor is the ID.
	List(ctx context.Context, p Page) ([]Account, error)
}
