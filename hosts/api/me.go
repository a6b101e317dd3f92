package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/sessions"
)

// Me is who is signed in, to what, and what they may use now.
type Me struct {
	Session Session `json:"session"`
	Account Account `json:"account"`
	Areas   []Area  `json:"areas" nullable:"false" doc:"The areas, and whether their gates are open."`
}

// Session is the session that the request came with.
type Session struct {
	ID        string    `json:"id" example:"ses_06b1v5k9ehq7r4m2d8t0s3n1cg"`
	User      string    `json:"user_id,omitempty" doc:"Absent for a session that an operator minted for nobody in particular."`
	Role      string    `json:"role" enum:"member,admin"`
	Operator  bool      `json:"operator" doc:"Whether it is a session of staff, with shorter limits."`
	CreatedAt time.Time `json:"created_at"`
	IdleAt    time.Time `json:"idle_expires_at" doc:"When it ends unless it is used."`
	ExpiresAt time.Time `json:"expires_at" doc:"When it ends in any case."`
}

// Area is a part of the service and whether it may be used now.
type Area struct {
	Area    string   `json:"area" enum:"chat,api"`
	Allowed bool     `json:"allowed"`
	Reasons []Reason `json:"reasons" nullable:"false" doc:"Why not; empty if allowed."`
}

// Reason is why a gate is closed.
type Reason struct {
	Code     string `json:"code" example:"billing_incomplete"`
	Message  string `json:"message" example:"Billing is not complete."`
	NextStep string `json:"next_step" example:"An administrator of the account can complete it under Billing."`
}

type meOutput struct{ Body Me }

func (s *server) registerMe() {
	op(s, huma.Operation{
		OperationID: "show-me", Method: http.MethodGet, Path: "/api/me", Tags: []string{"Session"},
		Summary: "Show who is signed in", Description: "The session, its account, and for each area whether its gate is open, with the reasons and the next step if it is not.",
	},
		s.me)
}

func (s *server) me(ctx context.Context, c sessions.Current, _ *struct{}) (*meOutput, error) {
	areas := []access.Area{access.AreaChat, access.AreaAPI}
	decisions, err := s.Gate.Decide(ctx, c.Account, areas...)
	if err != nil {
		return nil, err
	}
	me := Me{Session: sessionOf(c), Account: accountOf(c.Account)}
	for i, d := range decisions {
		a := Area{Area: string(areas[i]), Allowed: d.Allowed, Reasons: []Reason{}}
		for _, r := range d.Reasons {
			a.Reasons = append(a.Reasons, Reason{Code: string(r), Message: r.Sentence(), NextStep: r.NextStep()})
		}
		me.Areas = append(me.Areas, a)
	}
	return &meOutput{me}, nil
}

func sessionOf(c sessions.Current) Session {
	s := c.Session
	return Session{
		ID: s.ID, User: s.User, Role: string(s.Role), Operator: s.Operator, CreatedAt: s.CreatedAt.UTC(),
		IdleAt: s.SeenAt.UTC().Add(sessions.IdleLimit(s)), ExpiresAt: s.ExpiresAt.UTC(),
	}
}
