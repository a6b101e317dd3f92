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

// Member is a user of the account.
type Member struct {
	User      string     `json:"user_id" example:"user_06b1v5k9ehq7r4m2d8t0s3n1cg"`
	Role      string     `json:"role" enum:"member,admin"`
	Email     string     `json:"email,omitempty" doc:"As their provider tells it."`
	Name      string     `json:"name,omitempty"`
	CreatedAt time.Time  `json:"created_at" doc:"When they became a member."`
	SeenAt    *time.Time `json:"last_seen_at,omitempty" doc:"When their provider last vouched for them."`
}

// MemberList is a page of members, by user ID.
type MemberList struct {
	Data       []Member `json:"data" nullable:"false"`
	NextCursor string   `json:"next_cursor,omitempty" doc:"Pass it as cursor to get the next page; absent on the last one."`
}

type (
	membersInput struct {
		Cursor string `query:"cursor" maxLength:"64" doc:"next_cursor of the page before."`
		Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"50" doc:"How many at most."`
	}
	membersOutput struct{ Body MemberList }
	memberInput   struct {
		User string `path:"user_id" doc:"The ID of a user."`
	}
	roleInput struct {
		User string `path:"user_id" doc:"The ID of a user."`
		Body struct {
			Role string `json:"role" enum:"member,admin"`
		}
	}
	memberOutput struct{ Body Member }
)

func (s *server) registerMembers() {
	tags := []string{"Members"}
	op(s, huma.Operation{
		OperationID: "list-members", Method: http.MethodGet, Path: "/api/members", Tags: tags,
		Summary: "List members", Description: "The account's members by user ID. For administrators.",
		Errors: []int{http.StatusForbidden},
	}, s.listMembers)
	op(s, huma.Operation{
		OperationID: "change-member", Method: http.MethodPatch, Path: "/api/members/{user_id}", Tags: tags,
		Summary: "Change what a member may do", Description: "For administrators. The account keeps one.",
		Errors: []int{http.StatusNotFound, http.StatusConflict},
	}, s.changeMember)
	op(s, huma.Operation{
		OperationID: "remove-member", Method: http.MethodDelete, Path: "/api/members/{user_id}", Tags: tags,
		Summary: "Remove a member", Description: "Their sessions of the account end and their keys of it are revoked at once. For administrators; members may remove themselves. The account keeps an administrator.",
		DefaultStatus: http.StatusNoContent, Errors: []int{http.StatusForbidden, http.StatusNotFound, http.StatusConflict},
	}, s.removeMember)
}

func (s *server) listMembers(ctx context.Context, c sessions.Current, in *membersInput) (*membersOutput, error) {
	found, err := s.Members.List(ctx, c.Account.ID, store.Page{After: in.Cursor, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	list := MemberList{Data: []Member{}}
	for _, m := range found {
		shown := memberOf(m.Member)
		shown.Email, shown.Name = m.Email, m.Name
		if seen := m.SeenAt.UTC(); !seen.IsZero() {
			shown.SeenAt = &seen
		}
		list.Data = append(list.Data, shown)
	}
	if len(found) == in.Limit {
		list.NextCursor = found[len(found)-1].User
	}
	return &membersOutput{list}, nil
}

func memberOf(m store.Member) Member {
	return Member{User: m.User, Role: string(m.Role), CreatedAt: m.CreatedAt.UTC()}
}

func (s *server) changeMember(ctx context.Context, c sessions.Current, in *roleInput) (*memberOutput, error) {
	if err := checkID(in.User, "user"); err != nil {
		return nil, err
	}
	m, err := s.Members.SetRole(ctx, c.Account.ID, in.User, access.Role(in.Body.Role))
	if err != nil {
		return nil, err
	}
	return &memberOutput{memberOf(m)}, nil
}

func (s *server) removeMember(ctx context.Context, c sessions.Current, in *memberInput) (*struct{}, error) {
	if err := checkID(in.User, "user"); err != nil {
		return nil, err
	}
	return nil, s.Members.Remove(ctx, c.Account.ID, in.User)
}
