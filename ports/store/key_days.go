package store

import (
	"context"
	"time"
)

// KeyDay is what a key used on a day of UTC: the requests that were debited on
// it, by the ledger's clock, also if they began on the day before, and also if
// they cost nothing. That clock never steps back within an account, so a day
// that is over gets nothing more, and a day that was told is never told
// otherwise.
type KeyDay struct {
	Day                   time.Time // its first instant
	Requests              int64
	Input, Cached, Output int64 // tokens; Input includes Cached
	Debited               int64 // microcredits
}

// MaxAdded is how many events are added up at once at most.
const MaxAdded = 10_000

// KeyDays knows what keys used by day. Nothing is written for it beside
// requests: days are read from the account's events, of which each debit leaves
// one, and most of them are added up later, so that days are quick to read.
type KeyDays interface {
	// Of returns the days in [from, to) on which a key of the account was used,
	// the earliest first; from and to are first instants of days.
	Of(ctx context.Context, account, key string, from, to time.Time) ([]KeyDay, error)
	// Add adds up the next events of an account, n of them (1 to MaxAdded), and
	// returns whether it is worth while to call it again; where there are fewer
	// it leaves them. Several servers may do it at once: an event counts once.
	Add(ctx context.Context, account string, n int) (more bool, err error)
}
