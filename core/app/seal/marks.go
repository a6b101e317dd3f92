package seal

import (
	"context"

	"github.com/archibot/archibotchat/ports/store"
)

// marks reads the checkpoints in their order.
type marks struct {
	page []store.Checkpoint
	over int64 // size of the last one read
	done bool
	// A run of checkpoints that nobody known has signed; first is 0 for none.
	first, last int64
}

// reached compares the tree with what was said of it at this size. It is called
// at each size of the tree, in order.
func (v *verifier) reached(ctx context.Context, size int64) error {
	if v.since.Size == size && !v.broken && v.since.Root != v.tree.Root() {
		v.broken = true
		if err := v.tell(NoLeaf, "the log does not continue the checkpoint to compare with: among its first %d leaves some were changed", size); err != nil {
			return err
		}
	}
	for {
		c, err := v.nextMark(ctx)
		if err != nil || c.Size == 0 || c.Size > size {
			return err
		}
		v.marks.page = v.marks.page[1:]
		if c.Size == size { // else it lies among missing leaves
			if err := v.mark(c); err != nil {
				return err
			}
		}
	}
}

// nextMark returns the next checkpoint without taking it; Size 0 if there is
// none.
func (v *verifier) nextMark(ctx context.Context) (store.Checkpoint, error) {
	m := &v.marks
	if len(m.page) == 0 && !m.done {
		page, err := v.d.Store.SealLog().Checkpoints(ctx, m.over, store.MaxPage)
		if err != nil {
			return store.Checkpoint{}, err
		}
		m.page, m.done = page, len(page) < store.MaxPage
		if len(page) > 0 {
			m.over = page[len(page)-1].Size
		}
	}
	if len(m.page) == 0 {
		return store.Checkpoint{}, nil
	}
	return m.page[0], nil
}

// mark verifies a checkpoint at whose size the tree is.
func (v *verifier) mark(stored store.Checkpoint) error {
	c, err := v.open(stored.Note)
	if err != nil || c.Size != stored.Size {
		if v.marks.first == 0 {
			v.marks.first = stored.Size
		}
		v.marks.last = stored.Size
		return nil
	}
	if err := v.unsigned(); err != nil || v.broken {
		return err
	}
	if c.Root != v.tree.Root() {
		v.broken = true // and so are all that follow
		return v.tell(v.sum.Signed, "the leaves %d to %d are not those over which the checkpoint was signed", v.sum.Signed, c.Size-1)
	}
	v.sum.Checkpoints++
	v.sum.Signed = c.Size
	return nil
}

// unsigned tells of the run of checkpoints that nobody known has signed.
func (v *verifier) unsigned() error {
	first, last := v.marks.first, v.marks.last
	v.marks.first, v.marks.last = 0, 0
	switch first {
	case 0:
		return nil
	case last:
		return v.tell(NoLeaf, "the checkpoint over %d leaves is not signed by a known key", first)
	default:
		return v.tell(NoLeaf, "the checkpoints over %d to %d leaves are not signed by a known key", first, last)
	}
}
