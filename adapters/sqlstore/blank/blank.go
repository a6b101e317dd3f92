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
	s, err := sqlstore.Open(context.Background(), sqlstore.Config{URL: "sqlite:" + file, NewID: func(string) string { return "" }, Now: time.Now})
	if err != nil {
		return nil, err
	}
	err = s.Migrate(context.Background())
	if closed := s.Close(); err == nil {
		err = closed // which puts all that is in its log into the file
	}
	if err != nil {
		return nil, fmt.Errorf("migrate: %w", err)
	}
	return os.ReadFile(file)
})
