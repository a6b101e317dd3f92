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

const liteDue = "SELECT " + row.EventColumns + " FROM events WHERE rowid > (SELECT event_row FROM audit_head WHERE id = 1) ORDER BY rowid LIMIT ?"

func (rowOrder) next(ctx context.Context, a aggregates, limit int) (events []audit.Event, more bool, err error) {
	limit = min(limit, rowBatch)
	rows, err := native(a).QueryContext(ctx, liteDue, limit)
	if err != nil {
		return nil, false, err
	}
	defer func() { _ = rows.Close() }()
	var r row.Event
	for fields := r.Fields(); rows.Next(); {
		if err := rows.Scan(fields...); err != nil {
			return nil, false, err
		}
		events = append(events, r.Event())
	}
	return events, len(events) == limit, rows.Err()
}

func (rowOrder) add(ctx context.Context, a aggregates, leaves []store.Leaf, whole []audit.Node) error {
	tx := native(a)
	n, err := affected(tx.ExecContext(ctx, "UPDATE audit_head SET size = size + ?, event_row = (SELECT rowid FROM events WHERE id = ?) WHERE id = 1 AND size = ?",
		len(leaves), leaves[len(leaves)-1].Event, leaves[0].Number))
	switch {
	case err != nil:
		return err
	case n == 0:
		return errAddOrder
	}
	ids, hashes := make([]string, len(leaves)), make([]byte, 0, len(leaves)*len(audit.Hash{}))
	for i := range leaves {
		ids[i], hashes = leaves[i].Event, append(hashes, leaves[i].Hash[:]...)
	}
	list, err := json.Marshal(ids)
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

func (rowOrder) stray() bun.Safe { return "v.rowid <= h.event_row" }

// native returns the transaction without bun, which writes arguments into the
// statement.
func native(a aggregates) *sql.Tx { return a.writes.(bun.Tx).Tx }
