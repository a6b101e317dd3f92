package row

import (
	"github.com/uptrace/bun"

	"github.com/archibot/archibotchat/core/ledger"
)

// Lot is a row of lots.
type Lot struct {
	bun.BaseModel `bun:"table:lots,alias:l"`

	ID        string `bun:"id,pk"`
	Account   string `bun:"account_id"`
	Source    string `bun:"source"`
	State     string `bun:"state"`
	Granted   int64  `bun:"granted"`
	Remaining int64  `bun:"remaining"`
	Held      int64  `bun:"held"`
	GrantedAt int64  `bun:"granted_at"`
	ExpiresAt int64  `bun:"expires_at"`
}

// LotColumns lists the columns in the order of Fields.
const LotColumns = "id, account_id, source, state, granted, remaining, held, granted_at, expires_at"

// Fields returns pointers to the columns, to scan into or to bind.
func (r *Lot) Fields() []any { return r.AppendFields(nil) }

// AppendFields adds Fields to a list.
func (r *Lot) AppendFields(to []any) []any {
	return append(to, &r.ID, &r.Account, &r.Source, &r.State, &r.Granted, &r.Remaining, &r.Held, &r.GrantedAt, &r.ExpiresAt)
}

// OfLot returns the row of a lot.
func OfLot(l ledger.Lot) Lot {
	return Lot{
		ID: l.ID, Account: l.Account, Source: string(l.Source), State: string(l.State), Granted: l.Granted, Remaining: l.Remaining,
		Held: l.Held, GrantedAt: Micros(l.GrantedAt), ExpiresAt: Micros(l.ExpiresAt),
	}
}

// Lot returns the lot of a row.
func (r *Lot) Lot() ledger.Lot {
	return ledger.Lot{
		ID: r.ID, Account: r.Account, Source: ledger.Source(r.Source), State: ledger.LotState(r.State), Granted: r.Granted,
		Remaining: r.Remaining, Held: r.Held, GrantedAt: Time(r.GrantedAt), ExpiresAt: Time(r.ExpiresAt),
	}
}
