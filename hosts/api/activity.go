package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/archibot/archibotchat/core/app/sessions"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/ports/store"
)

// Event is one thing that happened.
type Event struct {
	ID      string    `json:"id" example:"evt_06b1v5k9ehq7r4m2d8t0s3n1cg"`
	Seq     int64     `json:"seq" doc:"1, 2, 3, … within the account."`
	At      time.Time `json:"at"`
	Kind    string    `json:"kind" example:"usage.debited"`
	Actor   Actor     `json:"actor"`
	Area    string    `json:"area,omitempty"`
	Request string    `json:"request_id,omitempty"`
	Key     string    `json:"key_id,omitempty"`
	Model   string    `json:"model,omitempty"`
	Amount  int64     `json:"amount" doc:"Microcredits, signed as the balance moved; 0 if none did." example:"-1500"`
	Reason  string    `json:"reason,omitempty" doc:"A reason code."`
	Subject string    `json:"subject,omitempty" doc:"The ID of what it happened to."`
	Count   int64     `json:"count" doc:"How many alike it stands for." example:"1"`
}

// Actor is who did it.
type Actor struct {
	Kind string `json:"kind" enum:"service,operator,user,key,unknown"`
	ID   string `json:"id,omitempty"`
}

// EventList is a page of events, newest first.
type EventList struct {
	Data       []Event `json:"data" nullable:"false"`
	NextCursor string  `json:"next_cursor,omitempty" doc:"Pass it as cursor to get the next page; absent on the last one."`
}

type (
	// EventFilter narrows a list of events.
	EventFilter struct {
		Kinds   []string  `query:"kind" maxItems:"32" doc:"Kinds, separated by commas."`
		Key     string    `query:"key" maxLength:"64" doc:"The ID of an API key."`
		Request string    `query:"request" maxLength:"64" doc:"A request ID."`
		Since   time.Time `query:"since" doc:"Not before this instant."`
		Until   time.Time `query:"until" doc:"Before this instant."`
	}
	eventsInput struct {
		EventFilter
		Cursor string `query:"cursor" maxLength:"20" doc:"next_cursor of the page before."`
		Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"50" doc:"How many at most."`
	}
	eventsOutput struct{ Body EventList }
	exportInput  struct{ EventFilter }
)

func (s *server) registerActivity() {
	tags := []string{"Activity"}
	op(s, huma.Operation{
		OperationID: "list-activity", Method: http.MethodGet, Path: "/api/activity", Tags: tags,
		Summary: "List activity", Description: "Events of the account, newest first. A page that a filter narrows may be short, or empty, and still have a next_cursor.",
	}, s.listActivity)
	op(s, huma.Operation{
		OperationID: "export-activity", Method: http.MethodGet, Path: "/api/activity.csv", Tags: tags,
		Summary: "Export activity as CSV", Description: "All events that pass the filters, newest first.",
		Responses: tableResponse("The events", nil),
	}, s.exportActivity)
}

func (s *server) listActivity(ctx context.Context, c sessions.Current, in *eventsInput) (*eventsOutput, error) {
	before, err := sequence(in.Cursor)
	if err != nil {
		return nil, err
	}
	q := in.query(c)
	q.Before, q.Limit = before, in.Limit
	es, next, err := s.Activity.List(ctx, q)
	if err != nil {
		return nil, err
	}
	list := EventList{Data: []Event{}}
	for _, e := range es {
		list.Data = append(list.Data, eventOf(e))
	}
	if next > 0 {
		list.NextCursor = strconv.FormatInt(next, 10)
	}
	return &eventsOutput{list}, nil
}

func (s *server) exportActivity(ctx context.Context, c sessions.Current, in *exportInput) (*huma.StreamResponse, error) {
	q := in.query(c)
	q.Limit = store.MaxPage
	first, next, err := s.Activity.List(ctx, q) // before the first byte, so that an error is a problem
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(h huma.Context) {
		s.table(h, "activity", func(ctx context.Context, put func(...string) error) error {
			err := put("at", "seq", "kind", "actor_kind", "actor_id", "area", "request_id", "key_id", "model", "amount_microcredits", "reason", "subject", "count", "id")
			for es := first; err == nil; {
				for _, e := range es {
					if err := put(e.At.UTC().Format(time.RFC3339Nano), strconv.FormatInt(e.Seq, 10), string(e.Kind), string(e.Actor.Kind), cell(e.Actor.ID), e.Area,
						e.Request, e.Key, cell(e.Model), strconv.FormatInt(e.Amount, 10), cell(e.Reason), e.Subject, strconv.FormatInt(e.Count, 10), e.ID); err != nil {
						return err
					}
				}
				if next == 0 {
					return nil
				}
				q.Before = next
				es, next, err = s.Activity.List(ctx, q)
			}
			return err
		})
	}}, nil
}

func (f EventFilter) query(c sessions.Current) store.EventQuery {
	q := store.EventQuery{Account: c.Account.ID, Key: f.Key, Request: f.Request, Since: f.Since, Until: f.Until}
	for _, k := range f.Kinds {
		q.Kinds = append(q.Kinds, audit.Kind(k))
	}
	return q
}

func eventOf(e audit.Event) Event {
	return Event{
		ID: e.ID, Seq: e.Seq, At: e.At.UTC(), Kind: string(e.Kind), Actor: Actor{string(e.Actor.Kind), e.Actor.ID}, Area: e.Area,
		Request: e.Request, Key: e.Key, Model: e.Model, Amount: e.Amount, Reason: e.Reason, Subject: e.Subject, Count: e.Count,
	}
}
