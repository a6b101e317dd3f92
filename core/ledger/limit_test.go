package ledger_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/ledger"
)

// under gives an op limits and an estimate of tokens.
func under(op ledger.Op, tokens int64, limits ...ledger.Limit) ledger.Op {
	op.Limits, op.Tokens = limits, tokens
	return op
}

func spend(request string, bound, cost int64) ledger.Op {
	op := step(ledger.OpSpend, request, bound)
	op.Cost = cost
	return op
}

func extend(request string, to int64) ledger.Op { return step(ledger.OpExtend, request, to) }

// used gives a settle what it used, in tokens.
func used(op ledger.Op, tokens int64) ledger.Op {
	op.Usage = ledger.Usage{Input: tokens / 2, Output: tokens - tokens/2}
	return op
}

// counted returns what a scope has reserved and spent this month.
func (b *book) counted(scope string) [2]int64 {
	c := b.Counter(scope).In(b.now)
	return [2]int64{c.Reserved, c.Spent}
}

// stored makes the book as a store would give it back: holds without their limits.
func (b *book) stored() {
	if b.shelf.holds == nil {
		b.shelf.holds, b.shelf.counters = map[string]ledger.Hold{}, map[string]ledger.Counter{}
	}
	changes, _ := b.Changes()
	for _, h := range changes.Holds {
		var scopes []ledger.Limit
		for _, l := range h.Limits {
			scopes = append(scopes, ledger.Limit{Scope: l.Scope, Monthly: ledger.MonthlyUnknown})
		}
		h.Limits, h.Tokens = scopes, 0
		b.shelf.holds[h.Request] = h
	}
	for _, c := range changes.Counters {
		b.shelf.counters[c.Scope] = c
	}
	b.State = ledger.NewState(acct, b.Seq, b.LastAt, b.Lots(), values(b.shelf.holds))
	for _, c := range b.shelf.counters {
		b.Count(c)
	}
}

var budget = ledger.Limit{Scope: acct, Monthly: 100}

func TestLimit_budget(t *testing.T) { // L12
	t.Parallel()
	b := newBook(t, grant("lot_1", 1000))
	b.must(under(hold("req_1", 60), 0, budget))
	require.Equal(t, [2]int64{60, 0}, b.counted(acct))
	refused := b.do(under(hold("req_2", 41), 0, budget))
	require.ErrorIs(t, refused.Err, ledger.ErrBudget)
	require.Equal(t, int64(40), refused.Room)
	require.Equal(t, [2]int64{60, 0}, b.counted(acct), "a refusal counts nothing")
	o := b.must(under(hold("req_2", 40), 0, budget))
	require.Zero(t, o.Room)
	require.Equal(t, ledger.Month(start).AddDate(0, 1, 0), o.Until, "it changes by itself at the month's end")

	o = b.must(under(settle("req_1", 10), 0, budget))
	require.Equal(t, int64(50), o.Room)
	require.Equal(t, [2]int64{40, 10}, b.counted(acct))
	o = b.must(under(release("req_2"), 0, budget))
	require.Equal(t, int64(90), o.Room)
	require.Equal(t, [2]int64{0, 10}, b.counted(acct))
	b.must(under(hold("req_3", 90), 0, budget))
	b.must(under(settle("req_3", 90), 0, budget))
	require.ErrorIs(t, b.do(under(hold("req_4", 1), 0, budget)).Err, ledger.ErrBudget)
	b.must(under(hold("req_free", 0), 0, budget))
	require.EqualValues(t, 1000-100, b.Lots()[0].Remaining)
}

func TestLimit_budget_order(t *testing.T) { // G2: the first reason is told
	t.Parallel()
	b := newBook(t, grant("lot_1", 50))
	tight := ledger.Limit{Scope: acct, Monthly: 20, Requests: 1}
	b.must(under(hold("req_1", 10), 0, tight))
	require.ErrorIs(t, b.do(under(hold("req_2", 60), 0, tight)).Err, ledger.ErrExhausted)
	require.ErrorIs(t, b.do(under(hold("req_2", 30), 0, tight)).Err, ledger.ErrBudget)
	require.ErrorIs(t, b.do(under(hold("req_2", 10), 0, tight)).Err, ledger.ErrRate)
}

