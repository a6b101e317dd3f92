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
	// After ends the list: only events with a higher Seq are looked at.
	After int64
	Limit int
}

// Events keeps the evidence. Rows cannot be changed or deleted: the database
// refuses it.
type Events interface {
	// Append adds events. Within an account it gives each the next Seq under
	// the account's lock; events of no account get Seq 0. ErrNotFound if an
	// event names an account that does not exist.
	Append(ctx context.Context, events ...audit.Event) error
	// List returns an account's events, newest first. It reads them in that
	// order until it has found enough: callers that ask for what may be rare
	// bound it by Before and After. Kinds that no request leaves behind in the
	// ordinary course are found at once, however many others there are.
	List(ctx context.Context, q EventQuery) ([]audit.Event, error)
	// Span returns bounds for a list: every event of the account dated in
	// [since, until) has a Seq above after and below before. A zero time does not
	// bound. Dates follow the sequence only roughly, because servers' clocks
	// differ; it allows for an hour.
	Span(ctx context.Context, account string, since, until time.Time) (after, before int64, err error)
	// Unowned returns events of no account, newest first; the cursor is the ID.
	Unowned(ctx context.Context, p Page) ([]audit.Event, error)
}
