package sqlstore

import (
	"context"
	"io/fs"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/uptrace/bun"
)

// Exec runs a statement past every rule of the port.
func (s *Store) Exec(ctx context.Context, statement string) error {
	_, err := s.write.ExecContext(ctx, statement)
	return err
}

// Count runs a statement that yields one number.
func (s *Store) Count(ctx context.Context, statement string) (n int64, err error) {
	err = s.write.QueryRowContext(ctx, statement).Scan(&n)
	return n, err
}

// Text runs a statement that yields one text.
func (s *Store) Text(ctx context.Context, statement string) (text string, err error) {
	err = s.write.QueryRowContext(ctx, statement).Scan(&text)
	return text, err
}

// PostgresFault is what the port says about a failure with an SQLSTATE.
func PostgresFault(code string) error {
	return postgresFlavor(nil).fault("test", &pgconn.PgError{Code: code})
}

// SetMigrations replaces the migrations that the store knows.
func (s *Store) SetMigrations(files fs.FS) { s.flavor.migrations = files }

// AutoCheckpoint sets after how many pages of log a commit moves them.
func (s *Store) AutoCheckpoint(ctx context.Context, pages int) error {
	return s.autoCheckpoint(ctx, pages)
}

// Checkpointer returns what the server does once a second about the log, with
// a bound of its own.
func Checkpointer(t testing.TB, s *Store, bound int64) func() error {
	t.Helper()
	c, err := newCheckpointer(t.Context(), s.file, s.log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.db.Close() })
	c.bound, c.rest = bound, 0
	return func() error { return c.once(t.Context()) }
}

// Watch hands every reading statement that bun sends to fn. It is no time to
// use the store from several goroutines.
func (s *Store) Watch(fn func(statement string)) { s.reads = s.read.WithQueryHook(watch(fn)) }

type watch func(statement string)

func (watch) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context { return ctx }

func (w watch) AfterQuery(_ context.Context, e *bun.QueryEvent) { w(e.Query) }
