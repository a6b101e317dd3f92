package store

import (
	"context"
	"time"

	"github.com/archibot/archibotchat/core/audit"
)

// EventQuery narrows a list of events. Empty fields do not narrow.
type EventQuery struct {
	Account string // required
	Kinds   []audit.Kind
	Key     string
	Request string
	Since   time.Time
	Until   time.Time
	// Before is the Seq of the last event seen; 0 starts at the newest.
	Before int64
	Limit  int
}

// Events keeps the evidence. Rows cannot be changed or deleted: the database
// refuses it.
type Events interface {
	// Append adds events. Within an account it gives each the next Seq under
	// the account's lock; events of no account get Seq 0. ErrNotFound if an
	// event names an account that does not exist.
	Append(ctx context.Context, events ...audit.Event) error
	// List returns an account's events, newest first.
	List(ctx context.Context, q EventQuery) ([]audit.Event, error)
	// Unowned returns events of no account, newest first; the cursor is the ID.
	Unowned(ctx context.Context, p Page) ([]audit.Event, error)
}
