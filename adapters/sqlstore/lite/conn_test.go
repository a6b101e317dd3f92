package lite_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/archibot/archibotchat/adapters/sqlstore/lite"
)

// file makes an empty database.
func file(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "lite.db")
	require.NoError(t, os.WriteFile(name, nil, 0o600))
	return name
}

func open(t *testing.T, file string) *lite.Conn {
	t.Helper()
	c, err := lite.Open(file, time.Millisecond)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

func prepare(t *testing.T, c *lite.Conn, text string) *lite.Stmt {
	t.Helper()
	s, err := c.Prepare(text)
	require.NoError(t, err)
	return s
}

func TestOpen_nothingThere(t *testing.T) {
	t.Parallel()
	_, err := lite.Open(filepath.Join(t.TempDir(), "none.db"), time.Millisecond)
	var said *lite.Error
	require.ErrorAs(t, err, &said)
	require.Equal(t, sqlite3.SQLITE_CANTOPEN, said.Code())
}

func TestStmt_thereAndBack(t *testing.T) {
	t.Parallel()
	c := open(t, file(t))
	require.NoError(t, c.Exec("CREATE TABLE t (a TEXT NOT NULL, b INTEGER NOT NULL, c INTEGER NOT NULL, d BLOB) STRICT"))
	add := prepare(t, c, "INSERT INTO t VALUES (?, ?, ?, ?)")
	type row struct {
		A string
		B int64
		C bool
		D []byte
	}
	rows := []row{
		{},
		{A: "é", B: -1 << 63, C: true, D: []byte{0, 1}},
		{A: strings.Repeat("a", 100_000), B: 1<<63 - 1, D: []byte("d")}, // more than memory is taken for at first
		{A: strings.Repeat("b", 40_000), B: 1, D: []byte(strings.Repeat("d", 40_000))},
		{A: "short again"},
	}
	for i := range rows {
		r := &rows[i]
		require.NoError(t, add.Exec(&r.A, &r.B, &r.C, &r.D))
	}
	for range 2 { // a statement can run again
		var found []row
		all := prepare(t, c, "SELECT a, b, c, d FROM t WHERE b >= ? ORDER BY rowid")
		require.NoError(t, all.Query(func() error {
			var r row
			err := all.Scan(&r.A, &r.B, &r.C, &r.D)
			found = append(found, r)
			return err
		}, int64(-1<<63)))
		require.Equal(t, rows, found)
	}
	one := prepare(t, c, "SELECT b FROM t WHERE a = ? AND d IS ?")
	n := int64(0)
	require.NoError(t, one.Query(func() error { return one.Scan(&n) }, "é", []byte{0, 1}))
	require.EqualValues(t, -1<<63, n)
	require.ErrorContains(t, one.Exec(1.5), "float64")
	var f float64
	require.ErrorContains(t, one.Query(func() error { return one.Scan(&f) }, "é", []byte{0, 1}), "float64")
}

func TestStmt_failure(t *testing.T) {
	t.Parallel()
	c := open(t, file(t))
	require.NoError(t, c.Exec("CREATE TABLE t (a INTEGER PRIMARY KEY)"))
	add := prepare(t, c, "INSERT INTO t VALUES (?)")
	require.NoError(t, c.Exec("BEGIN"))
	require.False(t, c.Idle())
	require.NoError(t, add.Exec(int64(1)))
	err := add.Exec(int64(1))
	var said *lite.Error
	require.ErrorAs(t, err, &said)
	require.Equal(t, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, said.Code())
	require.False(t, said.Busy())
	require.ErrorContains(t, err, "UNIQUE constraint failed: t.a")
	require.NoError(t, add.Exec(int64(2)), "it can run again")
	require.NoError(t, c.Exec("COMMIT"))
	require.True(t, c.Idle())
	_, err = c.Prepare("SELECT missing")
	require.ErrorContains(t, err, "no such column")
	require.ErrorContains(t, c.Exec("NONSENSE"), "syntax error")
}

// A schema may change under a statement that is prepared.
func TestStmt_schemaChanges(t *testing.T) {
	t.Parallel()
	name := file(t)
	c, other := open(t, name), open(t, name)
	require.NoError(t, c.Exec("CREATE TABLE t (a TEXT)"))
	add := prepare(t, c, "INSERT INTO t (a) VALUES (?)")
	require.NoError(t, add.Exec("1"))
	require.NoError(t, other.Exec("ALTER TABLE t ADD COLUMN b TEXT NOT NULL DEFAULT 'b'"))
	require.NoError(t, add.Exec("2"))
	var found string
	read := prepare(t, other, "SELECT a || b FROM t WHERE a = ?")
	require.NoError(t, read.Query(func() error { return read.Scan(&found) }, "2"))
	require.Equal(t, "2b", found)
}

func TestConn_busy(t *testing.T) {
	t.Parallel()
	name := file(t)
	c, other := open(t, name), open(t, name)
	begin := prepare(t, c, "BEGIN IMMEDIATE")
	require.NoError(t, other.Exec("BEGIN IMMEDIATE"))
	err := begin.Exec()
	var said *lite.Error
	require.ErrorAs(t, err, &said)
	require.True(t, said.Busy())
	require.NoError(t, other.Close(), "which undoes what is open")
	require.NoError(t, other.Close(), "again")
	require.NoError(t, begin.Exec())
}
