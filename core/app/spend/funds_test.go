package spend

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/ledger"
)

func TestFunds_covers(t *testing.T) { // HOTPATH 13
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	const minute = time.Minute
	for name, c := range map[string]struct {
		known    funds
		age      time.Duration
		amount   int64
		replicas int
		covered  bool
	}{
		"young, a tenth":                     {funds{amount: 1000}, time.Second, 100, 1, true},
		"young, more":                        {funds{amount: 1000}, time.Second, 101, 1, false},
		"just now, a tenth":                  {funds{amount: 1000}, 0, 100, 1, true},
		"young, twice the fall is taken off": {funds{amount: 1000, fall: 250}, time.Second, 50, 1, true},
		"young, more than that leaves":       {funds{amount: 1000, fall: 250}, time.Second, 51, 1, false},
		"young, of many replicas":            {funds{amount: 1000}, time.Second, 50, 8, true},
		"young, more of many replicas":       {funds{amount: 1000}, time.Second, 51, 8, false},
		"older, as many tenths":              {funds{amount: 1000}, 10 * time.Second, 10, 1, true},
		"older, more":                        {funds{amount: 1000}, 10 * time.Second, 11, 1, false},
		"a second begun counts":              {funds{amount: 1000}, 9*time.Second + 1, 11, 1, false},
		"older, each second may fall":        {funds{amount: 1000, fall: 25}, 10 * time.Second, 5, 1, true},
		"older, more than that leaves":       {funds{amount: 1000, fall: 25}, 10 * time.Second, 6, 1, false},
		"older, all may be gone":             {funds{amount: 1000, fall: 50}, 10 * time.Second, 0, 1, false},
		"older, those under way count":       {funds{amount: 1000, flying: 5}, 10 * time.Second, 6, 1, false},
		"a minute":                           {funds{amount: 600}, minute, 1, 1, true},
		"more than a minute":                 {funds{amount: ledger.MaxAmount}, minute + 1, 1, 1, false},
		"from later":                         {funds{amount: 1000}, -1, 1, 1, false},
		"after a refusal":                    {funds{amount: 1000, off: now.Add(1)}, 0, 1, 1, false},
		"a lot ends meanwhile":               {funds{amount: 1000, until: now.Add(minute - 1)}, 0, 1, 1, false},
		"a lot has ended since":              {funds{amount: 1000, until: now.Add(-5 * time.Second)}, 10 * time.Second, 1, 1, false},
		"a lot ends later":                   {funds{amount: 1000, until: now.Add(minute)}, 10 * time.Second, 1, 1, true},
		"no sum overflows":                   {funds{amount: ledger.MaxAmount, fall: 1 << 62, flying: ledger.MaxAmount}, minute, ledger.MaxAmount, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.known.asOf = now.Add(-c.age)
			require.Equal(t, c.covered, c.known.covers(c.amount, now, minute, c.replicas))
		})
	}
	require.False(t, (*funds)(nil).covers(0, now, minute, 1))
	require.False(t, (&funds{}).covers(0, now, minute, 1), "nothing is known")
}

// A rush is forgotten by the second, however seldom an account is seen.
func TestFunds_learn(t *testing.T) { // HOTPATH 13
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	rush := func() *funds {
		var f funds
		f.learn(now, 1_000_000, time.Time{})
		f.learn(now.Add(time.Millisecond), 360_000, time.Time{})
		require.EqualValues(t, 640_000, f.fall)
		return &f
	}
	often, seldom := rush(), rush()
	for s := range 60 {
		often.learn(now.Add(time.Duration(s+1)*time.Second), 360_000, time.Time{})
	}
	seldom.learn(now.Add(time.Minute), 360_000, time.Time{})
	require.Equal(t, often.fall, seldom.fall)
	require.Less(t, seldom.fall, int64(260_000))
	seldom.learn(now.Add(time.Hour), 50_000, time.Time{})
	require.EqualValues(t, 310_000, seldom.fall, "what fell since it was last seen may have fallen in a second")
	seldom.learn(now.Add(time.Second), 7, time.Time{})
	require.EqualValues(t, 50_000, seldom.amount, "what was sent earlier tells nothing new")
}

