package audit_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/ledger"
)

func TestOfLedger(t *testing.T) { // U1, U3
	t.Parallel()
	now := time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC)
	work := ledger.Work{Key: "key_1", User: "user_1", Area: "api", Model: "m"}
	byKey, service, pat := audit.Actor{Kind: audit.ActorKey, ID: "key_1"}, audit.Actor{Kind: audit.ActorService}, audit.Actor{Kind: audit.ActorOperator, ID: "pat"}
	usage := audit.Event{Account: "acct_1", At: now, Actor: byKey, Area: "api", Request: "req_1", Key: "key_1", Reason: "why", Model: "m", Count: 1}
	with := func(e audit.Event, kind audit.Kind, amount int64) audit.Event {
		e.Kind, e.Amount = kind, amount
		return e
	}
	lot := func(kind audit.Kind, actor audit.Actor, request, lot, reason string, amount int64) audit.Event {
		return audit.Event{Account: "acct_1", At: now, Kind: kind, Actor: actor, Request: request, Amount: amount, Reason: reason, Subject: lot, Count: 1}
	}
	debit := ledger.Entry{Lot: "lot_1", Kind: ledger.EntryDebit, Amount: -30, Request: "req_1"}
	expiry := ledger.Entry{Lot: "lot_1", Kind: ledger.EntryExpiry, Amount: -5, Reason: "returned_after_expiry", At: now.Add(-time.Hour)}
	fixed := ledger.Entry{Lot: "lot_2", Kind: ledger.EntryCorrection, Amount: 40}
	closure := ledger.Entry{Lot: "lot_2", Kind: ledger.EntryClosure, Amount: -7}
	taken := ledger.Entry{Lot: "lot_1", Kind: ledger.EntryClawback, Amount: -9, Reason: "returned_after_clawback"}

	for name, c := range map[string]struct {
		kind  ledger.OpKind
		actor string
		out   ledger.Outcome
		want  []audit.Event
	}{
		"grant":                 {ledger.OpGrant, "pat", ledger.Outcome{}, []audit.Event{with(withSubject(usage, pat, "lot_1"), audit.CreditsGranted, 40)}},
		"correction":            {ledger.OpCorrect, "pat", ledger.Outcome{Correction: []ledger.Entry{fixed}}, []audit.Event{with(withSubject(usage, pat, "lot_2"), audit.CreditsCorrected, 40)}},
		"correction of two":     {ledger.OpCorrect, "pat", ledger.Outcome{Correction: []ledger.Entry{fixed, fixed}}, []audit.Event{with(withSubject(usage, pat, ""), audit.CreditsCorrected, 40)}},
		"hold":                  {ledger.OpHold, "", ledger.Outcome{}, nil},
		"mark":                  {ledger.OpMark, "", ledger.Outcome{}, nil},
		"unknown":               {0, "", ledger.Outcome{}, nil},
		"refused":               {ledger.OpSettle, "", ledger.Outcome{Err: ledger.ErrConflict}, nil},
		"replayed":              {ledger.OpSettle, "", ledger.Outcome{Replayed: true, Debited: 30}, nil},
		"settle":                {ledger.OpSettle, "", ledger.Outcome{Debited: 30, Entries: []ledger.Entry{debit}}, []audit.Event{with(usage, audit.UsageDebited, -30)}},
		"settle of nothing":     {ledger.OpSettle, "", ledger.Outcome{}, []audit.Event{with(usage, audit.UsageDebited, 0)}},
		"settle by an operator": {ledger.OpSettle, "pat", ledger.Outcome{Debited: 30}, []audit.Event{with(withSubject(usage, pat, ""), audit.UsageDebited, -30)}},
		"settle short": {
			ledger.OpSettle, "",
			ledger.Outcome{Debited: 30, Uncollected: 10, Entries: []ledger.Entry{debit, expiry}},
			[]audit.Event{
				with(usage, audit.UsageDebited, -30), with(usage, audit.UsageUncollected, 10),
				lot(audit.CreditsExpired, byKey, "req_1", "lot_1", "returned_after_expiry", -5),
			},
		},
		"release": {ledger.OpRelease, "", ledger.Outcome{}, []audit.Event{with(usage, audit.UsageReleased, 0)}},
		"release to a clawed-back lot": {
			ledger.OpRelease, "",
			ledger.Outcome{Entries: []ledger.Entry{taken}},
			[]audit.Event{with(usage, audit.UsageReleased, 0), lot(audit.CreditsClawedBack, byKey, "req_1", "lot_1", "returned_after_clawback", -9)},
		},
		"sweep":               {ledger.OpSweep, "", ledger.Outcome{Entries: []ledger.Entry{expiry}}, []audit.Event{lot(audit.CreditsExpired, service, "req_1", "lot_1", "returned_after_expiry", -5)}},
		"sweep of nothing":    {ledger.OpSweep, "", ledger.Outcome{}, nil},
		"clawback":            {ledger.OpClawback, "pat", ledger.Outcome{Entries: []ledger.Entry{taken}}, []audit.Event{with(withSubject(usage, pat, "lot_1"), audit.CreditsClawedBack, -9)}},
		"clawback of nothing": {ledger.OpClawback, "pat", ledger.Outcome{}, []audit.Event{with(withSubject(usage, pat, "lot_1"), audit.CreditsClawedBack, 0)}},
		"close": {
			ledger.OpClose, "pat",
			ledger.Outcome{Entries: []ledger.Entry{closure, closure}},
			[]audit.Event{lot(audit.CreditsClosed, pat, "req_1", "lot_2", "why", -7), lot(audit.CreditsClosed, pat, "req_1", "lot_2", "why", -7)},
		},
	} {
		op := ledger.Op{Kind: c.kind, Account: "acct_1", Amount: 40, Request: "req_1", Lot: "lot_1", Work: work, Reason: "why"}
		if c.actor != "" {
			op.Actor, op.ActorKind = c.actor, string(audit.ActorOperator)
		}
		c.out.At = now
		require.Equal(t, c.want, audit.OfLedger(op, c.out), name)
	}
}

