package sqlstore

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"github.com/archibot/archibotchat/adapters/sqlstore/row"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/ports/store"
)

func (s seals) Head(ctx context.Context) (store.SealHead, error) {
	if err := s.check(ctx); err != nil {
		return store.SealHead{}, err
	}
	head, err := readHead(ctx, s.reads)
	return head.head(), s.flavor.fault("read the head of the log", err)
}

const sqlHead = "SELECT h.size AS head, COALESCE(c.size, 0) AS size, COALESCE(c.note, '') AS note, COALESCE(c.at, 0) AS at" +
	" FROM audit_head AS h LEFT JOIN audit_checkpoints AS c ON c.size = (SELECT max(size) FROM audit_checkpoints) WHERE h.id = 1"

func readHead(ctx context.Context, db bun.IDB) (headRow, error) {
	var rows []headRow
	err := db.NewRaw(sqlHead).Scan(ctx, &rows)
	if err == nil && len(rows) == 0 {
		err = errNoLog
	}
	if err != nil {
		return headRow{}, err
	}
	return rows[0], nil
}

func (s seals) Hashes(ctx context.Context, level int, from int64, limit int) ([]audit.Hash, error) {
	if err := s.check(ctx); err != nil {
		return nil, err
	}
	var rows []nodeRow
	q := s.reads.NewSelect().Model(&rows).Column("number", "hash").Where("n.level = ?", level)
	if level == 0 {
		q = s.reads.NewSelect().TableExpr("audit_leaves AS n").Column("n.number", "n.hash")
	}
	if err := q.Where("n.number >= ?", from).Order("n.number").Limit(size(limit)).Scan(ctx, &rows); err != nil {
		return nil, s.flavor.fault("read hashes of the log", err)
	}
	var out []audit.Hash
	for i, r := range rows {
		h, err := hash(r.Hash)
		if err != nil {
			return nil, err
		}
		if r.Number != from+int64(i) {
			break
		}
		out = append(out, h)
	}
	return out, nil
}

