package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/archibot/archibotchat/core/app/sessions"
)

type endOutput struct {
	SetCookie string `header:"Set-Cookie" doc:"Takes the session cookie away."`
}

func (s *server) registerSession() {
	op(s, huma.Operation{
		OperationID: "end-session", Method: http.MethodDelete, Path: "/api/session", Tags: []string{"Session"},
		Summary: "Sign out", Description: "Ends the session that the request came with.", DefaultStatus: http.StatusNoContent,
		Errors: []int{http.StatusForbidden},
	},
		func(ctx context.Context, _ sessions.Current, _ *struct{}) (*endOutput, error) {
			if err := s.Sessions.End(ctx, "signed_out"); err != nil {
				return nil, err
			}
			return &endOutput{Cookie("", s.Secure).String()}, nil
		})
}