func withSubject(e audit.Event, actor audit.Actor, subject string) audit.Event {
	e.Actor, e.Subject = actor, subject
	return e
}

func TestBy(t *testing.T) {
	t.Parallel()
	require.Equal(t, audit.Actor{Kind: audit.ActorUnknown}, audit.By(context.Background()))
	for kind, want := range map[access.PrincipalKind]audit.Actor{
		access.PrincipalUser:     {Kind: audit.ActorUser, ID: "id_1"},
		access.PrincipalKey:      {Kind: audit.ActorKey, ID: "id_1"},
		access.PrincipalOperator: {Kind: audit.ActorOperator, ID: "id_1"},
		access.PrincipalService:  {Kind: audit.ActorService, ID: "id_1"},
		"":                       {Kind: audit.ActorUnknown},
		"ghost":                  {Kind: audit.ActorUnknown},
	} {
		require.Equal(t, want, audit.By(access.WithPrincipal(t.Context(), access.Principal{Kind: kind, ID: "id_1"})), kind)
	}
}

// What the service does for somebody's browser is that somebody's doing, and
// names no key (K8).
func TestOfLedger_firstParty(t *testing.T) {
	t.Parallel()
	op := ledger.Op{Kind: ledger.OpSettle, Account: "acct_1", Request: "req_1", Work: ledger.Work{User: "user_1", Area: "chat"}}
	es := audit.OfLedger(op, ledger.Outcome{Debited: 30})
	require.Len(t, es, 1)
	require.Equal(t, audit.Actor{Kind: audit.ActorUser, ID: "user_1"}, es[0].Actor)
	require.Empty(t, es[0].Key)
}
