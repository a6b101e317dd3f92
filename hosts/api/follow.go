package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/sessions"
	"github.com/archibot/archibotchat/core/app/turns"
	"github.com/archibot/archibotchat/core/fault"
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

// follow tells of a turn for as long as it takes. What fails before the first
// event is a problem, and what fails later breaks the stream off, so that the
// client comes back.
func (s *server) follow(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodHead { // there would be no end to it
		w.Header().Set("Allow", http.MethodGet)
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	current, err := SessionOf(r, s.Sessions, s.Secure)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	r = r.WithContext(sessions.With(r.Context(), current))
	from, err := place(r)
	switch {
	case current.Account.ID == "":
		err = gates.AccountPending.Fault()
	case err == nil:
		err = checkID(r.PathValue("turn"), "turn")
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	ctx, done := unbounded(r.Context())
	defer done()
	out := &stream{w: w, rc: http.NewResponseController(w)}
	err = s.Turns.Follow(ctx, r.PathValue("turn"), from, out.see)
	switch {
	case err == nil || out.left || ctx.Err() != nil:
	case !out.begun:
		s.fail(w, r, err)
	default:
		s.Log.WarnContext(ctx, "stream of a turn was cut", "request_id", access.Request(ctx), "error", err)
		panic(http.ErrAbortHandler)
	}
}

// maxPlace is beyond every answer.
const maxPlace = 1 << 30

// place returns where a follower wants to begin.
func place(r *http.Request) (int, error) {
	bad := func(param string) (int, error) {
		f := fault.New(fault.Invalid, "invalid_cursor", "A cursor is an offset in bytes: the last id that was seen, or 0.")
		f.Param = param
		return 0, f
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	for name, values := range query {
		if name != "cursor" || len(values) > 1 {
			err = errors.New("another parameter")
		}
	}
	if err != nil {
		return bad("query.cursor")
	}
	text, param := query.Get("cursor"), "query.cursor"
	if last := r.Header.Values("Last-Event-Id"); len(last) > 0 && last[0] != "" {
		if text, param = last[0], "header.last-event-id"; len(last) > 1 {
			return bad(param)
		}
	} else if !query.Has("cursor") {
		return 0, nil
	}
	at, err := strconv.ParseUint(text, 10, 64)
	if err != nil || at > maxPlace {
		return bad(param)
	}
	return int(at), nil
}

// stream writes events (the HTML standard's text/event-stream). Each is on its
// way when see returns; a client that takes none for as long as the edge waits is
// left.
type stream struct {
	w     http.ResponseWriter
	rc    *http.ResponseController
	begun bool
	left  bool // by the client, or for it
}

func (s *stream) see(e turns.Event) error {
	if !s.begun {
		h := s.w.Header()
		h.Set("Content-Type", "text/event-stream; charset=utf-8")
		h.Set("Cache-Control", "no-store, no-transform")
		h.Set("X-Accel-Buffering", "no") // a proxy that gathers answers would show nothing of them
		s.w.WriteHeader(http.StatusOK)
		s.begun = true
	}
	switch e.Kind {
	case turns.Text:
		return s.event("text", e.Cursor, TurnText{e.Text})
	case turns.Reset:
		return s.event("reset", e.Cursor, TurnReset{e.Text})
	case turns.Step:
		return s.event("step", nowhere, stepOf(e.Step))
	case turns.End:
		return s.event("end", e.Cursor, TurnEnd{turnOf(e.Turn), TurnBalance{e.Available}})
	case turns.Closed:
		return s.event("closed", nowhere, TurnClosed{e.Code})
	case turns.Beat:
	}
	return s.write([]byte(": still there\n\n"))
}

// nowhere is the place of what has none.
const nowhere = -1

func (s *stream) event(name string, at int, data any) error {
	b := append([]byte("event: "), name...)
	if at != nowhere {
		b = strconv.AppendInt(append(b, "\nid: "...), int64(at), 10)
	}
	text, err := json.Marshal(data) // which has no line breaks
	if err != nil {
		return err
	}
	return s.write(append(append(append(b, "\ndata: "...), text...), "\n\n"...))
}

func (s *stream) write(b []byte) error {
	_, err := s.w.Write(b) // for which the edge sets a deadline
	if err == nil {
		err = s.rc.Flush()
	}
	s.left = s.left || err != nil
	return err
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
		Errors:    []int{http.StatusForbidden, http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusTooManyRequests},
	}
	s.declare(&o, reflect.TypeFor[struct{}]())
	s.api.OpenAPI().AddOperation(&o)
}
