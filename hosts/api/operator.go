package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/requests"
	"github.com/archibot/archibotchat/core/app/sessions"
	"github.com/archibot/archibotchat/core/billing"
	"github.com/archibot/archibotchat/ports/store"
)

// AccessRequestList is a page of requests for access, newest first.
type AccessRequestList struct {
	Data       []AccessRequest `json:"data" nullable:"false"`
	NextCursor string          `json:"next_cursor,omitempty" doc:"Pass it as cursor to get the next page; absent on the last one."`
}

// ApprovedRequest is an approved request with what came of it, shown this once.
type ApprovedRequest struct {
	Request    AccessRequest `json:"access_request"`
	Account    Account       `json:"account"`
	Invitation NewInvitation `json:"invitation" doc:"For the applicant, as the account's administrator."`
}

type (
	accessRequestsInput struct {
		State  string `query:"state" enum:"open,approved,denied,all" default:"open" doc:"Which to list."`
		Cursor string `query:"cursor" maxLength:"64" doc:"next_cursor of the page before."`
		Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"50" doc:"How many at most."`
	}
	accessRequestsOutput struct{ Body AccessRequestList }
	accessRequestInput   struct {
		ID string `path:"id" doc:"The ID of a request for access."`
	}
	accessRequestOutput struct{ Body AccessRequest }
	approveInput        struct {
		ID   string `path:"id" doc:"The ID of a request for access."`
		Body struct {
			Groups  []string `json:"groups,omitempty" maxItems:"3" enum:"chat,api,workspace" doc:"Product groups of the account; those that were asked for if absent."`
			Billing string   `json:"billing,omitempty" enum:"none,incomplete,trial,active,operator_approved" doc:"Billing state of the account; operator_approved if absent."`
			Name    string   `json:"name,omitempty" maxLength:"400" doc:"Name of the account; the company's if absent."`
		}
	}
	approveOutput struct{ Body ApprovedRequest }
	denyInput     struct {
		ID   string `path:"id" doc:"The ID of a request for access."`
		Body struct {
			Reason string `json:"reason" maxLength:"2000" doc:"For the applicant, at most 500 characters."`
		}
	}
)

// staff registers an operation of the operator area: its gate is asked, and
// whoever passes acts as an operator from there on (A4, G1).
func staff[I, O any](s *server, o huma.Operation, fn func(context.Context, *I) (*O, error)) {
	o.Errors = append(o.Errors, http.StatusForbidden)
	personal(s, o, func(ctx context.Context, c sessions.Current, in *I) (*O, error) {
		if err := s.passStaff(ctx, c); err != nil {
			return nil, err
		}
		return fn(asOperator(ctx, c), in)
	})
}

// freshStaff is staff for what needs a sign-in of late too.
func freshStaff[I, O any](s *server, o huma.Operation, fn func(context.Context, *I) (*O, error)) {
	o.Errors = append(o.Errors, http.StatusForbidden)
	personal(s, o, func(ctx context.Context, c sessions.Current, in *I) (*O, error) {
		err := s.passStaff(ctx, c)
		if err == nil {
			err = s.Sessions.Fresh(ctx)
		}
		if err != nil {
			return nil, err
		}
		return fn(asOperator(ctx, c), in)
	})
}

func (s *server) passStaff(ctx context.Context, c sessions.Current) error {
	d, err := s.Gate.Decide(ctx, c.Account, access.AreaOperator)
	if err != nil {
		return err
	}
	if !d[0].Allowed {
		return d[0].Fault()
	}
	return nil
}

func asOperator(ctx context.Context, c sessions.Current) context.Context {
	p := c.Principal()
	return access.WithPrincipal(ctx, access.Principal{Kind: access.PrincipalOperator, ID: p.ID, User: p.User, Session: p.Session})
}

func (s *server) registerOperator() {
	tags := []string{"Operator"}
	staff(s, huma.Operation{
		OperationID: "list-access-requests", Method: http.MethodGet, Path: "/api/operator/access-requests", Tags: tags,
		Summary: "List requests for access", Description: "Newest first.",
	}, s.listRequests)
	staff(s, huma.Operation{
		OperationID: "show-access-request", Method: http.MethodGet, Path: "/api/operator/access-requests/{id}", Tags: tags,
		Summary: "Show a request for access", Errors: []int{http.StatusNotFound},
	}, func(ctx context.Context, in *accessRequestInput) (*accessRequestOutput, error) {
		return s.oneRequest(in.ID, func() (store.AccessRequest, error) { return s.Requests.Show(ctx, in.ID) })
	})
	freshStaff(s, huma.Operation{
		OperationID: "approve-access-request", Method: http.MethodPost, Path: "/api/operator/access-requests/{id}/approve", Tags: tags,
		Summary: "Approve a request for access", Description: "Opens the account and invites the applicant as its administrator. Needs a sign-in within the last 5 minutes.",
		Errors: []int{http.StatusNotFound, http.StatusConflict},
	}, s.approve)
	staff(s, huma.Operation{
		OperationID: "deny-access-request", Method: http.MethodPost, Path: "/api/operator/access-requests/{id}/deny", Tags: tags,
		Summary: "Deny a request for access", Errors: []int{http.StatusNotFound, http.StatusConflict},
	}, func(ctx context.Context, in *denyInput) (*accessRequestOutput, error) {
		return s.oneRequest(in.ID, func() (store.AccessRequest, error) { return s.Requests.Deny(ctx, in.ID, in.Body.Reason) })
	})
	staff(s, huma.Operation{
		OperationID: "reopen-access-request", Method: http.MethodPost, Path: "/api/operator/access-requests/{id}/reopen", Tags: tags,
		Summary: "Take a denial back", Errors: []int{http.StatusNotFound, http.StatusConflict},
	}, func(ctx context.Context, in *accessRequestInput) (*accessRequestOutput, error) {
		return s.oneRequest(in.ID, func() (store.AccessRequest, error) { return s.Requests.Reopen(ctx, in.ID) })
	})
}

func (s *server) listRequests(ctx context.Context, in *accessRequestsInput) (*accessRequestsOutput, error) {
	state := store.RequestState(in.State)
	if in.State == "all" {
		state = ""
	}
	found, err := s.Requests.List(ctx, state, store.Page{After: in.Cursor, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	list := AccessRequestList{Data: []AccessRequest{}}
	for _, r := range found {
		list.Data = append(list.Data, requestOf(r))
	}
	if len(found) == in.Limit {
		list.NextCursor = found[len(found)-1].ID
	}
	return &accessRequestsOutput{list}, nil
}

func (s *server) oneRequest(id string, do func() (store.AccessRequest, error)) (*accessRequestOutput, error) {
	if err := checkID(id, "acr"); err != nil {
		return nil, err
	}
	r, err := do()
	if err != nil {
		return nil, err
	}
	return &accessRequestOutput{requestOf(r)}, nil
}

func (s *server) approve(ctx context.Context, in *approveInput) (*approveOutput, error) {
	if err := checkID(in.ID, "acr"); err != nil {
		return nil, err
	}
	var groups []access.Group
	for _, g := range in.Body.Groups {
		groups = append(groups, access.Group(g))
	}
	a, err := s.Requests.Approve(ctx, in.ID, requests.Terms{Groups: access.NewGroups(groups...), Billing: billing.State(in.Body.Billing), Name: in.Body.Name})
	if err != nil {
		return nil, err
	}
	return &approveOutput{ApprovedRequest{requestOf(a.Request), accountOf(a.Account), s.newInvitation(a.Invitation, a.Token)}}, nil
}
