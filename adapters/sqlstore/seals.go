package sqlstore

import (
	"context"
	"errors"
	"slices"

	"github.com/uptrace/bun"

	"github.com/archibot/archibotchat/adapters/sqlstore/row"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/ports/store"
)

// order is how a database knows which events are due and in which order: what
// Postgres and SQLite do not share of the log.
type order interface {
	// take locks the log, or fails with store.ErrSealing.
	take(ctx context.Context, db bun.IDB) error
	// next returns events in their order.
	next(ctx context.Context, db bun.IDB, limit int64) (events []row.Event, more bool, err error)
	// advance notes that all events up to one have leaves.
	advance(ctx context.Context, db bun.IDB, last string) error
	// stray is a condition on an event v and the head h: all that lies where v
	// does has a leaf.
	stray() bun.Safe
}

type (
	leafRow struct {
		bun.BaseModel `bun:"table:audit_leaves,alias:l"`

		Number int64  `bun:"number,pk"`
		Event  string `bun:"event_id"`
		Hash   []byte `bun:"hash"`
	}
	nodeRow struct {
		bun.BaseModel `bun:"table:audit_nodes,alias:n"`

		Level  int64  `bun:"level,pk"`
		Number int64  `bun:"number,pk"`
		Hash   []byte `bun:"hash"`
	}
	checkpointRow struct {
		bun.BaseModel `bun:"table:audit_checkpoints,alias:c"`

		Size int64  `bun:"size,pk"`
		Note string `bun:"note"`
		At   int64  `bun:"at"`
	}
)

func (r *checkpointRow) checkpoint() store.Checkpoint {
	return store.Checkpoint{Size: r.Size, Note: r.Note, At: row.Time(r.At)}
}

func (r *leafRow) leaf() (store.Leaf, error) {
	h, err := hash(r.Hash)
	return store.Leaf{Number: r.Number, Event: r.Event, Hash: h}, err
}

var (
	errHash     = errors.New("a hash of the log has not 32 bytes")
	errNoLog    = errors.New("the table audit_head has lost its row")
	errAddOrder = fault.New(fault.Conflict, "log_moved", "The log of the events does not end where it should. Run archibotchat audit verify.")
)

func hash(b []byte) (audit.Hash, error) {
	if len(b) != len(audit.Hash{}) {
		return audit.Hash{}, errHash
	}
	return audit.Hash(b), nil
}

// seals implements store.Seals and store.SealLog.
type seals struct{ aggregates }

func (a aggregates) Seals() store.Seals     { return seals{a} }
func (a aggregates) SealLog() store.SealLog { return seals{a} }

var errOutside = errors.New("the log is extended in a transaction only")

func (s seals) inTx(ctx context.Context) error {
	if !s.tx {
		return errOutside
	}
	return s.check(ctx)
}

func (s seals) Take(ctx context.Context) (store.SealHead, error) {
	if err := s.inTx(ctx); err != nil {
		return store.SealHead{}, err
	}
	if err := s.flavor.order.take(ctx, s.writes); err != nil {
		return store.SealHead{}, s.flavor.fault("take the log", err)
	}
	return s.Head(ctx)
}

func (s seals) Next(ctx context.Context, limit int) ([]audit.Event, bool, error) {
	if err := s.inTx(ctx); err != nil {
		return nil, false, err
	}
	rows, more, err := s.flavor.order.next(ctx, s.writes, size(limit))
	if err != nil {
		return nil, false, s.flavor.fault("look for events to seal", err)
	}
	return each(rows, (*row.Event).Event), more, nil
}

