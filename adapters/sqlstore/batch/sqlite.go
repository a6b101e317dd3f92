package batch

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/archibot/archibotchat/adapters/sqlstore/row"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

// SQLite commits batches over the one connection that writes. Its transactions
// begin IMMEDIATE, so the whole database is the lock.
type SQLite struct {
	db    *sql.DB
	newID func(prefix string) string
	clock Clock

	gate     chan struct{} // holds a token while prepared may be changed
	prepared map[string]*sql.Stmt
}

// NewSQLite returns a committer. Its clock must not be nil.
func NewSQLite(db *sql.DB, newID func(string) string, clock Clock) *SQLite {
	return &SQLite{db: db, newID: newID, clock: clock, gate: make(chan struct{}, 1), prepared: map[string]*sql.Stmt{}}
}

var (
	liteFence   = `SELECT fence FROM replicas WHERE id = ?`
	liteAccount = `SELECT id, entry_seq, event_seq, ledger_at, epoch FROM accounts WHERE id = ?`
	liteLots    = `SELECT ` + row.LotColumns + ` FROM lots WHERE account_id = ? AND (state = 'live' OR remaining > 0)`
	liteLotByID = `SELECT ` + row.LotColumns + ` FROM lots WHERE id = ?`
	liteHold    = `SELECT ` + row.HoldColumns + ` FROM holds WHERE request_id = ?`
	liteNewLot  = insert("lots", row.LotColumns)
	liteSetLot  = `UPDATE lots SET state = ?2, remaining = ?3, held = ?4 WHERE id = ?1`
	// A lot that is live was live before, and the index of live ones need not move.
	liteSetLive  = `UPDATE lots SET remaining = ?2, held = ?3 WHERE id = ?1`
	liteNewHold  = insert("holds", row.HoldColumns)
	liteSetHold  = `UPDATE holds SET state = ?2, mark_at = ?3, mark_accepted = ?4, mark_delivered = ?5, mark_cost = ?6, mark_input = ?7, mark_cached = ?8, mark_output = ?9, mark_estimated = ?10, closed_at = ?11, reason = ?12, usage_input = ?13, usage_cached = ?14, usage_output = ?15, usage_estimated = ?16, debited = ?17, uncollected = ?18, amount = ?19, parts = ?20, debited_by = ?21 WHERE request_id = ?1`
	liteNewEntry = insert("entries", row.EntryColumns)
	liteNewEvent = insert("events", row.EventColumns)
	liteCounters = `SELECT ` + row.CounterColumns + ` FROM counters WHERE scope = ?`
	liteCounter  = `INSERT OR REPLACE INTO counters (` + row.CounterColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?)`
	liteNames    = row.SelectReservations + ` WHERE i.id = ?`
	liteName     = `INSERT OR REPLACE INTO idempotency (` + row.ReservationColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`
	liteDone     = `SELECT ` + row.EntryColumns + ` FROM entries WHERE request_id = ? AND kind = 'correction'`
	liteHead     = `UPDATE accounts SET entry_seq = ?2, event_seq = ?3, ledger_at = ?4 WHERE id = ?1`
)

// insert returns the statement that adds one row of the columns.
func insert(table, columns string) string {
	return `INSERT INTO ` + table + ` (` + columns + `) VALUES (?` + strings.Repeat(", ?", strings.Count(columns, ",")) + `)`
}

// Close forgets the prepared statements.
func (s *SQLite) Close() error {
	s.gate <- struct{}{}
	defer func() { <-s.gate }()
	var errs []error
	for _, st := range s.prepared {
		errs = append(errs, st.Close())
	}
	clear(s.prepared)
	return errors.Join(errs...)
}

