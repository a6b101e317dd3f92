package store

import (
	"context"
	"time"

	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/fault"
)

// ErrSealing means that somebody else extends the log just now.
var ErrSealing = fault.New(fault.Conflict, "sealing", "Another server or command is sealing events just now. Try again shortly.")

// SealHead is where the log of the events stands.
type SealHead struct {
	Size int64 // leaves
	// Last is the newest checkpoint; its Size is 0 if there is none. Leaves
	// may lie beyond it.
	Last Checkpoint
}

// Checkpoint is a signed note over the first Size leaves.
type Checkpoint struct {
	Size int64
	Note string // see audit.Checkpoint
	At   time.Time
}

// Seals extends the log that events are sealed into (HOTPATH 21). Leaves,
// nodes and checkpoints lie in tables of their own, whose rows the database
// refuses to change or delete. It works inside Do only, and Take comes first.
type Seals interface {
	// Take takes the log until the transaction ends and returns its head;
	// ErrSealing at once if another transaction has it.
	Take(ctx context.Context) (SealHead, error)
	// Next returns the events to be sealed next, in their order, at most
	// limit and no more than a transaction here should seal. An event is among them only once no transaction that is still
	// running can add one that belongs before it. more means that there may be
	// others to be sealed now, even where none was returned.
	Next(ctx context.Context, limit int) (events []audit.Event, more bool, err error)
	// Add appends leaves of events that Next returned, of all or of the first
	// of them, and the nodes that they made whole. Their numbers go on from
	// the head's size; otherwise, or where an event has a leaf already, it
	// fails.
	Add(ctx context.Context, leaves []Leaf, whole []audit.Node) error
	// Sign appends a checkpoint over all leaves.
	Sign(ctx context.Context, c Checkpoint) error
}

// Leaf is an event's place in the log.
type Leaf struct {
	Number int64 // from 0, without a gap
	Event  string
	Hash   audit.Hash
}

// SealedLeaf is a leaf with the event that it names, if that is there.
type SealedLeaf struct {
	Leaf
	Found bool
	Of    audit.Event
}

// Looseness says why an event has no leaf.
type Looseness uint8

// The kinds of looseness.
const (
	// Pending events will be sealed.
	Pending Looseness = iota
	// Stray events lie where all is sealed: somebody put them there.
	Stray
)

// LooseEvent is an event without a leaf.
type LooseEvent struct {
	ID      string
	Account string
	At      time.Time
	Why     Looseness
}

// SealLog reads the log, for sealing and for proofs. Each call is short,
// whatever the size of the log.
type SealLog interface {
	// Head returns where the log stands.
	Head(ctx context.Context) (SealHead, error)
	// Hashes returns at most limit hashes of a kept level (a multiple of
	// audit.NodeLevels; 0 has the leaves), from a number on, up to the first
	// that is missing.
	Hashes(ctx context.Context, level int, from int64, limit int) ([]audit.Hash, error)
	// Leaves returns leaves from a number on, by number. One that is missing
	// is left out.
	Leaves(ctx context.Context, from int64, limit int) ([]SealedLeaf, error)
	// Checkpoints returns those over more than size leaves, by size.
	Checkpoints(ctx context.Context, size int64, limit int) ([]Checkpoint, error)
	// Loose looks at a page of events, by ID, after one, and returns those that
	// have no leaf; last is the last one looked at, empty if there was none.
	Loose(ctx context.Context, after string, limit int) (loose []LooseEvent, last string, err error)
	// Sequence returns the sequence numbers of an account's events above
	// after, in order, and how many events the account should have, as of one
	// moment.
	Sequence(ctx context.Context, account string, after int64, limit int) (seqs []int64, events int64, err error)
}
