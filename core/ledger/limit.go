package ledger

import (
	"math/bits"
	"time"

	"github.com/archibot/archibotchat/core/fault"
)

// Limit bounds what one scope may spend: an account's budget, a member's or a
// key's cap (L12, K7). Zero means that there is no such bound.
type Limit struct {
	Scope    string // the ID of the account, member or key
	Monthly  int64  // microcredits in a calendar month of UTC
	Requests int64  // per minute
	Tokens   int64  // per minute
}

// MaxRate bounds requests and tokens per minute.
const MaxRate int64 = 1_000_000_000

// None reports whether the limit bounds nothing.
func (l Limit) None() bool { return l.Monthly == 0 && l.Requests == 0 && l.Tokens == 0 }

// MonthlyUnknown as a Limit's Monthly means that there may be a bound, which
// whoever makes the op does not know: the scope lends nothing beyond the hold.
const MonthlyUnknown int64 = -1

// Counter is what the limits of one scope have counted so far. There is one
// row per limited scope of an account, written under the account's lock.
type Counter struct {
	Scope    string
	Window   time.Time // the month that Reserved and Spent belong to
	Reserved int64     // by open holds
	Spent    int64
	// RequestsAt and TokensAt are the times at which all that was taken from a
	// rate will have flowed back (the theoretical arrival time of GCRA), to the
	// nanosecond.
	RequestsAt time.Time
	TokensAt   time.Time
}

// In returns the counter as it stands in the month of now: what was counted in
// an earlier one is of no more use.
func (c Counter) In(now time.Time) Counter {
	if w := Month(now); c.Window.Before(w) {
		c.Window, c.Reserved, c.Spent = w, 0, 0
	}
	return c
}

// Rate is where one limit per minute stands.
type Rate struct {
	Limit     int64 // 0: there is none
	Remaining int64
	Reset     time.Duration // until nothing of it is used
}

// Rates is the tightest of each kind.
type Rates struct{ Requests, Tokens Rate }

// rateWindow is the time that rates are given for, and the burst they allow.
const rateWindow = time.Minute

// Month returns the start of t's month in UTC, the window of budgets.
func Month(t time.Time) time.Time {
	t = t.UTC()
	return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
}

// Faults of limits.
var (
	ErrBudget = fault.New(fault.Exhausted, "budget_reached", "The monthly budget for this is used up. Ask an admin to raise it, or wait for the next month.")
	ErrRate   = fault.New(fault.Limited, "rate_limited", "Too many requests or tokens in a minute. Wait a moment, then try again.")
)

// counter returns the counter of a scope for the month of now. It is not yet
// part of what a store must write; touchCounter makes it so.
func (s *State) counter(scope string, now time.Time) *Counter {
	c := s.counters[scope]
	if c == nil {
		c = &Counter{Scope: scope}
		if s.counters == nil {
			s.counters = map[string]*Counter{}
		}
		s.counters[scope] = c
	}
	*c = c.In(now)
	return c
}

func (s *State) touchCounter(c *Counter) {
	if s.changed.counters == nil {
		s.changed.counters = map[string]bool{}
	}
	s.changed.counters[c.Scope], s.changed.touched = true, true
}

// room returns what the monthly limits leave, MaxAmount if there is none.
func (s *State) room(limits []Limit, now time.Time) int64 {
	left := MaxAmount
	for _, l := range limits {
		switch {
		case l.Monthly == 0:
		case l.Monthly < 0:
			return 0
		default:
			c := s.counter(l.Scope, now)
			left = min(left, max(0, l.Monthly-c.Spent-c.Reserved))
		}
	}
	return left
}

// rated returns ErrRate, with the time to wait, unless a request of so many
// tokens fits every rate.
func (s *State) rated(limits []Limit, tokens int64, now time.Time) error {
	wait := time.Duration(0)
	for _, l := range limits {
		c := s.counter(l.Scope, now)
		wait = max(wait, late(c.RequestsAt, l.Requests, 1, now), late(c.TokensAt, l.Tokens, tokens, now))
	}
	if wait <= 0 {
		return nil
	}
	f := *ErrRate
	f.RetryAfter = wait
	return &f
}

// late returns how much too soon it is for n more of a rate.
func late(at time.Time, rate, n int64, now time.Time) time.Duration {
	if rate <= 0 {
		return 0
	}
	return latest(at, now).Add(span(n, rate)).Sub(now) - rateWindow
}

