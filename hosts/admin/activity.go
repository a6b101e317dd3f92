package admin

import (
	"context"
	"io"
	"strconv"
	"time"

	"github.com/archibot/archibotchat/core/app/credits"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/ports/store"
)

type activityCommand struct {
	Account string `required:"" placeholder:"ID" help:"Account, acct_…"`
	Request string `placeholder:"ID" help:"Only what belongs to this request, req_…"`
	Key     string `placeholder:"ID" help:"Only what belongs to this key, key_…"`
	Limit   int    `default:"50" help:"Most lines to show, at most 1000."`
	Before  int64  `placeholder:"SEQ" help:"Show what came before this sequence number: next_before of the page before."`
}

// eventView is an event in JSON. Amount is in microcredits, signed as the
// balance moved.
type eventView struct {
	ID      string     `json:"id"`
	Account string     `json:"account"`
	Seq     int64      `json:"seq"`
	At      *time.Time `json:"at"`
	Kind    audit.Kind `json:"kind"`
	Actor   actorView  `json:"actor"`
	Area    string     `json:"area"`
	Request string     `json:"request"`
	Key     string     `json:"key"`
	Model   string     `json:"model"`
	Amount  int64      `json:"amount"`
	Reason  string     `json:"reason"`
	Subject string     `json:"subject"`
	Count   int64      `json:"count"`
}

type actorView struct {
	Kind audit.ActorKind `json:"kind"`
	ID   string          `json:"id"`
}

func viewEvent(e audit.Event) eventView {
	return eventView{
		ID: e.ID, Account: e.Account, Seq: e.Seq, At: instant(e.At), Kind: e.Kind, Actor: actorView{e.Actor.Kind, e.Actor.ID}, Area: e.Area,
		Request: e.Request, Key: e.Key, Model: e.Model, Amount: e.Amount, Reason: e.Reason, Subject: e.Subject, Count: e.Count,
	}
}

// Run lists the events.
func (c *activityCommand) Run(ctx context.Context, env *Env) error {
	ctx, desk, err := env.open(ctx)
	if err != nil {
		return err
	}
	if _, err := desk.Accounts.Show(ctx, c.Account); err != nil {
		return err
	}
	found, next, err := desk.Activity.List(ctx, store.EventQuery{Account: c.Account, Request: c.Request, Key: c.Key, Before: c.Before, Limit: c.Limit})
	if err != nil {
		return err
	}
	out := struct {
		RequestID  string      `json:"request_id"`
		Account    string      `json:"account"`
		Events     []eventView `json:"events"`
		NextBefore int64       `json:"next_before,omitempty"`
	}{env.Request, c.Account, []eventView{}, next}
	for _, e := range found {
		out.Events = append(out.Events, viewEvent(e))
	}
	return env.table(out, len(found), "No events.", []string{"SEQ", "TIME", "KIND", "CREDITS", "COUNT", "BY", "REQUEST", "SUBJECT", "REASON"}, func(w io.Writer) {
		for _, e := range found {
			row(w, strconv.FormatInt(e.Seq, 10), stamp(e.At), string(e.Kind), credits.Format(e.Amount), strconv.FormatInt(e.Count, 10),
				string(e.Actor.Kind)+" "+e.Actor.ID, e.Request, e.Subject, e.Reason)
		}
	})
}
