package spend

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/archibot/archibotchat/core/ledger"
)

func queued(kind ledger.OpKind, account string, n int) *call {
	return newCall(ledger.Op{Kind: kind, Account: account, Request: fmt.Sprintf("%s/%d", account, n)})
}

// model is what a queue must do, seen from outside.
type model struct {
	t       *rapid.T
	q       *queue
	n       int
	waiting map[string]*[2][]*call // by account, in the order they must come out
	out     [2][]*call             // with a desk's writer
	open    []*call                // holds that were granted
}

func (m *model) lane(account string) *[2][]*call {
	if m.waiting[account] == nil {
		m.waiting[account] = &[2][]*call{}
	}
	return m.waiting[account]
}

func (m *model) put(kind ledger.OpKind, account string) {
	m.n++
	c := queued(kind, account, m.n)
	if kind.Terminal() && len(m.open) > 0 {
		held := m.open[0]
		m.open = m.open[1:]
		c.op.Account, c.op.Request = held.op.Account, held.op.Request
	}
	require.True(m.t, m.q.put(c), "the queue is far from full")
	l := m.lane(c.op.Account)
	l[rankOf(c)] = append(l[rankOf(c)], c)
}

// serve takes a batch for a desk, or gives one back.
func (m *model) serve(d desk) {
	if len(m.out[d]) > 0 {
		m.finish(d)
		return
	}
	got := m.q.take(d, time.Time{}, nil)
	require.LessOrEqual(m.t, len(got), maxBatch)
	for _, c := range got {
		l := m.lane(c.op.Account)
		for _, other := range m.out[1-d] {
			require.NotEqual(m.t, other.op.Account, c.op.Account, "an account is with both writers")
		}
		require.NotEmpty(m.t, l[rankOf(c)], "%s was taken twice", c.op.Request)
		require.Same(m.t, l[rankOf(c)][0], c, "out of order")
		l[rankOf(c)] = l[rankOf(c)][1:]
	}
	m.out[d] = got
}

// finish ends a batch: some accounts were busy, some calls are done.
func (m *model) finish(d desk) {
	busy := rapid.SliceOfDistinct(rapid.IntRange(0, 4), rapid.ID[int]).Draw(m.t, "busy")
	var left []*call
	for _, c := range m.out[d] {
		if slices.ContainsFunc(busy, func(n int) bool { return c.op.Account == fmt.Sprint("acct_", n) }) {
			left = append(left, c)
			continue
		}
		granted := c.op.Kind == ledger.OpHold && rapid.Bool().Draw(m.t, "granted")
		if granted {
			m.open = append(m.open, c)
		}
		if rapid.IntRange(0, 9).Draw(m.t, "poisoned") == 0 {
			m.q.suspect(c.op.Account)
		}
		m.q.done(c, granted, result{})
	}
	for _, c := range slices.Backward(left) {
		l := m.lane(c.op.Account)
		l[rankOf(c)] = append([]*call{c}, l[rankOf(c)]...)
	}
	m.q.back(left)
	m.out[d] = nil
}

// HOTPATH 2, 3: no op is lost, none comes twice, each account's come in order,
// and an account is with one writer at a time.
func TestQueue_properties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := &model{t: t, q: newQueue(), waiting: map[string]*[2][]*call{}}
		kinds := rapid.SampledFrom([]ledger.OpKind{ledger.OpHold, ledger.OpHold, ledger.OpMark, ledger.OpSettle, ledger.OpRelease})
		accounts := rapid.IntRange(0, 6)
		for range rapid.IntRange(1, 80).Draw(t, "rounds") {
			switch rapid.IntRange(0, 3).Draw(t, "action") {
			case 0, 1:
				kind, account := kinds.Draw(t, "kind"), fmt.Sprint("acct_", accounts.Draw(t, "account"))
				for range rapid.SampledFrom([]int{1, 1, 3, 300}).Draw(t, "crowd") {
					m.put(kind, account)
				}
			case 2:
				m.serve(swift)
			case 3:
				m.serve(patient)
			}
		}
		for n := 0; !m.q.empty() || len(m.out[swift])+len(m.out[patient]) > 0; n++ {
			require.Less(t, n, 5000, "the queue does not drain")
			for d := range m.out {
				for _, c := range m.out[d] {
					m.q.done(c, false, result{})
				}
				m.out[d] = nil
				m.serve(desk(d))
			}
		}
		for account, l := range m.waiting {
			require.Empty(t, l[ends], account)
			require.Empty(t, l[steps], account)
		}
		for _, c := range m.open {
			m.q.ended(c.op.Request)
		}
		m.q.forget()
		for account, l := range m.q.lanes {
			require.Equal(t, patient, l.desk, "%s stays behind, without trouble", account)
			require.Zero(t, l.slots+l.out)
		}
	})
}

