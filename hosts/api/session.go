package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/archibot/archibotchat/core/app/sessions"
	"github.com/archibot/archibotchat/ports/store"
)

// OwnSession is a session of the signed-in person.
type OwnSession struct {
	ID        string    `json:"id" example:"ses_06b1v5k9ehq7r4m2d8t0s3n1cg"`
	Current   bool      `json:"current" doc:"Whether it is the one that asks."`
	Provider  string    `json:"provider,omitempty" doc:"The ID of the provider that signed them in; absent if an operator minted the session."`
	Account   string    `json:"account_id,omitempty" doc:"The account it is for; absent if it is for none yet."`
	CreatedAt time.Time `json:"created_at"`
	SeenAt    time.Time `json:"last_used_at" doc:"To the minute."`
	ExpiresAt time.Time `json:"expires_at" doc:"When it ends in any case."`
}

// OwnSessionList is a page of sessions, newest first.
type OwnSessionList struct {
	Data       []OwnSession `json:"data" nullable:"false"`
	NextCursor string       `json:"next_cursor,omitempty" doc:"Pass it as cursor to get the next page; absent on the last one."`
}

// SignedOut says where to go on to.
type SignedOut struct {
	LogoutURL string `json:"logout_url" doc:"Where to send the browser so that it is signed out at the provider too; empty if there is no such place."`
}

type (
	signedOutOutput struct {
		SetCookie string `header:"Set-Cookie" doc:"Takes the session cookie away."`
		Body      SignedOut
	}
	sessionsInput struct {
		Cursor string `query:"cursor" maxLength:"64" doc:"next_cursor of the page before."`
		Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"50" doc:"How many at most."`
	}
	sessionsOutput struct{ Body OwnSessionList }
	sessionInput   struct {
		ID string `path:"id" doc:"The ID of a session."`
	}
	switchInput struct {
		Body struct {
			Account string `json:"account_id" maxLength:"64" doc:"An account that the person is a member of."`
		}
	}
)

func (s *server) registerSession() {
	tags := []string{"Session"}
	personal(s, huma.Operation{
		OperationID: "sign-out", Method: http.MethodDelete, Path: "/api/session", Tags: tags,
		Summary: "Sign out", Description: "Ends the session that the request came with, and says where to sign out at the provider too.",
		Errors: []int{http.StatusForbidden},
	}, s.endSession)
	personal(s, huma.Operation{
		OperationID: "list-sessions", Method: http.MethodGet, Path: "/api/sessions", Tags: tags,
		Summary: "List one's own sessions", Description: "Where the person is signed in, newest first. A page may be short and still have a next_cursor.",
	}, s.listSessions)
	personal(s, huma.Operation{
		OperationID: "end-other-session", Method: http.MethodDelete, Path: "/api/sessions/{id}", Tags: tags,
		Summary: "End a session of one's own", DefaultStatus: http.StatusNoContent, Errors: []int{http.StatusForbidden, http.StatusNotFound},
	}, func(ctx context.Context, _ sessions.Current, in *sessionInput) (*struct{}, error) {
		if err := checkID(in.ID, "ses"); err != nil {
			return nil, err
		}
		return nil, s.Sessions.EndOther(ctx, in.ID)
	})
	personal(s, huma.Operation{
		OperationID: "switch-account", Method: http.MethodPut, Path: "/api/session/account", Tags: tags,
		Summary: "Switch to another account", Description: "The session is for that account from then on. Who is signed in, and to what, is answered as by show-me.",
		Errors: []int{http.StatusNotFound, http.StatusConflict},
	}, s.switchAccount)
}

// signOut ends a session and returns where to go on to.
func (s *server) signOut(ctx context.Context, c sessions.Current) (string, error) {
	return s.SignIn.SignOut(sessions.With(ctx, c), s.Base()+"/")
}

func (s *server) endSession(ctx context.Context, c sessions.Current, _ *struct{}) (*signedOutOutput, error) {
	to, err := s.signOut(ctx, c)
	if err != nil {
		return nil, err
	}
	return &signedOutOutput{Cookie("", s.Secure).String(), SignedOut{to}}, nil
}

func (s *server) listSessions(ctx context.Context, c sessions.Current, in *sessionsInput) (*sessionsOutput, error) {
	own, next, err := s.Sessions.Own(ctx, store.Page{Limit: in.Limit, After: in.Cursor})
	if err != nil {
		return nil, err
	}
	list := OwnSessionList{Data: []OwnSession{}, NextCursor: next}
	for _, o := range own {
		list.Data = append(list.Data, OwnSession{
			ID: o.ID, Current: o.ID == c.Session.ID, Provider: o.Provider, Account: o.Account, CreatedAt: o.CreatedAt.UTC(), SeenAt: o.SeenAt.UTC(),
			ExpiresAt: sessions.ExpiresAt(o).UTC(),
		})
	}
	return &sessionsOutput{list}, nil
}

func (s *server) switchAccount(ctx context.Context, _ sessions.Current, in *switchInput) (*meOutput, error) {
	if err := checkID(in.Body.Account, "acct"); err != nil {
		return nil, err
	}
	session, account, err := s.Sessions.SwitchAccount(ctx, in.Body.Account)
	if err != nil {
		return nil, err
	}
	c := sessions.Current{Session: session, Account: account}
	return s.me(sessions.With(ctx, c), c, nil)
}
