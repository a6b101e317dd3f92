package sqlstore

import (
	"context"
	"errors"

	"github.com/uptrace/bun"

	"github.com/archibot/archibotchat/adapters/sqlstore/row"
	"github.com/archibot/archibotchat/ports/store"
)

// rowOrder is the order of SQLite: one transaction writes at a time, so the
// log is taken as soon as one runs, and rows are in the order of commits.
type rowOrder struct{}

func (rowOrder) take(context.Context, bun.IDB) error { return nil }

func (rowOrder) next(ctx context.Context, db bun.IDB, limit int64) (rows []row.Event, more bool, err error) {
	err = db.NewSelect().Model(&rows).Where("v.rowid > (SELECT event_row FROM audit_head WHERE id = 1)").OrderExpr("v.rowid").Limit(limit).Scan(ctx)
	return rows, int64(len(rows)) == limit, err
}

func (rowOrder) advance(ctx context.Context, db bun.IDB, last string) error {
	_, err := db.NewRaw("UPDATE audit_head SET event_row = (SELECT rowid FROM events WHERE id = ?) WHERE id = 1", last).Exec(ctx)
	return err
}

func (rowOrder) stray() bun.Safe { return "v.rowid <= h.event_row" }

// xactOrder is the order of Postgres; see migration 0007.
type xactOrder struct{}

type xactHead struct {
	Era     int    `bun:"era"`
	Xact    string `bun:"xact"`
	Event   string `bun:"event_id"`
	SweptID string `bun:"swept_id"`
	Swept   bool   `bun:"swept"`
	Cluster string `bun:"cluster"`
	Ahead   bool   `bun:"ahead"` // of the cluster's own count of transactions
}

const sqlXactHead = "SELECT era, xact::text AS xact, event_id, swept_id, swept, cluster, xact > pg_snapshot_xmax(pg_current_snapshot()) AS ahead" +
	" FROM audit_head WHERE id = 1"

func (o xactOrder) take(ctx context.Context, db bun.IDB) error {
	var heads []xactHead
	if err := db.NewRaw(sqlXactHead+" FOR UPDATE SKIP LOCKED").Scan(ctx, &heads); err != nil {
		return err
	}
	if len(heads) == 0 {
		var there bool
		if err := db.NewRaw("SELECT EXISTS (SELECT FROM audit_head WHERE id = 1)").Scan(ctx, &there); err != nil {
			return err
		}
		if !there {
			return errNoLog
		}
		return store.ErrSealing
	}
	cluster, err := clusterOf(ctx, db)
	if err != nil {
		return err
	}
	h := heads[0]
	switch known := h.Cluster != "" && cluster != ""; {
	case h.Ahead || known && cluster != h.Cluster:
		return o.move(ctx, db, h.Era+1, cluster)
	case !known && cluster != "":
		_, err = db.NewRaw("UPDATE audit_head SET cluster = ? WHERE id = 1", cluster).Exec(ctx)
	}
	return err
}

// clusterOf names the cluster that numbers the transactions, or returns "" where
// this role may not ask.
func clusterOf(ctx context.Context, db bun.IDB) (name string, err error) {
	may := false
	if err := db.NewRaw("SELECT has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')").Scan(ctx, &may); err != nil || !may {
		return "", err
	}
	err = db.NewRaw("SELECT system_identifier::text FROM pg_control_system()").Scan(ctx, &name)
	return name, err
}

// move begins a new era, because this database was moved to another cluster,
// as by a restore from a dump. Its lock waits for those who write events; all
// that they wrote is of an earlier era, which will be swept.
func (xactOrder) move(ctx context.Context, db bun.IDB, era int, cluster string) error {
	if _, err := db.NewRaw("ALTER TABLE events ALTER COLUMN era SET DEFAULT ?", era).Exec(ctx); err != nil {
		return err
	}
	_, err := db.NewRaw("UPDATE audit_head SET era = ?, xact = '0', event_id = '', swept_id = '', swept = FALSE, cluster = ? WHERE id = 1", era, cluster).Exec(ctx)
	return err
}