func TestQueue_put_full(t *testing.T) { // HOTPATH 3
	t.Parallel()
	q := newQueue()
	fill := func(account string) (n int) {
		for q.put(queued(ledger.OpHold, account, n)) {
			n++
		}
		return n
	}
	require.Equal(t, laneSlots, fill("acct_hot"), "an account has its part")
	require.True(t, q.put(queued(ledger.OpHold, "acct_cold", 1)), "and no more")
	require.True(t, q.put(queued(ledger.OpSettle, "acct_hot", -1)), "an end is never refused")
	require.False(t, q.put(queued(ledger.OpMark, "acct_hot", 7)), "a mark is")
	total := laneSlots + 1
	for i := 0; total < maxSlots; i++ {
		total += fill(fmt.Sprint("acct_", i))
	}
	require.Equal(t, maxSlots, total)
	require.False(t, q.put(queued(ledger.OpHold, "acct_late", 1)))
	require.True(t, q.put(queued(ledger.OpSettle, "acct_late", -1)), "an end is never refused")

	// A granted hold keeps its slot until its end is done.
	held := q.take(swift, time.Time{}, nil)
	for _, c := range held {
		q.done(c, c.op.Kind == ledger.OpHold, result{})
	}
	require.False(t, q.put(queued(ledger.OpHold, "acct_late", 2)))
	var first *call
	for _, c := range held {
		if c.op.Kind == ledger.OpHold {
			first = c
			break
		}
	}
	end := newCall(ledger.Op{Kind: ledger.OpRelease, Account: first.op.Account, Request: first.op.Request})
	require.True(t, q.put(end))
	for !slices.Contains(held, end) {
		held = q.take(swift, time.Time{}, nil)
		for _, c := range held {
			q.done(c, true, result{})
		}
	}
	require.True(t, q.put(queued(ledger.OpHold, "acct_late", 2)), "its slot is free")
	require.False(t, q.put(queued(ledger.OpHold, "acct_late", 3)))
	q.forget()
	require.True(t, q.put(queued(ledger.OpHold, "acct_late", 3)), "whoever lost its identity owes nothing")
}

func TestQueue_take_fair(t *testing.T) { // HOTPATH 3: a cold account waits for about one batch, whatever a hot one sends
	t.Parallel()
	for name, kind := range map[string]ledger.OpKind{"holds": ledger.OpHold, "settles": ledger.OpSettle} {
		for cold, want := range map[ledger.OpKind]int{ledger.OpHold: 100, ledger.OpSettle: 100} {
			t.Run(name+" beside "+cold.String(), func(t *testing.T) {
				t.Parallel()
				q := newQueue()
				for i := range 4000 {
					require.True(t, q.put(queued(kind, "acct_hot", i)))
				}
				for i := range want {
					require.True(t, q.put(queued(cold, fmt.Sprint("acct_", i), i)))
				}
				seen := 0
				for _, c := range q.take(swift, time.Time{}, nil) {
					if c.op.Account != "acct_hot" {
						seen++
					}
				}
				require.Equal(t, want, seen)
			})
		}
	}
}

func TestQueue_take_endsFirst(t *testing.T) { // HOTPATH 3
	t.Parallel()
	q := newQueue()
	for i := range 100 {
		q.put(queued(ledger.OpHold, "acct_1", i))
	}
	for i := range 100 {
		q.put(queued(ledger.OpRelease, "acct_1", i))
	}
	batch := q.take(swift, time.Time{}, nil)
	require.Len(t, batch, 200)
	for i, c := range batch {
		require.Equal(t, i < 100, c.op.Kind.Terminal(), i)
	}
}

func TestQueue_take_dropsTheAbandoned(t *testing.T) { // L6
	t.Parallel()
	q := newQueue()
	hold, settle := queued(ledger.OpHold, "acct_1", 1), queued(ledger.OpSettle, "acct_1", 2)
	q.put(hold)
	q.put(settle)
	hold.abandon()
	settle.abandon()
	require.Equal(t, []*call{settle}, q.take(swift, time.Time{}, nil), "a hold that nobody waits for is not begun; an end is carried out")
	require.Empty(t, q.slots)
}

func TestQueue_back(t *testing.T) { // HOTPATH 2
	t.Parallel()
	q := newQueue()
	hold := func(account string, n int) *call {
		c := queued(ledger.OpHold, account, n)
		require.True(t, q.put(c))
		return c
	}
	first, second := hold("acct_1", 1), hold("acct_1", 2)
	var third *call
	for n := range maxSkips {
		batch := q.take(swift, time.Time{}, nil)
		require.Equal(t, []*call{first, second}, batch[:2], "ahead of newer ones")
		if n == 0 {
			third = hold("acct_1", 3)
		}
		q.back(batch)
	}
	other := hold("acct_2", 1)
	require.Equal(t, []*call{other}, q.take(swift, time.Time{}, nil), "after three skips the account is the patient writer's")
	batch := q.take(patient, time.Time{}, nil)
	require.Equal(t, []*call{first, second, third}, batch)
	fourth := hold("acct_1", 4)
	q.done(other, false, result{})
	for _, c := range batch {
		require.Empty(t, q.take(swift, time.Time{}, nil), "not while it is out with the other")
		q.done(c, false, result{})
	}
	require.Equal(t, []*call{fourth}, q.take(swift, time.Time{}, nil), "and back again")
}
