// Package blank makes new databases for tests whose schema is up to date. The
// migrations run once for a process; each database is a copy of what they made.
package blank

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/archibot/archibotchat/adapters/sqlstore"
)

// SQLite makes a database at file, unless there is one, and returns its URL.
func SQLite(t testing.TB, file string) string {
	t.Helper()
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		whole, err := migrated()
		if err == nil {
			err = os.WriteFile(file, whole, 0o600)
		}
		if err != nil {
			t.Fatalf("make a database: %v", err)
		}
	}
	return "sqlite:" + file
}

var migrated = sync.OnceValues(func() (whole []byte, err error) {
	dir, err := os.MkdirTemp("", "archibotchat-blank-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	file := filepath.Join(dir, "blank.db")
	if err := Migrate("sqlite:" + file); err != nil {
		return nil, err
	}
	return os.ReadFile(file)
})

// Migrate brings the schema of a database up to date and leaves it. On
// PostgreSQL it prepares what tests then copy.
func Migrate(url string) error {
	s, err := sqlstore.Open(context.Background(), sqlstore.Config{URL: url, NewID: func(string) string { return "" }, Now: time.Now})
	if err != nil {
		return err
	}
	err = s.Migrate(context.Background())
	// Closing puts all that is in SQLite's log into its file.
	if err := errors.Join(err, s.Close()); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}
