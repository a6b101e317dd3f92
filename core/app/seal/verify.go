package seal

import (
	"context"
	"fmt"
	"time"

	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/ports/store"
)

// Finding is one thing that is not as it was sealed.
type Finding struct {
	Leaf    int64  // its number; NoLeaf if none is meant
	Event   string // its ID, if it is known
	Account string
	Text    string
}

// NoLeaf is the number of no leaf.
const NoLeaf int64 = -1

// Proof says what to verify against.
type Proof struct {
	// Open checks a note's signature under the keys that are trusted and
	// returns its text.
	Open func(note []byte) (text string, err error)
	// Since, if not empty, is a checkpoint that was kept elsewhere. The log
	// must continue it.
	Since string
}

// Summary says what was verified.
type Summary struct {
	Leaves      int64 // in the log
	Signed      int64 // of them under the newest checkpoint that holds
	Checkpoints int64 // whose signature and root hold
	Accounts    int
	Pending     int64     // events not yet sealed
	Oldest      time.Time // of them
}

// ErrSince means that the older checkpoint cannot be used.
var ErrSince = fault.New(fault.Invalid, "invalid_checkpoint", "The checkpoint to compare with is not one of this environment, or not signed by a key that is known.")

// Verify recomputes every leaf from its event, every kept hash and the root at
// every checkpoint, checks the checkpoints' signatures, that no event lies
// between sealed ones without a leaf, and that no account's sequence has a gap.
// It hands what is wrong to report, and stops at an error of the store or of
// report. It reads in short steps, beside whatever is going on, and its memory
// does not grow with the log. Faults: invalid_checkpoint.
func (s *Service) Verify(ctx context.Context, p Proof, report func(Finding) error) (Summary, error) {
	v := &verifier{Service: s, proof: p, tree: new(audit.Tree), nodes: map[int]*hashes{}, report: report}
	if p.Since != "" {
		since, err := v.open(p.Since)
		if err != nil {
			return Summary{}, ErrSince
		}
		v.since = since
	}
	err := v.log(ctx)
	if err == nil {
		err = v.loose(ctx)
	}
	if err == nil {
		err = v.accounts(ctx)
	}
	return v.sum, err
}

// verifier is one verification at work.
type verifier struct {
	*Service
	proof Proof
	since audit.Checkpoint // Size 0: none
	sum   Summary

	tree   *audit.Tree
	broken bool // the tree is not that of the checkpoints any more, and this was reported
	nodes  map[int]*hashes
	marks  marks
	report func(Finding) error
}

// hashes reads the kept hashes of one level in their order.
type hashes struct {
	next int64
	page []audit.Hash
}

func (v *verifier) tell(leaf int64, format string, args ...any) error {
	return v.report(Finding{Leaf: leaf, Text: fmt.Sprintf(format, args...)})
}

// open checks a checkpoint for itself.
func (v *verifier) open(note string) (audit.Checkpoint, error) {
	text, err := v.proof.Open([]byte(note))
	if err != nil {
		return audit.Checkpoint{}, err
	}
	c, err := audit.ParseCheckpoint(text)
	if err == nil && c.Origin != v.d.Origin {
		err = ErrSince
	}
	return c, err
}

// log verifies leaves, kept hashes and checkpoints up to the head of now.
func (v *verifier) log(ctx context.Context) error {
	head, err := v.d.Store.SealLog().Head(ctx)
	if err != nil {
		return err
	}
	v.sum.Leaves = head.Size
	for from := int64(0); from < head.Size; {
		page, err := v.d.Store.SealLog().Leaves(ctx, from, store.MaxPage)
		if err != nil {
			return err
		}
		if len(page) == 0 || page[0].Number >= head.Size {
			if err := v.missing(from, head.Size); err != nil {
				return err
			}
			break
		}
		for _, l := range page {
			if l.Number >= head.Size {
				break
			}
			if l.Number > from {
				if err := v.missing(from, l.Number); err != nil {
					return err
				}
			}
			if err := v.leaf(ctx, l); err != nil {
				return err
			}
			from = l.Number + 1
		}
	}
	if err := v.unsigned(); err != nil {
		return err
	}
	return v.end(ctx, head)
}

// missing tells of leaves that are not there, from the first up to one before
// the last.
func (v *verifier) missing(from, to int64) error {
	v.broken = true
	if to == from+1 {
		return v.tell(from, "the leaf is missing")
	}
	return v.tell(from, "the leaves %d to %d are missing", from, to-1)
}

