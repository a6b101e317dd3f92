//go:build engines

package sqlstore_test

import (
	"bytes"
	"context"
	"database/sql"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/sqlstore"
	"github.com/archibot/archibotchat/e2e/engine/localpg"
)

func TestPostgres_MigrationIsAllOrNothing(t *testing.T) {
	t.Parallel()
	allOrNothing(t, localpg.URL(t))
}

// tape is a log that several goroutines write.
type tape struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *tape) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *tape) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// logged opens a store that is not migrated, with its log and another
// connection to its database.
func logged(t *testing.T) (*sqlstore.Store, *tape, *sql.Conn) {
	t.Helper()
	url, log := localpg.URL(t), &tape{}
	s, err := sqlstore.Open(t.Context(), sqlstore.Config{URL: url, NewID: newID, Log: slog.New(slog.NewTextHandler(log, nil))})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	db, err := sql.Open("pgx", url)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	conn, err := db.Conn(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return s, log, conn
}

func do(t *testing.T, c *sql.Conn, statement string) {
	t.Helper()
	_, err := c.ExecContext(t.Context(), statement)
	require.NoError(t, err, statement)
}

// HOTPATH 24: a migration that waits for a table lets go after two seconds, so
// that those who wait behind it get their turn, and tries again.
func TestPostgres_MigrationLetsGoOfATable(t *testing.T) {
	t.Parallel()
	s, log, other := logged(t)
	first := []string{"0001_one.tx.up.sql", "CREATE TABLE one (n INTEGER);"}
	s.SetMigrations(files(first...))
	require.NoError(t, s.Migrate(t.Context()))
	s.SetMigrations(files(append(first, "0002_two.tx.up.sql", "ALTER TABLE one ADD COLUMN m INTEGER;")...))
	do(t, other, "BEGIN")
	do(t, other, "SELECT * FROM one") // somebody reads, and takes their time

	done := make(chan error, 1)
	go func() { done <- s.Migrate(t.Context()) }()
	require.Eventually(t, func() bool { return bytes.Contains([]byte(log.String()), []byte("a table is in use")) }, 30*time.Second, 10*time.Millisecond)
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second) // one attempt at most
	defer cancel()
	_, err := s.Count(ctx, "SELECT count(*) FROM one")
	require.NoError(t, err, "others get their turn")
	select {
	case err := <-done:
		require.Fail(t, "it did not wait", err)
	default:
	}
	do(t, other, "COMMIT")
	require.NoError(t, <-done)
	require.NoError(t, s.Exec(t.Context(), "SELECT m FROM one"))
	require.Contains(t, log.String(), `msg="migrating the database" migration=0002_two`)
	require.Contains(t, log.String(), "msg=migrated migration=0002_two")
}

// An index is built beside the traffic, however long old transactions take, and
// one that an attempt before left unusable is replaced.
func TestPostgres_MigrationBuildsAnIndexBesideTraffic(t *testing.T) {
	t.Parallel()
	s, _, other := logged(t)
	s.SetMigrations(files("0001_one.tx.up.sql", "CREATE TABLE one (n INTEGER);", "0002_index.up.sql",
		"DROP INDEX CONCURRENTLY IF EXISTS one_n;\n--bun:split\nCREATE INDEX CONCURRENTLY one_n ON one (n);"))
	require.NoError(t, s.Migrate(t.Context()))
	require.NoError(t, s.Exec(t.Context(), "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'one_n'::regclass"))
	require.NoError(t, s.Exec(t.Context(), "DELETE FROM schema_migrations WHERE name = '0002'"))

	do(t, other, "BEGIN")
	do(t, other, "INSERT INTO one VALUES (1)")
	done := make(chan error, 1)
	go func() { done <- s.Migrate(t.Context()) }()
	waits := "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND now() - query_start > interval '3 seconds'"
	require.Eventually(t, func() bool {
		n, err := s.Count(t.Context(), waits)
		return err == nil && n == 1 // for longer than a table's lock may take
	}, 30*time.Second, 20*time.Millisecond)
	require.NoError(t, s.Exec(t.Context(), "INSERT INTO one VALUES (2)"), "and nobody waits for it")
	do(t, other, "COMMIT")
	require.NoError(t, <-done)
	n, err := s.Count(t.Context(), "SELECT count(*) FROM pg_index WHERE indexrelid = 'one_n'::regclass AND indisvalid")
	require.NoError(t, err)
	require.EqualValues(t, 1, n)
}

// A process that migrates keeps others waiting, which say so, as long as they
// are allowed to.
func TestPostgres_MigrationsTakeTurns(t *testing.T) {
	t.Parallel()
	s, log, other := logged(t)
	do(t, other, "SELECT pg_advisory_lock(7017289226998343538)")
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	require.Error(t, s.Migrate(ctx))
	require.Contains(t, log.String(), "another process migrates the database; waiting for it")
	do(t, other, "SELECT pg_advisory_unlock(7017289226998343538)")
	require.NoError(t, s.Migrate(t.Context()))
}
