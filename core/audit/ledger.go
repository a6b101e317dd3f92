package audit

import (
	"cmp"

	"github.com/archibot/archibotchat/core/ledger"
)

// OfLedger returns the events that an applied ledger op leaves behind, without
// ID and sequence, which the store gives. A refused or replayed op leaves
// none, and neither does a hold or its extension: the end tells the story.
func OfLedger(op ledger.Op, o ledger.Outcome) []Event {
	if o.Err != nil || o.Replayed {
		return nil
	}
	e := Event{
		Account: op.Account, At: o.At, Actor: actorOf(op), Area: op.Work.Area, Request: op.Request, Key: op.Work.Key,
		Reason: op.Reason, Model: op.Work.Model, Count: 1,
	}
	switch op.Kind {
	case ledger.OpGrant:
		e.Kind, e.Amount, e.Subject = CreditsGranted, op.Amount, op.Lot
	case ledger.OpSettle, ledger.OpSpend:
		e.Kind, e.Amount = UsageDebited, -o.Debited
		if o.Uncollected > 0 {
			short := e
			short.Kind, short.Amount = UsageUncollected, o.Uncollected
			return append([]Event{e, short}, moved(op, o)...)
		}
		return append([]Event{e}, moved(op, o)...)
	case ledger.OpRelease:
		e.Kind = UsageReleased
		return append([]Event{e}, moved(op, o)...)
	case ledger.OpClawback:
		e.Kind, e.Subject = CreditsClawedBack, op.Lot
		for _, x := range o.Entries {
			e.Amount += x.Amount
		}
	case ledger.OpCorrect:
		e.Kind, e.Amount = CreditsCorrected, op.Amount
		if len(o.Correction) == 1 { // of several lots the entries tell
			e.Subject = o.Correction[0].Lot
		}
	case ledger.OpSweep, ledger.OpClose:
		return moved(op, o)
	default:
		return nil
	}
	return []Event{e}
}

// moved tells of entries that took credits away for another reason than use.
func moved(op ledger.Op, o ledger.Outcome) (out []Event) {
	kinds := map[ledger.EntryKind]Kind{ledger.EntryExpiry: CreditsExpired, ledger.EntryClawback: CreditsClawedBack, ledger.EntryClosure: CreditsClosed}
	for _, x := range o.Entries {
		if k, ok := kinds[x.Kind]; ok {
			out = append(out, Event{
				Account: op.Account, At: o.At, Kind: k, Actor: actorOf(op), Request: op.Request, Amount: x.Amount,
				Reason: cmp.Or(x.Reason, op.Reason), Subject: x.Lot, Count: 1,
			})
		}
	}
	return out
}

func actorOf(op ledger.Op) Actor {
	if op.ActorKind != "" {
		return Actor{ActorKind(op.ActorKind), op.Actor}
	}
	if op.Work.Key != "" && op.Kind.Terminal() {
		return Actor{ActorKey, op.Work.Key}
	}
	if op.Work.User != "" && op.Kind.Terminal() {
		return Actor{ActorUser, op.Work.User}
	}
	return Actor{Kind: ActorService}
}