func TestLimit_scopes(t *testing.T) { // L12, K7: each must fit, all count
	t.Parallel()
	b := newBook(t, grant("lot_1", 1000))
	member, key := ledger.Limit{Scope: "user_1", Monthly: 50}, ledger.Limit{Scope: "key_1", Monthly: 30}
	b.must(under(hold("req_1", 30), 0, budget, member, key))
	require.ErrorIs(t, b.do(under(hold("req_2", 1), 0, budget, member, key)).Err, ledger.ErrBudget, "the key's")
	b.must(under(hold("req_2", 20), 0, budget, member))
	require.ErrorIs(t, b.do(under(hold("req_3", 1), 0, budget, member)).Err, ledger.ErrBudget, "the member's")
	b.must(under(hold("req_3", 50), 0, budget))
	require.ErrorIs(t, b.do(under(hold("req_4", 1), 0, budget)).Err, ledger.ErrBudget, "the account's")
	b.must(hold("req_5", 1))
	b.must(under(settle("req_1", 5), 0, budget, member, key))
	for scope, want := range map[string][2]int64{acct: {70, 5}, "user_1": {20, 5}, "key_1": {0, 5}} {
		require.Equal(t, want, b.counted(scope), scope)
	}
}

func TestLimit_overage(t *testing.T) { // L8, HOTPATH 10: within budgets, the rest is uncollected
	t.Parallel()
	for name, c := range map[string]struct {
		limits        []ledger.Limit
		cost          int64
		debited, lost int64
	}{
		"within":              {[]ledger.Limit{budget}, 50, 50, 0},
		"to the last":         {[]ledger.Limit{budget}, 70, 70, 0},
		"beyond":              {[]ledger.Limit{budget}, 75, 70, 5},
		"of the tightest":     {[]ledger.Limit{budget, {Scope: "key_1", Monthly: 40}}, 75, 40, 35},
		"rates bound no cost": {[]ledger.Limit{{Scope: acct, Requests: 10, Tokens: 1000}}, 75, 75, 0},
		"not known":           {[]ledger.Limit{{Scope: acct, Monthly: ledger.MonthlyUnknown}}, 75, 20, 55},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBook(t, grant("lot_1", 1000))
			held := c.limits
			if held[0].Monthly < 0 {
				held = []ledger.Limit{budget}
			}
			b.must(under(hold("req_other", 30), 0, held[0]))
			b.must(under(hold("req_1", 20), 0, held...))
			o := b.must(under(settle("req_1", c.cost), 0, c.limits...))
			require.Equal(t, [2]int64{c.debited, c.lost}, [2]int64{o.Debited, o.Uncollected})
			require.Equal(t, [2]int64{30, c.debited}, b.counted(acct))
		})
	}
}

// Who ends a hold and does not know its limits, as after a crash, takes no more
// than it has, and what it counted is counted.
func TestLimit_unknown(t *testing.T) { // L9
	t.Parallel()
	rated := ledger.Limit{Scope: acct, Monthly: 100, Requests: 60, Tokens: 60}
	for name, c := range map[string]struct {
		end     func(h ledger.Hold) ledger.Op
		debited int64
	}{
		"settled by its mark": {func(h ledger.Hold) ledger.Op { return h.Resolution() }, 40},
		"without its limits":  {func(ledger.Hold) ledger.Op { return settle("req_1", 75) }, 40},
		"with another's": {func(ledger.Hold) ledger.Op {
			return under(settle("req_1", 75), 0, ledger.Limit{Scope: "key_1", Monthly: 1000})
		}, 40},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBook(t, grant("lot_1", 1000))
			b.must(under(hold("req_1", 40), 20, rated))
			m := under(mark("req_1"), 20, rated)
			m.Mark = ledger.Mark{Accepted: true, Delivered: true, Cost: 75, Usage: ledger.Usage{Output: 5}}
			b.must(m)
			b.stored()
			h, _ := b.Hold("req_1")
			o := b.must(c.end(h))
			require.Equal(t, c.debited, o.Debited)
			require.Equal(t, [2]int64{0, c.debited}, b.counted(acct))
			require.Equal(t, start.Add(20*time.Second), b.Counter(acct).TokensAt, "an estimate that is not known stays taken")
		})
	}
}

func TestLimit_extend(t *testing.T) { // HOTPATH 10, 12
	t.Parallel()
	b := newBook(t, grant("lot_1", 1000))
	b.must(under(hold("req_1", 20), 5, budget))
	o := b.must(under(extend("req_1", 70), 5, budget))
	require.Equal(t, []ledger.Limit{budget}, o.Hold.Limits)
	require.EqualValues(t, 5, o.Hold.Tokens)
	require.Equal(t, [2]int64{70, 0}, b.counted(acct))
	require.ErrorIs(t, b.do(under(extend("req_1", 101), 5, budget)).Err, ledger.ErrBudget)
	require.True(t, b.must(under(extend("req_1", 70), 5, budget)).Replayed)
	require.Equal(t, [2]int64{70, 0}, b.counted(acct))

	b.stored()
	require.ErrorIs(t, b.do(extend("req_1", 80)).Err, ledger.ErrBudget, "who does not know the limits gets no more")
	o = b.must(under(extend("req_1", 80), 5, budget))
	require.Equal(t, []ledger.Limit{budget}, o.Hold.Limits, "its owner knows them still")
	b.must(under(settle("req_1", 60), 5, budget))
	require.Equal(t, [2]int64{0, 60}, b.counted(acct))
}

