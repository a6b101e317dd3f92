package batch

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestShelf(t *testing.T) {
	t.Parallel()
	now := time.Now()
	var s shelf
	group := func(n int) []*group { return []*group{{account: fmt.Sprint("acct_", n)}} }
	put := func(n, cleared int) {
		g := group(n)
		g[0].book = &book{version: strconv.Itoa(n)}
		s.put(g, now, cleared)
	}
	take := func(n int) *book {
		g := group(n)
		require.Zero(t, s.take(g, now))
		return g[0].book
	}
	for n := range 3 * maxBooks {
		put(n, 0)
		put(0, 0) // in use
	}
	require.LessOrEqual(t, len(s.young)+len(s.old), maxBooks, "bounded")
	require.Equal(t, "0", take(0).version, "what is used stays")
	require.Nil(t, take(0), "one batch at a time has it")
	require.Nil(t, take(1), "what was not used goes")
	last := 3*maxBooks - 1
	require.NotNil(t, take(last))

	put(last, 0)
	now = now.Add(bookAge)
	require.Nil(t, take(last), "too old")

	put(1, 0)
	s.clear()
	put(2, 0) // was taken before
	put(3, 1)
	for n, there := range []bool{1: false, 2: false, 3: true} {
		g := group(n)
		require.Equal(t, 1, s.take(g, now))
		require.Equal(t, there, g[0].book != nil, n)
	}
}
