// Package seal makes the evidence tamper-evident (U5): it seals events into a
// Merkle log, signs checkpoints over it, and proves both.
//
// It keeps true that every event becomes exactly one leaf, that no leaf ever
// changes its number, and that nothing is signed over a log that does not
// continue its last checkpoint. Whoever can write to the database can still
// seal what is false; what they cannot do is change what was sealed before, or
// cut it off behind a checkpoint that somebody else has kept.
//
// One server seals at a time, whichever comes first; if it dies the next round
// of another one goes on. A round is some seconds: an event is on record at
// once, and beyond change that much later.
package seal

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/ports/store"
)

const (
	// Every is how often events are sealed.
	Every = 10 * time.Second
	// batch is how many leaves one transaction appends, unless the store wants
	// fewer.
	batch = 4096
	// signAfter is how many leaves may be without a checkpoint while there is
	// more to seal.
	signAfter = 8 * batch
	// longestRest bounds the pause after a batch.
	longestRest = time.Second
	// roundTime bounds a round, so that one that hangs is not the last.
	roundTime = 5 * time.Minute
)

// Deps is what the use cases stand on.
type Deps struct {
	Store store.Store
	Now   func() time.Time
	Log   *slog.Logger
	// Origin names the log in its checkpoints; see [Origin].
	Origin string
	// Sign signs a text as a note (golang.org/x/mod/sumdb/note).
	Sign func(text string) ([]byte, error)
}

// Origin returns the name of an environment's log.
func Origin(environment string) string { return "archibotchat/" + environment }

// Service holds the use cases.
type Service struct {
	d     Deps
	batch int
}

// New returns the use cases.
func New(d Deps) *Service { return &Service{d, batch} }

// Faults of sealing.
var (
	ErrTampered  = fault.New(fault.Internal, "log_tampered", "The log of the events does not match its last checkpoint: somebody has changed it. Nothing was sealed. Run archibotchat audit verify to see where.")
	ErrUnsealed  = fault.New(fault.NotFound, "not_sealed", "No event was sealed yet. Try again in a minute, or run archibotchat audit seal.")
	errNoSigning = fault.New(fault.Invalid, "audit_key_missing", "There is no key to sign checkpoints with.")
)

// Result is what a round did.
type Result struct {
	Sealed     int   // events that it sealed
	Size       int64 // leaves in the log
	Checkpoint store.Checkpoint
}

// Seal seals every event that can be sealed now and signs a checkpoint over
// them. Faults: sealing, if another server is at it; log_tampered.
func (s *Service) Seal(ctx context.Context) (Result, error) {
	return s.seal(ctx, func(context.Context, time.Duration) error { return nil })
}

// seal calls pause between batches with the time that the last one took.
func (s *Service) seal(ctx context.Context, pause func(context.Context, time.Duration) error) (Result, error) {
	if s.d.Sign == nil {
		return Result{}, errNoSigning
	}
	var r Result
	var tree *audit.Tree // as the last batch left it
	for {
		var b batchResult
		begun := s.d.Now()
		err := s.d.Store.Do(ctx, func(ctx context.Context, tx store.Stores) (err error) {
			b, err = s.step(ctx, tx, tree)
			return err
		})
		if err != nil {
			return r, err
		}
		tree = b.tree
		r.Sealed += b.sealed
		r.Size, r.Checkpoint = b.tree.Size(), b.last
		if !b.more {
			return r, nil
		}
		if err := pause(ctx, s.d.Now().Sub(begun)); err != nil {
			return r, err
		}
	}
}