func TestLimit_spend(t *testing.T) { // HOTPATH 14: hold and settle in one step
	t.Parallel()
	limit := ledger.Limit{Scope: acct, Monthly: 100, Requests: 2, Tokens: 600}
	b := newBook(t, grant("lot_1", 1000))
	o := b.must(used(under(spend("req_1", 80, 30), 100, limit), 10))
	require.EqualValues(t, 30, o.Debited)
	require.Equal(t, [2]int64{0, 30}, b.counted(acct))
	require.Equal(t, start.Add(time.Second), b.Counter(acct).TokensAt)
	require.ErrorIs(t, b.do(under(spend("req_2", 71, 1), 0, limit)).Err, ledger.ErrBudget, "the bound must fit, whatever it cost")
	b.must(used(under(spend("req_2", 70, 75), 100, limit), 10))
	require.Equal(t, [2]int64{0, 100}, b.counted(acct), "overage is the budget's, too")
	require.ErrorIs(t, b.do(under(spend("req_3", 0, 0), 0, limit)).Err, ledger.ErrRate)
	before := b.Counter(acct)
	require.True(t, b.must(used(under(spend("req_1", 80, 30), 100, limit), 10)).Replayed)
	require.Equal(t, before, b.Counter(acct), "a repeated step counts once")
}

func TestLimit_settleWithoutAHold(t *testing.T) { // HOTPATH 6
	t.Parallel()
	limit := ledger.Limit{Scope: acct, Monthly: 50, Requests: 60, Tokens: 600}
	b := newBook(t, grant("lot_1", 1000))
	o := b.must(used(under(settle("req_1", 70), 100, limit), 10))
	require.Equal(t, [2]int64{50, 20}, [2]int64{o.Debited, o.Uncollected})
	require.Equal(t, [2]int64{0, 50}, b.counted(acct))
	require.Equal(t, start.Add(time.Second), b.Counter(acct).TokensAt)
	require.Equal(t, start.Add(time.Second), b.Counter(acct).RequestsAt)
}

func TestMonth(t *testing.T) {
	t.Parallel()
	east := time.FixedZone("east", 5*3600)
	for at, want := range map[time.Time]time.Time{
		time.Date(2025, 3, 31, 23, 59, 59, 999_999_000, time.UTC): time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC),
		time.Date(2025, 4, 1, 0, 0, 0, 0, time.UTC):               time.Date(2025, 4, 1, 0, 0, 0, 0, time.UTC),
		time.Date(2025, 4, 1, 4, 59, 59, 0, east):                 time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC),
	} {
		require.Equal(t, want, ledger.Month(at), at)
	}
}

