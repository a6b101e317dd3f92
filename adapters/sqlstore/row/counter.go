package row

import (
	"time"

	"github.com/archibot/archibotchat/core/ledger"
)

// Counter is a row of counters.
type Counter struct {
	Account    string
	Scope      string
	Window     int64
	Reserved   int64
	Spent      int64
	RequestsAt int64 // in nanoseconds: what a request takes of a rate may be less than a microsecond
	TokensAt   int64
}

// CounterColumns lists the columns in the order of Fields.
const CounterColumns = "account_id, scope, window_at, reserved, spent, requests_at, tokens_at"

// Fields returns pointers to the columns, to scan into or to bind.
func (r *Counter) Fields() []any { return r.AppendFields(nil) }

// AppendFields adds Fields to a list.
func (r *Counter) AppendFields(to []any) []any {
	return append(to, &r.Account, &r.Scope, &r.Window, &r.Reserved, &r.Spent, &r.RequestsAt, &r.TokensAt)
}

// OfCounter returns the row of an account's counter.
func OfCounter(account string, c ledger.Counter) Counter {
	return Counter{
		Account: account, Scope: c.Scope, Window: Micros(c.Window), Reserved: c.Reserved, Spent: c.Spent,
		RequestsAt: nanos(c.RequestsAt), TokensAt: nanos(c.TokensAt),
	}
}

// Counter returns the counter of a row.
func (r *Counter) Counter() ledger.Counter {
	return ledger.Counter{
		Scope: r.Scope, Window: Time(r.Window), Reserved: r.Reserved, Spent: r.Spent, RequestsAt: ofNanos(r.RequestsAt), TokensAt: ofNanos(r.TokensAt),
	}
}

// nanos writes a time as Unix nanoseconds, the zero time as 0.
func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func ofNanos(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}
