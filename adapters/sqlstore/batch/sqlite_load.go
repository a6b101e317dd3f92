package batch

import (
	"fmt"

	"github.com/archibot/archibotchat/adapters/sqlstore/lite"
	"github.com/archibot/archibotchat/adapters/sqlstore/row"
	"github.com/archibot/archibotchat/ports/store"
)

// load reads what the ops of a batch may touch.
func (s *SQLite) load(by store.Replica, w *work) error {
	if err := s.checkFence(by); err != nil {
		return err
	}
	r := liteRun{stmts: s.stmts}
	eachRow(&r, liteAccount, w.accounts, w.scanLiteAccount)
	eachRow(&r, liteLots, w.accounts, w.scanLiteLot)
	eachRow(&r, liteLotByID, w.lots, w.scanLiteLot)
	eachRow(&r, liteHold, w.requests, w.scanLiteHold)
	eachRow(&r, liteCounters, w.scopes, w.scanLiteCounter)
	eachRow(&r, liteDone, w.corrections, w.scanLiteCorrection)
	eachRow(&r, liteNames, w.names, w.scanLiteName)
	eachRow(&r, liteCounters, w.uncounted(), w.scanLiteCounter) // of holds that were read above
	if r.err != nil {
		return fmt.Errorf("load a batch: %w", r.err)
	}
	return nil
}

// liteRun is statements one after another, until one fails. None may run after
// that: some failures end the transaction, and what came then would be
// committed alone.
type liteRun struct {
	stmts map[string]*lite.Stmt
	err   error
}

func (s *SQLite) checkFence(by store.Replica) error {
	if by == (store.Replica{}) {
		return nil
	}
	found, fence := false, int64(0)
	st := s.stmts[liteFence]
	if err := st.Query(func() error { found = true; return st.Scan(&fence) }, by.ID); err != nil {
		return fmt.Errorf("read the fence: %w", err)
	}
	if !found || fence != by.Fence {
		return store.ErrFenced
	}
	return nil
}

// eachRow runs a statement once for each of the keys, and scan for each row.
func eachRow[K any](r *liteRun, text string, keys []K, scan func(*lite.Stmt) error) {
	st := r.stmts[text]
	one := func() error { return scan(st) }
	for i := range keys {
		if r.err == nil {
			r.err = st.Query(one, &keys[i])
		}
	}
}

func (w *work) scanLiteAccount(st *lite.Stmt) error {
	var id string
	var entries, events, at, epoch int64
	err := st.Scan(&id, &entries, &events, &at, &epoch)
	w.loadAccount(id, entries, events, at, epoch)
	return err
}

func (w *work) scanLiteLot(st *lite.Stmt) error {
	var l row.Lot
	err := st.Scan(l.Fields()...)
	w.loadLot(&l)
	return err
}

func (w *work) scanLiteHold(st *lite.Stmt) error {
	var h row.Hold
	if err := st.Scan(h.Fields()...); err != nil {
		return err
	}
	return w.loadHold(&h)
}

func (w *work) scanLiteCounter(st *lite.Stmt) error {
	var c row.Counter
	err := st.Scan(c.Fields()...)
	w.loadCounter(&c)
	return err
}

func (w *work) scanLiteCorrection(st *lite.Stmt) error {
	var e row.Entry
	err := st.Scan(e.Fields()...)
	w.loadCorrection(&e)
	return err
}

func (w *work) scanLiteName(st *lite.Stmt) error {
	var n row.Reservation
	err := st.Scan(append(n.Fields(), &n.Hold)...)
	w.loadReservation(&n)
	return err
}