func TestLimit_monthEdge(t *testing.T) { // HOTPATH 12: the window is in the hold
	t.Parallel()
	last := time.Date(2025, 3, 31, 23, 59, 59, 999_999_000, time.UTC)
	next := last.Add(time.Microsecond)
	begin := func() *book {
		b := newBook(t, grant("lot_1", 1000))
		b.must(under(hold("req_0", 10), 0, budget))
		b.must(under(settle("req_0", 10), 0, budget))
		b.now = last
		require.ErrorIs(t, b.do(under(hold("req_1", 91), 0, budget)).Err, ledger.ErrBudget, "the last instant is the month's")
		b.must(under(hold("req_1", 90), 0, budget))
		return b
	}
	t.Run("the first instant is the next month's", func(t *testing.T) {
		t.Parallel()
		b := begin()
		b.now = next
		require.Equal(t, [2]int64{0, 0}, b.counted(acct))
		b.must(under(hold("req_2", 100), 0, budget))
		require.Equal(t, [2]int64{100, 0}, b.counted(acct))
		b.must(under(settle("req_1", 90), 0, budget))
		require.Equal(t, [2]int64{100, 0}, b.counted(acct), "the settle of a hold from before is its own month's")
		b.must(under(settle("req_2", 60), 0, budget))
		require.Equal(t, [2]int64{0, 60}, b.counted(acct))
	})
	t.Run("settled before anything is held", func(t *testing.T) {
		t.Parallel()
		b := begin()
		b.now = next
		o := b.must(under(settle("req_1", 95), 0, budget))
		require.Equal(t, [2]int64{90, 5}, [2]int64{o.Debited, o.Uncollected}, "nobody knows what its month had left")
		require.Equal(t, [2]int64{0, 0}, b.counted(acct))
		b.must(under(hold("req_2", 100), 0, budget))
	})
	t.Run("rates alone bound no overage", func(t *testing.T) {
		t.Parallel()
		b := newBook(t, grant("lot_1", 1000))
		b.now = last
		b.must(under(hold("req_1", 10), 0, ledger.Limit{Scope: acct, Requests: 5}))
		b.now = next
		require.EqualValues(t, 15, b.must(under(settle("req_1", 15), 0, ledger.Limit{Scope: acct, Requests: 5})).Debited)
	})
	t.Run("released", func(t *testing.T) {
		t.Parallel()
		b := begin()
		b.now = next
		b.must(under(hold("req_2", 40), 0, budget))
		b.must(under(release("req_1"), 0, budget))
		require.Equal(t, [2]int64{40, 0}, b.counted(acct), "it gives back what was its own month's")
	})
	t.Run("extended", func(t *testing.T) {
		t.Parallel()
		b := begin()
		b.now = next
		b.must(under(extend("req_1", 200), 0, budget))
		require.Equal(t, [2]int64{0, 0}, b.counted(acct), "within its credits, and not at this month's cost")
		b.must(under(settle("req_1", 200), 0, budget))
		require.Equal(t, [2]int64{0, 0}, b.counted(acct))
	})
	t.Run("the clock steps back over it", func(t *testing.T) {
		t.Parallel()
		b := begin()
		b.now = next
		b.must(under(hold("req_2", 70), 0, budget))
		b.now = last
		require.ErrorIs(t, b.do(under(hold("req_3", 31), 0, budget)).Err, ledger.ErrBudget, "an account's time does not")
		o := b.must(under(hold("req_3", 30), 0, budget))
		require.Equal(t, next, o.At)
	})
}

// A clock that steps back lends nothing twice.
func TestLimit_clockStepsBack(t *testing.T) { // HOTPATH 4
	t.Parallel()
	limit := ledger.Limit{Scope: acct, Requests: 2}
	b := newBook(t, grant("lot_1", 1))
	b.must(under(hold("req_1", 0), 0, limit))
	b.now = b.now.Add(30 * time.Second)
	b.must(under(hold("req_2", 0), 0, limit))
	b.must(under(hold("req_3", 0), 0, limit))
	b.now = b.now.Add(-24 * time.Hour)
	o := b.do(under(hold("req_4", 0), 0, limit))
	require.ErrorIs(t, o.Err, ledger.ErrRate)
	require.Equal(t, 30*time.Second, fault.From(o.Err).RetryAfter)
	require.Equal(t, start.Add(30*time.Second), o.At)
}

func TestLimitChange_Apply(t *testing.T) {
	t.Parallel()
	n := func(v int64) *int64 { return &v }
	was := ledger.Limit{Scope: acct, Monthly: 1, Requests: 2, Tokens: 3}
	for want, c := range map[ledger.Limit]ledger.LimitChange{
		was: {},
		{Scope: acct, Monthly: ledger.MaxAmount, Requests: 2, Tokens: ledger.MaxRate}: {Monthly: n(ledger.MaxAmount), Tokens: n(ledger.MaxRate)},
		{Scope: acct, Monthly: 1, Requests: ledger.MaxRate, Tokens: 3}:                {Requests: n(ledger.MaxRate)},
		{Scope: acct}: {Monthly: n(0), Requests: n(0), Tokens: n(0)},
	} {
		got, err := c.Apply(was)
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.Equal(t, want.Monthly == 0, got.None())
		require.Equal(t, want == was, c.None())
	}
	for param, cs := range map[string][]ledger.LimitChange{
		"monthly":             {{Monthly: n(-1)}, {Monthly: n(ledger.MaxAmount + 1)}},
		"requests_per_minute": {{Requests: n(-1)}, {Requests: n(ledger.MaxRate + 1)}},
		"tokens_per_minute":   {{Tokens: n(-1)}, {Tokens: n(ledger.MaxRate + 1)}},
	} {
		for _, c := range cs {
			_, err := c.Apply(was)
			require.Equal(t, "invalid_limit", fault.CodeOf(err))
			require.Equal(t, param, fault.From(err).Param)
		}
	}
	require.Equal(t, "monthly=1,requests=2,tokens=3", was.String())
}
