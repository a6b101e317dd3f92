//go:build engines

package localpg_test

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/e2e/engine/localpg"
)

func TestMain(m *testing.M) { localpg.Main(m) }

func TestURL(t *testing.T) {
	t.Parallel()

	t.Run("each call gives a database of its own", func(t *testing.T) {
		t.Parallel()
		one, two := connect(t, localpg.URL(t)), connect(t, localpg.URL(t))
		_, err := one.Exec(t.Context(), "create table marks (n int)")
		require.NoError(t, err)
		_, err = two.Exec(t.Context(), "create table marks (n int)")
		require.NoError(t, err, "the second database must not hold the first one's table")
	})

	t.Run("a database ends with its test, sessions or not", func(t *testing.T) {
		t.Parallel()
		var gone string
		t.Run("owner", func(t *testing.T) {
			gone = localpg.URL(t)
			conn, err := pgx.Connect(t.Context(), gone)
			require.NoError(t, err)
			t.Cleanup(func() { _ = conn.Close(context.Background()) })
		})
		_, err := pgx.Connect(t.Context(), gone)
		require.ErrorContains(t, err, "does not exist")
	})
}

func TestCopy(t *testing.T) {
	t.Parallel()
	prepared := 0
	prepare := func(url string) error {
		prepared++
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close(context.Background()) }()
		_, err = conn.Exec(t.Context(), "create table marks (n int); insert into marks values (1)")
		return err
	}
	for range 2 {
		conn := connect(t, localpg.Copy(t, prepare))
		tag, err := conn.Exec(t.Context(), "update marks set n = 2 where n = 1")
		require.NoError(t, err)
		require.EqualValues(t, 1, tag.RowsAffected(), "each is a copy of its own of what was prepared")
	}
	require.Equal(t, 1, prepared)
}

func TestCluster(t *testing.T) {
	t.Parallel()

	t.Run("is durable and asks for a password", func(t *testing.T) {
		t.Parallel()
		conn := connect(t, localpg.URL(t))
		for _, name := range []string{"fsync", "synchronous_commit", "full_page_writes"} {
			var value string
			require.NoError(t, conn.QueryRow(t.Context(), "select current_setting($1)", name).Scan(&value))
			require.Equal(t, "on", value, name)
		}
	})

	t.Run("comes back after a crash with what was committed, at the same address", func(t *testing.T) {
		t.Parallel()
		dir := folder(t)
		first, err := localpg.Start(dir, "work_mem=7MB")
		require.NoError(t, err)
		address := first.URL("postgres")
		conn := connect(t, address)
		var setting string
		require.NoError(t, conn.QueryRow(t.Context(), "show work_mem").Scan(&setting))
		require.Equal(t, "7MB", setting)
		_, err = conn.Exec(t.Context(), "create table marks (n int)")
		require.NoError(t, err)
		_, err = conn.Exec(t.Context(), "insert into marks values (42)")
		require.NoError(t, err)
		require.NoError(t, first.Stop(true))
		require.NoError(t, first.Stop(true), "stopping twice")
		require.ErrorIs(t, syscall.Kill(first.PID(), 0), syscall.ESRCH)

		second, err := localpg.Start(dir)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, second.Stop(false)) })
		require.Equal(t, address, second.URL("postgres"))
		var n int
		require.NoError(t, connect(t, address).QueryRow(t.Context(), "select n from marks").Scan(&n))
		require.Equal(t, 42, n)
		log, err := os.ReadFile(filepath.Join(dir, "postgres.log"))
		require.NoError(t, err)
		require.Contains(t, string(log), "automatic recovery in progress")
	})

	t.Run("refuses strangers", func(t *testing.T) {
		t.Parallel()
		stranger, err := url.Parse(localpg.URL(t))
		require.NoError(t, err)
		stranger.User = url.UserPassword("postgres", "guess")
		_, err = pgx.Connect(t.Context(), stranger.String())
		require.ErrorContains(t, err, "password authentication failed")
	})

	t.Run("a setting that is no setting is an error with the log", func(t *testing.T) {
		t.Parallel()
		_, err := localpg.Start("", "no_such_setting=1")
		require.ErrorContains(t, err, "no_such_setting")
	})
}

func TestURL_namedServer(t *testing.T) {
	named, err := localpg.Start("", "fsync=off")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, named.Stop(true)) })
	t.Setenv("TEST_POSTGRES_URL", named.URL("postgres"))

	conn := connect(t, localpg.URL(t))
	var name, fsync string
	require.NoError(t, conn.QueryRow(t.Context(), "select current_database(), current_setting('fsync')").Scan(&name, &fsync))
	require.Regexp(t, "^test_[0-9a-f]{16}$", name)
	require.Equal(t, "off", fsync, "the named server is the one that answers")
}

// folder is a temporary one that the server's user can reach: t.TempDir is
// closed to others.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "localpg-test-")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	return dir
}

func connect(t *testing.T, address string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}
