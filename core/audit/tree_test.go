package audit_test

import (
	"fmt"
	"math/bits"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"github.com/archibot/archibotchat/core/audit"
)

// kept is a log as it is stored: the leaves and the kept nodes.
type kept map[int][]audit.Hash

func (k kept) add(t *audit.Tree, leaf audit.Hash) {
	k[0] = append(k[0], leaf)
	for _, n := range t.Add(leaf) {
		if n.Number != int64(len(k[n.Level])) {
			panic(fmt.Sprintf("node %d of level %d comes out of turn", n.Number, n.Level))
		}
		k[n.Level] = append(k[n.Level], n.Hash)
	}
}

func (k kept) read(level int, first int64, n int) ([]audit.Hash, error) {
	all := k[level]
	from := min(int(first), len(all))
	return append([]audit.Hash(nil), all[from:min(from+n, len(all))]...), nil
}

// reference answers as the library's own storage would.
func reference(t require.TestingT, leaves []audit.Hash) audit.Hash {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, x := range indexes {
			out[i] = stored[x]
		}
		return out, nil
	})
	for i, l := range leaves {
		hashes, err := tlog.StoredHashesForRecordHash(int64(i), l, reader)
		require.NoError(t, err)
		stored = append(stored, hashes...)
	}
	root, err := tlog.TreeHash(int64(len(leaves)), reader)
	require.NoError(t, err)
	return root
}

func TestTree(t *testing.T) { // U5
	t.Parallel()
	require.Zero(t, new(audit.Tree).Root())
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.OneOf(rapid.IntRange(1, 40), rapid.IntRange(1, 1100)).Draw(rt, "leaves")
		stop := rapid.IntRange(0, n).Draw(rt, "loaded at")
		k, tree := kept{}, new(audit.Tree)
		loaded, err := audit.LoadTree(0, k.read)
		require.NoError(rt, err)
		for i := range n {
			if i == stop {
				loaded, err = audit.LoadTree(int64(i), k.read)
				require.NoError(rt, err)
				require.Equal(rt, tree.Root(), loaded.Root())
			}
			leaf := audit.Event{ID: fmt.Sprint("evt_", i)}.Leaf()
			if i >= stop {
				loaded.Add(leaf)
			}
			k.add(tree, leaf)
		}
		require.EqualValues(rt, n, tree.Size())
		require.Equal(rt, reference(rt, k[0]), tree.Root())
		if stop < n {
			require.Equal(rt, tree.Root(), loaded.Root())
		}
		require.Len(rt, k[audit.NodeLevels], n>>audit.NodeLevels)

		// A tree that is loaded again takes no more than 255 hashes a level.
		read := 0
		_, err = audit.LoadTree(int64(n), func(level int, first int64, n int) ([]audit.Hash, error) { read += n; return k.read(level, first, n) })
		require.NoError(rt, err)
		require.LessOrEqual(rt, read, 255*(bits.Len(uint(n))/audit.NodeLevels+1))
		k[0] = k[0][:n-1]
		if n%256 != 0 {
			_, err = audit.LoadTree(int64(n), k.read)
			require.Error(rt, err)
		}
	})
}

func TestTree_Clone(t *testing.T) {
	t.Parallel()
	a := new(audit.Tree)
	a.Add(audit.Hash{1})
	b := a.Clone()
	one := a.Root()
	b.Add(audit.Hash{2})
	b.Add(audit.Hash{3})
	require.Equal(t, one, a.Root())
	require.EqualValues(t, 1, a.Size())
	require.EqualValues(t, 3, b.Size())
}
