package ledger_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/ledger"
)

// budgets is what a budget is told a second time: every request that counted in
// a scope, and the month it was begun in.
type budgets struct {
	limits map[string]int64
	of     map[string]*counted
	seen   happened
}

type counted struct {
	month  string
	scopes []string
	held   int64 // while it is open
	paid   int64
	late   bool // it was extended after its month
}

// sum is what a scope has held and paid in a month.
func (m *budgets) sum(scope, month string) (held, paid int64) {
	for _, c := range m.of {
		for _, s := range c.scopes {
			if s == scope && c.month == month && !c.late {
				held += c.held
				paid += c.paid
			}
		}
	}
	return held, paid
}

func (m *budgets) room(scopes []string, month string) int64 {
	left := ledger.MaxAmount
	for _, s := range scopes {
		held, paid := m.sum(s, month)
		left = min(left, m.limits[s]-held-paid)
	}
	return left
}

// TestLimit_Machine proves that no history overdraws a budget: what is held and
// paid in a month is within each scope's, whatever ends how and when (L12).
func TestLimit_Machine(t *testing.T) {
	t.Parallel()
	seen := happened{}
	rapid.Check(t, func(rt *rapid.T) { budgeted(rt, seen) })
	for _, what := range []string{"refused", "granted to the last", "settle after the month", "overage", "cut overage", "extended", "extension refused", "extended after the month", "spent", "recovered", "released"} {
		require.Positive(t, seen[what], "no history had: %s", what)
	}
}

func budgeted(rt *rapid.T, seen happened) {
	m := &budgets{limits: map[string]int64{acct: 400, "user_1": 250, "user_2": 300, "key_1": 90}, of: map[string]*counted{}, seen: seen}
	b := &book{State: ledger.NewState(acct, 0, time.Time{}, nil, nil), now: start}
	require.NoError(rt, b.do(grant("lot_1", 1_000_000)).Err)
	for range rapid.IntRange(40, 80).Draw(rt, "steps") {
		wait := rapid.IntRange(0, 14).Draw(rt, "wait")
		if b.now.After(start.AddDate(0, 10, 0)) {
			wait = 2 // the credits shall outlive the history
		}
		switch wait {
		case 0: // to the edge of the month
			b.now = ledger.Month(b.now).AddDate(0, 1, 0).Add(-time.Duration(rapid.IntRange(0, 1).Draw(rt, "before")) * time.Microsecond)
		case 1:
			b.now = b.now.Add(10 * 24 * time.Hour)
		case 2, 3, 4:
			b.now = b.now.Add(time.Second)
		}
		m.step(rt, b)
		for scope, limit := range m.limits {
			held, paid := m.sum(scope, b.now.Format("2006-01"))
			require.LessOrEqual(rt, held+paid, limit, "L12: %s", scope)
			require.Equal(rt, [2]int64{held, paid}, b.counted(scope), scope)
		}
		if rapid.IntRange(0, 5).Draw(rt, "reload") == 0 {
			b.stored()
		}
	}
}

