package row

import (
	"github.com/uptrace/bun"

	"github.com/archibot/archibotchat/core/ledger"
)

// Entry is a row of entries.
type Entry struct {
	bun.BaseModel `bun:"table:entries,alias:e"`

	Account string `bun:"account_id,pk"`
	Seq     int64  `bun:"seq,pk"`
	Lot     string `bun:"lot_id"`
	Kind    string `bun:"kind"`
	Amount  int64  `bun:"amount"`
	Request string `bun:"request_id"`
	Reason  string `bun:"reason"`
	Actor   string `bun:"actor"`
	At      int64  `bun:"at"`
}

// EntryColumns lists the columns in the order of Fields.
const EntryColumns = "account_id, seq, lot_id, kind, amount, request_id, reason, actor, at"

// Fields returns pointers to the columns, to scan into or to bind.
func (r *Entry) Fields() []any { return r.AppendFields(nil) }

// AppendFields adds Fields to a list.
func (r *Entry) AppendFields(to []any) []any {
	return append(to, &r.Account, &r.Seq, &r.Lot, &r.Kind, &r.Amount, &r.Request, &r.Reason, &r.Actor, &r.At)
}

// OfEntry returns the row of an entry.
func OfEntry(e ledger.Entry) Entry {
	return Entry{
		Account: e.Account, Seq: e.Seq, Lot: e.Lot, Kind: string(e.Kind), Amount: e.Amount, Request: e.Request, Reason: e.Reason,
		Actor: e.Actor, At: Micros(e.At),
	}
}

// Entry returns the entry of a row.
func (r *Entry) Entry() ledger.Entry {
	return ledger.Entry{
		Account: r.Account, Seq: r.Seq, Lot: r.Lot, Kind: ledger.EntryKind(r.Kind), Amount: r.Amount, Request: r.Request,
		Reason: r.Reason, Actor: r.Actor, At: Time(r.At),
	}
}
