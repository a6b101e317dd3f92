package sqlstore_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

// files makes migrations of names and texts.
func files(pairs ...string) fstest.MapFS {
	out := fstest.MapFS{}
	for i := 0; i+1 < len(pairs); i += 2 {
		out[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return out
}

func TestSQLite_MigrationIsAllOrNothing(t *testing.T) {
	t.Parallel()
	allOrNothing(t, "sqlite:"+filepath.Join(t.TempDir(), "store.db"))
}

// allOrNothing lets a migration fail, mends it and runs it again.
func allOrNothing(t *testing.T, url string) {
	s := unmigrated(t, url, nil)
	first := []string{"0001_one.tx.up.sql", "CREATE TABLE one (n INTEGER);"}
	pending := func() []string {
		list, err := s.Pending(t.Context())
		require.NoError(t, err)
		return list
	}
	s.SetMigrations(files(append(first, "0002_two.tx.up.sql", "CREATE TABLE two (n INTEGER NOT NULL);\n--bun:split\nINSERT INTO two VALUES (NULL);")...))
	require.Error(t, s.Migrate(t.Context()))
	require.Equal(t, []string{"0002_two"}, pending())
	s.SetMigrations(files(append(first, "0002_two.tx.up.sql", "CREATE TABLE two (n INTEGER);\n--bun:split\nINSERT INTO two VALUES (1);")...))
	require.NoError(t, s.Migrate(t.Context()))
	require.Empty(t, pending())
	require.NoError(t, s.Migrate(t.Context()))
	n, err := s.Count(t.Context(), "SELECT count(*) FROM two")
	require.NoError(t, err)
	require.EqualValues(t, 1, n)
	n, err = s.Count(t.Context(), "SELECT count(*) FROM schema_migrations")
	require.NoError(t, err)
	require.EqualValues(t, 2, n)

	// The mark is made with the work: without the one there is not the other.
	s.SetMigrations(files(append(first, "0002_two.tx.up.sql", "", "0003_three.tx.up.sql", "CREATE TABLE three (n INTEGER);\n--bun:split\nDROP TABLE schema_migrations;")...))
	require.Error(t, s.Migrate(t.Context()))
	require.Equal(t, []string{"0003_three"}, pending())
	require.NoError(t, s.Exec(t.Context(), "CREATE TABLE three (n INTEGER)"), "it was taken back")
}

// What runs outside a transaction may end anywhere: it must be possible to run
// it again, and it must not make anybody wait.
func TestMigrations_OutsideTransactions(t *testing.T) {
	t.Parallel()
	created := regexp.MustCompile(`(?is)^CREATE (?:UNIQUE )?INDEX CONCURRENTLY (\w+) ON `)
	dropped := regexp.MustCompile(`(?i)^DROP INDEX CONCURRENTLY IF EXISTS (\w+);$`)
	names, err := filepath.Glob("migrations/postgres/*.up.sql")
	require.NoError(t, err)
	outside := 0
	for _, name := range names {
		if strings.HasSuffix(name, ".tx.up.sql") {
			continue
		}
		outside++
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		gone := map[string]bool{}
		for part := range strings.SplitSeq(string(text), "--bun:split") {
			statement := strings.TrimSpace(regexp.MustCompile(`(?m)^--.*\n`).ReplaceAllString(part, ""))
			if m := dropped.FindStringSubmatch(statement); m != nil {
				gone[m[1]] = true
				continue
			}
			m := created.FindStringSubmatch(statement)
			require.NotNil(t, m, "%s: %s", name, statement)
			require.True(t, gone[m[1]], "%s: what an attempt that failed left of %s must be dropped first", name, m[1])
		}
	}
	require.Positive(t, outside)
}
