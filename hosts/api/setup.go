package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/archibot/archibotchat/core/app/sessions"
	"github.com/archibot/archibotchat/core/app/setup"
)

// Setup is what an account settles before it begins.
type Setup struct {
	IntendedUse   string     `json:"intended_use" doc:"What the account will use the service for."`
	Notifications string     `json:"notifications,omitempty" enum:"all,essential" doc:"What it wants to be told; absent until it is settled."`
	Files         string     `json:"files,omitempty" enum:"none,metadata,content" doc:"What of files goes to models; absent until it is settled."`
	UpdatedAt     *time.Time `json:"updated_at,omitempty"`
	Boundary      Boundary   `json:"boundary"`
}

// Boundary is where data goes, and whether the account has acknowledged it.
type Boundary struct {
	Required       bool       `json:"required" doc:"Whether chat and API stay shut until it is acknowledged."`
	Version        string     `json:"version,omitempty" example:"2026-03"`
	Text           string     `json:"text,omitempty" doc:"What is to be read, in Markdown."`
	Acknowledged   bool       `json:"acknowledged" doc:"Whether the account has acknowledged this version."`
	AcknowledgedAt *time.Time `json:"acknowledged_at,omitempty"`
	AcknowledgedBy string     `json:"acknowledged_by,omitempty"`
}

type (
	setupOutput struct{ Body Setup }
	setupInput  struct {
		Body struct {
			IntendedUse   string `json:"intended_use" maxLength:"4000" doc:"At most 2000 characters."`
			Notifications string `json:"notifications" enum:"all,essential"`
			Files         string `json:"files" enum:"none,metadata,content"`
		}
	}
	acknowledgeInput struct {
		Body struct {
			Version string `json:"version" maxLength:"64" doc:"The version that was read."`
		}
	}
)

func (s *server) registerSetup() {
	tags := []string{"Setup"}
	op(s, huma.Operation{
		OperationID: "show-setup", Method: http.MethodGet, Path: "/api/setup", Tags: tags,
		Summary: "Show the setup", Description: "What the account has settled, and where it stands towards the data boundary.",
	}, func(ctx context.Context, c sessions.Current, _ *struct{}) (*setupOutput, error) {
		return setupOf(s.Setup.Show(ctx, c.Account.ID))
	})
	op(s, huma.Operation{
		OperationID: "save-setup", Method: http.MethodPut, Path: "/api/setup", Tags: tags,
		Summary: "Settle the setup", Description: "It grants nothing, and can be changed at any time. For administrators.",
	}, func(ctx context.Context, c sessions.Current, in *setupInput) (*setupOutput, error) {
		return setupOf(s.Setup.Save(ctx, c.Account.ID, setup.Draft{IntendedUse: in.Body.IntendedUse, Notifications: in.Body.Notifications, Files: in.Body.Files}))
	})
	op(s, huma.Operation{
		OperationID: "acknowledge-boundary", Method: http.MethodPost, Path: "/api/setup/acknowledgement", Tags: tags,
		Summary: "Acknowledge the data boundary", Description: "In the current version. Chat and API are open to the account within a second, where nothing else shuts them. For administrators.",
		Errors: []int{http.StatusConflict},
	}, func(ctx context.Context, c sessions.Current, in *acknowledgeInput) (*setupOutput, error) {
		return setupOf(s.Setup.Acknowledge(ctx, c.Account.ID, in.Body.Version))
	})
}

func setupOf(v setup.View, err error) (*setupOutput, error) {
	if err != nil {
		return nil, err
	}
	b := v.Boundary
	out := Setup{
		IntendedUse: v.IntendedUse, Notifications: v.Notifications, Files: v.Files,
		Boundary: Boundary{Required: b.Required, Version: b.Version, Text: b.Text, Acknowledged: v.Acknowledged},
	}
	if at := v.UpdatedAt.UTC(); !at.IsZero() {
		out.UpdatedAt = &at
	}
	for _, a := range v.Acknowledgements {
		if at := a.At.UTC(); v.Acknowledged && a.Version == b.Version {
			out.Boundary.AcknowledgedAt, out.Boundary.AcknowledgedBy = &at, a.User
		}
	}
	return &setupOutput{out}, nil
}
