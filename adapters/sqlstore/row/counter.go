package row

import "github.com/archibot/archibotchat/core/ledger"

// Counter is a row of counters.
type Counter struct {
	Account    string
	Scope      string
	Window     int64
	Reserved   int64
	Spent      int64
	RequestsAt int64
	TokensAt   int64
}

// CounterColumns lists the columns in the order of Fields.
const CounterColumns = "account_id, scope, window_at, reserved, spent, requests_at, tokens_at"

// Fields returns pointers to the columns, to scan into or to bind.
func (r *Counter) Fields() []any {
	return []any{&r.Account, &r.Scope, &r.Window, &r.Reserved, &r.Spent, &r.RequestsAt, &r.TokensAt}
}

// OfCounter returns the row of an account's counter.
func OfCounter(account string, c ledger.Counter) Counter {
	return Counter{
		Account: account, Scope: c.Scope, Window: Micros(c.Window), Reserved: c.Reserved, Spent: c.Spent,
		RequestsAt: Micros(c.RequestsAt), TokensAt: Micros(c.TokensAt),
	}
}

// Counter returns the counter of a row.
func (r *Counter) Counter() ledger.Counter {
	return ledger.Counter{
		Scope: r.Scope, Window: Time(r.Window), Reserved: r.Reserved, Spent: r.Spent, RequestsAt: Time(r.RequestsAt), TokensAt: Time(r.TokensAt),
	}
}
