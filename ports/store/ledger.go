package store

import (
	"context"
	"time"

	"github.com/archibot/archibotchat/core/ledger"
)

// Ledger reads an account's credits. All writing goes through Commit.
type Ledger interface {
	// Lots returns every lot of the account in spending order.
	Lots(ctx context.Context, account string) ([]ledger.Lot, error)
	// Entries returns entries with Seq above after, oldest first.
	Entries(ctx context.Context, account string, after int64, limit int) ([]ledger.Entry, error)
	// EntriesBefore returns entries with Seq below before (0: no bound), newest first.
	EntriesBefore(ctx context.Context, account string, before int64, limit int) ([]ledger.Entry, error)
	// FirstSince returns a Seq below which every entry is dated before t, the
	// highest that is certain: entries are in the order of their dates, but for
	// an expiry, which is dated at its lot's instant and may be written later.
	FirstSince(ctx context.Context, account string, t time.Time) (int64, error)
	// Sums adds up the entries with Seq above after and up to until, by kind,
	// apart for those dated before from, in [from, to), and later. Its cost
	// grows with until - after; callers go in steps of MaxSums at most.
	Sums(ctx context.Context, account string, after, until int64, from, to time.Time) ([]EntrySum, error)
	// Hold returns the hold of a request of the account, open or closed.
	Hold(ctx context.Context, account, request string) (ledger.Hold, error)
	// Holds returns the holds of all accounts by request; the cursor is the
	// request. Each comes with the sum of its request's debit entries, as of the
	// same moment.
	Holds(ctx context.Context, p Page) ([]HeldDebit, error)
	// Unheld returns the debits with Seq above after and up to until that no
	// settled hold of the account explains; callers go in steps of MaxSums at
	// most.
	Unheld(ctx context.Context, account string, after, until int64) ([]ledger.Entry, error)
	// OpenHoldsOf returns the account's open holds by request; the cursor is
	// the request. Its cost is that of all open holds, not of the account's.
	OpenHoldsOf(ctx context.Context, account string, p Page) ([]ledger.Hold, error)
	// OpenHolds returns open holds of a replica, oldest first; with expired
	// true, only those past their deadline by the store's clock.
	OpenHolds(ctx context.Context, replica string, expired bool, limit int) ([]ledger.Hold, error)
	// Funds returns what accounts can spend now, without their lock: it may be
	// another amount as soon as it is read. Unknown accounts are left out.
	Funds(ctx context.Context, accounts []string) ([]Funds, error)
	// Expired returns accounts that have lots past their expiry by the store's
	// clock and not yet swept.
	Expired(ctx context.Context, limit int) ([]string, error)
}

// Funds is what an account can spend.
type Funds struct {
	Account   string
	Available int64
	Until     time.Time // when the first of its lots ends; zero: it has none
}

// MaxSums is how many entries a call of Sums or Unheld may go through.
const MaxSums = 5000

// Dated says where a date lies as seen from a period.
type Dated int

// The parts of time.
const (
	DatedBefore Dated = -1
	DatedWithin Dated = 0
	DatedAfter  Dated = 1
)

// EntrySum is what entries of one kind, dated in one part of time, add up to.
type EntrySum struct {
	Kind   ledger.EntryKind
	Dated  Dated
	Amount int64
	Lines  int64
}

// HeldDebit is a hold with the sum of the debits that name its request.
type HeldDebit struct {
	Hold   ledger.Hold
	Debits int64 // positive
}
