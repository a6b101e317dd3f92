package lite

import (
	"errors"
	"time"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// Conn is a connection that reads and writes.
type Conn struct {
	tls   *libc.TLS
	db    uintptr
	texts arena // of the statement that is bound
	stmts []*Stmt
}

// Open opens a file that is there. patience is how long to wait for a lock.
func Open(file string, patience time.Duration) (*Conn, error) {
	c := &Conn{tls: libc.NewTLS()}
	if err := c.open(file, patience); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (c *Conn) open(file string, patience time.Duration) error {
	name, err := libc.CString(file)
	if err != nil {
		return err
	}
	defer libc.Xfree(c.tls, name)
	handle := c.tls.Alloc(pointerSize)
	defer c.tls.Free(pointerSize)
	// Without a mutex of its own: a Conn is for one goroutine.
	code := sqlite3.Xsqlite3_open_v2(c.tls, name, handle, sqlite3.SQLITE_OPEN_READWRITE|sqlite3.SQLITE_OPEN_NOMUTEX, 0)
	c.db = load(handle) // even if it failed
	if err := c.fail(code); err != nil {
		return err
	}
	return errors.Join(
		c.fail(sqlite3.Xsqlite3_extended_result_codes(c.tls, c.db, 1)),
		c.fail(sqlite3.Xsqlite3_busy_timeout(c.tls, c.db, int32(patience.Milliseconds()))),
	)
}

// Close closes the connection and its statements. A transaction that is open
// is undone.
func (c *Conn) Close() error {
	if c.tls == nil {
		return nil
	}
	for _, s := range c.stmts {
		sqlite3.Xsqlite3_finalize(c.tls, s.handle) // what it says is of the last run
		s.handle = 0
	}
	err := c.fail(sqlite3.Xsqlite3_close_v2(c.tls, c.db))
	c.texts.free(c.tls)
	c.tls.Close()
	c.tls, c.db, c.stmts = nil, 0, nil
	return err
}

// Exec runs statements that take nothing and whose rows nobody wants.
func (c *Conn) Exec(text string) error {
	p, err := libc.CString(text)
	if err != nil {
		return err
	}
	defer libc.Xfree(c.tls, p)
	return c.fail(sqlite3.Xsqlite3_exec(c.tls, c.db, p, 0, 0, 0))
}

// AutoCheckpoint sets after how many pages of log a commit moves them into the
// file; 0: never.
func (c *Conn) AutoCheckpoint(pages int) error {
	return c.fail(sqlite3.Xsqlite3_wal_autocheckpoint(c.tls, c.db, int32(pages)))
}

// Idle reports whether no transaction is open.
func (c *Conn) Idle() bool { return sqlite3.Xsqlite3_get_autocommit(c.tls, c.db) != 0 }

// Changed returns how many rows the last statement that writes has written.
func (c *Conn) Changed() int { return int(sqlite3.Xsqlite3_changes(c.tls, c.db)) }
