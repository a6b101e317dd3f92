package sqlstore

import (
	"context"
	"encoding/binary"
	"errors"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"

	"github.com/archibot/archibotchat/adapters/sqlstore/row"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/ports/store"
)

// xactOrder is the order of Postgres; see migration 0007.
type xactOrder struct{}

// xactHead is where the log stands among transactions.
type xactHead struct {
	era         int
	xact, event string // all of the era up to there has a leaf
	sweptID     string
	swept       bool
	cluster     string
	ahead       bool // of the cluster's own count of transactions
}

const (
	sqlXactHead = "SELECT era, xact::text, last_id, swept_id, swept, cluster, xact > pg_snapshot_xmax(pg_current_snapshot()) FROM audit_head WHERE id = 1"
	sqlLockHead = sqlXactHead + " FOR UPDATE SKIP LOCKED"
	sqlIsHead   = "SELECT EXISTS (SELECT FROM audit_head WHERE id = 1)"
	// Not every role may ask for the cluster's name.
	sqlMayName = "SELECT has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')"
	sqlName    = "SELECT system_identifier::text FROM pg_control_system()"
	sqlSetName = "UPDATE audit_head SET cluster = $1 WHERE id = 1"
)

func (h *xactHead) fields() []any {
	return []any{&h.era, &h.xact, &h.event, &h.sweptID, &h.swept, &h.cluster, &h.ahead}
}

// conn is a connection whose statements are prepared once.
type conn struct{ *pgx.Conn }

func (c conn) query(ctx context.Context, statement string, args ...any) (pgx.Rows, error) {
	return c.Query(ctx, statement, append([]any{pgx.QueryExecModeCacheStatement}, args...)...)
}

// one reads the one row that a statement yields.
func (c conn) one(ctx context.Context, statement string, args, into []any) error {
	return c.QueryRow(ctx, statement, append([]any{pgx.QueryExecModeCacheStatement}, args...)...).Scan(into...)
}

func (c conn) exec(ctx context.Context, statement string, args ...any) (changed int64, err error) {
	done, err := c.Exec(ctx, statement, append([]any{pgx.QueryExecModeCacheStatement}, args...)...)
	return done.RowsAffected(), err
}

func (o xactOrder) take(ctx context.Context, a aggregates) (head headRow, err error) {
	err = a.pgx(ctx, func(c conn) error {
		if err := o.lock(ctx, c); err != nil {
			return err
		}
		return c.one(ctx, sqlHead, nil, head.fields())
	})
	return head, err
}

func (o xactOrder) lock(ctx context.Context, c conn) error {
	var h xactHead
	switch err := c.one(ctx, sqlLockHead, nil, h.fields()); {
	case errors.Is(err, pgx.ErrNoRows):
		there := false
		if err := c.one(ctx, sqlIsHead, nil, []any{&there}); err != nil {
			return err
		}
		if !there {
			return errNoLog
		}
		return store.ErrSealing
	case err != nil:
		return err
	}
	cluster, err := clusterOf(ctx, c)
	if err != nil {
		return err
	}
	switch known := h.cluster != "" && cluster != ""; {
	case h.ahead || known && cluster != h.cluster:
		return o.move(ctx, c, h.era+1, cluster)
	case !known && cluster != "":
		_, err = c.exec(ctx, sqlSetName, cluster)
	}
	return err
}

// clusterOf names the cluster that numbers the transactions, or returns "" where
// this role may not ask.
func clusterOf(ctx context.Context, c conn) (name string, err error) {
	may := false
	if err := c.one(ctx, sqlMayName, nil, []any{&may}); err != nil || !may {
		return "", err
	}
	err = c.one(ctx, sqlName, nil, []any{&name})
	return name, err
}

// move begins a new era, because this database was moved to another cluster,
// as by a restore from a dump. Its lock waits for those who write events; all
// that they wrote is of an earlier era, which will be swept.
func (xactOrder) move(ctx context.Context, c conn, era int, cluster string) error {
	if _, err := c.Exec(ctx, "LOCK TABLE holds, events IN ACCESS EXCLUSIVE MODE"); err != nil { // in the order of batches
		return err
	}
	for _, table := range []string{"holds", "events"} {
		if _, err := c.Exec(ctx, "ALTER TABLE "+table+" ALTER COLUMN era SET DEFAULT "+strconv.Itoa(era)); err != nil {
			return err
		}
	}
	_, err := c.Exec(ctx, "UPDATE audit_head SET era = $1, xact = '0', last_id = '', swept_id = '', swept = FALSE, cluster = $2 WHERE id = 1", era, cluster)
	return err
}

