package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/uptrace/bun"

	"github.com/archibot/archibotchat/adapters/sqlstore/row"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

// Store is a database. It is safe for concurrent use.
type Store struct {
	aggregates
	config Config
	log    *slog.Logger
	pool   *pgxpool.Pool // Postgres only
	file   string        // SQLite only
	read   *bun.DB
	write  *bun.DB
	poll   *bun.DB // one connection, which reads changes and nothing else
	batch  store.Batcher
	sole   atomic.Bool // this process alone serves
}

var _ store.Store = (*Store)(nil)

// Open opens a database. Postgres is not contacted yet, so that a server can
// start before its database and be unready meanwhile; a SQLite file is made.
func Open(ctx context.Context, config Config) (*Store, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	f, err := config.flavor()
	if err != nil {
		return nil, err
	}
	s := &Store{config: config, log: config.Log}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.flavor = f
	if config.postgres() {
		err = s.openPostgres(ctx)
	} else {
		err = s.openSQLite(ctx)
	}
	if err != nil {
		return nil, err
	}
	s.aggregates = aggregates{flavor: f, reads: s.read, writes: s.write}
	return s, nil
}

func (c Config) flavor() (*flavor, error) {
	if c.postgres() {
		return postgresFlavor(c.TestClock), nil
	}
	if _, err := c.file(); err != nil {
		return nil, err
	}
	return sqliteFlavor(c.clock()), nil
}

// Close closes every connection. Calls that are under way fail.
func (s *Store) Close() error {
	var errs []error
	if c, ok := s.batch.(interface{ Close() error }); ok {
		errs = append(errs, c.Close())
	}
	if s.read != s.write {
		errs = append(errs, s.read.Close())
	}
	errs = append(errs, s.poll.Close())
	errs = append(errs, s.write.Close())
	if s.pool != nil {
		s.pool.Close()
	}
	return errors.Join(errs...)
}

// Now implements store.Store.
func (s *Store) Now(ctx context.Context) (time.Time, error) {
	if err := outside(ctx); err != nil {
		return time.Time{}, err
	}
	var µ int64
	err := s.read.NewRaw("SELECT ?", s.flavor.now()).Scan(ctx, &µ)
	return row.Time(µ), s.flavor.fault("read the clock", err)
}

// Ping implements store.Store.
func (s *Store) Ping(ctx context.Context) error {
	if err := outside(ctx); err != nil {
		return err
	}
	var one int
	return s.flavor.fault("ping the database", s.read.NewRaw("SELECT 1").Scan(ctx, &one))
}

// Stamp implements store.Store.
func (s *Store) Stamp(ctx context.Context, environment string) error {
	if err := errors.Join(outside(ctx), row.Text(environment)); err != nil {
		return err
	}
	var stamped string
	err := s.write.NewRaw("SELECT name FROM environment WHERE id = 1").Scan(ctx, &stamped)
	if errors.Is(err, sql.ErrNoRows) {
		_, err = s.write.NewRaw("INSERT INTO environment (id, name, stamped_at) VALUES (1, ?, ?) ON CONFLICT DO NOTHING", environment, s.flavor.now()).Exec(ctx)
		if err == nil { // another server may have been first
			err = s.write.NewRaw("SELECT name FROM environment WHERE id = 1").Scan(ctx, &stamped)
		}
	}
	if err != nil {
		return s.flavor.fault("stamp the environment", err)
	}
	if stamped != environment {
		return fault.New(fault.Conflict, "environment_mismatch",
			fmt.Sprintf("This database belongs to the environment %q, not to %q.", stamped, environment))
	}
	return nil
}

// Commit implements store.Batcher.
func (s *Store) Commit(ctx context.Context, by store.Replica, ops []ledger.Op) ([]ledger.Outcome, error) {
	return s.commit(ctx, by, func() ([]ledger.Outcome, error) { return s.batch.Commit(ctx, by, ops) })
}

// TryCommit implements store.Batcher.
func (s *Store) TryCommit(ctx context.Context, by store.Replica, ops []ledger.Op, patience time.Duration) ([]ledger.Outcome, error) {
	return s.commit(ctx, by, func() ([]ledger.Outcome, error) { return s.batch.TryCommit(ctx, by, ops, patience) })
}

func (s *Store) commit(ctx context.Context, by store.Replica, once func() ([]ledger.Outcome, error)) (out []ledger.Outcome, err error) {
	if err := errors.Join(outside(ctx), row.Text(by.ID)); err != nil {
		return nil, err
	}
	taken := 0
	may := func(c class) bool {
		if c == classTaken {
			taken++
		}
		return c.raced() && taken <= 2
	}
	err = s.again(ctx, "commit a batch", may, func(bool) (err error) {
		out, err = once()
		return err
	})
	return out, err
}
