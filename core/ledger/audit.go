package ledger

import "fmt"

// Difference is something that does not add up.
type Difference struct {
	Account string
	Lot     string // empty if no single lot is at fault
	Request string // empty if no single request is at fault
	Text    string
}

// Auditor recomputes one account as of one of its entries. Feed it every entry
// up to that one in order of sequence and every lot as it was then, then ask for
// Differences. That each debit is of a hold, and each hold's debit in entries, is
// for [AuditHold] to prove; what is held, for [Reserves]. Its memory grows with the
// account's lots and open differences, not its entries.
type Auditor struct {
	account string
	seq     int64
	lots    map[string]*lotSum
	diffs   []Difference
}

type lotSum struct {
	entries, grants int64
	seen, begun     bool
}

// NewAuditor starts on an account.
func NewAuditor(account string) *Auditor {
	return &Auditor{account: account, lots: map[string]*lotSum{}}
}

func (a *Auditor) lot(id string) *lotSum {
	l := a.lots[id]
	if l == nil {
		l = &lotSum{}
		a.lots[id] = l
	}
	return l
}

func (a *Auditor) differ(lot, request, format string, args ...any) {
	a.diffs = append(a.diffs, Difference{Account: a.account, Lot: lot, Request: request, Text: fmt.Sprintf(format, args...)})
}

// Entry takes the next entry.
func (a *Auditor) Entry(e Entry) {
	if e.Seq != a.seq+1 {
		a.differ(e.Lot, e.Request, "entries %d to %d are missing", a.seq+1, e.Seq-1)
	}
	a.seq = e.Seq
	l := a.lot(e.Lot)
	l.entries += e.Amount
	switch e.Kind {
	case EntryGrant:
		l.grants += e.Amount
	case EntryCorrection:
		if !l.begun { // it made the lot
			l.grants += e.Amount
		}
	default:
	}
	l.begun = true
	if (e.Kind == EntryGrant) != (e.Amount > 0) && e.Kind != EntryCorrection {
		a.differ(e.Lot, e.Request, "entry %d, a %s, has the amount %d", e.Seq, e.Kind, e.Amount)
	}
}

// AuditHold compares a hold with the sum of the debit entries of its request, as
// of one moment.
func AuditHold(h Hold, debits int64) (diffs []Difference) {
	want := int64(0)
	if h.State == HoldSettled {
		want = h.Debited
	}
	if debits == want {
		return nil
	}
	lot := ""
	if len(h.Parts) > 0 {
		lot = h.Parts[0].Lot
	}
	return []Difference{{
		Account: h.Account, Lot: lot, Request: h.Request,
		Text: fmt.Sprintf("request %s is %s with a debit of %d, but its entries sum to %d", h.Request, h.State, want, debits),
	}}
}

// Unheld is the difference of a debit that no settled hold explains.
func Unheld(e Entry) Difference {
	return Difference{Account: e.Account, Lot: e.Lot, Request: e.Request, Text: fmt.Sprintf("entry %d is a debit of %d for request %s, which no settled hold explains", e.Seq, -e.Amount, e.Request)}
}

// Lot takes a lot. Call it after all entries.
func (a *Auditor) Lot(l Lot) {
	sum := a.lot(l.ID)
	sum.seen = true
	if sum.entries != l.Remaining {
		a.differ(l.ID, "", "remaining is %d, but its entries sum to %d", l.Remaining, sum.entries)
	}
	if sum.grants != l.Granted {
		a.differ(l.ID, "", "granted is %d, but its grant entries sum to %d", l.Granted, sum.grants)
	}
	if l.Held < 0 || l.Remaining < l.Held {
		a.differ(l.ID, "", "held %d of remaining %d is impossible", l.Held, l.Remaining)
	}
}

// Differences ends the audit. seq is the account's own count of entries.
func (a *Auditor) Differences(seq int64) []Difference {
	if seq != a.seq {
		a.differ("", "", "the last entry is %d, but the account counted %d", a.seq, seq)
	}
	for id, l := range a.lots {
		if !l.seen {
			a.differ(id, "", "entries name a lot that does not exist")
		}
	}
	return a.diffs
}

// Reserves recomputes what the lots of one account hold. Feed it every hold
// that is open at one moment and ask for Differences from the lots of that
// moment. Its memory grows with the account's lots.
type Reserves struct {
	account string
	lots    map[string]int64
}

// NewReserves starts on an account.
func NewReserves(account string) *Reserves {
	return &Reserves{account: account, lots: map[string]int64{}}
}

// Hold takes an open hold.
func (r *Reserves) Hold(h Hold) {
	for _, p := range h.Parts {
		r.lots[p.Lot] += p.Amount
	}
}

// Differences ends the audit.
func (r *Reserves) Differences(lots []Lot) (diffs []Difference) {
	for _, l := range lots {
		if held := r.lots[l.ID]; held != l.Held {
			diffs = append(diffs, Difference{Account: r.account, Lot: l.ID, Text: fmt.Sprintf("held is %d, but its open holds sum to %d", l.Held, held)})
		}
		delete(r.lots, l.ID)
	}
	for id := range r.lots {
		diffs = append(diffs, Difference{Account: r.account, Lot: id, Text: "open holds name a lot that does not exist"})
	}
	return diffs
}
