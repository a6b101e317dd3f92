package row

import "github.com/archibot/archibotchat/core/ledger"

// Reservation is a row of idempotency.
type Reservation struct {
	Account   string
	ID        []byte
	Print     []byte
	Request   string
	At        int64
	Kept      string
	Debited   int64
	Remaining int64
	// Hold is the state of the request's hold: no column, but read with them.
	Hold string
}

// ReservationColumns lists the columns in the order of Fields.
const ReservationColumns = "account_id, id, print, request_id, created_at, kept, debited, remaining"

// SelectReservations reads them, each with Hold behind. The state is looked up
// for each row, not joined, so that there is no way to read it but by key.
const SelectReservations = "SELECT " + ReservationColumns +
	", COALESCE((SELECT h.state FROM holds AS h WHERE h.request_id = i.request_id), '') FROM idempotency AS i"

// Fields returns pointers to the columns, to scan into or to bind.
func (r *Reservation) Fields() []any { return r.AppendFields(nil) }

// AppendFields adds Fields to a list.
func (r *Reservation) AppendFields(to []any) []any {
	return append(to, &r.Account, &r.ID, &r.Print, &r.Request, &r.At, &r.Kept, &r.Debited, &r.Remaining)
}

// OfReservation returns the row of an account's reservation.
func OfReservation(account string, v ledger.Reservation) Reservation {
	return Reservation{
		Account: account, ID: v.ID[:], Print: v.Print[:], Request: v.Request, At: Micros(v.At), Kept: string(v.Kept), Debited: v.Debited, Remaining: v.Remaining,
	}
}

// Reservation returns the reservation of a row.
func (r *Reservation) Reservation() ledger.Reservation {
	v := ledger.Reservation{
		Request: r.Request, At: Time(r.At), Kept: ledger.Kept(r.Kept), Debited: r.Debited, Remaining: r.Remaining, Hold: ledger.HoldState(r.Hold),
	}
	copy(v.ID[:], r.ID)
	copy(v.Print[:], r.Print)
	return v
}
