package store

import (
	"context"
	"time"

	"github.com/archibot/archibotchat/core/ledger"
)

// Idempotency keeps what requests came to that their clients named (W7). The
// names are reserved by Commit, together with the hold, and marked by Commit,
// together with the settle.
type Idempotency interface {
	// Find returns those of the names that the account has given to a request,
	// in no order.
	Find(ctx context.Context, account string, names []ledger.Name) ([]ledger.Reservation, error)
	// Record keeps the answer to a request, in place of what it kept before.
	Record(ctx context.Context, o SealedOutcome) error
	// Outcome returns what Record kept of the account's request, which was held
	// at opened; ErrNotFound if there is nothing, or no longer.
	Outcome(ctx context.Context, account, request string, opened time.Time) ([]byte, error)
	// Expire removes names and answers that by the store's clock are older than
	// ledger.OnceFor, up to limit of each; more is true if some may be left. A
	// name whose hold is open is not removed; an answer may live a day longer.
	Expire(ctx context.Context, limit int) (more bool, err error)
}

// SealedOutcome is the answer to a request, sealed: it tells whoever reads the
// database nothing.
type SealedOutcome struct {
	Account string
	Request string
	Opened  time.Time // when the request was held
	Sealed  []byte
}
