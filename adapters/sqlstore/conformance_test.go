package sqlstore_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/sqlstore"
	"github.com/archibot/archibotchat/adapters/sqlstore/blank"
	"github.com/archibot/archibotchat/ports/store"
	"github.com/archibot/archibotchat/ports/store/storetest"
)

func TestSQLite_Conformance(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t testing.TB, clock func() time.Time) store.Store {
		return open(t, blank.SQLite(t, filepath.Join(t.TempDir(), "store.db")), clock)
	})
}

// open returns a migrated store that the test's cleanup closes.
func open(t testing.TB, url string, clock func() time.Time) *sqlstore.Store {
	t.Helper()
	s := unmigrated(t, url, clock)
	require.NoError(t, s.Migrate(t.Context()))
	return s
}

func unmigrated(t testing.TB, url string, clock func() time.Time) *sqlstore.Store {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), sqlstore.Config{URL: url, NewID: newID, Now: now, TestClock: clock})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}