func (s seals) Add(ctx context.Context, leaves []store.Leaf, whole []audit.Node) error {
	if err := s.inTx(ctx); err != nil || len(leaves) == 0 {
		return err
	}
	rows := make([]leafRow, len(leaves))
	for i, l := range leaves {
		if l.Number != leaves[0].Number+int64(i) {
			return errAddOrder
		}
		rows[i] = leafRow{Number: l.Number, Event: l.Event, Hash: l.Hash[:]}
	}
	nodes := make([]nodeRow, len(whole))
	for i, n := range whole {
		nodes[i] = nodeRow{Level: int64(n.Level), Number: n.Number, Hash: n.Hash[:]}
	}
	n, err := affected(s.writes.NewRaw("UPDATE audit_head SET size = size + ? WHERE id = 1 AND size = ?", len(rows), rows[0].Number).Exec(ctx))
	if err == nil && n == 0 {
		return errAddOrder
	}
	if err == nil {
		_, err = s.writes.NewInsert().Model(&rows).Exec(ctx)
	}
	if err == nil && len(nodes) > 0 {
		_, err = s.writes.NewInsert().Model(&nodes).Exec(ctx)
	}
	if err == nil {
		err = s.flavor.order.advance(ctx, s.writes, rows[len(rows)-1].Event)
	}
	return s.flavor.fault("append to the log", err)
}

func (s seals) Sign(ctx context.Context, c store.Checkpoint) error {
	if err := errors.Join(s.inTx(ctx), row.Text(c.Note)); err != nil {
		return err
	}
	n, err := affected(s.writes.NewRaw("INSERT INTO audit_checkpoints (size, note, at) SELECT size, ?, ? FROM audit_head WHERE id = 1 AND size = ?",
		c.Note, row.Micros(c.At), c.Size).Exec(ctx))
	if err == nil && n == 0 {
		return errAddOrder
	}
	return s.flavor.fault("append a checkpoint", err)
}

func (s seals) Head(ctx context.Context) (store.SealHead, error) {
	if err := s.check(ctx); err != nil {
		return store.SealHead{}, err
	}
	var rows []struct {
		Head int64  `bun:"head"`
		Size int64  `bun:"size"`
		Note string `bun:"note"`
		At   int64  `bun:"at"`
	}
	err := s.reads.NewRaw("SELECT h.size AS head, COALESCE(c.size, 0) AS size, COALESCE(c.note, '') AS note, COALESCE(c.at, 0) AS at"+
		" FROM audit_head AS h LEFT JOIN audit_checkpoints AS c ON c.size = (SELECT max(size) FROM audit_checkpoints) WHERE h.id = 1").Scan(ctx, &rows)
	switch {
	case err != nil:
		return store.SealHead{}, s.flavor.fault("read the head of the log", err)
	case len(rows) == 0:
		return store.SealHead{}, errNoLog
	}
	last := checkpointRow{Size: rows[0].Size, Note: rows[0].Note, At: rows[0].At}
	return store.SealHead{Size: rows[0].Head, Last: last.checkpoint()}, nil
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
	var events []row.Event
	if err := s.reads.NewSelect().Model(&events).Where("v.id IN (?)", bun.List(ids)).Scan(ctx); err != nil {
		return nil, s.flavor.fault("read sealed events", err)
	}
	byID := make(map[string]*row.Event, len(events))
	for i := range events {
		byID[events[i].ID] = &events[i]
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
	// One row at least, to tell how far it looked.
	if err := s.reads.NewRaw("WITH page AS (SELECT v.id, v.account_id, v.at, ? AS stray FROM events AS v, audit_head AS h WHERE h.id = 1 AND v.id > ? ORDER BY v.id LIMIT ?),"+
		" loose AS (SELECT * FROM page AS p WHERE NOT EXISTS (SELECT 1 FROM audit_leaves AS l WHERE l.event_id = p.id))"+
		" SELECT COALESCE((SELECT max(id) FROM page), '') AS last, COALESCE(loose.id, '') AS id, COALESCE(loose.account_id, '') AS account_id,"+
		" COALESCE(loose.at, 0) AS at, COALESCE(loose.stray, ?) AS stray FROM (SELECT 1) AS one LEFT JOIN loose ON TRUE ORDER BY loose.id",
		s.flavor.order.stray(), after, size(limit), false).Scan(ctx, &rows); err != nil {
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
	if err := s.reads.NewRaw("SELECT a.event_seq AS events, COALESCE(v.seq, 0) AS seq FROM accounts AS a"+
		" LEFT JOIN events AS v ON v.account_id = ? AND v.account_id <> '' AND v.seq > ? WHERE a.id = ? ORDER BY v.seq LIMIT ?",
		account, after, account, size(limit)).Scan(ctx, &rows); err != nil {
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
