package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"

	"github.com/uptrace/bun"

	"github.com/archibot/archibotchat/adapters/sqlstore/row"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/ports/store"
)

// rowOrder is the order of SQLite: one transaction writes at a time, so the
// log is taken as soon as one runs, and rows are in the order of commits.
type rowOrder struct{}

// rowBatch is how many leaves one transaction appends. Nobody else writes
// meanwhile.
const rowBatch = 512

func (rowOrder) take(ctx context.Context, a aggregates) (headRow, error) {
	return readHead(ctx, a.reads)
}

const (
	liteDue       = "SELECT " + row.EventColumns + " FROM events WHERE rowid > (SELECT event_row FROM audit_head WHERE id = 1) ORDER BY rowid LIMIT ?"
	liteSpendsDue = "SELECT " + row.EventColumns + " FROM spend_events WHERE place > (SELECT hold_row FROM audit_head WHERE id = 1) ORDER BY place LIMIT ?"
	// Holds that are no spends never become one, and are not looked at again.
	litePassed = "UPDATE audit_head SET hold_row = h.last FROM (SELECT max(rowid) AS last FROM holds) AS h WHERE id = 1 AND hold_row < h.last"
)

// next returns events first, and behind them those of spends: it is enough that
// each of the two come in their order.
func (rowOrder) next(ctx context.Context, a aggregates, limit int) (events []audit.Event, more bool, err error) {
	limit = min(limit, rowBatch)
	if events, err = liteEvents(ctx, a, nil, liteDue, limit); err != nil || len(events) == limit {
		return events, err == nil, err
	}
	n := len(events)
	if events, err = liteEvents(ctx, a, events, liteSpendsDue, limit-n); err == nil && len(events) == n {
		_, err = native(a).ExecContext(ctx, litePassed)
	}
	return events, len(events) == limit, err
}

// liteEvents appends the events that a statement yields.
func liteEvents(ctx context.Context, a aggregates, to []audit.Event, due string, limit int) ([]audit.Event, error) {
	rows, err := native(a).QueryContext(ctx, due, limit)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var r row.Event
	for fields := r.Fields(); rows.Next(); {
		if err := rows.Scan(fields...); err != nil {
			return nil, err
		}
		to = append(to, r.Event())
	}
	return to, rows.Err()
}

// liteLogEnd moves the head behind leaves. The last tells where spends are; if
// it is a spend's, the last event is somewhere among the others.
const liteLogEnd = "UPDATE audit_head SET size = size + ?1, hold_row = COALESCE((SELECT place FROM spend_events WHERE request_id = ?4), hold_row)," +
	" event_row = COALESCE((SELECT rowid FROM events WHERE id = ?3), (SELECT max(rowid) FROM events WHERE id IN (SELECT value FROM json_each(?5))), event_row)" +
	" WHERE id = 1 AND size = ?2"

func (rowOrder) add(ctx context.Context, a aggregates, leaves []store.Leaf, whole []audit.Node) error {
	tx := native(a)
	ids, hashes := make([]string, len(leaves)), make([]byte, 0, len(leaves)*len(audit.Hash{}))
	for i := range leaves {
		ids[i], hashes = leaves[i].Event, append(hashes, leaves[i].Hash[:]...)
	}
	list, err := json.Marshal(ids)
	if err != nil {
		return err
	}
	last := ids[len(ids)-1]
	n, err := affected(tx.ExecContext(ctx, liteLogEnd, len(leaves), leaves[0].Number, last, row.AtEvent(last), string(list)))
	if err == nil && n == 0 {
		return errAddOrder
	}
	if err == nil {
		_, err = tx.ExecContext(ctx, "INSERT INTO audit_leaves (number, event_id, hash) SELECT ?1 + key, value, substr(?3, 1 + 32 * key, 32) FROM json_each(?2)",
			leaves[0].Number, string(list), hashes)
	}
	for _, n := range whole {
		if err == nil {
			_, err = tx.ExecContext(ctx, "INSERT INTO audit_nodes (level, number, hash) VALUES (?, ?, ?)", n.Level, n.Number, n.Hash[:])
		}
	}
	return err
}

func (rowOrder) stray() (event, spend bun.Safe) {
	return "x.rowid <= h.event_row", "x.place <= h.hold_row"
}

// native returns the transaction without bun, which writes arguments into the
// statement.
func native(a aggregates) *sql.Tx { return a.writes.(bun.Tx).Tx }
