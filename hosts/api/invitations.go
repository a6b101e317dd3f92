package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/sessions"
	"github.com/archibot/archibotchat/ports/store"
)

// Invitation is what lets somebody with an e-mail address become a member.
type Invitation struct {
	ID        string     `json:"id" example:"inv_06b1v5k9ehq7r4m2d8t0s3n1cg"`
	Email     string     `json:"email" example:"pat@example.org"`
	Role      string     `json:"role" enum:"member,admin"`
	State     string     `json:"state" enum:"open,accepted,revoked,replaced,expired"`
	By        string     `json:"invited_by,omitempty" doc:"Who invited them."`
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt time.Time  `json:"expires_at"`
	EndedAt   *time.Time `json:"ended_at,omitempty" doc:"When it was accepted, revoked or replaced."`
	User      string     `json:"user_id,omitempty" doc:"Who accepted it."`
}

// NewInvitation is an invitation with its link, shown this once.
type NewInvitation struct {
	Invitation
	Link  string `json:"link" doc:"Where it is accepted, to be sent to the person. It cannot be had again."`
	Token string `json:"token" doc:"What the link ends in."`
}

// InvitationList is a page of invitations, newest first.
type InvitationList struct {
	Data       []Invitation `json:"data" nullable:"false"`
	NextCursor string       `json:"next_cursor,omitempty" doc:"Pass it as cursor to get the next page; absent on the last one."`
}

type (
	invitationsOutput struct{ Body InvitationList }
	inviteInput       struct {
		Body struct {
			Email string `json:"email" maxLength:"254" doc:"Whom to invite; they must sign in with this address, verified by their provider."`
			Role  string `json:"role" enum:"member,admin"`
		}
	}
	invitationInput struct {
		ID string `path:"id" doc:"The ID of an invitation."`
	}
	newInvitationOutput struct{ Body NewInvitation }
	acceptInput         struct {
		Body struct {
			Token string `json:"token" maxLength:"64" doc:"What the link ends in."`
		}
	}
	// Accepted is the account that was joined.
	Accepted struct {
		Account string `json:"account_id" example:"acct_06b1v5k9ehq7r4m2d8t0s3n1cg"`
		Role    string `json:"role" enum:"member,admin"`
	}
	acceptOutput struct{ Body Accepted }
)

const acceptPath = "/api/invitations/accept"

func (s *server) registerInvitations() {
	tags := []string{"Members"}
	op(s, huma.Operation{
		OperationID: "list-invitations", Method: http.MethodGet, Path: "/api/invitations", Tags: tags,
		Summary: "List invitations", Description: "Those that are open, and those of late that are over, newest first. For administrators.",
		Errors: []int{http.StatusForbidden},
	}, s.listInvitations)
	op(s, huma.Operation{
		OperationID: "invite-member", Method: http.MethodPost, Path: "/api/invitations", Tags: tags,
		Summary: "Invite somebody", Description: "Makes a link that is good for a week, once, for whoever signs in with this address. It replaces an open invitation to the same address. For administrators.",
		DefaultStatus: http.StatusCreated, Errors: []int{http.StatusConflict},
	}, s.invite)
	op(s, huma.Operation{
		OperationID: "revoke-invitation", Method: http.MethodDelete, Path: "/api/invitations/{id}", Tags: tags,
		Summary: "Take an invitation back", Description: "One that is over stays as it is. For administrators.",
		DefaultStatus: http.StatusNoContent, Errors: []int{http.StatusForbidden, http.StatusNotFound},
	}, func(ctx context.Context, c sessions.Current, in *invitationInput) (*struct{}, error) {
		if err := checkID(in.ID, "inv"); err != nil {
			return nil, err
		}
		return nil, s.Members.RevokeInvitation(ctx, c.Account.ID, in.ID)
	})
	personal(s, huma.Operation{
		OperationID: "accept-invitation", Method: http.MethodPost, Path: acceptPath, Tags: tags,
		Summary: "Accept an invitation", Description: "Whoever is signed in with the address that was invited becomes a member. A session of no account is for this one from then on.",
		Errors: []int{http.StatusNotFound, http.StatusConflict},
	}, s.accept)
}

func (s *server) listInvitations(ctx context.Context, c sessions.Current, in *membersInput) (*invitationsOutput, error) {
	found, err := s.Members.Invitations(ctx, c.Account.ID, store.Page{After: in.Cursor, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	list := InvitationList{Data: []Invitation{}}
	for _, v := range found {
		list.Data = append(list.Data, invitationOf(v))
	}
	if len(found) == in.Limit {
		list.NextCursor = found[len(found)-1].ID
	}
	return &invitationsOutput{list}, nil
}

func invitationOf(v store.Invitation) Invitation {
	shown := Invitation{
		ID: v.ID, Email: v.Email, Role: string(v.Role), State: string(v.State), By: v.By, CreatedAt: v.CreatedAt.UTC(), ExpiresAt: v.ExpiresAt.UTC(), User: v.User,
	}
	if ended := v.EndedAt.UTC(); !ended.IsZero() {
		shown.EndedAt = &ended
	}
	return shown
}

func (s *server) newInvitation(v store.Invitation, token access.Token) NewInvitation {
	return NewInvitation{invitationOf(v), s.Base() + access.InvitationPath + "#" + token.Reveal(), token.Reveal()}
}

func (s *server) invite(ctx context.Context, c sessions.Current, in *inviteInput) (*newInvitationOutput, error) {
	v, token, err := s.Members.Invite(ctx, c.Account.ID, in.Body.Email, access.Role(in.Body.Role))
	if err != nil {
		return nil, err
	}
	return &newInvitationOutput{s.newInvitation(v, token)}, nil
}

func (s *server) accept(ctx context.Context, _ sessions.Current, in *acceptInput) (*acceptOutput, error) {
	m, err := s.Members.Accept(ctx, in.Body.Token)
	if err != nil {
		return nil, err
	}
	return &acceptOutput{Accepted{m.Account, string(m.Role)}}, nil
}