// leaf verifies one leaf and what it completes.
func (v *verifier) leaf(ctx context.Context, l store.SealedLeaf) error {
	switch {
	case !l.Found:
		if err := v.report(Finding{Leaf: l.Number, Event: l.Event, Text: "the event is missing"}); err != nil {
			return err
		}
	case l.Of.Leaf() != l.Hash:
		if err := v.report(Finding{Leaf: l.Number, Event: l.Event, Account: l.Of.Account, Text: "the event is not what was sealed"}); err != nil {
			return err
		}
	}
	for _, n := range v.tree.Add(l.Hash) {
		if err := v.node(ctx, n); err != nil {
			return err
		}
	}
	return v.reached(ctx, l.Number+1)
}

// node compares a node with the one that is kept.
func (v *verifier) node(ctx context.Context, n audit.Node) error {
	if v.broken {
		return nil
	}
	h := v.nodes[n.Level]
	if h == nil {
		h = &hashes{}
		v.nodes[n.Level] = h
	}
	if len(h.page) == 0 {
		var err error
		if h.page, err = v.d.Store.SealLog().Hashes(ctx, n.Level, h.next, store.MaxPage); err != nil {
			return err
		}
	}
	span := int64(1) << n.Level
	first, last := n.Number*span, (n.Number+1)*span-1
	if len(h.page) == 0 {
		v.broken = true
		return v.tell(first, "the kept hash over the leaves %d to %d is missing", first, last)
	}
	kept := h.page[0]
	h.page, h.next = h.page[1:], h.next+1
	if kept != n.Hash {
		v.broken = true
		return v.tell(first, "the kept hash over the leaves %d to %d is not theirs", first, last)
	}
	return nil
}

// end looks behind the last leaf: at a log that was cut, and at leaves that
// were added past the head.
func (v *verifier) end(ctx context.Context, head store.SealHead) error {
	if head.Last.Size > head.Size {
		if err := v.tell(head.Size, "the log was cut: it has %d leaves, its newest checkpoint is over %d", head.Size, head.Last.Size); err != nil {
			return err
		}
	}
	if v.since.Size > head.Size {
		if err := v.tell(head.Size, "the log was cut: it has %d leaves, the checkpoint to compare with is over %d", head.Size, v.since.Size); err != nil {
			return err
		}
	}
	beyond, err := v.d.Store.SealLog().Leaves(ctx, head.Size, store.MaxPage)
	if err != nil || len(beyond) == 0 {
		return err
	}
	now, err := v.d.Store.SealLog().Head(ctx) // sealed meanwhile, perhaps
	if err != nil {
		return err
	}
	for _, l := range beyond {
		if l.Number >= now.Size {
			if err := v.report(Finding{Leaf: l.Number, Event: l.Event, Account: l.Of.Account, Text: "the leaf lies behind the end of the log"}); err != nil {
				return err
			}
		}
	}
	return nil
}

// loose counts events that are not sealed yet, and tells of those that should
// be.
func (v *verifier) loose(ctx context.Context) error {
	for after := ""; ; {
		list, last, err := v.d.Store.SealLog().Loose(ctx, after, store.MaxPage)
		if err != nil || last == "" {
			return err
		}
		for _, e := range list {
			if e.Why == store.Stray {
				if err := v.report(Finding{Leaf: NoLeaf, Event: e.ID, Account: e.Account, Text: "the event has no leaf, though all around it is sealed"}); err != nil {
					return err
				}
				continue
			}
			v.sum.Pending++
			if v.sum.Oldest.IsZero() || e.At.Before(v.sum.Oldest) {
				v.sum.Oldest = e.At
			}
		}
		after = last
	}
}

// accounts verifies that the events of each account are numbered 1, 2, 3, …
// up to the number that the account says.
func (v *verifier) accounts(ctx context.Context) error {
	for p := (store.Page{Limit: store.MaxPage}); ; {
		page, err := v.d.Store.Accounts().List(ctx, p)
		if err != nil {
			return err
		}
		for _, a := range page {
			if err := v.sequence(ctx, a.ID); err != nil {
				return err
			}
			v.sum.Accounts++
		}
		if len(page) < store.MaxPage {
			return nil
		}
		p.After = page[len(page)-1].ID
	}
}

func (v *verifier) sequence(ctx context.Context, account string) error {
	for after := int64(0); ; {
		seqs, events, err := v.d.Store.SealLog().Sequence(ctx, account, after, store.MaxPage)
		if err != nil {
			return err
		}
		for _, seq := range seqs {
			if seq != after+1 {
				return v.report(Finding{Leaf: NoLeaf, Account: account, Text: fmt.Sprintf("after event number %d of the account comes number %d", after, seq)})
			}
			after = seq
		}
		if len(seqs) == store.MaxPage {
			continue
		}
		if after != events {
			return v.report(Finding{Leaf: NoLeaf, Account: account, Text: fmt.Sprintf("the account has had %d events, but the last one there is number %d", events, after)})
		}
		return nil
	}
}
