package blank_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/sqlstore"
	"github.com/archibot/archibotchat/adapters/sqlstore/blank"
)

func TestSQLite(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "a.db")
	open := func(url string) *sqlstore.Store {
		s, err := sqlstore.Open(t.Context(), sqlstore.Config{URL: url, NewID: func(p string) string { return p }, Now: time.Now})
		require.NoError(t, err)
		return s
	}
	s := open(blank.SQLite(t, file))
	pending, err := s.Pending(t.Context())
	require.NoError(t, err)
	require.Empty(t, pending, "its schema is up to date")
	require.NoError(t, s.Stamp(t.Context(), "hosted"))
	require.NoError(t, s.Close())

	s = open(blank.SQLite(t, file))
	require.Error(t, s.Stamp(t.Context(), "local"), "what is there is left as it is")
	require.NoError(t, s.Close())
	s = open(blank.SQLite(t, filepath.Join(t.TempDir(), "b.db")))
	require.NoError(t, s.Stamp(t.Context(), "local"), "each is a database of its own")
	require.NoError(t, s.Close())
}
