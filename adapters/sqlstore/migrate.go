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
	migrationLock = 0x61626b5f6d696772
	// migrationRetry is how often to look whether another process is done.
	migrationRetry = 100 * time.Millisecond
	// migrationTell is how often to say that one is still waiting.
	migrationTell = 10 * time.Second
	// Between two attempts to get a lock on a table are pauses, which double:
	// while an attempt waits, every query of the table waits behind it.
	firstPause, lastPause = 500 * time.Millisecond, 10 * time.Second
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

// Files are named NNNN_name.tx.up.sql, which run in a transaction with the mark
// that they were, or NNNN_name.up.sql, which run outside of one, for CREATE
// INDEX CONCURRENTLY. The latter may end anywhere and must be such that they
// can be run again: they drop what they create first, if it is there. Their
// statements are parted by lines of --bun:split.

func (s *Store) migrator(db *bun.DB) (migrator, error) {
	all := migrate.NewMigrations()
	if err := all.Discover(s.flavor.migrations); err != nil {
		return migrator{}, fmt.Errorf("read the migrations: %w", err)
	}
	m := migrate.NewMigrator(db, all, migrate.WithTableName(migrationTable), migrate.WithLocksTableName(migrationTable+"_locks"),
		migrate.BeforeMigration(s.begin), migrate.AfterMigration(s.mark))
	return migrator{m, all.Sorted()}, nil
}

// begin says what comes. What runs outside a transaction keeps nobody waiting
// while it waits itself, and would do its work anew after a timeout: it has none.
func (s *Store) begin(ctx context.Context, db bun.IConn, one *migrate.Migration) error {
	s.log.InfoContext(ctx, "migrating the database", "migration", one.String())
	if _, tx := db.(bun.Tx); tx || s.pool == nil {
		return nil
	}
	_, err := db.ExecContext(ctx, "SET lock_timeout = 0")
	return err
}

// mark notes a migration as applied, in its own transaction if it has one.
func (s *Store) mark(ctx context.Context, db bun.IConn, one *migrate.Migration) error {
	idb, ok := db.(bun.IDB)
	if !ok {
		return errors.New("a migration runs on something that is no connection")
	}
	_, err := idb.NewInsert().Model(one).ModelTableExpr(migrationTable).Exec(ctx)
	return err
}

// apply runs what the database lacks, one after the other.
func (s *Store) apply(ctx context.Context, db *bun.DB) error {
	m, err := s.migrator(db)
	if err != nil {
		return err
	}
	if err := m.Init(ctx); err != nil {
		return err
	}
	list, err := m.MigrationsWithStatus(ctx)
	if err != nil {
		return err
	}
	group := list.LastGroupID() + 1
	for _, one := range list.Unapplied() {
		one.GroupID = group
		if err := one.Up(ctx, m.Migrator, &one); err != nil {
			return fmt.Errorf("migration %s: %w", one.String(), err)
		}
		s.log.InfoContext(ctx, "migrated", "migration", one.String())
	}
	return nil
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
	if err := s.lockMigrations(ctx, conn); err != nil {
		return err
	}
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		err := s.apply(ctx, db)
		if s.flavor.class(err) != classLocked {
			return err
		}
		s.log.WarnContext(ctx, "a table is in use; the migration tries again", "pause", pause.String(), "error", err)
		if !wait(ctx, pause) {
			return err
		}
	}
}

func (s *Store) lockMigrations(ctx context.Context, conn *sql.Conn) error {
	for n := 0; ; n++ {
		var locked bool
		if err := conn.QueryRowContext(ctx, "SELECT pg_try_advisory_lock($1)", int64(migrationLock)).Scan(&locked); err != nil {
			return err
		}
		if locked {
			return nil
		}
		s.tellWaiting(ctx, n)
		if !wait(ctx, migrationRetry) {
			return ctx.Err()
		}
	}
}

// tellWaiting says now and then that another process migrates.
func (s *Store) tellWaiting(ctx context.Context, n int) {
	if n%int(migrationTell/migrationRetry) == 0 {
		s.log.InfoContext(ctx, "another process migrates the database; waiting for it")
	}
}

// migrateSQLite is guarded by a file lock of its own, so that the command line
// can migrate beside a server.
func (s *Store) migrateSQLite(ctx context.Context) error {
	for n := 0; ; n++ {
		release, err := lockFile(s.file + ".migrate")
		switch {
		case err == nil:
			return errors.Join(s.apply(ctx, s.write), release())
		case !errors.Is(err, errLocked):
			return err
		}
		s.tellWaiting(ctx, n)
		if !wait(ctx, migrationRetry) {
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