func (m *budgets) step(rt *rapid.T, b *book) {
	request := fmt.Sprint("req_", rapid.IntRange(0, 25).Draw(rt, "request"))
	amount := rapid.Int64Range(0, 120).Draw(rt, "amount")
	month := b.now.Format("2006-01")
	c := m.of[request]
	if c == nil {
		scopes := rapid.SampledFrom([][]string{{acct}, {acct, "user_1"}, {acct, "user_2"}, {acct, "user_1", "key_1"}}).Draw(rt, "scopes")
		room := m.room(scopes, month)
		op := hold(request, amount)
		cost := int64(0)
		if rapid.IntRange(0, 4).Draw(rt, "at once") == 0 {
			cost = rapid.Int64Range(0, 150).Draw(rt, "cost")
			op = spend(request, amount, cost)
		}
		o := b.do(under(op, 0, m.named(scopes)...))
		require.Equal(rt, amount > room, errors.Is(o.Err, ledger.ErrBudget))
		if o.Err != nil {
			m.seen["refused"]++
			require.Equal(rt, room, o.Room)
			return
		}
		if amount == room {
			m.seen["granted to the last"]++
		}
		c = &counted{month: month, scopes: scopes, held: amount}
		m.of[request] = c
		if op.Kind == ledger.OpSpend {
			m.seen["spent"]++
			m.paid(rt, c, cost, room, o)
		}
		require.Equal(rt, m.room(scopes, month), o.Room)
		return
	}
	h, _ := b.Hold(request)
	if h.State != ledger.HoldOpen {
		return
	}
	limits := m.named(c.scopes)
	room := m.room(c.scopes, month)
	switch rapid.IntRange(0, 5).Draw(rt, "what") {
	case 0, 1:
		m.paid(rt, c, amount, room+c.held, b.do(under(settle(request, amount), 0, limits...)), month != c.month)
	case 2:
		require.NoError(rt, b.do(under(release(request), 0, limits...)).Err)
		c.held = 0
		m.seen["released"]++
	case 3: // its replica is gone
		h.Mark = ledger.Mark{At: b.now, Accepted: true, Delivered: true, Cost: amount}
		h.Limits = nil
		for _, s := range c.scopes {
			h.Limits = append(h.Limits, ledger.Limit{Scope: s, Monthly: ledger.MonthlyUnknown})
		}
		o := b.do(h.Resolution())
		require.NoError(rt, o.Err)
		require.Equal(rt, min(amount, c.held), o.Debited, "no more than was held")
		c.held, c.paid = 0, o.Debited
		m.seen["recovered"]++
	default:
		more := c.held + amount
		o := b.do(under(extend(request, more), 0, limits...))
		if c.month != month {
			require.NoError(rt, o.Err)
			c.held, c.late = more, c.late || amount > 0
			m.seen["extended after the month"]++
			return
		}
		require.Equal(rt, amount > room, errors.Is(o.Err, ledger.ErrBudget))
		if o.Err != nil {
			m.seen["extension refused"]++
			return
		}
		c.held = more
		m.seen["extended"]++
	}
}

func (m *budgets) named(scopes []string) (limits []ledger.Limit) {
	for _, s := range scopes {
		limits = append(limits, ledger.Limit{Scope: s, Monthly: m.limits[s]})
	}
	return limits
}

// paid checks a settle: within its month, up to what there is room for; after
// it, up to what was held.
func (m *budgets) paid(rt *rapid.T, c *counted, cost, room int64, o ledger.Outcome, late ...bool) {
	require.NoError(rt, o.Err)
	most := max(room, c.held)
	if len(late) > 0 && late[0] {
		most = c.held
		m.seen["settle after the month"]++
	}
	want := min(cost, most)
	require.Equal(rt, [2]int64{want, cost - want}, [2]int64{o.Debited, o.Uncollected})
	if want > c.held {
		m.seen["overage"]++
	}
	if want < cost {
		m.seen["cut overage"]++
	}
	c.held, c.paid = 0, want
}

// bucket is a rate told a second time: a bucket that leaks, in units of 1/6e10
// of a request, so that nothing is rounded.
type bucket struct {
	rate  int64
	level int64
	at    time.Time
}

const unit = int64(time.Minute)

func (k *bucket) leak(now time.Time) {
	// As many units a nanosecond as the rate says a minute.
	d := min(now.Sub(k.at), time.Minute)
	k.level, k.at = max(0, k.level-int64(d)*k.rate), now
}

