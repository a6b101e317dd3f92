package batch

import (
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/ledger"
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
	last := 2*maxBooks - 1
	for n := range 2 * maxBooks {
		put(n, 0)
		put(0, 0) // in use
	}
	require.Len(t, s.books, maxBooks, "bounded")
	require.Equal(t, "0", take(0).version, "what is used stays")
	require.Nil(t, take(0), "one batch at a time has it")
	require.Nil(t, take(last-maxBooks), "what was used first goes")
	require.NotNil(t, take(last-maxBooks+2), "and no other")
	require.NotNil(t, take(last))

	put(last, 0)
	now = now.Add(bookAge)
	require.Nil(t, take(last), "too old")
	for range maxBooks/2 + 1 {
		put(0, 0)
	}
	require.Len(t, s.books, 1, "what is too old goes when others come")
	require.Equal(t, bookWeight, s.weight)

	put(1, 0)
	s.clear()
	put(2, 0) // was taken before
	put(3, 1)
	for n, there := range []bool{1: false, 2: false, 3: true} {
		g := group(n)
		require.Equal(t, 1, s.take(g, now))
		require.Equal(t, there, g[0].book != nil, n)
	}
	require.Zero(t, s.weight)
}

// Not parallel: it reads how much memory the process uses.
func TestShelf_memory(t *testing.T) {
	used := func() int {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc)
	}
	at := time.Now().UTC()
	cases := []struct {
		name                  string
		books                 int
		lots, holds, counters int
		most                  int // bytes a book
		all                   bool
	}{
		{name: "usual", books: 100_000, lots: 1, most: 600, all: true},
		{name: "two lots", books: 20_000, lots: 2, most: 800, all: true},
		{name: "with a limit and a hold", books: 10_000, lots: 1, holds: 1, counters: 1, most: 2048, all: true},
		{name: "heavy", books: 250, lots: 40, holds: 400, counters: 20, most: 640 << 10},
		{name: "heavier than all", books: 1, lots: 2000, holds: 100_000, most: 1 << 20},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var s shelf
			before := used()
			for n := range c.books {
				// Each text has memory of its own, as those have that a database sent.
				id := func(prefix string, k int) string { return fmt.Sprintf("%s_%026d", prefix, n*1_000_000+k) }
				xmin := func(k int) string { return strconv.Itoa(1_000_000_000 + k) }
				g := &group{account: id("acct", 0), entries: 7, events: 9, at: at, epoch: 3, counted: map[string]ledger.Counter{}}
				for k := range c.lots {
					g.lots = append(g.lots, ledger.Lot{
						ID: id("lot", k), Account: strings.Clone(g.account), Source: ledger.Source(strings.Clone("operator")), State: ledger.LotState(strings.Clone("live")),
						Granted: 100, Remaining: 100, GrantedAt: at, ExpiresAt: at.AddDate(1, 0, 0),
					})
				}
				hold := func(k int) ledger.Hold {
					return ledger.Hold{
						Request: id("req", k), Account: g.account, Replica: "rep_1", Nonce: id("n", k), State: ledger.HoldOpen, Amount: 10, Parts: []ledger.Part{{Lot: id("lot", 0), Amount: 10}},
						Work: ledger.Work{Key: id("key", 0), User: id("user", 0), Area: "api", Route: "/v1/chat/completions", Model: strings.Clone("some-model-or-other"), PriceVersion: id("price", 0)},
					}
				}
				for k := range c.holds {
					g.changes.Holds = append(g.changes.Holds, hold(k))
				}
				for k := range c.counters {
					scope := id("key", k)
					g.counted[scope] = ledger.Counter{Scope: scope, Window: at}
				}
				// One batch that reads, and one that knows; a few more requests come and go.
				require.NoError(t, g.write(xmin(1), "", at))
				require.Equal(t, c.lots, cap(g.book.lots))
				next := &group{account: g.account, book: g.book, lots: g.book.lots, changed: true}
				next.changes.Lots = []ledger.Lot{g.book.lots[0]}
				for k := range 3 {
					next.changes.Holds = append(next.changes.Holds, hold(c.holds+k))
				}
				require.NoError(t, next.write(xmin(1), xmin(2), at))
				for k := range next.changes.Holds {
					next.changes.Holds[k].State = ledger.HoldSettled
				}
				require.NoError(t, next.write(xmin(2), xmin(3), at))
				require.Equal(t, c.holds, next.book.holds.size())
				s.put([]*group{next}, at, 0)
			}
			bytes, kept := used()-before, len(s.books)
			t.Logf("%d books of %d, %d bytes each, %d MiB, thought to be %d MiB", kept, c.books, bytes/max(1, kept), bytes>>20, s.weight>>20)
			require.Less(t, bytes, 128<<20, "however heavy they are")
			require.LessOrEqual(t, bytes/max(1, kept), c.most)
			require.Equal(t, c.all, kept == c.books)
			runtime.KeepAlive(&s)
		})
	}
}

func TestFew(t *testing.T) {
	t.Parallel()
	var f few[int]
	has := func(want map[int]int) {
		t.Helper()
		require.Equal(t, len(want), f.size())
		for k, v := range want {
			got, ok := f.get(strconv.Itoa(k))
			require.True(t, ok, k)
			require.Equal(t, v, got)
		}
		_, ok := f.get("none")
		require.False(t, ok)
	}
	want := map[int]int{}
	for _, most := range []int{1, fewest, fewest + 1, 4096, 3} {
		for k := range most {
			f.set(strconv.Itoa(k), k)
			f.set(strconv.Itoa(k), -k)
			want[k] = -k
		}
		has(want)
		require.Equal(t, most > fewest, f.many != nil, "looking for one of many does not look at each")
		for k := range most {
			f.remove(strconv.Itoa(k))
			f.remove(strconv.Itoa(k))
			delete(want, k)
			if len(want) == most/8 {
				has(want)
				require.LessOrEqual(t, cap(f.list), fewest)
				require.True(t, f.many == nil || f.many.most <= most/2, "what is not needed is given back")
			}
		}
		has(want)
		require.Nil(t, f.list)
		require.Nil(t, f.many)
	}
}
