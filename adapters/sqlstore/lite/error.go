package lite

import (
	"fmt"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// Error is what SQLite says. Its codes are those of the database/sql driver.
type Error struct {
	code    int
	message string
}

// Error implements error.
func (e *Error) Error() string { return fmt.Sprintf("%s (%d)", e.message, e.code) }

// Code returns the extended result code.
func (e *Error) Code() int { return e.code }

// fail returns the error of a call, nil if it succeeded.
func (c *Conn) fail(code int32) error {
	switch code {
	case sqlite3.SQLITE_OK, sqlite3.SQLITE_ROW, sqlite3.SQLITE_DONE:
		return nil
	}
	text := sqlite3.Xsqlite3_errstr(c.tls, code)
	if c.db != 0 && sqlite3.Xsqlite3_extended_errcode(c.tls, c.db) == code {
		text = sqlite3.Xsqlite3_errmsg(c.tls, c.db)
	}
	return &Error{code: int(code), message: libc.GoString(text)}
}

// Busy reports whether another connection holds the lock.
func (e *Error) Busy() bool { return e.code&0xff == sqlite3.SQLITE_BUSY }

// Constraint reports whether a row was refused by what its table demands.
func (e *Error) Constraint() bool { return e.code&0xff == sqlite3.SQLITE_CONSTRAINT }
