package row

import (
	"strings"

	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/ledger"
)

// Spend is the row of a hold that was settled in the step that made it and paid
// from one lot. It tells of its entry and its event too, and no other row does:
// the views spend_entries and spend_events know how (migration 0022).
type Spend struct {
	Hold

	EntrySeq int64
	EventSeq int64
}

// SpendColumns lists the columns in the order of AppendFields.
const SpendColumns = HoldColumns + ", entry_seq, event_seq"

// AppendFields adds pointers to the columns to a list.
func (r *Spend) AppendFields(to []any) []any {
	return append(r.Hold.AppendFields(to), &r.EntrySeq, &r.EventSeq)
}

// Fields returns pointers to the columns.
func (r *Spend) Fields() []any { return r.AppendFields(nil) }

// OfSpend returns the row that stands for a hold, its entry and its event, but
// for the event's ID; false if it would not tell of them what they say.
func OfSpend(h Hold, e Entry, v Event) (Spend, bool) {
	r := Spend{Hold: h, EntrySeq: e.Seq, EventSeq: v.Seq}
	r.DebitedBy = 0
	ok := h.State == string(ledger.HoldSettled) && h.Debited > 0 && strings.HasPrefix(h.Request, requestPrefix)
	return r, ok && r.entry() == e && r.event() == v
}

// The prefixes of IDs, of the same length: events of spends are found, and come
// in their order, by the requests'.
const (
	requestPrefix = "req_"
	eventPrefix   = "evt_"
	// behindRequests is greater than any ID of a request.
	behindRequests = "req`"
)

// AtEvent returns the request's ID at whose place among spends an event's ID
// lies: the one with that event, if there is one. IDs that no spend's event can
// have lie before or behind all.
func AtEvent(id string) string {
	rest, ok := strings.CutPrefix(id, eventPrefix)
	switch {
	case ok:
		return requestPrefix + rest
	case id < eventPrefix:
		return requestPrefix
	}
	return behindRequests
}

// entry is what the view spend_entries makes of it.
func (r *Spend) entry() Entry {
	lot := ""
	if cut := strings.SplitN(r.Parts, `"`, 5); len(cut) == 5 {
		lot = cut[3]
	}
	return Entry{
		Account: r.Account, Seq: r.EntrySeq, Lot: lot, Kind: string(ledger.EntryDebit), Amount: -r.Debited, Request: r.Request, At: r.ClosedAt,
	}
}

// event is what the view spend_events makes of it, without the ID.
func (r *Spend) event() Event {
	actor, kind := r.Key, audit.ActorKey
	if actor == "" {
		actor, kind = r.User, audit.ActorUser
	}
	return Event{
		Account: r.Account, Seq: r.EventSeq, At: r.ClosedAt, Kind: string(audit.UsageDebited), ActorKind: string(kind), Actor: actor,
		Area: r.Area, Request: r.Request, Key: r.Key, Amount: -r.Debited, Model: r.Model, Count: 1,
	}
}