// TestLimit_rates drives random requests against two rates and a model that
// rounds nothing. They may differ by what the ledger rounds: a nanosecond for
// each request that is counted (HOTPATH 12).
func TestLimit_rates(t *testing.T) {
	t.Parallel()
	refused, granted := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		limits := []ledger.Limit{
			{Scope: acct, Requests: rapid.Int64Range(1, 5000).Draw(rt, "account")},
			{Scope: "key_1", Requests: rapid.Int64Range(1, 200).Draw(rt, "key")},
		}
		b := &book{State: ledger.NewState(acct, 0, time.Time{}, nil, nil), now: start}
		model := []*bucket{{rate: limits[0].Requests, at: start}, {rate: limits[1].Requests, at: start}}
		taken := int64(0)
		for i := range rapid.IntRange(1, 300).Draw(rt, "requests") {
			switch rapid.IntRange(0, 9).Draw(rt, "wait") {
			case 0:
				b.now = b.now.Add(time.Duration(rapid.Int64Range(1, int64(2*time.Minute)).Draw(rt, "long")))
			case 1, 2:
				b.now = b.now.Add(time.Duration(rapid.Int64Range(1, int64(time.Second)).Draw(rt, "short")))
			}
			b.now = b.now.Truncate(time.Microsecond)
			fits, surely := true, true
			for _, k := range model {
				k.leak(b.now)
				over := k.level + unit - k.rate*unit
				fits = fits && over <= (taken+1)*k.rate
				surely = surely && over <= 0
			}
			o := b.do(under(hold(fmt.Sprint("req_", i), 0), 0, limits...))
			if o.Err != nil {
				require.ErrorIs(rt, o.Err, ledger.ErrRate)
				require.False(rt, surely, "what fits is granted")
				require.Positive(rt, fault.From(o.Err).RetryAfter)
				refused++
				continue
			}
			require.True(rt, fits, "never more than a minute's worth and what flows back")
			for _, k := range model {
				k.level += unit
			}
			taken++
			granted++
		}
	})
	require.Positive(t, refused)
	require.Positive(t, granted)
}

// TestLimit_tokens_overTime: corrections move what was not used to a later time,
// and never make more of it: since the first request no more was used and
// reserved than a minute's worth and what has flowed back, but for what
// requests used beyond their estimates (HOTPATH 12).
func TestLimit_tokens_overTime(t *testing.T) {
	t.Parallel()
	refused, corrected := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		limit := ledger.Limit{Scope: "key_1", Tokens: rapid.Int64Range(100, 100_000).Draw(rt, "rate")}
		b := &book{State: ledger.NewState(acct, 0, time.Time{}, nil, nil), now: start}
		open := map[string]int64{}
		var took, beyond int64 // estimates of those that are open, and what the others used
		for i := range rapid.IntRange(1, 150).Draw(rt, "steps") {
			b.now = b.now.Add(time.Duration(rapid.Int64Range(0, int64(20*time.Second)).Draw(rt, "wait"))).Truncate(time.Microsecond)
			if name, estimate, ok := some(open); ok && rapid.Bool().Draw(rt, "end") {
				actual := rapid.Int64Range(0, limit.Tokens).Draw(rt, "actual")
				require.NoError(rt, b.do(used(under(settle(name, 0), estimate, limit), actual)).Err)
				delete(open, name)
				took += actual - estimate
				beyond += max(0, actual-estimate)
				corrected++
				continue
			}
			estimate := rapid.Int64Range(1, limit.Tokens).Draw(rt, "estimate")
			name := fmt.Sprint("req_", i)
			o := b.do(under(hold(name, 0), estimate, limit))
			if o.Err != nil {
				require.ErrorIs(rt, o.Err, ledger.ErrRate)
				refused++
				continue
			}
			open[name] = estimate
			took += estimate
			flowed := float64(limit.Tokens) * b.now.Sub(start).Minutes()
			require.LessOrEqual(rt, float64(took-beyond), float64(limit.Tokens)+flowed+1)
		}
	})
	require.Positive(t, refused)
	require.Positive(t, corrected)
}

// some returns the first of the open requests.
func some(open map[string]int64) (name string, estimate int64, ok bool) {
	for n, e := range open {
		if !ok || n < name {
			name, estimate, ok = n, e, true
		}
	}
	return name, estimate, ok
}
