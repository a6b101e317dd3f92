package store

import (
	"context"
	"time"
)

// KeyDay is what a key used on a day of UTC: requests that were settled and
// began on it, by the clock of the ledger.
type KeyDay struct {
	Day                   time.Time // its first instant
	Requests              int64
	Input, Cached, Output int64 // tokens; Input includes Cached
	Debited               int64 // microcredits
}

// KeyDays knows what keys used by day. Nothing is written for it beside
// requests: days are read from the holds, and those that are over are added up
// later, so that they are quick to read.
type KeyDays interface {
	// Of returns the days in [from, to) on which a key of the account was used,
	// the earliest first; from and to are first instants of days.
	Of(ctx context.Context, account, key string, from, to time.Time) ([]KeyDay, error)
	// Add adds up the first day of an account that is not yet, is over for an
	// hour and has holds, and returns whether there may be another one. A day
	// with an open hold waits. Several servers may add up the same day.
	Add(ctx context.Context, account string) (more bool, err error)
}