// Commit commits ops; see store.Batcher.
func (s *SQLite) Commit(ctx context.Context, by store.Replica, ops []ledger.Op) ([]ledger.Outcome, error) {
	w := newWork(ops)
	if len(w.groups) == 0 {
		return w.out, nil
	}
	// Before the transaction: there is one connection, and it will be taken.
	if err := s.prepareAll(ctx); err != nil {
		return nil, fmt.Errorf("prepare to commit a batch: %w", err)
	}
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("begin a batch: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // no effect after Commit
	t := liteTx{s, tx}
	if err := t.load(ctx, by, w); err != nil {
		return nil, err
	}
	changes := w.decide(s.clock(), s.newID)
	if changes.empty() {
		return w.out, nil
	}
	if err := t.write(ctx, changes); err != nil {
		return nil, fmt.Errorf("write a batch: %w", err)
	}
	if err := tx.Commit(); err != nil {
		return nil, fmt.Errorf("commit a batch: %w", err)
	}
	return w.out, nil
}

// TryCommit is Commit: the lock is the whole database, so no account is ever
// busy alone.
func (s *SQLite) TryCommit(ctx context.Context, by store.Replica, ops []ledger.Op, _ time.Duration) ([]ledger.Outcome, error) {
	return s.Commit(ctx, by, ops)
}

func (s *SQLite) prepareAll(ctx context.Context) error {
	select {
	case s.gate <- struct{}{}:
		defer func() { <-s.gate }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if len(s.prepared) > 0 {
		return nil
	}
	for _, text := range []string{liteFence, liteAccount, liteLots, liteLotByID, liteHold, liteNewLot, liteSetLot, liteSetLive, liteNewHold, liteSetHold, liteNewEntry, liteNewEvent, liteHead, liteCounters, liteCounter, liteNames, liteName, liteDone} {
		st, err := s.db.PrepareContext(ctx, text)
		if err != nil {
			for _, st := range s.prepared {
				_ = st.Close()
			}
			clear(s.prepared)
			return err
		}
		s.prepared[text] = st
	}
	return nil
}

// liteTx is one batch's transaction.
type liteTx struct {
	s  *SQLite
	tx *sql.Tx
}

func (t liteTx) stmt(ctx context.Context, text string) *sql.Stmt {
	return t.tx.StmtContext(ctx, t.s.prepared[text])
}

func (t liteTx) load(ctx context.Context, by store.Replica, w *work) error {
	if by != (store.Replica{}) {
		var fence int64
		err := t.stmt(ctx, liteFence).QueryRowContext(ctx, by.ID).Scan(&fence)
		if errors.Is(err, sql.ErrNoRows) || err == nil && fence != by.Fence {
			return store.ErrFenced
		}
		if err != nil {
			return fmt.Errorf("read the fence: %w", err)
		}
	}
	reads := []liteRead{
		{liteAccount, w.accounts, func(r *sql.Rows) error {
			var id string
			var entries, events, at, epoch int64
			err := r.Scan(&id, &entries, &events, &at, &epoch)
			w.loadAccount(id, entries, events, at, epoch)
			return err
		}},
		{liteLots, w.accounts, w.scanLiteLot},
		{liteLotByID, w.lots, w.scanLiteLot},
		{liteHold, w.requests, func(r *sql.Rows) error {
			var h row.Hold
			if err := r.Scan(h.Fields()...); err != nil {
				return err
			}
			return w.loadHold(&h)
		}},
	}
	if len(w.scopes) > 0 {
		reads = append(reads, liteRead{liteCounters, w.scopes, w.scanLiteCounter})
	}
	if len(w.corrections) > 0 {
		reads = append(reads, liteRead{liteDone, w.corrections, func(r *sql.Rows) error {
			var e row.Entry
			err := r.Scan(e.Fields()...)
			w.loadCorrection(&e)
			return err
		}})
	}
	for _, read := range reads {
		st := t.stmt(ctx, read.text)
		for _, key := range read.keys {
			if err := eachRow(ctx, st, key, read.scan); err != nil {
				return fmt.Errorf("load a batch: %w", err)
			}
		}
	}
	if err := t.loadNames(ctx, w); err != nil {
		return fmt.Errorf("load the names of requests: %w", err)
	}
	if scopes := w.uncounted(); len(scopes) > 0 {
		for _, scope := range scopes {
			if err := eachRow(ctx, t.stmt(ctx, liteCounters), scope, w.scanLiteCounter); err != nil {
				return fmt.Errorf("load the counters of holds: %w", err)
			}
		}
	}
	return nil
}

func (t liteTx) loadNames(ctx context.Context, w *work) error {
	for _, name := range w.names {
		err := eachRow(ctx, t.stmt(ctx, liteNames), name, func(r *sql.Rows) error {
			var n row.Reservation
			err := r.Scan(append(n.Fields(), &n.Hold)...)
			w.loadReservation(&n)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// liteRead is a statement to run once for each of the keys.
type liteRead struct {
	text string
	keys []string
	scan func(*sql.Rows) error
}

func (w *work) scanLiteCounter(r *sql.Rows) error {
	var c row.Counter
	err := r.Scan(c.Fields()...)
	w.loadCounter(&c)
	return err
}

func (w *work) scanLiteLot(r *sql.Rows) error {
	var l row.Lot
	err := r.Scan(l.Fields()...)
	w.loadLot(&l)
	return err
}

func eachRow(ctx context.Context, st *sql.Stmt, key any, scan func(*sql.Rows) error) error {
	rows, err := st.QueryContext(ctx, key)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (t liteTx) write(ctx context.Context, w *writes) error {
	if err := run(ctx, t, liteNewLot, w.newLots, (*row.Lot).Fields); err != nil {
		return err
	}
	live, dead := split(w.lots, func(r *row.Lot) bool { return r.State == string(ledger.LotLive) })
	if err := run(ctx, t, liteSetLive, live, func(r *row.Lot) []any { return []any{&r.ID, &r.Remaining, &r.Held} }); err != nil {
		return err
	}
	if err := run(ctx, t, liteSetLot, dead, func(r *row.Lot) []any { return []any{&r.ID, &r.State, &r.Remaining, &r.Held} }); err != nil {
		return err
	}
	if err := run(ctx, t, liteNewHold, w.newHolds, (*row.Hold).Fields); err != nil {
		return err
	}
	if err := run(ctx, t, liteSetHold, w.holds, changeable); err != nil {
		return err
	}
	if err := run(ctx, t, liteNewEntry, w.entries, (*row.Entry).Fields); err != nil {
		return err
	}
	if err := run(ctx, t, liteCounter, w.counters, (*row.Counter).Fields); err != nil {
		return err
	}
	if err := run(ctx, t, liteName, w.named, (*row.Reservation).Fields); err != nil {
		return err
	}
	if err := run(ctx, t, liteNewEvent, w.events, (*row.Event).Fields); err != nil {
		return err
	}
	return run(ctx, t, liteHead, w.heads, func(g **group) []any {
		return []any{(*g).account, (*g).entries, (*g).events, row.Micros((*g).at)}
	})
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

// run executes a statement once per row.
func run[R any](ctx context.Context, t liteTx, text string, rows []R, fields func(*R) []any) error {
	if len(rows) == 0 {
		return nil
	}
	st := t.stmt(ctx, text)
	for i := range rows {
		if _, err := st.ExecContext(ctx, fields(&rows[i])...); err != nil {
			return err
		}
	}
	return nil
}

// changeable returns the columns of a hold that an update may change.
func changeable(r *row.Hold) []any {
	return []any{
		&r.Request, &r.State, &r.MarkAt, &r.MarkAccepted, &r.MarkDelivered, &r.MarkCost, &r.MarkUsage.Input, &r.MarkUsage.Cached, &r.MarkUsage.Output,
		&r.MarkUsage.Estimated, &r.ClosedAt, &r.Reason, &r.Usage.Input, &r.Usage.Cached, &r.Usage.Output, &r.Usage.Estimated, &r.Debited, &r.Uncollected, &r.Amount, &r.Parts, &r.DebitedBy,
	}
}
