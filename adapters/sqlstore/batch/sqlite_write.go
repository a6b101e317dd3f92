package batch

import (
	"github.com/archibot/archibotchat/adapters/sqlstore/row"
	"github.com/archibot/archibotchat/core/ledger"
)

// write writes what a batch leaves behind.
func (s *SQLite) write(w *writes) error {
	live, dead := split(w.lotRows(), func(l *liteLotRow) bool { return l.state == string(ledger.LotLive) })
	r := liteRun{stmts: s.stmts}
	found := func() error {
		if s.conn.Changed() != 1 {
			return errStale
		}
		return nil
	}
	eachWrite(&r, liteNewLot, w.newLots, (*row.Lot).Fields, nil)
	eachWrite(&r, liteSetLive, live, func(l *liteLotRow) []any { return []any{&l.id, &l.remaining, &l.held, &l.wasRemaining, &l.wasHeld} }, found)
	eachWrite(&r, liteSetLot, dead, func(l *liteLotRow) []any {
		return []any{&l.id, &l.state, &l.remaining, &l.held, &l.wasState, &l.wasRemaining, &l.wasHeld}
	}, found)
	eachWrite(&r, liteNewHold, w.newHolds, (*row.Hold).Fields, nil)
	eachWrite(&r, liteNewSpend, w.spends, (*row.Spend).Fields, nil)
	eachWrite(&r, liteSetHold, w.holds, changeable, found)
	eachWrite(&r, liteNewEntry, w.entries, (*row.Entry).Fields, nil)
	eachWrite(&r, liteCounter, w.counters, (*row.Counter).Fields, nil)
	eachWrite(&r, liteName, w.named, (*row.Reservation).Fields, nil)
	eachWrite(&r, liteNewEvent, w.events, (*row.Event).Fields, nil)
	eachWrite(&r, liteHead, w.headRows(), func(h *head) []any { return h.fields(nil) }, found)
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

// eachWrite runs a statement once per row, and then, if it is not nil, after on
// what it did. Each row is copied to one place, of which fields tells once where
// its columns are.
func eachWrite[R any](r *liteRun, text string, rows []R, fields func(*R) []any, after func() error) {
	if len(rows) == 0 || r.err != nil {
		return
	}
	st, one := r.stmts[text], new(R)
	args := fields(one)
	for i := range rows {
		*one = rows[i]
		if r.err = st.Exec(args...); r.err == nil && after != nil {
			r.err = after()
		}
		if r.err != nil {
			return
		}
	}
}

// liteLotRow is what changes in a lot's row, and what it was.
type liteLotRow struct {
	id, state, wasState     string
	remaining, wasRemaining int64
	held, wasHeld           int64
}

func (w *writes) lotRows() []liteLotRow {
	rows := make([]liteLotRow, len(w.lots))
	for i := range rows {
		l, was := &w.lots[i], &w.were[i]
		rows[i] = liteLotRow{l.ID, l.State, was.State, l.Remaining, was.Remaining, l.Held, was.Held}
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