// sweepPage is how many events of earlier eras are looked at in one step.
const sweepPage = 5000

// xactBatch is how many leaves one transaction appends.
const xactBatch = 4096

const (
	// However much is due, no more is read than this batch and the rest of one
	// transaction.
	sqlDue = "SELECT " + row.EventColumns + " FROM (SELECT * FROM (SELECT xact, " + row.EventColumns + " FROM events" + sqlDueOf +
		" UNION ALL SELECT * FROM (SELECT xact, " + row.EventColumns + " FROM spend_events" + sqlDueOf + ") AS v ORDER BY xact, id LIMIT $4"
	sqlDueOf = " WHERE era = $1 AND xact >= $2::text::xid8 AND (xact > $2::text::xid8 OR id > $3)" +
		" AND xact < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY xact FETCH FIRST $4 ROWS WITH TIES) AS due"

	// Spends are found, and come in their events' order, by their requests' IDs.
	sqlPage = "SELECT COALESCE(max(id), ''), count(*) FROM (SELECT id FROM (SELECT * FROM (SELECT id FROM events WHERE id > $1 ORDER BY id LIMIT $3) AS e" +
		" UNION ALL SELECT * FROM (SELECT id FROM spend_events WHERE request_id > $2 ORDER BY request_id LIMIT $3) AS s) AS es ORDER BY id LIMIT $3) AS page"

	sqlUnswept = "SELECT " + row.EventColumns + " FROM (SELECT " + row.EventColumns + " FROM events WHERE id > $1 AND id <= $2 AND era < $5" +
		" UNION ALL SELECT " + row.EventColumns + " FROM spend_events WHERE request_id > $3 AND request_id <= $4 AND era < $5) AS v" +
		" WHERE NOT EXISTS (SELECT FROM audit_leaves AS l WHERE l.event_id = v.id) ORDER BY id LIMIT $6"

	sqlSwept = "UPDATE audit_head SET swept_id = $1, swept = $2 WHERE id = 1"

	sqlLogEnd = "UPDATE audit_head AS h SET size = h.size + $1," +
		" xact = CASE WHEN v.era = h.era THEN v.xact ELSE h.xact END, last_id = CASE WHEN v.era = h.era THEN v.id ELSE h.last_id END," +
		" swept_id = CASE WHEN v.era = h.era THEN h.swept_id ELSE v.id END" +
		" FROM (SELECT id, era, xact FROM events WHERE id = $3 UNION ALL SELECT id, era, xact FROM spend_events WHERE request_id = $4) AS v" +
		" WHERE h.id = 1 AND h.size = $2"

	sqlNewLeaves = "INSERT INTO audit_leaves (number, event_id, hash) SELECT generate_series($1::bigint, $1 + $2 - 1), unnest($3::text[]), unnest($4::bytea[])"

	sqlNewNodes = "INSERT INTO audit_nodes (level, number, hash) SELECT unnest($1::bigint[]), unnest($2::bigint[]), unnest($3::bytea[])"
)

func (o xactOrder) next(ctx context.Context, a aggregates, limit int) (events []audit.Event, more bool, err error) {
	limit = min(limit, xactBatch)
	err = a.pgx(ctx, func(c conn) error {
		var h xactHead
		if err := c.one(ctx, sqlXactHead, nil, h.fields()); err != nil {
			return err
		}
		if !h.swept {
			swept, done, err := o.sweep(ctx, c, h, limit)
			if err != nil || !done {
				events, more = swept, true
				return err
			}
		}
		events, err = c.events(ctx, limit, sqlDue, h.era, h.xact, h.event)
		more = len(events) == limit
		return err
	})
	return events, more, err
}

