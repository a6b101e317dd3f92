// Package store is the port to the database: small interfaces by aggregate, a
// transaction over them, and the batch commit of the ledger.
//
// Contract, proved by package storetest on every adapter:
//   - Times come back in UTC, truncated to microseconds; the zero time is kept as such.
//   - A row that is not there, or is another account's, is ErrNotFound.
//   - A name or ID that is taken is ErrTaken.
//   - A database that cannot be reached, is full or times out is a fault of
//     kind Unavailable, code store_unavailable.
//   - Text with U+0000 is refused as a fault of kind Invalid.
//   - Lists use keyset pages: pass the last item's cursor to get the next page.
//
// It is not a query language: each method is one thing a use case needs.
package store

import (
	"context"
	"time"

	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/ledger"
)

// Faults that every adapter returns; compare with errors.Is.
var (
	ErrNotFound    = fault.New(fault.NotFound, "not_found", "There is no such object.")
	ErrTaken       = fault.New(fault.Conflict, "already_exists", "That already exists.")
	ErrUnavailable = fault.New(fault.Unavailable, "store_unavailable", "The service cannot reach its records just now. Nothing was debited; try again shortly.")
	// ErrFenced means that another replica has taken over this one's holds.
	// The replica must end its streams as errors and join anew.
	ErrFenced = fault.New(fault.Unavailable, "replica_fenced", "This server was taken out of service while it worked on the request. Try again.")
	// ErrBusyAccount is the outcome of an op whose account another transaction
	// held. It changed nothing and may be sent again at once.
	ErrBusyAccount = fault.New(fault.Unavailable, "account_busy", "The account is being changed just now. Nothing was debited; try again shortly.")
	// ErrOuterStore means that a store from outside was used within Do.
	ErrOuterStore = fault.New(fault.Internal, "outer_store_in_tx", "A store from outside a transaction was used within it.")
)

// Stores gives access to the aggregates, outside or inside a transaction.
type Stores interface {
	Accounts() Accounts
	Users() Users
	Members() Members
	Invitations() Invitations
	Setups() Setups
	AccessRequests() AccessRequests
	Keys() Keys
	KeyDays() KeyDays
	FirstParties() FirstParties
	Ledger() Ledger
	Events() Events
	Sessions() Sessions
	Flows() Flows
	Responses() Responses
	Limits() Limits
	Seals() Seals
	SealLog() SealLog
	PriceBooks() PriceBooks
	Threads() Threads
	Messages() Messages
	Turns() Turns
	Prompts() Prompts
	Drafts() Drafts
}

// Store is a database. It is safe for concurrent use.
type Store interface {
	Stores
	// Do runs fn in a transaction and commits if fn returns nil. fn may run
	// more than once; inside it only s may be used, with the context that fn
	// was given: an outer store called with it fails with ErrOuterStore.
	Do(ctx context.Context, fn func(ctx context.Context, s Stores) error) error
	// View runs fn in a read-only transaction that sees one moment.
	View(ctx context.Context, fn func(ctx context.Context, s Stores) error) error
	Replicas() Replicas
	Changes() Changes
	Idempotency() Idempotency
	Batcher
	// Now returns the store's clock, the one that money time is read from.
	Now(ctx context.Context) (time.Time, error)
	// Ping reports whether the database answers.
	Ping(ctx context.Context) error
	// Stamp records the environment at first use, and later fails with a
	// Conflict, code environment_mismatch, if it is another one.
	Stamp(ctx context.Context, environment string) error
}

// Batcher commits ledger ops in batches: the hot path.
type Batcher interface {
	// Commit applies ops through ledger.Apply under the lock of their accounts,
	// in one transaction, each with the events of audit.OfLedger. Ops of one
	// account keep their order. It returns one outcome per op, in order;
	// an op refused by the ledger, or on an unknown account (ErrNotFound), has
	// its Err set and does not hinder the others; a request or lot ID that is
	// another account's is ledger.ErrConflict for that op alone. Money time is
	// the store's clock read after the lock. A name that an op brings
	// (ledger.Once) is reserved, or marked, with it.
	// by is the replica that commits, ErrFenced if it was fenced; the zero
	// Replica is a command of an operator and carries no fence.
	// If Commit fails, nothing was committed, or (after a lost reply) all was;
	// the same ops may be committed again and will be replayed.
	// It waits for accounts that another transaction holds; if one does not
	// come in time the batch fails as a whole, Unavailable.
	Commit(ctx context.Context, by Replica, ops []ledger.Op) ([]ledger.Outcome, error)
	// TryCommit is Commit for a writer that must not stand still for one
	// account: it waits up to patience for each account that is locked, not at
	// all for 0, and goes on without those that did not come. Every op of
	// theirs has ErrBusyAccount as its Err, and the rest is committed. A
	// database that locks as a whole waits as Commit does and never says so.
	TryCommit(ctx context.Context, by Replica, ops []ledger.Op, patience time.Duration) ([]ledger.Outcome, error)
}

// Page asks for a part of a list.
type Page struct {
	Limit int // 1 to MaxPage; 0 means DefaultPage
	// After is the cursor of the last item seen; empty starts at the beginning.
	After string
}

// Limits of a page.
const (
	DefaultPage = 50
	MaxPage     = 1000
)

// Size returns the number of items asked for, within the limits.
func (p Page) Size() int {
	if p.Limit <= 0 {
		return DefaultPage
	}
	return min(p.Limit, MaxPage)
}
