package store

import (
	"context"
	"time"

	"github.com/archibot/archibotchat/core/fault"
)

// Change says that a gate may see an account differently: its status, groups
// or billing were written, the data boundary acknowledged, a key or a member of it was made, changed or
// removed, or the provider says otherwise of a member's groups.
type Change struct {
	Seq     int64
	Account string
}

// ErrMissed means that a list of changes has a hole where it was asked to
// begin: they were pruned, or the database is an older copy of itself.
var ErrMissed = fault.New(fault.Conflict, "changes_missed", "Some changes are not listed any more. Read everything again.")

// Changes tells servers what to forget (HOTPATH 19). Numbers have no gaps and
// follow the order of commits: once a number can be read, none before it will
// appear. A change is listed as it is committed, by whoever, and raises the
// account's epoch with it. Batches and last-used times change nothing.
//
// It works outside transactions only, and never waits for other calls of this
// store: reading has a connection of its own.
type Changes interface {
	// Head returns the number of the newest change, 0 if there was none.
	Head(ctx context.Context) (int64, error)
	// Since returns the changes after a number, oldest first. ErrMissed if the
	// next one is not there any more, or the number is beyond the newest.
	Since(ctx context.Context, after int64, limit int) ([]Change, error)
	// Prune removes the oldest changes, at most limit, that are older than
	// keep by the database's own clock, and returns how many.
	Prune(ctx context.Context, keep time.Duration, limit int) (int, error)
}
