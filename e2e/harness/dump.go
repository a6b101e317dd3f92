//go:build unix

package harness

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"testing"
)

const (
	sqliteTables   = `SELECT name FROM sqlite_master WHERE type = 'table'`
	postgresTables = `SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables
		WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`
)

// Dump returns all that the database holds, by where it stands: every row of
// every table as text with binary values as they are, and for SQLite the bytes
// of its files, which keep what a row no longer shows.
func (d Database) Dump(t testing.TB) map[string][]byte {
	t.Helper()
	db := d.Open(t)
	query := postgresTables
	if d.Kind == SQLite {
		query = sqliteTables
	}
	dump := map[string][]byte{}
	for _, table := range names(t, db, query) {
		dump["table "+table] = dumpTable(t, db, table)
	}
	if d.Kind != SQLite {
		return dump
	}
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		content, err := os.ReadFile(d.File + suffix)
		switch {
		case err == nil:
			dump["file *"+suffix] = content
		case !errors.Is(err, fs.ErrNotExist):
			t.Fatalf("read the database's file: %v", err)
		}
	}
	return dump
}

func names(t testing.TB, db *sql.DB, query string) []string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatalf("list the tables: %v", err)
	}
	defer func() { _ = rows.Close() }()
	var list []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatalf("list the tables: %v", err)
		}
		list = append(list, name)
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("list the tables: %v", err)
	}
	return list
}

func dumpTable(t testing.TB, db *sql.DB, table string) []byte {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), "SELECT * FROM "+table)
	if err != nil {
		t.Fatalf("dump %s: %v", table, err)
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatalf("dump %s: %v", table, err)
	}
	values, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	var out bytes.Buffer
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			t.Fatalf("dump %s: %v", table, err)
		}
		for i, value := range values {
			if b, ok := value.([]byte); ok {
				value = string(b)
			}
			fmt.Fprintf(&out, "%s=%v\t", columns[i], value)
		}
		out.WriteByte('\n')
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("dump %s: %v", table, err)
	}
	return out.Bytes()
}
