package api

import (
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/archibot/archibotchat/core/app/sessions"
	"github.com/archibot/archibotchat/core/gates"
)

// What the events of a turn's stream carry.
type (
	// TurnReset replaces all text that the client has.
	TurnReset struct {
		Text string `json:"text" doc:"The whole text up to the event's id."`
	}
	// TurnText is more of the answer.
	TurnText struct {
		Text string `json:"text" doc:"What follows on the text before."`
	}
	// TurnEnd is how a turn ended.
	TurnEnd struct {
		Turn    Turn        `json:"turn"`
		Balance TurnBalance `json:"balance"`
	}
	// TurnBalance is what is left in the account.
	TurnBalance struct {
		Available int64 `json:"available_microcredits"`
	}
	// TurnClosed says why nothing more is told.
	TurnClosed struct {
		Code string `json:"code" example:"not_signed_in"`
	}
)

const followRoute = "GET /api/turns/{turn}/stream"

// registerFollow mounts the stream of a turn. It is no Huma operation: it
// writes as the answer comes.
func (s *server) registerFollow() {
	s.mux.HandleFunc(followRoute, s.follow)
	s.describeFollow()
}

func (s *server) follow(w http.ResponseWriter, r *http.Request) {
	current, err := SessionOf(r, s.Sessions, s.Secure)
	if err == nil {
		r = r.WithContext(sessions.With(r.Context(), current))
		if err = errSoon; current.Account.ID == "" {
			err = gates.AccountPending.Fault()
		}
	}
	s.fail(w, r, err)
}

// describeFollow writes the stream into the description.
func (s *server) describeFollow() {
	event := func(name, doc string, data reflect.Type, id bool) *huma.Schema {
		one := &huma.Schema{
			Type: huma.TypeObject, Title: name, Description: doc, Required: []string{"event", "data"},
			Properties: map[string]*huma.Schema{
				"event": {Type: huma.TypeString, Enum: []any{name}},
				"data":  s.api.OpenAPI().Components.Schemas.Schema(data, true, data.Name()),
			},
		}
		if id {
			one.Properties["id"] = &huma.Schema{Type: huma.TypeString, Description: "The cursor after it."}
			one.Required = append(one.Required, "id")
		}
		return one
	}
	events := &huma.Schema{Type: huma.TypeArray, Description: "Server-sent events, each with its data as JSON.", Items: &huma.Schema{OneOf: []*huma.Schema{
		event("reset", "Where the given cursor is beyond what there is.", reflect.TypeFor[TurnReset](), true),
		event("text", "New text.", reflect.TypeFor[TurnText](), true),
		event("step", "Something that happened to the turn.", reflect.TypeFor[TurnStep](), false),
		event("end", "The turn has ended. The server closes, and there is nothing to come back for.", reflect.TypeFor[TurnEnd](), true),
		event("closed", "The session has ended, or may not follow any more. The server closes.", reflect.TypeFor[TurnClosed](), false),
	}}}
	o := huma.Operation{
		OperationID: "follow-turn", Method: http.MethodGet, Path: "/api/turns/{turn}/stream", Tags: []string{"Chat"},
		Summary: "Follow a turn as it answers",
		Description: "A cursor is an offset into the answer in bytes of UTF-8: the text from there on comes at once, then what is new, and a comment every 10 seconds. " +
			"A turn that has ended sends its text and its end at once. A client whose connection breaks comes back with the last id that it saw.",
		Security: []map[string][]string{{sessionScheme: {}}},
		Parameters: []*huma.Param{
			{Name: "turn", In: "path", Description: "The turn's ID.", Required: true, Schema: &huma.Schema{Type: huma.TypeString}},
			{Name: "cursor", In: "query", Description: "Where to begin; 0 unless told.", Schema: &huma.Schema{Type: huma.TypeInteger, Format: "int64"}},
			{Name: "Last-Event-ID", In: "header", Description: "As cursor, and before it: browsers send it by themselves.", Schema: &huma.Schema{Type: huma.TypeString}},
		},
		Responses: map[string]*huma.Response{"200": {Description: "The stream", Content: map[string]*huma.MediaType{"text/event-stream": {Schema: events}}}},
		Errors:    []int{http.StatusForbidden, http.StatusNotFound, http.StatusUnprocessableEntity},
	}
	s.declare(&o, reflect.TypeFor[struct{}]())
	s.api.OpenAPI().AddOperation(&o)
}
