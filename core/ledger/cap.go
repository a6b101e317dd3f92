package ledger

import (
	"fmt"

	"github.com/archibot/archibotchat/core/fault"
)

// LimitChange names what is to change of a limit: nil leaves a bound as it is,
// 0 takes it away.
type LimitChange struct{ Monthly, Requests, Tokens *int64 }

// Apply returns the limit with the change. Fault: invalid_limit.
func (c LimitChange) Apply(l Limit) (Limit, error) {
	for _, x := range []struct {
		to    *int64
		bound *int64
		most  int64
		param string
	}{
		{&l.Monthly, c.Monthly, MaxAmount, "monthly"},
		{&l.Requests, c.Requests, MaxRate, "requests_per_minute"},
		{&l.Tokens, c.Tokens, MaxRate, "tokens_per_minute"},
	} {
		if x.bound == nil {
			continue
		}
		if *x.bound < 0 || *x.bound > x.most {
			f := fault.New(fault.Invalid, "invalid_limit", "A limit is a whole number: at most a billion credits a month, and a billion requests or tokens a minute; 0 means none.")
			f.Param = x.param
			return Limit{}, f
		}
		*x.to = *x.bound
	}
	return l, nil
}

// None reports whether nothing is to change.
func (c LimitChange) None() bool { return c == LimitChange{} }

// String returns the limit as evidence of it.
func (l Limit) String() string {
	return fmt.Sprintf("monthly=%d,requests=%d,tokens=%d", l.Monthly, l.Requests, l.Tokens)
}
