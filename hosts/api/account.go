package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/archibot/archibotchat/core/app/sessions"
	"github.com/archibot/archibotchat/ports/store"
)

// Account is the account of the session.
type Account struct {
	ID        string    `json:"id" example:"acct_06b1v5k9ehq7r4m2d8t0s3n1cg"`
	Name      string    `json:"name" example:"Example Ltd"`
	Status    string    `json:"status" enum:"pending,active,suspended,closed"`
	Groups    []string  `json:"groups" nullable:"false" doc:"Product groups of the account."`
	Billing   string    `json:"billing" enum:"none,incomplete,trial,active,operator_approved,past_due,review,cancelled"`
	CreatedAt time.Time `json:"created_at"`
}

func accountOf(a store.Account) Account {
	groups := []string{}
	for _, g := range a.Groups.List() {
		groups = append(groups, string(g))
	}
	return Account{ID: a.ID, Name: a.Name, Status: string(a.Status), Groups: groups, Billing: string(a.Billing), CreatedAt: a.CreatedAt.UTC()}
}

type accountOutput struct{ Body Account }

func (s *server) registerAccount() {
	op(s, huma.Operation{
		OperationID: "show-account", Method: http.MethodGet, Path: "/api/account", Tags: []string{"Account"},
		Summary: "Show the account",
	},
		func(_ context.Context, c sessions.Current, _ *struct{}) (*accountOutput, error) {
			return &accountOutput{accountOf(c.Account)}, nil
		})
}