// rest is as long as the work was, so that sealing takes half of what one
// connection can have at most, and requests find the rest. That half must do
// for all events; BenchmarkSeal says how many it can take.
func rest(ctx context.Context, worked time.Duration) error {
	timer := time.NewTimer(min(worked, longestRest))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// batchResult is what one transaction did, once it is committed.
type batchResult struct {
	tree   *audit.Tree
	sealed int
	last   store.Checkpoint
	more   bool
}

// step appends one batch of leaves to the tree, or to what is stored where
// that is not it, and a checkpoint if it is the last one.
func (s *Service) step(ctx context.Context, tx store.Stores, tree *audit.Tree) (batchResult, error) {
	head, err := tx.Seals().Take(ctx)
	if err != nil {
		return batchResult{}, err
	}
	if tree != nil && tree.Size() == head.Size {
		tree = tree.Clone() // this transaction may be undone, and run again
	} else if tree, err = load(ctx, tx, head); err != nil {
		return batchResult{}, err
	}
	events, more, err := tx.Seals().Next(ctx, s.batch)
	if err != nil {
		return batchResult{}, err
	}
	leaves, whole := make([]store.Leaf, len(events)), []audit.Node(nil)
	for i, e := range events {
		leaves[i] = store.Leaf{Number: tree.Size(), Event: e.ID, Hash: e.Leaf()}
		whole = append(whole, tree.Add(leaves[i].Hash)...)
	}
	if err := tx.Seals().Add(ctx, leaves, whole); err != nil {
		return batchResult{}, err
	}
	last := head.Last
	if unsigned := tree.Size() - last.Size; unsigned > 0 && (!more || unsigned >= signAfter) {
		if last, err = s.sign(ctx, tx, tree); err != nil {
			return batchResult{}, err
		}
	}
	return batchResult{tree, len(events), last, more}, nil
}

// load returns the tree of the log. Before it trusts what is stored, it
// compares it with the last checkpoint.
func load(ctx context.Context, tx store.Stores, head store.SealHead) (*audit.Tree, error) {
	read := func(level int, from int64, n int) ([]audit.Hash, error) {
		return tx.SealLog().Hashes(ctx, level, from, n)
	}
	if head.Last.Size > 0 {
		last, err := audit.ParseCheckpoint(head.Last.Note)
		if err != nil || last.Size != head.Last.Size || last.Size > head.Size {
			return nil, ErrTampered
		}
		signed, err := audit.LoadTree(last.Size, read)
		switch {
		case errors.Is(err, audit.ErrKept), err == nil && signed.Root() != last.Root:
			return nil, ErrTampered
		case err != nil || last.Size == head.Size:
			return signed, err
		}
	}
	tree, err := audit.LoadTree(head.Size, read)
	if errors.Is(err, audit.ErrKept) {
		return nil, ErrTampered
	}
	return tree, err
}

func (s *Service) sign(ctx context.Context, tx store.Stores, tree *audit.Tree) (store.Checkpoint, error) {
	at := s.d.Now().UTC().Truncate(time.Microsecond)
	note, err := s.d.Sign(audit.Checkpoint{Origin: s.d.Origin, Size: tree.Size(), Root: tree.Root(), At: at}.Text())
	if err != nil {
		return store.Checkpoint{}, err
	}
	c := store.Checkpoint{Size: tree.Size(), Note: string(note), At: at}
	return c, tx.Seals().Sign(ctx, c)
}

// Newest returns the newest checkpoint. Faults: not_sealed.
func (s *Service) Newest(ctx context.Context) (store.Checkpoint, error) {
	head, err := s.d.Store.SealLog().Head(ctx)
	if err == nil && head.Last.Size == 0 {
		err = ErrUnsealed
	}
	return head.Last, err
}

// Run seals every few seconds until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	tick := time.NewTicker(Every)
	defer tick.Stop()
	for {
		s.round(ctx)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func (s *Service) round(ctx context.Context) {
	bounded, cancel := context.WithTimeout(ctx, roundTime)
	defer cancel()
	r, err := s.seal(bounded, rest)
	switch {
	case ctx.Err() != nil, errors.Is(err, store.ErrSealing):
	case errors.Is(err, ErrTampered):
		s.d.Log.Error("events are not sealed any more: the log does not match its last checkpoint; run archibotchat audit verify")
	case err != nil:
		s.d.Log.Warn("sealing events failed, will retry", "error", err)
	case r.Sealed > 0:
		s.d.Log.Debug("sealed events", "events", r.Sealed, "size", r.Size)
	}
}
