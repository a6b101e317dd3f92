package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/archibot/archibotchat/core/app/limits"
	"github.com/archibot/archibotchat/core/app/sessions"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

// Bounds are what may be spent. A bound that is 0 is none.
type Bounds struct {
	Monthly  int64 `json:"monthly" doc:"Microcredits in a calendar month of UTC; 0 means no bound." example:"50000000"`
	Requests int64 `json:"requests_per_minute" doc:"0 means no bound." example:"60"`
	Tokens   int64 `json:"tokens_per_minute" doc:"0 means no bound." example:"200000"`
}

func boundsOf(l ledger.Limit) Bounds {
	return Bounds{Monthly: l.Monthly, Requests: l.Requests, Tokens: l.Tokens}
}

// Counted is what has counted against bounds in this month.
type Counted struct {
	Spent    int64     `json:"spent" doc:"Microcredits debited in this month."`
	Held     int64     `json:"held" doc:"Microcredits set aside for requests under way."`
	ResetsAt time.Time `json:"resets_at" doc:"When the next month begins."`
}

// Limit is a limit on what may be spent beside the credits that are there.
type Limit struct {
	Of string `json:"of" enum:"operator,account,member,key" doc:"Whose it is. Those of operator were given to the account by its operator, who alone can change them. Of several the tightest decides."`
	ID string `json:"id,omitempty" doc:"The user's or the key's ID. A rotated key counts with the first of its line." example:"user_06b1v5k9ehq7r4m2d8t0s3n1cg"`
	Bounds
	Counted
	UpdatedAt *time.Time `json:"updated_at,omitempty"`
}

// LimitList is a page of limits.
type LimitList struct {
	Data       []Limit `json:"data" nullable:"false"`
	NextCursor string  `json:"next_cursor,omitempty" doc:"Pass it as cursor to get the next page; absent on the last one."`
}

// LimitDraft is a limit as it shall be, as a whole.
type LimitDraft struct {
	Monthly  int64 `json:"monthly,omitempty" minimum:"0" maximum:"1000000000000000" doc:"Microcredits in a calendar month of UTC; no bound unless told. That of the account counts the whole month, a member's from when it is set."`
	Requests int64 `json:"requests_per_minute,omitempty" minimum:"0" maximum:"1000000000" doc:"No bound unless told."`
	Tokens   int64 `json:"tokens_per_minute,omitempty" minimum:"0" maximum:"1000000000" doc:"No bound unless told. A request counts with the most it may take while it runs, and with what it took afterwards."`
}

func (d LimitDraft) change() ledger.LimitChange {
	return ledger.LimitChange{Monthly: &d.Monthly, Requests: &d.Requests, Tokens: &d.Tokens}
}

type (
	limitsInput struct {
		Cursor string `query:"cursor" maxLength:"64" doc:"next_cursor of the page before."`
		Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"50" doc:"How many at most."`
	}
	limitsOutput struct{ Body LimitList }
	limitInput   struct {
		Whose string `path:"whose" maxLength:"64" doc:"account, or the ID of a member." example:"account"`
	}
	setLimitInput struct {
		Whose string `path:"whose" maxLength:"64" doc:"account, or the ID of a member." example:"account"`
		Body  LimitDraft
	}
	limitOutput struct{ Body Limit }
)

func (s *server) registerLimits() {
	tags := []string{"Limits"}
	op(s, huma.Operation{
		OperationID: "list-limits", Method: http.MethodGet, Path: "/api/limits", Tags: tags,
		Summary: "List limits", Description: "Every limit of the account, its members and its keys, with what has counted against it this month. For administrators.",
		Errors: []int{http.StatusForbidden},
	}, s.listLimits)
	op(s, huma.Operation{
		OperationID: "set-limit", Method: http.MethodPut, Path: "/api/limits/{whose}", Tags: tags,
		Summary: "Set a limit", Description: "Sets the account's budget or a member's cap as a whole; one that bounds nothing is cleared. " +
			"It is in force with the next request. The caps of a key are set with the key. For administrators.",
		Errors: []int{http.StatusForbidden, http.StatusNotFound, http.StatusConflict},
	}, s.setLimit)
	op(s, huma.Operation{
		OperationID: "clear-limit", Method: http.MethodDelete, Path: "/api/limits/{whose}", Tags: tags,
		Summary: "Clear a limit", Description: "Takes the account's budget or a member's cap away. For administrators.",
		Errors: []int{http.StatusForbidden, http.StatusNotFound}, DefaultStatus: http.StatusNoContent,
	}, s.clearLimit)
}

func (s *server) listLimits(ctx context.Context, c sessions.Current, in *limitsInput) (*limitsOutput, error) {
	found, err := s.Limits.List(ctx, c.Account.ID, store.Page{After: in.Cursor, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	list := LimitList{Data: []Limit{}}
	for _, v := range found {
		list.Data = append(list.Data, limitOf(v))
	}
	if len(found) == in.Limit {
		list.NextCursor = found[len(found)-1].Scope
	}
	return &limitsOutput{list}, nil
}

func (s *server) setLimit(ctx context.Context, c sessions.Current, in *setLimitInput) (*limitOutput, error) {
	of, err := whose(in.Whose)
	if err != nil {
		return nil, err
	}
	v, err := s.Limits.Set(ctx, c.Account.ID, of, in.Body.change())
	if err != nil {
		return nil, err
	}
	return &limitOutput{limitOf(v)}, nil
}

func (s *server) clearLimit(ctx context.Context, c sessions.Current, in *limitInput) (*struct{}, error) {
	of, err := whose(in.Whose)
	if err != nil {
		return nil, err
	}
	return nil, s.Limits.Clear(ctx, c.Account.ID, of)
}

func whose(text string) (limits.Whose, error) {
	if text == string(limits.Account) {
		return limits.Whose{Kind: limits.Account}, nil
	}
	return limits.Whose{Kind: limits.Member, ID: text}, checkID(text, "user")
}

func limitOf(v limits.View) Limit {
	return Limit{
		Of: string(v.Kind), ID: v.ID, Bounds: boundsOf(v.Limit), Counted: Counted{Spent: v.Spent, Held: v.Held, ResetsAt: v.Until.UTC()},
		UpdatedAt: instant(v.UpdatedAt),
	}
}
