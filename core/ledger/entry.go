package ledger

import "time"

// EntryKind says why a lot's remaining credits changed.
type EntryKind string

// The entry kinds. Holds are not entries.
const (
	EntryGrant      EntryKind = "grant"
	EntryDebit      EntryKind = "debit"
	EntryExpiry     EntryKind = "expiry"
	EntryClawback   EntryKind = "clawback"
	EntryCorrection EntryKind = "correction"
	EntryClosure    EntryKind = "closure"
)

// Entry is one append-only line of an account's ledger (L11).
type Entry struct {
	Account string
	Seq     int64 // 1, 2, 3, … within the account, without a gap
	Lot     string
	Kind    EntryKind
	Amount  int64  // signed microcredits
	Request string // the request that a debit pays for, or that asked for a correction
	Reason  string
	Actor   string
	At      time.Time // an expiry is dated at the lot's expiry
}
