package api

import (
	"context"
	"net/http"
	"net/url"

	"github.com/danielgtaylor/huma/v2"
)

// SignInProvider is a way to sign in.
type SignInProvider struct {
	ID   string `json:"id" example:"example"`
	Name string `json:"name" example:"Example Ltd" doc:"What people call it."`
	URL  string `json:"sign_in_url" example:"/auth/example/start" doc:"Where to send the browser; return=/path says where to go afterwards."`
}

// SignInProviderList is every way to sign in, in the order to show them.
type SignInProviderList struct {
	Data []SignInProvider `json:"data" nullable:"false"`
}

type providersOutput struct{ Body SignInProviderList }

func (s *server) registerProviders() {
	open(s, huma.Operation{
		OperationID: "list-providers", Method: http.MethodGet, Path: "/api/providers", Tags: []string{"Sign-in"},
		Summary: "List the ways to sign in",
	}, func(_ context.Context, _ *struct{}) (*providersOutput, error) {
		list := SignInProviderList{Data: []SignInProvider{}}
		for _, p := range s.SignIn.Providers() {
			list.Data = append(list.Data, SignInProvider{p.ID, p.Name, "/auth/" + url.PathEscape(p.ID) + "/start"})
		}
		return &providersOutput{list}, nil
	})
}