// Leaves asks twice: neither leaves nor events change, and a leaf's event was
// there before it.
func (s seals) Leaves(ctx context.Context, from int64, limit int) ([]store.SealedLeaf, error) {
	if err := s.check(ctx); err != nil {
		return nil, err
	}
	var rows []leafRow
	if err := s.reads.NewSelect().Model(&rows).Where("l.number >= ?", from).Order("l.number").Limit(size(limit)).Scan(ctx); err != nil {
		return nil, s.flavor.fault("read leaves", err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = r.Event
	}
	events, err := s.sealed(ctx, ids)
	if err != nil {
		return nil, s.flavor.fault("read sealed events", err)
	}
	byID := make(map[string]*row.Event, len(events))
	for i := range events {
		if _, twice := byID[events[i].ID]; twice {
			byID[events[i].ID] = nil // whichever of them was sealed, the other was not
		} else {
			byID[events[i].ID] = &events[i]
		}
	}
	out := make([]store.SealedLeaf, len(rows))
	for i, r := range rows {
		l, err := r.leaf()
		if err != nil {
			return nil, err
		}
		out[i].Leaf = l
		if e := byID[r.Event]; e != nil {
			out[i].Found, out[i].Of = true, e.Event()
		}
	}
	return out, nil
}

// sealed returns the events of these IDs, from wherever they are told.
func (s seals) sealed(ctx context.Context, ids []string) (events []row.Event, err error) {
	if err := s.reads.NewSelect().Model(&events).Where("v.id IN (?)", bun.List(ids)).Scan(ctx); err != nil {
		return nil, err
	}
	requests := make([]string, len(ids))
	for i, id := range ids {
		requests[i] = row.AtEvent(id)
	}
	var told []row.Event
	err = s.reads.NewSelect().Model(&told).ModelTableExpr("spend_events AS v").Where("v.request_id IN (?)", bun.List(requests)).Scan(ctx)
	return append(events, told...), err
}

func (s seals) Checkpoints(ctx context.Context, over int64, limit int) ([]store.Checkpoint, error) {
	if err := s.check(ctx); err != nil {
		return nil, err
	}
	var rows []checkpointRow
	if err := s.reads.NewSelect().Model(&rows).Where("c.size > ?", over).Order("c.size").Limit(size(limit)).Scan(ctx); err != nil {
		return nil, s.flavor.fault("read checkpoints", err)
	}
	return each(rows, (*checkpointRow).checkpoint), nil
}

func (s seals) Loose(ctx context.Context, after string, limit int) ([]store.LooseEvent, string, error) {
	if err := s.check(ctx, after); err != nil {
		return nil, "", err
	}
	var rows []struct {
		Last    string `bun:"last"`
		ID      string `bun:"id"`
		Account string `bun:"account_id"`
		At      int64  `bun:"at"`
		Stray   bool   `bun:"stray"`
	}
	event, spend := s.flavor.order.stray()
	// One row at least, to tell how far it looked.
	if err := s.reads.NewRaw("WITH page AS (SELECT * FROM ("+
		"SELECT * FROM (SELECT x.id, x.account_id, x.at, ? AS stray FROM events AS x, audit_head AS h WHERE h.id = 1 AND x.id > ? ORDER BY x.id LIMIT ?) AS e"+
		" UNION ALL SELECT * FROM (SELECT x.id, x.account_id, x.at, ? FROM spend_events AS x, audit_head AS h WHERE h.id = 1 AND x.request_id > ?"+
		" ORDER BY x.request_id LIMIT ?) AS s) AS es ORDER BY id LIMIT ?),"+
		" loose AS (SELECT * FROM page AS p WHERE NOT EXISTS (SELECT 1 FROM audit_leaves AS l WHERE l.event_id = p.id))"+
		" SELECT COALESCE((SELECT max(id) FROM page), '') AS last, COALESCE(loose.id, '') AS id, COALESCE(loose.account_id, '') AS account_id,"+
		" COALESCE(loose.at, 0) AS at, COALESCE(loose.stray, ?) AS stray FROM (SELECT 1) AS one LEFT JOIN loose ON TRUE ORDER BY loose.id",
		event, after, size(limit), spend, row.AtEvent(after), size(limit), size(limit), false).Scan(ctx, &rows); err != nil {
		return nil, "", s.flavor.fault("look for loose events", err)
	}
	var out []store.LooseEvent
	for _, r := range rows {
		if r.ID == "" {
			continue
		}
		why := store.Pending
		if r.Stray {
			why = store.Stray
		}
		out = append(out, store.LooseEvent{ID: r.ID, Account: r.Account, At: row.Time(r.At), Why: why})
	}
	return out, rows[0].Last, nil
}

func (s seals) Sequence(ctx context.Context, account string, after int64, limit int) ([]int64, int64, error) {
	if err := s.check(ctx, account); err != nil {
		return nil, 0, err
	}
	var rows []struct {
		Events int64 `bun:"events"`
		Seq    int64 `bun:"seq"`
	}
	const page = "SELECT * FROM (SELECT v.seq FROM ? AS v WHERE v.account_id = ? AND v.account_id <> '' AND v.seq > ? ORDER BY v.seq LIMIT ?) AS "
	if err := s.reads.NewRaw("SELECT a.event_seq AS events, COALESCE(p.seq, 0) AS seq FROM accounts AS a LEFT JOIN"+
		" (SELECT seq FROM ("+page+"e UNION ALL "+page+"s) AS es ORDER BY seq LIMIT ?) AS p ON TRUE WHERE a.id = ? ORDER BY p.seq",
		bun.Ident(told.tables[0]), account, after, size(limit), bun.Ident(told.tables[1]), account, after, size(limit), size(limit), account).Scan(ctx, &rows); err != nil {
		return nil, 0, s.flavor.fault("read the sequence of an account's events", err)
	}
	if len(rows) == 0 {
		return nil, 0, store.ErrNotFound
	}
	var seqs []int64
	for _, r := range rows {
		if r.Seq != 0 {
			seqs = append(seqs, r.Seq)
		}
	}
	return slices.Clip(seqs), rows[0].Events, nil
}
