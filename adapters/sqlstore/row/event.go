package row

import (
	"github.com/uptrace/bun"

	"github.com/archibot/archibotchat/core/audit"
)

// Event is a row of events.
type Event struct {
	bun.BaseModel `bun:"table:events,alias:v"`

	ID        string `bun:"id,pk"`
	Account   string `bun:"account_id"`
	Seq       int64  `bun:"seq"`
	At        int64  `bun:"at"`
	Kind      string `bun:"kind"`
	ActorKind string `bun:"actor_kind"`
	Actor     string `bun:"actor_id"`
	Area      string `bun:"area"`
	Request   string `bun:"request_id"`
	Key       string `bun:"key_id"`
	Amount    int64  `bun:"amount"`
	Reason    string `bun:"reason"`
	Subject   string `bun:"subject"`
	Model     string `bun:"model"`
	Count     int64  `bun:"count"`
}

// EventColumns lists the columns in the order of Fields.
const EventColumns = "id, account_id, seq, at, kind, actor_kind, actor_id, area, request_id, key_id, amount, reason, subject, model, count"

// Fields returns pointers to the columns, to scan into or to bind.
func (r *Event) Fields() []any { return r.AppendFields(nil) }

// AppendFields adds Fields to a list.
func (r *Event) AppendFields(to []any) []any {
	return append(to,
		&r.ID, &r.Account, &r.Seq, &r.At, &r.Kind, &r.ActorKind, &r.Actor, &r.Area, &r.Request, &r.Key, &r.Amount, &r.Reason,
		&r.Subject, &r.Model, &r.Count,
	)
}

// OfEvent returns the row of an event.
func OfEvent(e audit.Event) Event {
	return Event{
		ID: e.ID, Account: e.Account, Seq: e.Seq, At: Micros(e.At), Kind: string(e.Kind), ActorKind: string(e.Actor.Kind), Actor: e.Actor.ID,
		Area: e.Area, Request: e.Request, Key: e.Key, Amount: e.Amount, Reason: e.Reason, Subject: e.Subject, Model: e.Model, Count: max(e.Count, 1),
	}
}

// Event returns the event of a row.
func (r *Event) Event() audit.Event {
	return audit.Event{
		ID: r.ID, Account: r.Account, Seq: r.Seq, At: Time(r.At), Kind: audit.Kind(r.Kind),
		Actor: audit.Actor{Kind: audit.ActorKind(r.ActorKind), ID: r.Actor}, Area: r.Area, Request: r.Request, Key: r.Key, Amount: r.Amount,
		Reason: r.Reason, Subject: r.Subject, Model: r.Model, Count: r.Count,
	}
}
