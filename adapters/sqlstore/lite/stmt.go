package lite

import (
	"fmt"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// Stmt is a prepared statement. SQLite prepares it again by itself after the
// schema has changed.
type Stmt struct {
	c      *Conn
	handle uintptr
}

// Prepare prepares one statement.
func (c *Conn) Prepare(text string) (*Stmt, error) {
	p, err := libc.CString(text)
	if err != nil {
		return nil, err
	}
	defer libc.Xfree(c.tls, p)
	handle := c.tls.Alloc(pointerSize)
	defer c.tls.Free(pointerSize)
	code := sqlite3.Xsqlite3_prepare_v3(c.tls, c.db, p, int32(len(text)), sqlite3.SQLITE_PREPARE_PERSISTENT, handle, 0)
	if err := c.fail(code); err != nil {
		return nil, err
	}
	s := &Stmt{c: c, handle: load(handle)}
	c.stmts = append(c.stmts, s)
	return s, nil
}

// Query runs the statement with the arguments, and scan on each of its rows.
func (s *Stmt) Query(scan func() error, args ...any) error {
	err := s.bind(args)
	for err == nil {
		var more bool
		if more, err = s.step(); err != nil || !more {
			break
		}
		err = scan()
	}
	return s.reset(err)
}

// Exec runs the statement with the arguments: pointers to, or values of texts,
// numbers and truths.
func (s *Stmt) Exec(args ...any) error {
	err := s.bind(args)
	for more := err == nil; more; {
		more, err = s.step()
	}
	return s.reset(err)
}

// step goes on to the next row, false if there is none.
func (s *Stmt) step() (bool, error) {
	code := sqlite3.Xsqlite3_step(s.c.tls, s.handle)
	return code == sqlite3.SQLITE_ROW, s.c.fail(code)
}

// reset makes the statement ready to run again, and returns what went wrong.
func (s *Stmt) reset(err error) error {
	code := sqlite3.Xsqlite3_reset(s.c.tls, s.handle) // which repeats what step said
	if err == nil {
		err = s.c.fail(code)
	}
	s.c.texts.reset(s.c.tls)
	return err
}

// bind sets the parameters.
func (s *Stmt) bind(args []any) error {
	for i, arg := range args {
		if err := s.set(int32(1+i), arg); err != nil {
			return fmt.Errorf("parameter %d: %w", 1+i, err)
		}
	}
	return nil
}

func (s *Stmt) set(i int32, arg any) error {
	tls := s.c.tls
	switch v := arg.(type) {
	case *string:
		return s.setText(i, *v)
	case string:
		return s.setText(i, v)
	case *int64:
		return s.c.fail(sqlite3.Xsqlite3_bind_int64(tls, s.handle, i, *v))
	case int64:
		return s.c.fail(sqlite3.Xsqlite3_bind_int64(tls, s.handle, i, v))
	case *bool:
		var n int64
		if *v {
			n = 1
		}
		return s.c.fail(sqlite3.Xsqlite3_bind_int64(tls, s.handle, i, n))
	case *[]byte:
		return s.setBlob(i, *v)
	case []byte:
		return s.setBlob(i, v)
	default:
		return fmt.Errorf("a %T cannot be stored", arg)
	}
}

func (s *Stmt) setText(i int32, v string) error {
	p, err := s.c.text(v)
	if err != nil {
		return err
	}
	return s.c.fail(sqlite3.Xsqlite3_bind_text(s.c.tls, s.handle, i, p, int32(len(v)), 0))
}

func (s *Stmt) setBlob(i int32, v []byte) error {
	if v == nil {
		return s.c.fail(sqlite3.Xsqlite3_bind_null(s.c.tls, s.handle, i))
	}
	p, err := s.c.text(string(v))
	if err != nil {
		return err
	}
	return s.c.fail(sqlite3.Xsqlite3_bind_blob(s.c.tls, s.handle, i, p, int32(len(v)), 0))
}

// Scan reads the columns of the row that Query is at into what the arguments
// point to.
func (s *Stmt) Scan(to ...any) error {
	tls := s.c.tls
	for i, dest := range to {
		i := int32(i)
		switch v := dest.(type) {
		case *string:
			*v = string(s.column(i))
		case *int64:
			*v = sqlite3.Xsqlite3_column_int64(tls, s.handle, i)
		case *bool:
			*v = sqlite3.Xsqlite3_column_int64(tls, s.handle, i) != 0
		case *[]byte:
			*v = append([]byte(nil), s.column(i)...)
		default:
			return fmt.Errorf("column %d cannot be read into a %T", i, dest)
		}
	}
	return nil
}

// column returns the bytes of a text or a blob, which are SQLite's.
func (s *Stmt) column(i int32) []byte {
	p := sqlite3.Xsqlite3_column_blob(s.c.tls, s.handle, i)
	if p == 0 {
		return nil
	}
	return bytes(p, int(sqlite3.Xsqlite3_column_bytes(s.c.tls, s.handle, i)))
}
