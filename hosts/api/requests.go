package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/requests"
	"github.com/archibot/archibotchat/core/app/sessions"
	"github.com/archibot/archibotchat/ports/store"
)

const (
	requestsPath  = "/api/access-requests"
	challengePath = "/api/access-requests/challenge"
)

// RequestChallenge is what a browser works on before its form is taken.
type RequestChallenge struct {
	Challenge  string    `json:"challenge"`
	Difficulty int       `json:"difficulty" doc:"Leading zero bits of the SHA-256 of the challenge, a dot and the proof."`
	NotBefore  time.Time `json:"not_before" doc:"The form is not taken earlier."`
	ExpiresAt  time.Time `json:"expires_at"`
}

// OwnRequest is what became of one's own request for access.
type OwnRequest struct {
	State     string    `json:"state" enum:"open,approved,denied"`
	Company   string    `json:"company"`
	Products  []string  `json:"products" nullable:"false"`
	CreatedAt time.Time `json:"created_at"`
	Reason    string    `json:"reason,omitempty" doc:"Why it was denied."`
}

type (
	challengeOutput struct{ Body RequestChallenge }
	requestInput    struct {
		Body struct {
			Company     string   `json:"company" maxLength:"400" doc:"At most 100 characters."`
			Products    []string `json:"products" maxItems:"3" nullable:"false" enum:"chat,api,workspace"`
			IntendedUse string   `json:"intended_use" maxLength:"8000" doc:"At most 2000 characters."`
			Email       string   `json:"email" maxLength:"254"`
			Website     string   `json:"website,omitempty" maxLength:"400" doc:"People do not see this field, and leave it empty."`
			Challenge   string   `json:"challenge" maxLength:"200"`
			Proof       string   `json:"proof" maxLength:"64" doc:"Any text that makes the hash begin with enough zero bits."`
		}
	}
	// Received says that a form was taken, and nothing else.
	Received struct {
		Status string `json:"status" enum:"received"`
	}
	receivedOutput   struct{ Body Received }
	ownRequestOutput struct{ Body OwnRequest }
)

func (s *server) registerRequests() {
	tags := []string{"Access"}
	open(s, huma.Operation{
		OperationID: "challenge-access-request", Method: http.MethodGet, Path: challengePath, Tags: tags,
		Summary: "Get a challenge for the form", Description: "It is good for half an hour, once.",
	}, func(context.Context, *struct{}) (*challengeOutput, error) {
		c := s.Requests.Challenge()
		return &challengeOutput{RequestChallenge{c.Text, c.Difficulty, c.NotBefore.UTC(), c.ExpiresAt.UTC()}}, nil
	})
	open(s, huma.Operation{
		OperationID: "request-access", Method: http.MethodPost, Path: requestsPath, Tags: tags,
		Summary: "Ask for access", Description: "Anybody may ask. It grants nothing; an operator decides. The answer does not tell whether the address has asked before.",
		DefaultStatus: http.StatusAccepted, Errors: []int{http.StatusConflict},
	}, s.requestAccess)
	personal(s, huma.Operation{
		OperationID: "show-own-access-request", Method: http.MethodGet, Path: "/api/access-requests/mine", Tags: tags,
		Summary: "Show one's own request for access", Description: "The newest one of the address that the person's provider has verified.",
		Errors: []int{http.StatusNotFound},
	}, func(ctx context.Context, _ sessions.Current, _ *struct{}) (*ownRequestOutput, error) {
		r, err := s.Requests.Mine(ctx)
		if err != nil {
			return nil, err
		}
		return &ownRequestOutput{OwnRequest{string(r.State), r.Company, groupNames(r.Products), r.CreatedAt.UTC(), r.Reason}}, nil
	})
}

func (s *server) requestAccess(ctx context.Context, in *requestInput) (*receivedOutput, error) {
	b := in.Body
	err := s.Requests.Submit(ctx, requests.Form{
		Company: b.Company, Use: b.IntendedUse, Email: b.Email, Products: b.Products, Trap: b.Website, Challenge: b.Challenge, Proof: b.Proof,
	})
	if err != nil {
		return nil, err
	}
	return &receivedOutput{Received{"received"}}, nil
}

func groupNames(gs access.Groups) []string {
	names := []string{}
	for _, g := range gs.List() {
		names = append(names, string(g))
	}
	return names
}

// AccessRequest is a request for access as operators see it.
type AccessRequest struct {
	ID          string     `json:"id" example:"acr_06b1v5k9ehq7r4m2d8t0s3n1cg"`
	State       string     `json:"state" enum:"open,approved,denied"`
	Email       string     `json:"email" doc:"Nobody has verified it."`
	Company     string     `json:"company"`
	IntendedUse string     `json:"intended_use"`
	Products    []string   `json:"products" nullable:"false"`
	Times       int64      `json:"times" doc:"How often it was asked."`
	CreatedAt   time.Time  `json:"created_at"`
	DecidedAt   *time.Time `json:"decided_at,omitempty"`
	DecidedBy   string     `json:"decided_by,omitempty"`
	Reason      string     `json:"reason,omitempty" doc:"Why it was denied, for the applicant."`
	Account     string     `json:"account_id,omitempty" doc:"The account that an approval opened."`
}

func requestOf(r store.AccessRequest) AccessRequest {
	shown := AccessRequest{
		ID: r.ID, State: string(r.State), Email: r.Email, Company: r.Company, IntendedUse: r.Use, Products: groupNames(r.Products), Times: r.Times,
		CreatedAt: r.CreatedAt.UTC(), DecidedBy: r.DecidedBy, Reason: r.Reason, Account: r.Account,
	}
	if at := r.DecidedAt.UTC(); !at.IsZero() {
		shown.DecidedAt = &at
	}
	return shown
}