// sweep returns events of earlier eras that have no leaf, from one page of all
// events; done says that there is none left.
func (xactOrder) sweep(ctx context.Context, c conn, h xactHead, limit int) (events []audit.Event, done bool, err error) {
	last, n := "", 0
	if err := c.one(ctx, sqlPage, []any{h.sweptID, row.AtEvent(h.sweptID), sweepPage}, []any{&last, &n}); err != nil {
		return nil, false, err
	}
	events, err = c.events(ctx, limit, sqlUnswept, h.sweptID, last, row.AtEvent(h.sweptID), row.AtEvent(last), h.era)
	if err != nil || len(events) > 0 {
		return events, false, err
	}
	done = n < sweepPage
	_, err = c.exec(ctx, sqlSwept, last, done)
	return nil, done, err
}

// events reads at most limit events by a statement whose last parameter that is.
func (c conn) events(ctx context.Context, limit int, statement string, args ...any) ([]audit.Event, error) {
	rows, err := c.query(ctx, statement, append(append([]any{pgx.QueryResultFormats{pgx.BinaryFormatCode}}, args...), limit)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	events := make([]audit.Event, 0, limit)
	var r row.Event
	for fields := r.Fields(); rows.Next(); {
		if err := scanBinary(rows.RawValues(), fields); err != nil {
			return nil, err
		}
		events = append(events, r.Event())
	}
	return events, rows.Err()
}

var errColumn = errors.New("a number among the columns of an event has not 8 bytes")

// scanBinary reads columns in their binary form. All texts of a row share one
// piece of memory: one for each was a third of what it takes to read events.
func scanBinary(columns [][]byte, fields []any) error {
	length := 0
	for _, column := range columns {
		length += len(column)
	}
	var b strings.Builder
	b.Grow(length)
	for i, column := range columns {
		if _, is := fields[i].(*string); is {
			b.Write(column)
		}
	}
	text := b.String()
	for i, column := range columns {
		switch f := fields[i].(type) {
		case *string:
			*f, text = text[:len(column)], text[len(column):]
		case *int64:
			if len(column) != 8 {
				return errColumn
			}
			*f = int64(binary.BigEndian.Uint64(column))
		}
	}
	return nil
}

func (xactOrder) add(ctx context.Context, a aggregates, leaves []store.Leaf, whole []audit.Node) error {
	n, first := len(leaves), leaves[0].Number
	ids, hashes := make([]string, n), make([][]byte, n)
	for i := range leaves {
		ids[i], hashes[i] = leaves[i].Event, leaves[i].Hash[:]
	}
	return a.pgx(ctx, func(c conn) error {
		moved, err := c.exec(ctx, sqlLogEnd, n, first, ids[n-1], row.AtEvent(ids[n-1]))
		if err == nil && moved == 0 {
			return errAddOrder
		}
		if err == nil {
			_, err = c.exec(ctx, sqlNewLeaves, first, n, ids, hashes)
		}
		if err == nil && len(whole) > 0 {
			_, err = c.exec(ctx, sqlNewNodes, nodeArrays(whole)...)
		}
		return err
	})
}

func nodeArrays(nodes []audit.Node) []any {
	levels, numbers, hashes := make([]int64, len(nodes)), make([]int64, len(nodes)), make([][]byte, len(nodes))
	for i := range nodes {
		levels[i], numbers[i], hashes[i] = int64(nodes[i].Level), nodes[i].Number, nodes[i].Hash[:]
	}
	return []any{levels, numbers, hashes}
}

// stray: beside what lies behind the head, what no transaction can have
// written yet.
func (xactOrder) stray() (event, spend bun.Safe) {
	const is = "CASE WHEN x.era = h.era THEN (x.xact, x.id) <= (h.xact, h.last_id) OR x.xact >= pg_snapshot_xmax(pg_current_snapshot())" +
		" WHEN x.era < h.era THEN h.swept OR x.id <= h.swept_id ELSE TRUE END"
	return is, is
}

// pgx calls fn with the connection of a transaction that Do gave. Past bun,
// which writes arguments into the statement and reads rows by reflection.
func (a aggregates) pgx(ctx context.Context, fn func(conn) error) error {
	return a.conn.Raw(func(driver any) error {
		c := driver.(*stdlib.Conn).Conn()
		if c.PgConn().TxStatus() == 'I' { // the end of its context undid it
			return errors.Join(ctx.Err(), errOutside)
		}
		return fn(conn{c})
	})
}
