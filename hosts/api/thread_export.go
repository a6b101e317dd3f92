package api

import (
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// ThreadExport is a thread with all of its branches.
type ThreadExport struct {
	Form       string          `json:"form" enum:"archibotchat/thread/1"`
	ExportedAt time.Time       `json:"exported_at"`
	Thread     Thread          `json:"thread"`
	Messages   []ExportMessage `json:"messages" nullable:"false" doc:"On all branches, oldest first: each comes after its parent."`
}

// ExportMessage is a message of an exported thread.
type ExportMessage struct {
	ID        string    `json:"id"`
	Parent    string    `json:"parent,omitempty" doc:"The message before it; absent on the first of a path."`
	Role      string    `json:"role" enum:"user,assistant"`
	Text      string    `json:"text"`
	CreatedAt time.Time `json:"created_at"`
	Shown     bool      `json:"shown" doc:"Whether it is on the path that is shown."`
	Turn      *Turn     `json:"turn,omitempty" doc:"The work on it; on answers."`
}

type exportThreadInput struct {
	ID     string `path:"thread" maxLength:"64" doc:"The thread's ID."`
	Format string `query:"format" enum:"markdown,json" default:"markdown" doc:"The path that is shown as text for people, or all branches as data."`
}

func (s *server) registerThreadExport() {
	body := s.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[ThreadExport](), true, "ThreadExport")
	op(s, huma.Operation{
		OperationID: "export-thread", Method: http.MethodGet, Path: "/api/threads/{thread}/export", Tags: []string{"Chat"},
		Summary: "Export a thread", Description: "As an attachment. An export that breaks off ends the connection: it never passes for a whole one.",
		Responses: map[string]*huma.Response{"200": {Description: "The thread", Content: map[string]*huma.MediaType{
			"text/markdown": {Schema: &huma.Schema{Type: "string"}}, "application/json": {Schema: body},
		}}},
		Errors: missing,
	}, soon[exportThreadInput, huma.StreamResponse])
}
