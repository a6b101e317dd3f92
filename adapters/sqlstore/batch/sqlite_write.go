package batch

import (
	"github.com/archibot/archibotchat/adapters/sqlstore/row"
	"github.com/archibot/archibotchat/core/ledger"
)

// write writes what a batch leaves behind.
func (s *SQLite) write(w *writes) error {
	live, dead := split(w.lots, func(r *row.Lot) bool { return r.State == string(ledger.LotLive) })
	r := liteRun{stmts: s.stmts}
	eachWrite(&r, liteNewLot, w.newLots, (*row.Lot).Fields)
	eachWrite(&r, liteSetLive, live, func(r *row.Lot) []any { return []any{&r.ID, &r.Remaining, &r.Held} })
	eachWrite(&r, liteSetLot, dead, func(r *row.Lot) []any { return []any{&r.ID, &r.State, &r.Remaining, &r.Held} })
	eachWrite(&r, liteNewHold, w.newHolds, (*row.Hold).Fields)
	eachWrite(&r, liteSetHold, w.holds, changeable)
	eachWrite(&r, liteNewEntry, w.entries, (*row.Entry).Fields)
	eachWrite(&r, liteCounter, w.counters, (*row.Counter).Fields)
	eachWrite(&r, liteName, w.named, (*row.Reservation).Fields)
	eachWrite(&r, liteNewEvent, w.events, (*row.Event).Fields)
	eachWrite(&r, liteHead, headRows(w.heads), func(h *liteHeadRow) []any { return []any{&h.account, &h.entries, &h.events, &h.at} })
	return r.err
}

// split parts rows into those that are, and the others.
func split[R any](rows []R, is func(*R) bool) (yes, no []R) {
	for i := range rows {
		if is(&rows[i]) {
			yes = append(yes, rows[i])
		} else {
			no = append(no, rows[i])
		}
	}
	return yes, no
}

// eachWrite runs a statement once per row. Each row is copied to one place, of
// which fields tells once where its columns are.
func eachWrite[R any](r *liteRun, text string, rows []R, fields func(*R) []any) {
	if len(rows) == 0 || r.err != nil {
		return
	}
	st, one := r.stmts[text], new(R)
	args := fields(one)
	for i := range rows {
		*one = rows[i]
		if r.err = st.Exec(args...); r.err != nil {
			return
		}
	}
}

// liteHeadRow is what changes in an account's row.
type liteHeadRow struct {
	account             string
	entries, events, at int64
}

func headRows(groups []*group) []liteHeadRow {
	rows := make([]liteHeadRow, len(groups))
	for i, g := range groups {
		rows[i] = liteHeadRow{account: g.account, entries: g.entries, events: g.events, at: row.Micros(g.at)}
	}
	return rows
}

// changeable returns the columns of a hold that an update may change.
func changeable(r *row.Hold) []any {
	return []any{
		&r.Request, &r.State, &r.MarkAt, &r.MarkAccepted, &r.MarkDelivered, &r.MarkCost, &r.MarkUsage.Input, &r.MarkUsage.Cached, &r.MarkUsage.Output,
		&r.MarkUsage.Estimated, &r.ClosedAt, &r.Reason, &r.Usage.Input, &r.Usage.Cached, &r.Usage.Output, &r.Usage.Estimated, &r.Debited, &r.Uncollected, &r.Amount, &r.Parts, &r.DebitedBy,
	}
}
