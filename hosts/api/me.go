package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/sessions"
	"github.com/archibot/archibotchat/core/gates"
)

// Me is who is signed in, to what, and what they may use now.
type Me struct {
	User      *User        `json:"user,omitempty" doc:"The person; absent for a session that an operator minted for nobody in particular."`
	Session   Session      `json:"session"`
	Account   *Account     `json:"account,omitempty" doc:"The account that the session is for; absent for somebody who belongs to none yet."`
	Accounts  []Membership `json:"accounts" nullable:"false" doc:"The accounts that the person belongs to."`
	Areas     []Area       `json:"areas" nullable:"false" doc:"The areas, and whether their gates are open."`
	RequestID string       `json:"request_id" doc:"The ID of this request, for support." example:"req_06b1v5k9ehq7r4m2d8t0s3n1cg"`
}

// User is a person as their provider describes them.
type User struct {
	ID            string `json:"id" example:"user_06b1v5k9ehq7r4m2d8t0s3n1cg"`
	Name          string `json:"name,omitempty" example:"Ann Example"`
	Email         string `json:"email,omitempty" example:"ann@example.com"`
	EmailVerified bool   `json:"email_verified"`
	Provider      string `json:"provider" doc:"The ID of the provider." example:"example"`
}

// Membership is an account that the person belongs to.
type Membership struct {
	ID     string `json:"id" example:"acct_06b1v5k9ehq7r4m2d8t0s3n1cg"`
	Name   string `json:"name" example:"Example Ltd"`
	Role   string `json:"role" enum:"member,admin"`
	Status string `json:"status" enum:"pending,active,suspended,closed"`
}

// Session is the session that the request came with.
type Session struct {
	ID         string     `json:"id" example:"ses_06b1v5k9ehq7r4m2d8t0s3n1cg"`
	User       string     `json:"user_id,omitempty" doc:"Absent for a session that an operator minted for nobody in particular."`
	Role       string     `json:"role,omitempty" enum:"member,admin" doc:"Within the account; absent where there is none."`
	Operator   bool       `json:"operator" doc:"Whether it is a session of staff, with shorter limits."`
	CreatedAt  time.Time  `json:"created_at"`
	IdleAt     time.Time  `json:"idle_expires_at" doc:"When it ends unless it is used."`
	ExpiresAt  time.Time  `json:"expires_at" doc:"When it ends in any case."`
	FreshUntil *time.Time `json:"fresh_until,omitempty" doc:"Until when the person may do what needs a fresh sign-in; in the past, or absent, they must sign in anew before."`
}

// Area is a part of the service and whether it may be used now.
type Area struct {
	Area    string   `json:"area" enum:"chat,api,workspace,operator"`
	Allowed bool     `json:"allowed"`
	Reasons []Reason `json:"reasons" nullable:"false" doc:"Why not; empty if allowed."`
}

// Reason is why a gate is closed.
type Reason struct {
	Code     string `json:"code" example:"billing_incomplete"`
	Sentence string `json:"sentence" example:"Billing is not complete."`
	NextStep string `json:"next_step" example:"An administrator of the account can complete it under Billing."`
}

type meOutput struct{ Body Me }

// areas are those that a person is told of.
var areas = []access.Area{access.AreaChat, access.AreaAPI, access.AreaWorkspace, access.AreaOperator}

func (s *server) registerMe() {
	personal(s, huma.Operation{
		OperationID: "show-me", Method: http.MethodGet, Path: "/api/me", Tags: []string{"Session"},
		Summary: "Show who is signed in", Description: "The person, the session, its account, and for each area whether its gate is open, with the reasons and the next step if it is not.",
	},
		s.me)
}

func (s *server) me(ctx context.Context, c sessions.Current, _ *struct{}) (*meOutput, error) {
	decisions, err := s.Gate.Decide(ctx, c.Account, areas...)
	if err != nil {
		return nil, err
	}
	me := Me{Session: sessionOf(c), Accounts: []Membership{}, RequestID: access.Request(ctx)}
	if c.Account.ID != "" {
		a := accountOf(c.Account)
		me.Account = &a
	}
	user, mine, err := s.Sessions.Who(ctx)
	if err != nil {
		return nil, err
	}
	if user.ID != "" {
		me.User = &User{ID: user.ID, Name: user.Name, Email: user.Email, EmailVerified: user.EmailVerified, Provider: user.Provider}
	}
	for _, m := range mine {
		me.Accounts = append(me.Accounts, Membership{ID: m.Account, Name: m.Name, Role: string(m.Role), Status: string(m.Status)})
	}
	for i, d := range decisions {
		me.Areas = append(me.Areas, areaOf(areas[i], d))
	}
	return &meOutput{me}, nil
}

func areaOf(area access.Area, d gates.Decision) Area {
	a := Area{Area: string(area), Allowed: d.Allowed, Reasons: []Reason{}}
	for _, r := range d.Reasons {
		a.Reasons = append(a.Reasons, Reason{Code: string(r), Sentence: r.Sentence(), NextStep: r.NextStep()})
	}
	return a
}

func sessionOf(c sessions.Current) Session {
	s := c.Session
	out := Session{
		ID: s.ID, User: s.User, Role: string(s.Role), Operator: sessions.Staff(s), CreatedAt: s.CreatedAt.UTC(),
		IdleAt: s.SeenAt.UTC().Add(sessions.IdleLimit(s)), ExpiresAt: sessions.ExpiresAt(s).UTC(),
	}
	if at := sessions.FreshUntil(s); !at.IsZero() {
		at = at.UTC()
		out.FreshUntil = &at
	}
	return out
}