// Accounts are asked about only if it is the age of what is known that keeps
// their requests from starting early.
func TestPurse_recent(t *testing.T) { // HOTPATH 13
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	op := func(id string, amount int64) *ledger.Op {
		return &ledger.Op{Account: id, Amount: amount, Deadline: time.Minute}
	}
	p := newPurse()
	for _, id := range []string{"plenty", "some", "poor", "unused"} {
		p.get(id).learn(now, 1000, time.Time{})
	}
	require.True(t, p.lend(op("plenty", 3), now))
	require.True(t, p.lend(op("some", 20), now))
	require.False(t, p.lend(op("poor", 101), now))
	require.False(t, p.lend(op("new", 1), now))
	recent := func(after time.Duration) []string {
		at := now.Add(after)
		return p.recent(at.Add(-fundsMemory), at.Add(-refreshEvery/2), at.Add(refreshEvery), 1000)
	}
	require.Empty(t, recent(time.Second), "a fifth of it is enough for five seconds")
	require.Empty(t, recent(4500*time.Millisecond))
	require.Equal(t, []string{"some"}, recent(4600*time.Millisecond))
	require.Len(t, p.aging, 1)
	p.get("some").learn(now.Add(4600*time.Millisecond), 1000, time.Time{})
	require.Empty(t, recent(5*time.Second), "just heard of")
	require.Equal(t, []string{"some"}, recent(10*time.Second))
	require.True(t, p.lend(op("plenty", 3), now.Add(fundsMemory)))
	require.False(t, p.lend(op("some", 20), now.Add(fundsMemory)))
	require.Equal(t, []string{"some"}, recent(2*fundsMemory-1), "in use")
	require.Empty(t, recent(2*fundsMemory), "not any more")
	require.Empty(t, p.aging)

	for n := range 3 * maxLooks {
		id := fmt.Sprint("acct_", n)
		p.get(id).learn(now.Add(time.Duration(n)), 1000, time.Time{})
		require.True(t, p.lend(op(id, 20), now.Add(time.Second)))
	}
	require.Empty(t, recent(time.Second))
	some := recent(10 * time.Second)
	require.Len(t, some, 1000)
	require.True(t, slices.IsSortedFunc(some, func(a, b string) int { return p.of[a].asOf.Compare(p.of[b].asOf) }), "what is known longest first")
	for range 100 { // it looks at others each time
		recent(time.Minute)
	}
	require.Empty(t, p.aging)
}

// Requests that have no hold yet count for the account and for the key.
func TestPurse_started(t *testing.T) { // HOTPATH 13
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	p := newPurse()
	p.get("acct_1").learn(now, 1_000_000, time.Time{})
	p.get("key_1").learn(now, 1000, time.Time{})
	op := &ledger.Op{Account: "acct_1", Amount: 60, Work: ledger.Work{Key: "key_1"}, Limits: []ledger.Limit{{Scope: "key_1", Monthly: 5000}}}
	require.True(t, p.lend(op, now))
	s := &slot{account: op.Account, key: counted(op), lent: op.Amount}
	p.started(s)
	require.False(t, p.lend(op, now), "the key has no room for both")
	unlimited := &ledger.Op{Account: "acct_1", Amount: 60, Work: ledger.Work{Key: "key_1"}}
	require.True(t, p.lend(unlimited, now))
	p.landed(s)
	p.landed(s) // counted once
	require.True(t, p.lend(op, now))
	require.Zero(t, p.get("acct_1").flying)
	require.Zero(t, p.get("key_1").flying)
}

func TestPurse_get(t *testing.T) {
	t.Parallel()
	p := newPurse()
	p.get("flying").flying = 1
	p.get("aging").amount = 1
	p.aging["aging"] = p.of["aging"]
	for n := range 4 * maxFunds {
		p.get(fmt.Sprint("acct_", n))
	}
	require.Len(t, p.of, maxFunds, "bounded")
	require.EqualValues(t, 1, p.get("flying").flying, "what is under way is not forgotten")
	require.Equal(t, p.of["aging"] != nil, p.aging["aging"] != nil, "asked about only while it is known")
}
