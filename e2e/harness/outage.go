//go:build unix

package harness

import (
	"database/sql"
	"net/url"
	"strings"
	"testing"
)

// Shut closes a Postgres database to everybody, those included who are connected,
// as one that is down; Reopen opens it again.
func (d Database) Shut(t testing.TB) {
	t.Helper()
	d.govern(t, "ALTER DATABASE %s ALLOW_CONNECTIONS false", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '%s'")
}

// Reopen ends Shut.
func (d Database) Reopen(t testing.TB) {
	t.Helper()
	d.govern(t, "ALTER DATABASE %s ALLOW_CONNECTIONS true")
}

// govern runs statements about the database in the server's own one.
func (d Database) govern(t testing.TB, statements ...string) {
	t.Helper()
	at, err := url.Parse(d.URL)
	if err != nil || d.Kind != Postgres {
		t.Fatalf("only a Postgres database can be governed: %v", err)
	}
	name := strings.TrimPrefix(at.Path, "/")
	at.Path = "/postgres"
	server, err := sql.Open("pgx", at.String())
	if err != nil {
		t.Fatalf("open the server's own database: %v", err)
	}
	defer func() { _ = server.Close() }()
	for _, statement := range statements {
		if _, err := server.ExecContext(t.Context(), strings.ReplaceAll(statement, "%s", name)); err != nil {
			t.Fatalf("govern the database: %v", err)
		}
	}
}
