package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"

	"github.com/archibot/archibotchat/adapters/sqlstore/row"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/ports/store"
)

// flavor is everything in which the two databases differ, save the batch.
type flavor struct {
	dialect    schema.Dialect
	migrations fs.FS
	// now returns an expression of the store's clock in microseconds.
	now func() schema.QueryAppender
	// forUpdate locks the rows that q reads, where rows can be locked.
	forUpdate func(q *bun.SelectQuery, strength string) *bun.SelectQuery
	// turn waits until no other repeated transaction runs; empty if none can.
	turn string
	// view are the options of a transaction that sees one moment.
	view sql.TxOptions
	// hasTable reports whether the table exists.
	hasTable func(ctx context.Context, db bun.IDB, name string) (bool, error)
	// class says what kind of failure an error of the driver is.
	class func(error) class
	// order is that in which events are sealed.
	order order
	// words is how messages are found by what they say.
	words words
	// holdOfEach joins the events v with their holds h, one lookup each: where a
	// table is small, PostgreSQL would rather read all of it.
	holdOfEach string
	// others is whether several servers may use the database at once.
	others bool
	// partitions is whether tables that say so are cut by time.
	partitions bool
}

// class is what a failure means to the port.
type class uint8

const (
	classOther       class = iota
	classUnavailable       // unreachable, full, out of time
	classTransient         // the transaction was undone by another; run it again
	classLocked            // a lock did not come in time
	classTaken             // a unique index said no
	classOrphan            // a foreign key said no
)

// fixedNow returns expressions of an injected clock.
func fixedNow(clock func() time.Time) func() schema.QueryAppender {
	return func() schema.QueryAppender { return bun.Safe(strconv.FormatInt(row.Micros(clock()), 10)) }
}

// fault turns a failure of the driver into what the port promises. An error
// that is a fault already passes through.
func (f *flavor) fault(what string, err error) error {
	var known *fault.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return err
	case errors.Is(err, sql.ErrNoRows):
		return store.ErrNotFound
	case errors.Is(err, context.Canceled):
		return fault.Wrap(fmt.Errorf("%s: %w", what, err), fault.Canceled, "canceled", "The request was given up before it was done.")
	case errors.Is(err, context.DeadlineExceeded):
		return unavailable(what, err)
	}
	switch f.class(err) {
	case classUnavailable, classTransient, classLocked:
		return unavailable(what, err)
	case classTaken:
		return fault.Wrap(fmt.Errorf("%s: %w", what, err), store.ErrTaken.Kind, store.ErrTaken.Code, store.ErrTaken.Message)
	case classOrphan:
		return fault.Wrap(fmt.Errorf("%s: %w", what, err), store.ErrNotFound.Kind, store.ErrNotFound.Code, store.ErrNotFound.Message)
	default:
		return fmt.Errorf("%s: %w", what, err)
	}
}

func unavailable(what string, err error) error {
	return fault.Wrap(fmt.Errorf("%s: %w", what, err), store.ErrUnavailable.Kind, store.ErrUnavailable.Code, store.ErrUnavailable.Message)
}

// undone reports whether a transaction that failed like this may succeed when
// it is run again.
func (c class) undone() bool { return c == classTransient || c == classLocked }

// raced reports the same of a batch. An insert that collides counts: another
// batch was first with the same ID, and now its row can be seen, so that what
// collides again and again is another matter. A lock that does not come does
// not: whoever sends batches decides how long to wait.
func (c class) raced() bool { return c == classTransient || c == classTaken }
