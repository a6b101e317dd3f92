package ledger

import (
	"cmp"
	"slices"
	"time"
)

// Credit is one credit in microcredits.
const Credit int64 = 1_000_000

// MaxAmount bounds every single amount and the balance of an account, so that
// no sum of a few of them can overflow: a billion credits.
const MaxAmount int64 = 1_000_000_000 * Credit

// Source says where a lot's credits come from.
type Source string

// The sources.
const (
	SourceOperator Source = "operator"
	SourceInvoice  Source = "invoice"
	SourcePack     Source = "pack"
	SourceDemo     Source = "demo"
	// SourceCorrection is a correction that no lot could take back (L11).
	SourceCorrection Source = "correction"
)

// LotState is where a lot is in its life.
type LotState string

// The lot states. What a hold returns to a lot follows the lot's state at
// that moment: only a live lot takes it back as spendable credit.
const (
	LotLive       LotState = "live"
	LotExpired    LotState = "expired" // swept
	LotClawedBack LotState = "clawed_back"
	LotClosed     LotState = "closed"
)

// Lot is one grant of credits.
type Lot struct {
	ID        string // lot_…
	Account   string
	Source    Source
	State     LotState
	Granted   int64
	Remaining int64 // the sum of the lot's entries
	Held      int64 // the part of Remaining that open holds set aside
	GrantedAt time.Time
	ExpiresAt time.Time // the first instant at which the lot cannot be spent
}

// Live reports whether the lot can be spent at now.
func (l Lot) Live(now time.Time) bool {
	return l.State == LotLive && !now.Before(l.GrantedAt) && now.Before(l.ExpiresAt)
}

// Free returns what is left of the lot beyond its holds.
func (l Lot) Free() int64 { return l.Remaining - l.Held }

// Expiry returns the instant at which credits granted at t expire: one
// calendar year later in UTC, and 28 February for 29 February (L2).
func Expiry(t time.Time) time.Time {
	t = t.UTC()
	e := t.AddDate(1, 0, 0)
	if e.Day() != t.Day() { // 29 February rolled over into March
		e = e.AddDate(0, 0, -e.Day())
	}
	return e
}

// spendOrder sorts lots by expiry, then grant time, then ID (L3).
func spendOrder(a, b *Lot) int {
	return cmp.Or(a.ExpiresAt.Compare(b.ExpiresAt), a.GrantedAt.Compare(b.GrantedAt), cmp.Compare(a.ID, b.ID))
}

// Balance sums an account's lots at one instant.
type Balance struct {
	Balance   int64 // Σ entries = Σ Remaining
	Held      int64 // set aside by open holds
	Expired   int64 // unheld, past its expiry, not yet swept
	Available int64 // Balance − Held − Expired
}

// Sum returns the balance of the lots at now.
func Sum(lots []Lot, now time.Time) Balance {
	var b Balance
	for _, l := range lots {
		b.Balance += l.Remaining
		b.Held += l.Held
		if l.Live(now) {
			b.Available += l.Free()
		} else {
			b.Expired += l.Free()
		}
	}
	return b
}

// allocate picks amount from the lots that are live at now, in spending
// order. It changes nothing; short is what the lots do not cover.
func allocate(lots []*Lot, amount int64, now time.Time) (parts []Part, short int64) {
	slices.SortFunc(lots, spendOrder)
	for _, l := range lots {
		if amount == 0 {
			break
		}
		if free := l.Free(); free > 0 && l.Live(now) {
			take := min(free, amount)
			parts = append(parts, Part{Lot: l.ID, Amount: take})
			amount -= take
		}
	}
	return parts, amount
}
