package batch

import (
	"fmt"

	"github.com/archibot/archibotchat/adapters/sqlstore/lite"
	"github.com/archibot/archibotchat/adapters/sqlstore/row"
	"github.com/archibot/archibotchat/ports/store"
)

// load reads what the ops of a batch may touch, as far as it was not recalled.
func (s *SQLite) load(w *work) error {
	r := liteRun{stmts: s.stmts}
	counters := w.liteCounters()
	lots := w.liteLots()
	accounts, requests, scopes := w.unread()
	eachRow(&r, liteAccount, accounts, w.liteAccounts())
	eachRow(&r, liteLots, accounts, lots)
	eachRow(&r, liteLotByID, w.lots, lots)
	eachRow(&r, liteHold, requests, w.liteHolds())
	eachRow(&r, liteCounters, scopes, counters)
	eachRow(&r, liteDone, w.corrections, w.liteCorrections())
	eachRow(&r, liteNames, w.names, w.liteNames())
	eachRow(&r, liteCounters, w.uncounted(), counters) // of holds that were read above
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
	if by == (store.Replica{}) || by == s.watch.fenced && s.watch.fencedAt == s.watch.version {
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
	s.watch.fenced, s.watch.fencedAt = by, s.watch.version
	return nil
}

// eachRow runs a statement once for each of the keys, and into for each row.
func eachRow[K any](r *liteRun, text string, keys []K, into liteInto) {
	if len(keys) == 0 || r.err != nil {
		return
	}
	st, key := r.stmts[text], new(K)
	args := []any{key}
	scan := func() error {
		if err := st.Scan(into.columns...); err != nil {
			return err
		}
		return into.take()
	}
	for i := range keys {
		*key = keys[i]
		if r.err = st.Query(scan, args...); r.err != nil {
			return
		}
	}
}

// liteInto is where rows are read to, one after another into the same place,
// and who takes each from there.
type liteInto struct {
	columns []any
	take    func() error
}

func (w *work) liteAccounts() liteInto {
	var a struct {
		id                         string
		entries, events, at, epoch int64
	}
	return liteInto{[]any{&a.id, &a.entries, &a.events, &a.at, &a.epoch}, func() error {
		w.loadAccount(a.id, a.entries, a.events, a.at, a.epoch)
		return nil
	}}
}

func (w *work) liteLots() liteInto {
	var l row.Lot
	return liteInto{l.Fields(), func() error { w.loadLot(&l); return nil }}
}

func (w *work) liteHolds() liteInto {
	var h row.Hold
	return liteInto{h.Fields(), func() error { return w.loadHold(&h) }}
}

func (w *work) liteCounters() liteInto {
	var c row.Counter
	return liteInto{c.Fields(), func() error { w.loadCounter(&c); return nil }}
}

func (w *work) liteCorrections() liteInto {
	var e row.Entry
	return liteInto{e.Fields(), func() error { w.loadCorrection(&e); return nil }}
}

func (w *work) liteNames() liteInto {
	var n row.Reservation
	return liteInto{append(n.Fields(), &n.Hold), func() error { w.loadReservation(&n); return nil }}
}
