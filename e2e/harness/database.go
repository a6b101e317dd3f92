//go:build unix

package harness

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"

	"github.com/archibot/archibotchat/e2e/engine"
)

// Kind is a sort of database.
type Kind string

// The databases that the product runs on.
const (
	SQLite   Kind = "sqlite"
	Postgres Kind = "postgres"
)

// Database is an empty database of the test's own.
type Database struct {
	Kind Kind
	URL  string // as ARCHIBOT_DATABASE_URL has it
	File string // of SQLite
}

// Each runs a suite on SQLite and on Postgres, one after the other.
func Each(t *testing.T, test func(t *testing.T, db Database)) {
	t.Helper()
	t.Run(string(SQLite), func(t *testing.T) { test(t, NewSQLite(t)) })
	t.Run(string(Postgres), func(t *testing.T) { test(t, NewPostgres(t)) })
}

// NewSQLite returns a database in a file that is removed when the test ends.
func NewSQLite(t testing.TB) Database {
	t.Helper()
	file := filepath.Join(t.TempDir(), "archibot.db")
	return Database{Kind: SQLite, URL: "sqlite:" + file, File: file}
}

// NewPostgres returns a database on a Postgres server that the tests of the
// binary share.
func NewPostgres(t testing.TB) Database {
	t.Helper()
	return Database{Kind: Postgres, URL: engine.Postgres(t)}
}

// Open returns a connection of the test's own to the database, past the
// product: to read as an auditor does, or to bend rows as a vandal does.
func (d Database) Open(t testing.TB) *sql.DB {
	t.Helper()
	driver, source := "pgx", d.URL
	if d.Kind == SQLite {
		driver, source = "sqlite", "file:"+d.File+"?_pragma=busy_timeout(10000)&_txlock=immediate"
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatalf("open the database: %v", err)
	}
	db.SetMaxOpenConns(2)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// Count returns the number of rows of a table, or of those that a condition
// on trusted text picks.
func Count(t testing.TB, db *sql.DB, table, where string, args ...any) int64 {
	t.Helper()
	query := "SELECT count(*) FROM " + table
	if where != "" {
		query += " WHERE " + where
	}
	var n int64
	if err := db.QueryRowContext(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatalf("count %s: %v", table, err)
	}
	return n
}

// Rows counts the tables of the ledger.
type Rows struct{ Lots, Holds, Entries int64 }

// LedgerRows returns how many rows the ledger has.
func LedgerRows(t testing.TB, db *sql.DB) Rows {
	t.Helper()
	return Rows{Lots: Count(t, db, "lots", ""), Holds: Count(t, db, "holds", ""), Entries: Count(t, db, "all_entries", "")}
}

// Debit is what the ledger took for one request.
type Debit struct {
	Request string
	Entries int64 // how many entries it is made of
	Amount  int64 // positive microcredits
}

// Debits returns every debit, by request ID.
func Debits(t testing.TB, db *sql.DB) map[string]Debit {
	t.Helper()
	const query = "SELECT request_id, count(*), -sum(amount) FROM all_entries WHERE kind = 'debit' GROUP BY request_id"
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatalf("read the debits: %v", err)
	}
	defer func() { _ = rows.Close() }()
	debits := map[string]Debit{}
	for rows.Next() {
		var d Debit
		if err := rows.Scan(&d.Request, &d.Entries, &d.Amount); err != nil {
			t.Fatalf("read the debits: %v", err)
		}
		debits[d.Request] = d
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("read the debits: %v", err)
	}
	return debits
}

// OpenHolds returns the requests whose holds are open.
func OpenHolds(t testing.TB, db *sql.DB) map[string]bool {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), "SELECT request_id FROM holds WHERE state = 'open'")
	if err != nil {
		t.Fatalf("read the holds: %v", err)
	}
	defer func() { _ = rows.Close() }()
	open := map[string]bool{}
	for rows.Next() {
		var request string
		if err := rows.Scan(&request); err != nil {
			t.Fatalf("read the holds: %v", err)
		}
		open[request] = true
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("read the holds: %v", err)
	}
	return open
}

// AwaitNoHolds waits until no hold is open.
func AwaitNoHolds(t testing.TB, db *sql.DB, limit time.Duration) {
	t.Helper()
	Eventually(t, limit, "no hold is open", func() error {
		if open := OpenHolds(t, db); len(open) > 0 {
			return fmt.Errorf("%d are", len(open))
		}
		return nil
	})
}
