package audit

import (
	"crypto/sha256"
	"errors"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// Hash is a SHA-256 of a leaf or of an inner node of the log.
type Hash = tlog.Hash

// Leaf returns the event's leaf in the log: the RFC 6962 hash of its canonical
// form, as tlog.RecordHash takes it. A zero byte tells leaves from nodes.
func (e Event) Leaf() Hash {
	var room [usualLength]byte
	return sha256.Sum256(e.appendCanonical(append(room[:0], 0)))
}

// NodeLevels is how many levels of the tree lie between those that are kept:
// the leaves, at level 0, and the nodes over 256, 65,536, … of them. All other
// hashes are folded from at most 255 kept ones.
const NodeLevels = 8

// Node is a hash over 2^Level leaves, the Number-th such from the left.
type Node struct {
	Level  int
	Number int64
	Hash   Hash
}

// Tree folds leaves, one after the other, into the root of their Merkle tree
// (RFC 6962). It keeps one hash for each bit of its size. The zero Tree is
// empty.
type Tree struct {
	size int64
	full []Hash // roots of the largest whole subtrees, from the left
}

// Size returns the number of leaves.
func (t *Tree) Size() int64 { return t.size }

// Clone returns a copy that grows by itself.
func (t *Tree) Clone() *Tree { return &Tree{t.size, append([]Hash(nil), t.full...)} }

// Add appends a leaf and returns the nodes to keep that it made whole, lowest
// first.
func (t *Tree) Add(leaf Hash) (whole []Node) {
	t.full = append(t.full, leaf)
	t.size++
	for level := 1; level <= bits.TrailingZeros64(uint64(t.size)); level++ {
		last := len(t.full) - 1
		t.full[last-1] = tlog.NodeHash(t.full[last-1], t.full[last])
		t.full = t.full[:last]
		if level%NodeLevels == 0 {
			whole = append(whole, Node{level, t.size>>level - 1, t.full[last-1]})
		}
	}
	return whole
}

// Root returns the root; of an empty tree it is the zero Hash.
func (t *Tree) Root() (root Hash) {
	for i := len(t.full) - 1; i >= 0; i-- {
		if i == len(t.full)-1 {
			root = t.full[i]
		} else {
			root = tlog.NodeHash(t.full[i], root)
		}
	}
	return root
}

// ErrKept means that hashes which should be kept are missing.
var ErrKept = errors.New("hashes of the log are missing")

// LoadTree returns the tree of the first size leaves from what is kept of it, or
// ErrKept:
// read returns n hashes of a kept level, from the first-th on.
func LoadTree(size int64, read func(level int, first int64, n int) ([]Hash, error)) (*Tree, error) {
	t := &Tree{size: size}
	for level, done := 62, int64(0); level >= 0; level-- {
		if size&(1<<level) == 0 {
			continue
		}
		kept := level - level%NodeLevels
		n := 1 << (level - kept)
		hashes, err := read(kept, done>>kept, n)
		if err != nil {
			return nil, err
		}
		if len(hashes) != n {
			return nil, ErrKept
		}
		for ; n > 1; n /= 2 {
			for i := range n / 2 {
				hashes[i] = tlog.NodeHash(hashes[2*i], hashes[2*i+1])
			}
		}
		t.full = append(t.full, hashes[0])
		done += 1 << level
	}
	return t, nil
}
