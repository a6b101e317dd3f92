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

// lazily puts a provisional hold into its line.
func lazily(q *queue, n int, account string, m manner, begun time.Time) *call {
	c := queued(ledger.OpHold, account, n)
	c.manner, c.begun = m, begun
	q.slots[c.op.Request] = &slot{account: account, hold: c}
	l := q.lane(account)
	l.slots++
	l.lazy++
	q.lines[m].join(c)
	return c
}

// Small batches take the holds along that will soon be due; large ones leave
// them to the next, by when their settles may stand for them.
func TestQueue_take_along(t *testing.T) { // HOTPATH 14
	t.Parallel()
	for n, along := range map[int]bool{0: false, 1: true, crowdBatch - 1: true, crowdBatch + 1: false} {
		q, now := newQueue(), time.Now()
		batch := func() (batch []*call) {
			for i := range n {
				require.True(t, q.put(queued(ledger.OpGrant, fmt.Sprint("acct_", i), i)))
			}
			batch = q.take(swift, now, nil)
			for _, c := range batch {
				q.done(c, true, result{})
			}
			return batch
		}
		for range 10 * crowdMemory {
			batch()
		}
		c := lazily(q, 0, "acct_lazy", streamed, now.Add(-rideTime))
		require.Equal(t, along, slices.Contains(batch(), c), n)
	}
}

// In a crowd the holds of streams wait longer, for a while after it.
func TestQueue_due_crowd(t *testing.T) { // HOTPATH 14
	t.Parallel()
	q, now := newQueue(), time.Now()
	for range 64 {
		q.crowd.took(crowdBatch+1, now)
	}
	c := lazily(q, 1, "acct_1", streamed, now)
	at := now.Add(streamWait)
	next, ok := q.overdue(at)
	require.True(t, ok)
	require.True(t, c.lazy)
	require.Equal(t, streamWait, next.Sub(at), "the crowd may be gone before")
	_, ok = q.overdue(now.Add(crowdWait))
	require.False(t, ok)
	require.False(t, c.lazy, "but not for ever")

	at = now.Add(crowdTime)
	c = lazily(q, 2, "acct_1", streamed, at.Add(-streamWait))
	_, _ = q.overdue(at)
	require.False(t, c.lazy, "no batch for long: no crowd")
}

// Whatever leaves its line, and in whatever order, the others stay there until
// they are due, and then go into their lane once.
func TestQueue_lines(t *testing.T) { // HOTPATH 14
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		q, now := newQueue(), time.Now()
		var waiting []*call
		due := func(c *call) time.Time { return c.begun.Add([]time.Duration{streamWait, wholeWait}[c.manner]) }
		for n := range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch rapid.IntRange(0, 5).Draw(t, "step") {
			case 0, 1, 2:
				m := manner(rapid.IntRange(0, 1).Draw(t, "manner"))
				waiting = append(waiting, lazily(q, n, fmt.Sprint("acct_", rapid.IntRange(0, 2).Draw(t, "account")), m, now))
			case 3:
				if len(waiting) > 0 {
					k := rapid.IntRange(0, len(waiting)-1).Draw(t, "withdrawn")
					require.True(t, q.withdraw(waiting[k]))
					q.ended(waiting[k].op.Request)
					waiting = slices.Delete(waiting, k, k+1)
				}
			case 4:
				account := fmt.Sprint("acct_", rapid.IntRange(0, 2).Draw(t, "hastened"))
				q.hastenAll(q.lane(account))
				waiting = slices.DeleteFunc(waiting, func(c *call) bool { return c.op.Account == account })
			case 5:
				now = now.Add(time.Duration(rapid.IntRange(0, 300).Draw(t, "ms")) * time.Millisecond)
			}
			next, ok := q.overdue(now)
			waiting = slices.DeleteFunc(waiting, func(c *call) bool { return !due(c).After(now) })
			require.Equal(t, len(waiting) > 0, ok)
			lazy := map[string]int{}
			for _, c := range waiting {
				require.True(t, c.lazy)
				require.False(t, next.After(due(c)))
				lazy[c.op.Account]++
			}
			for id, l := range q.lanes {
				require.Equal(t, lazy[id], l.lazy)
			}
			for m := range q.lines {
				require.LessOrEqual(t, len(q.lines[m].calls), 2*len(waiting)+1, "what has left takes no room for long")
			}
		}
		// What came into the lanes is there once.
		taken := map[*call]bool{}
		for batch := q.take(swift, now, nil); len(batch) > 0; batch = q.take(swift, now, nil) {
			for _, c := range batch {
				require.False(t, c.withdrawn || taken[c])
				taken[c] = true
				q.done(c, true, result{})
			}
		}
	})
}