// sweepPage is how many events of earlier eras are looked at in one step.
const sweepPage = 5000

func (o xactOrder) next(ctx context.Context, db bun.IDB, limit int64) (rows []row.Event, more bool, err error) {
	var h xactHead
	if err := db.NewRaw(sqlXactHead).Scan(ctx, &h); err != nil {
		return nil, false, err
	}
	if !h.Swept {
		rows, done, err := o.sweep(ctx, db, h, limit)
		if err != nil || !done {
			return rows, true, err
		}
	}
	// The bound first, off the index alone: however much is due, no more is
	// sorted than this batch and the rest of one transaction.
	due := func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("v.era = ?", h.Era).Where("v.xact >= ?", h.Xact).Where("(v.xact > ? OR v.id > ?)", h.Xact, h.Event)
	}
	first := due(db.NewSelect().TableExpr("events AS v").Column("v.xact")).Where("v.xact < pg_snapshot_xmin(pg_current_snapshot())").Order("v.xact").Limit(limit)
	err = due(db.NewSelect().Model(&rows)).Where("v.xact <= (SELECT max(xact) FROM (?) AS first)", first).OrderExpr("v.xact, v.id").Limit(limit).Scan(ctx)
	return rows, int64(len(rows)) == limit, err
}

// sweep returns events of earlier eras that have no leaf, from one page of all
// events; done says that there is none left.
func (xactOrder) sweep(ctx context.Context, db bun.IDB, h xactHead, limit int64) (rows []row.Event, done bool, err error) {
	var page struct {
		Last string `bun:"last"`
		N    int    `bun:"n"`
	}
	if err := db.NewRaw("SELECT COALESCE(max(id), '') AS last, count(*) AS n FROM (SELECT id FROM events WHERE id > ? ORDER BY id LIMIT ?) AS page", h.SweptID, sweepPage).
		Scan(ctx, &page); err != nil {
		return nil, false, err
	}
	if err := db.NewSelect().Model(&rows).Where("v.id > ?", h.SweptID).Where("v.id <= ?", page.Last).Where("v.era < ?", h.Era).
		Where("NOT EXISTS (SELECT FROM audit_leaves AS l WHERE l.event_id = v.id)").Order("v.id").Limit(limit).Scan(ctx); err != nil {
		return nil, false, err
	}
	if len(rows) > 0 {
		return rows, false, nil
	}
	done = page.N < sweepPage
	_, err = db.NewRaw("UPDATE audit_head SET swept_id = ?, swept = ? WHERE id = 1", page.Last, done).Exec(ctx)
	return nil, done, err
}

var errUnknownEvent = errors.New("the last event of the leaves is not there")

func (xactOrder) advance(ctx context.Context, db bun.IDB, last string) error {
	n, err := affected(db.NewRaw("UPDATE audit_head AS h SET"+
		" xact = CASE WHEN v.era = h.era THEN v.xact ELSE h.xact END, event_id = CASE WHEN v.era = h.era THEN v.id ELSE h.event_id END,"+
		" swept_id = CASE WHEN v.era = h.era THEN h.swept_id ELSE v.id END FROM events AS v WHERE h.id = 1 AND v.id = ?", last).Exec(ctx))
	if err == nil && n == 0 {
		return errUnknownEvent
	}
	return err
}

// stray: beside what lies behind the head, what no transaction can have
// written yet.
func (xactOrder) stray() bun.Safe {
	return "CASE WHEN v.era = h.era THEN (v.xact, v.id) <= (h.xact, h.event_id) OR v.xact >= pg_snapshot_xmax(pg_current_snapshot())" +
		" WHEN v.era < h.era THEN h.swept OR v.id <= h.swept_id ELSE TRUE END"
}