// take counts a request and its tokens against the rates, amount against the
// month.
func (s *State) take(limits []Limit, amount, tokens int64, now time.Time) {
	for _, l := range limits {
		c := s.counter(l.Scope, now)
		c.Reserved += amount
		if l.Requests > 0 {
			c.RequestsAt = latest(c.RequestsAt, now).Add(span(1, l.Requests))
		}
		if l.Tokens > 0 {
			c.TokensAt = latest(c.TokensAt, now).Add(span(tokens, l.Tokens))
		}
		s.touchCounter(c)
	}
}

// reserve raises what a hold has reserved by more, or lowers it. A hold of an
// earlier month is not counted in this one.
func (s *State) reserve(h *Hold, more int64, now time.Time) {
	for _, l := range h.Limits {
		if c := s.counter(l.Scope, now); c.Window.Equal(h.Window) {
			c.Reserved = max(0, c.Reserved+more)
			s.touchCounter(c)
		}
	}
}

// correct corrects the rates by what a request took more, or less, than the
// estimate it was held with: what it did not use comes back when it ends. Where
// nobody knows the limits any more, the estimate stays taken.
func (s *State) correct(limits []Limit, estimate, actual int64, now time.Time) {
	for _, l := range limits {
		if c := s.counter(l.Scope, now); l.Tokens > 0 && !c.TokensAt.IsZero() { // else there is nothing to correct
			c.TokensAt = c.TokensAt.Add(span(actual, l.Tokens) - span(estimate, l.Tokens))
			s.touchCounter(c)
		}
	}
}

// spent counts a debit.
func (s *State) spent(h *Hold, debited int64, now time.Time) {
	for _, l := range h.Limits {
		if c := s.counter(l.Scope, now); c.Window.Equal(h.Window) {
			c.Spent += debited
			s.touchCounter(c)
		}
	}
}

// bounds returns the limits of a hold as an op on it names them, or, if it
// does not, as the hold was read: then nothing is lent beyond it.
func (h *Hold) bounds(op *Op) []Limit {
	if len(op.Limits) < len(h.Limits) {
		return h.Limits
	}
	for i, l := range h.Limits {
		if op.Limits[i].Scope != l.Scope {
			return h.Limits
		}
	}
	return op.Limits[:len(h.Limits)]
}

// overage returns how much more than its hold a settle may draw within the
// monthly limits; covered is what the hold pays for. In a later month than the
// hold's nobody knows any more what its own had left.
func (s *State) overage(h *Hold, limits []Limit, covered int64, now time.Time) int64 {
	budgeted := false
	for _, l := range limits {
		budgeted = budgeted || l.Monthly != 0
	}
	switch {
	case !budgeted:
		return MaxAmount
	case !h.Window.Equal(Month(now)):
		return 0
	}
	return max(0, s.room(limits, now)-covered)
}

// rates reports where the tightest rates stand.
func (s *State) rates(limits []Limit, now time.Time) (r Rates) {
	for _, l := range limits {
		c := s.counter(l.Scope, now)
		r.Requests = tighter(r.Requests, c.RequestsAt, l.Requests, now)
		r.Tokens = tighter(r.Tokens, c.TokensAt, l.Tokens, now)
	}
	return r
}

func tighter(r Rate, at time.Time, rate int64, now time.Time) Rate {
	if rate <= 0 {
		return r
	}
	used := max(0, at.Sub(now))
	x := Rate{Limit: rate, Remaining: portion(max(0, rateWindow-used), rate), Reset: used}
	if r.Limit == 0 || x.Remaining < r.Remaining || x.Remaining == r.Remaining && x.Reset > r.Reset {
		return x
	}
	return r
}

// portion is how many flow back at a rate in a time of a window at the most.
func portion(d time.Duration, rate int64) int64 {
	hi, lo := bits.Mul64(uint64(d), uint64(rate))
	n, _ := bits.Div64(hi, lo, uint64(rateWindow)) // d ≤ rateWindow, so the quotient is ≤ rate
	return int64(n)
}

// span is the time in which n flow back at a rate per minute, a whole minute
// at the most: more than a minute's worth would never fit. It is rounded down,
// so that as many as the rate says fit into one instant. What that gives away
// is less than one a minute for rates up to 240,000.
func span(n, rate int64) time.Duration {
	if n <= 0 {
		return 0
	}
	if n >= rate {
		return rateWindow
	}
	hi, lo := bits.Mul64(uint64(n), uint64(rateWindow))
	q, _ := bits.Div64(hi, lo, uint64(rate)) // n < rate, so the quotient is < rateWindow
	return time.Duration(q)
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
