package sqlstore

import (
	"context"
	"errors"

	"github.com/uptrace/bun"

	"github.com/archibot/archibotchat/adapters/sqlstore/row"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/ports/store"
)

// order is how a database knows which events are due and in which order, and
// how it takes many leaves: what Postgres and SQLite do not share of the log.
// It works in a transaction that Do gave.
type order interface {
	// take locks the log and reads its head, or fails with store.ErrSealing.
	take(ctx context.Context, a aggregates) (headRow, error)
	// next returns events in their order, at most limit and no more than one
	// transaction should seal here.
	next(ctx context.Context, a aggregates, limit int) (events []audit.Event, more bool, err error)
	// add appends leaves and nodes and moves the head behind them, or fails
	// with errAddOrder if it does not stand before them.
	add(ctx context.Context, a aggregates, leaves []store.Leaf, whole []audit.Node) error
	// stray is a condition on an event x and the head h, and one on the event x
	// of a spend: all that lies where x does has a leaf.
	stray() (event, spend bun.Safe)
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
	headRow struct {
		Head int64  `bun:"head"`
		Size int64  `bun:"size"`
		Note string `bun:"note"`
		At   int64  `bun:"at"`
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

func (r *headRow) fields() []any { return []any{&r.Head, &r.Size, &r.Note, &r.At} }

func (r *headRow) head() store.SealHead {
	last := checkpointRow{Size: r.Size, Note: r.Note, At: r.At}
	return store.SealHead{Size: r.Head, Last: last.checkpoint()}
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
	head, err := s.flavor.order.take(ctx, s.aggregates)
	return head.head(), s.flavor.fault("take the log", err)
}

func (s seals) Next(ctx context.Context, limit int) ([]audit.Event, bool, error) {
	if err := s.inTx(ctx); err != nil {
		return nil, false, err
	}
	events, more, err := s.flavor.order.next(ctx, s.aggregates, max(limit, 1))
	return events, more, s.flavor.fault("look for events to seal", err)
}

func (s seals) Add(ctx context.Context, leaves []store.Leaf, whole []audit.Node) error {
	if err := s.inTx(ctx); err != nil || len(leaves) == 0 {
		return err
	}
	for i, l := range leaves {
		if l.Number != leaves[0].Number+int64(i) {
			return errAddOrder
		}
	}
	return s.flavor.fault("append to the log", s.flavor.order.add(ctx, s.aggregates, leaves, whole))
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
