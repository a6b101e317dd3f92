package sqlstore

import (
	"context"
	"database/sql"
	"math/rand/v2"
	"time"

	"github.com/uptrace/bun"

	"github.com/archibot/archibotchat/adapters/sqlstore/row"
	"github.com/archibot/archibotchat/ports/store"
)

// attempts is how often work is run whose transaction another one undid.
const attempts = 6

// inside marks the contexts that Do and View give to their functions.
type inside struct{}

// outside fails in such a context: a call from there would wait for what its
// own caller holds.
func outside(ctx context.Context) error {
	if ctx.Value(inside{}) != nil {
		return store.ErrOuterStore
	}
	return nil
}

// aggregates gives access to the tables, by the pools or within a transaction.
type aggregates struct {
	flavor *flavor
	reads  bun.IDB
	writes bun.IDB
	tx     bool
	conn   *sql.Conn // of the transaction that Do or View gave
}

func (a aggregates) Accounts() store.Accounts { return accounts{a} }
func (a aggregates) Keys() store.Keys         { return apiKeys{a} }
func (a aggregates) Ledger() store.Ledger     { return books{a} }
func (a aggregates) Events() store.Events     { return events{a} }
func (a aggregates) Sessions() store.Sessions { return sessions{a} }
func (a aggregates) Limits() store.Limits     { return limits{a} }

// KeyDays implements store.Stores.
func (a aggregates) KeyDays() store.KeyDays { return keyDays{a} }

// PriceBooks implements store.Stores.
func (a aggregates) PriceBooks() store.PriceBooks { return priceBooks{a} }

// Responses implements store.Stores.
func (a aggregates) Responses() store.Responses { return responses{a} }

// check fails where this is the store from outside a transaction, used within
// one, or where a text cannot be stored. Every method begins with it.
func (a aggregates) check(ctx context.Context, texts ...string) error {
	if !a.tx {
		if err := outside(ctx); err != nil {
			return err
		}
	}
	return row.Text(texts...)
}

// atomically runs fn in the transaction at hand, or in one of its own.
func (a aggregates) atomically(ctx context.Context, what string, fn func(ctx context.Context, db bun.IDB) error) error {
	if a.tx {
		return a.flavor.fault(what, fn(ctx, a.writes))
	}
	return a.again(ctx, what, class.undone, func(retry bool) error {
		return inTx(ctx, a.writes, nil, func(ctx context.Context, db bun.IDB) error {
			if err := a.turn(ctx, db, retry); err != nil {
				return err
			}
			return fn(ctx, db)
		})
	})
}

// again runs fn until it ends otherwise than by a failure that may pass, a few
// times.
func (a aggregates) again(ctx context.Context, what string, may func(class) bool, fn func(retry bool) error) error {
	for n := 1; ; n++ {
		err := fn(n > 1)
		if err == nil {
			return nil
		}
		if n == attempts || ctx.Err() != nil || !may(a.flavor.class(err)) {
			return a.flavor.fault(what, err)
		}
		pause := time.NewTimer(rand.N(time.Duration(n) * 5 * time.Millisecond)) //nolint:gosec // spreads retries; guards nothing
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return a.flavor.fault(what, err)
		}
	}
}

// turn makes transactions that failed against others run one at a time, so that
// a crowd which locks the same rows in different orders ends after one failure
// each.
func (a aggregates) turn(ctx context.Context, db bun.IDB, retry bool) error {
	if !retry || a.flavor.turn == "" {
		return nil
	}
	_, err := db.NewRaw(a.flavor.turn).Exec(ctx)
	return err
}

// Do implements store.Store.
func (s *Store) Do(ctx context.Context, fn func(ctx context.Context, s store.Stores) error) error {
	return s.run(ctx, s.write, nil, fn)
}

// View implements store.Store.
func (s *Store) View(ctx context.Context, fn func(ctx context.Context, s store.Stores) error) error {
	return s.run(ctx, s.read, &s.flavor.view, fn)
}

func (s *Store) run(ctx context.Context, db *bun.DB, opts *sql.TxOptions, fn func(ctx context.Context, s store.Stores) error) error {
	if err := outside(ctx); err != nil {
		return err
	}
	return s.again(ctx, "run a transaction", class.undone, func(retry bool) error {
		conn, err := db.Conn(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close() }() // gives it back
		return inTx(ctx, conn, opts, func(ctx context.Context, tx bun.IDB) error {
			if err := s.turn(ctx, tx, retry && opts == nil); err != nil {
				return err
			}
			return fn(context.WithValue(ctx, inside{}, true), aggregates{flavor: s.flavor, reads: tx, writes: tx, tx: true, conn: conn.Conn})
		})
	})
}

// inTx runs fn in a transaction that ends with it, even by a panic.
func inTx(ctx context.Context, db bun.IDB, opts *sql.TxOptions, fn func(ctx context.Context, db bun.IDB) error) error {
	tx, err := db.BeginTx(ctx, opts)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // no effect after Commit
	if err := fn(ctx, tx); err != nil {
		return err
	}
	return tx.Commit()
}
