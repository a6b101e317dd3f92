//go:build e2e

package engine_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/e2e/engine"
)

func TestMain(m *testing.M) { engine.Main(m) }

func TestPostgres(t *testing.T) {
	t.Parallel()

	t.Run("each call gives a database of its own", func(t *testing.T) {
		t.Parallel()
		for range 3 {
			conn := connect(t, engine.Postgres(t))
			_, err := conn.Exec(t.Context(), "create table marks (n int)")
			require.NoError(t, err, "a fresh database holds nobody else's table")
		}
	})

	t.Run("is durable", func(t *testing.T) {
		t.Parallel()
		conn := connect(t, engine.Postgres(t))
		for _, name := range []string{"fsync", "synchronous_commit", "full_page_writes"} {
			var value string
			require.NoError(t, conn.QueryRow(t.Context(), "select current_setting($1)", name).Scan(&value))
			require.Equal(t, "on", value, name)
		}
	})
}

func connect(t *testing.T, address string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}
