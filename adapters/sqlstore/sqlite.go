package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	_ "modernc.org/sqlite" // the driver
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/archibot/archibotchat/adapters/sqlstore/batch"
)

const sqliteReaders = 4

func sqliteFlavor(clock func() time.Time) *flavor {
	f := &flavor{
		dialect:   sqlitedialect.New(),
		now:       fixedNow(clock),
		forUpdate: func(q *bun.SelectQuery, _ string) *bun.SelectQuery { return q },
		hasTable: func(ctx context.Context, db bun.IDB, name string) (has bool, err error) {
			err = db.NewRaw("SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?)", name).Scan(ctx, &has)
			return has, err
		},
		class:      sqliteClass,
		order:      rowOrder{},
		words:      fts{},
		holdOfEach: "LEFT JOIN holds AS h ON h.request_id = v.request_id AND h.account_id = v.account_id",
	}
	f.migrations, _ = fs.Sub(migrationFiles, "migrations/sqlite")
	return f
}

// openSQLite opens one connection that writes, whose transactions take the
// write lock as they begin, and a pool of connections that cannot write.
func (s *Store) openSQLite(ctx context.Context) error {
	path, err := s.config.file()
	if err != nil {
		return err
	}
	s.file = path
	if err := createPrivate(path); err != nil {
		return err
	}
	write, err := openFile(path, "immediate", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)")
	if err != nil {
		return err
	}
	write.SetMaxOpenConns(1)
	s.write = bun.NewDB(write, s.flavor.dialect)
	if err := write.PingContext(ctx); err != nil { // makes it a WAL database before anybody reads
		return s.flavor.fault("open the database file", errors.Join(err, write.Close()))
	}
	read, err := openFile(path, "deferred", "query_only(1)")
	if err != nil {
		return errors.Join(err, write.Close())
	}
	readers := sqliteReaders
	if s.config.MaxConns > 0 {
		readers = s.config.MaxConns
	}
	read.SetMaxOpenConns(readers)
	read.SetMaxIdleConns(readers)
	s.read = bun.NewDB(read, s.flavor.dialect)
	poll, err := openFile(path, "deferred", "query_only(1)")
	if err != nil {
		return errors.Join(err, read.Close(), write.Close())
	}
	poll.SetMaxOpenConns(1)
	s.poll = bun.NewDB(poll, s.flavor.dialect)
	s.batch = batch.NewSQLite(path, write, s.config.NewID, s.config.clock())
	return nil
}

func openFile(path, lock string, pragmas ...string) (*sql.DB, error) {
	return sql.Open("sqlite", dataSource(path, lock, append([]string{"busy_timeout(5000)"}, pragmas...)...))
}

// dataSource names a file to the driver. The pragmas are run in order on each
// new connection.
func dataSource(path, lock string, pragmas ...string) string {
	u := url.URL{Scheme: "file", Path: path, RawQuery: url.Values{"_txlock": {lock}, "_pragma": pragmas}.Encode()}
	return u.String()
}

// createPrivate makes the file and its folder if they are not there, for their
// owner alone. SQLite gives its side files the mode of the file.
func createPrivate(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make the database's folder: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("make the database file: %w", err)
	}
	return f.Close()
}

// sqliteClass goes by SQLite's result codes.
func sqliteClass(err error) class {
	var lite interface { // of the driver, or of the batches' connection
		error
		Code() int
	}
	if !errors.As(err, &lite) {
		return classOther
	}
	switch lite.Code() {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return classTaken
	case sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
		return classOrphan
	}
	switch lite.Code() & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return classLocked
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_INTERRUPT:
		return classUnavailable
	}
	return classOther
}
