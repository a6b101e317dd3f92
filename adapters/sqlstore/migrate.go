package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/migrate"
)

//go:embed migrations
var migrationFiles embed.FS

const (
	migrationTable = "schema_migrations"
	// migrationLock is this program's number among advisory locks.
	migrationLock  = 0x61626b5f6d696772
	migrationRetry = 100 * time.Millisecond
)

// Migrate brings the schema up to date. Servers that start together may all
// call it: one migrates, the others wait for it, as long as ctx allows.
func (s *Store) Migrate(ctx context.Context) error {
	if err := outside(ctx); err != nil {
		return err
	}
	var err error
	if s.pool != nil {
		err = s.migratePostgres(ctx)
	} else {
		err = s.migrateSQLite(ctx)
	}
	return s.flavor.fault("migrate the database", err)
}

// Pending returns the names of migrations that the database lacks. Ones that
// it has and this program does not know are fine: they come from a newer one.
func (s *Store) Pending(ctx context.Context) ([]string, error) {
	if err := outside(ctx); err != nil {
		return nil, err
	}
	m, err := s.migrator(s.read)
	if err != nil {
		return nil, err
	}
	has, err := s.flavor.hasTable(ctx, s.read, migrationTable)
	if err != nil {
		return nil, s.flavor.fault("look for migrations", err)
	}
	list := m.migrations
	if has {
		if list, err = m.MigrationsWithStatus(ctx); err != nil {
			return nil, s.flavor.fault("list migrations", err)
		}
	}
	var names []string
	for _, one := range list.Unapplied() {
		names = append(names, one.Name+"_"+one.Comment)
	}
	return names, nil
}

type migrator struct {
	*migrate.Migrator
	migrations migrate.MigrationSlice
}

func (s *Store) migrator(db *bun.DB) (migrator, error) {
	all := migrate.NewMigrations()
	if err := all.Discover(s.flavor.migrations); err != nil {
		return migrator{}, fmt.Errorf("read the migrations: %w", err)
	}
	m := migrate.NewMigrator(db, all, migrate.WithTableName(migrationTable), migrate.WithLocksTableName(migrationTable+"_locks"),
		migrate.WithMarkAppliedOnSuccess(true))
	return migrator{m, all.Sorted()}, nil
}

func (s *Store) apply(ctx context.Context, db *bun.DB) error {
	m, err := s.migrator(db)
	if err != nil {
		return err
	}
	if err := m.Init(ctx); err != nil {
		return err
	}
	done, err := m.Migrate(ctx)
	if err == nil && !done.IsZero() {
		s.log.InfoContext(ctx, "database migrated", "migrations", len(done.Migrations))
	}
	return err
}

// migratePostgres works on connections of its own: a migration may take long,
// but must not wait long for a lock, because every query of the table then
// waits behind it. The advisory lock goes with its connection, so a crash
// leaves nothing to clean up.
func (s *Store) migratePostgres(ctx context.Context) error {
	config := s.pool.Config().ConnConfig
	config.RuntimeParams["statement_timeout"] = "0"
	config.RuntimeParams["lock_timeout"] = "2s"
	config.DefaultQueryExecMode = pgx.QueryExecModeExec
	db := bun.NewDB(stdlib.OpenDB(*config), s.flavor.dialect)
	defer func() { _ = db.Close() }()

	conn, err := db.DB.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if err := lockMigrations(ctx, conn); err != nil {
		return err
	}
	for {
		err := s.apply(ctx, db)
		if s.flavor.class(err) != classLocked || !wait(ctx, migrationRetry) {
			return err
		}
		s.log.WarnContext(ctx, "migration waits for a lock")
	}
}

func lockMigrations(ctx context.Context, conn *sql.Conn) error {
	for {
		var locked bool
		if err := conn.QueryRowContext(ctx, "SELECT pg_try_advisory_lock($1)", int64(migrationLock)).Scan(&locked); err != nil {
			return err
		}
		if locked {
			return nil
		}
		if !wait(ctx, migrationRetry) {
			return ctx.Err()
		}
	}
}

// migrateSQLite is guarded by a file lock of its own, so that the command line
// can migrate beside a server.
func (s *Store) migrateSQLite(ctx context.Context) error {
	for {
		release, err := lockFile(s.file + ".migrate")
		switch {
		case err == nil:
			err = s.apply(ctx, s.write)
			return errors.Join(err, release())
		case !errors.Is(err, errLocked):
			return err
		case !wait(ctx, migrationRetry):
			return ctx.Err()
		}
	}
}

// wait returns false if ctx ended first.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
