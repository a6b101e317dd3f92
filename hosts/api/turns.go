package api

import (
	"context"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/archibot/archibotchat/core/app/sessions"
	"github.com/archibot/archibotchat/core/app/turns"
	"github.com/archibot/archibotchat/core/chat"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/gates"
	"github.com/archibot/archibotchat/hosts/edge"
)

// Turn is one question and the work on its answer.
type Turn struct {
	ID         string       `json:"id" example:"turn_06b1v5k9ehq7r4m2d8t0s3n1cg"`
	Thread     string       `json:"thread" doc:"The thread's ID."`
	Question   string       `json:"question" doc:"The ID of the message that asks."`
	Answer     string       `json:"answer" doc:"The ID of the message that answers."`
	Model      string       `json:"model"`
	State      string       `json:"state" enum:"running,done,stopped,failed"`
	RequestID  string       `json:"request_id" doc:"The ID under which its credits were held and debited." example:"req_06b1v5k9ehq7r4m2d8t0s3n1cg"`
	StartedAt  time.Time    `json:"started_at"`
	FirstAt    *time.Time   `json:"first_text_at,omitempty" doc:"When the first text came; absent if none did."`
	EndedAt    *time.Time   `json:"ended_at,omitempty" doc:"Absent while it runs."`
	DurationMS *int64       `json:"duration_ms,omitempty" doc:"How long it took, in milliseconds; absent while it runs."`
	Sent       int          `json:"sent_messages" doc:"How many messages the model was sent, the question included."`
	LeftOut    int          `json:"left_out_messages" doc:"How many earlier ones had no room."`
	Usage      *TurnUsage   `json:"usage,omitempty" doc:"Absent until it is known."`
	Debited    *int64       `json:"debited_microcredits,omitempty" doc:"What it cost; absent while that is not known."`
	Settled    bool         `json:"settled" doc:"Whether debited_microcredits will not change any more."`
	Failure    *TurnFailure `json:"failure,omitempty" doc:"On failed turns."`
	Steps      []TurnStep   `json:"steps" nullable:"false" doc:"What happened to it, in order."`
}

// TurnUsage is what a turn used, in tokens.
type TurnUsage struct {
	Input       int64 `json:"input_tokens"`
	CachedInput int64 `json:"cached_input_tokens" doc:"Part of input_tokens."`
	Output      int64 `json:"output_tokens"`
	Estimated   bool  `json:"estimated" doc:"Whether it was counted here, because the provider did not say."`
}

// TurnFailure says why a turn failed.
type TurnFailure struct {
	Code      string `json:"code" doc:"A stable machine code." example:"upstream_unavailable"`
	Message   string `json:"message" doc:"What happened, in plain words."`
	NextStep  string `json:"next_step" doc:"What the person can do about it; empty if there is nothing to say."`
	Retryable bool   `json:"retryable" doc:"Whether asking again may help."`
}

// TurnStep is something that happened to a turn.
type TurnStep struct {
	Name string `json:"name" doc:"gate, hold, upstream, first_text, settle or end; there may be others in future."`
	AtMS int64  `json:"at_ms" doc:"Milliseconds since the turn began."`
	Note string `json:"note,omitempty"`
}

// TurnDraft is what is to be asked.
type TurnDraft struct {
	Key      string `json:"key" minLength:"8" maxLength:"64" pattern:"^[A-Za-z0-9_-]+$" doc:"Made by the client, another one for each turn: asked twice with one key, it is the same turn."`
	Model    string `json:"model,omitempty" maxLength:"200" doc:"The thread's unless told; the thread keeps it."`
	Text     string `json:"text,omitempty" maxLength:"131072" doc:"A new question, at most 128 KiB. Exactly one of text and question is given."`
	Parent   string `json:"parent,omitempty" maxLength:"64" doc:"The ID of the answer that the new question follows; absent to begin a path. To ask in other words, give the parent of the question that is replaced."`
	Question string `json:"question,omitempty" maxLength:"64" doc:"The ID of a question that is to be answered again."`
}

// StartedTurn is a turn under way, with its messages.
type StartedTurn struct {
	Turn     Turn    `json:"turn"`
	Question Message `json:"question"`
	Answer   Message `json:"answer"`
	Thread   Thread  `json:"thread"`
}

type (
	startTurnInput struct {
		ID   string `path:"thread" maxLength:"64" doc:"The thread's ID."`
		Body TurnDraft
	}
	startTurnOutput struct {
		Status int
		Body   StartedTurn
	}
	turnInput struct {
		ID string `path:"turn" maxLength:"64" doc:"The turn's ID."`
	}
	turnOutput struct{ Body Turn }
)

func (s *server) registerTurns() {
	tags := []string{"Chat"}
	started := s.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[StartedTurn](), true, "StartedTurn")
	op(s, huma.Operation{
		OperationID: "start-turn", Method: http.MethodPost, Path: "/api/threads/{thread}/turns", Tags: tags,
		Summary: "Ask something",
		Description: "The server works on the answer by itself: a client that leaves loses nothing, and comes back with follow-turn. The chat's gate must be open; what it refuses stores nothing. " +
			"What fails later is a turn in the state failed, which keeps the question. One turn runs in a thread at a time.",
		DefaultStatus: http.StatusCreated,
		Responses:     map[string]*huma.Response{"200": {Description: "The turn was started before, with this key.", Content: map[string]*huma.MediaType{"application/json": {Schema: started}}}},
		Errors:        []int{http.StatusPaymentRequired, http.StatusNotFound, http.StatusConflict, http.StatusTooManyRequests},
	}, s.startTurn)
	op(s, huma.Operation{
		OperationID: "show-turn", Method: http.MethodGet, Path: "/api/turns/{turn}", Tags: tags,
		Summary: "Show a turn", Errors: missing,
	}, turnOp(s.Turns.Get))
	op(s, huma.Operation{
		OperationID: "stop-turn", Method: http.MethodPost, Path: "/api/turns/{turn}/stop", Tags: tags,
		Summary: "Stop a turn", Description: "The text so far stays, and is charged for. The turn ends a moment later; stopping one that has ended changes nothing.", Errors: missing,
	}, turnOp(s.Turns.Stop))
	s.registerFollow()
}

func (s *server) startTurn(ctx context.Context, _ sessions.Current, in *startTurnInput) (*startTurnOutput, error) {
	if err := checkID(in.ID, "thr"); err != nil {
		return nil, err
	}
	b := in.Body
	for _, id := range []string{b.Parent, b.Question} {
		if err := checkID(id, "msg"); id != "" && err != nil {
			return nil, err
		}
	}
	if err := chat.CheckModel(b.Model, "model"); err != nil {
		return nil, err
	}
	a, err := s.Turns.Start(ctx, turns.Ask{
		Thread: in.ID, Key: b.Key, Model: b.Model, Text: b.Text, Parent: b.Parent, Question: b.Question, From: edge.Client(ctx),
	})
	if err != nil {
		return nil, err
	}
	if b.Question != "" && b.Question != a.Question.ID || b.Text != "" && (b.Text != a.Question.Text || b.Parent != a.Question.Parent) {
		return nil, errOtherTurn
	}
	versions, err := s.Threads.Versions(ctx, in.ID, a.Question.Parent, a.Question.ID)
	if err != nil {
		return nil, err
	}
	out := &startTurnOutput{Status: http.StatusCreated, Body: StartedTurn{
		Turn: turnOf(a.Turn), Question: messageOf(a.Question, versions[a.Question.Parent], chat.Turn{}),
		Answer: messageOf(a.Answer, versions[a.Question.ID], a.Turn), Thread: threadOf(a.Thread),
	}}
	if a.Again {
		out.Status = http.StatusOK
	}
	return out, nil
}

// errOtherTurn refuses a key that stands for something else already.
var errOtherTurn = fault.New(fault.Conflict, "key_reused", "Another question was asked with this key. Make a new key for each.")

// turnOp is an operation that takes a turn's ID alone.
func turnOp(do func(ctx context.Context, id string) (chat.Turn, error)) func(context.Context, sessions.Current, *turnInput) (*turnOutput, error) {
	return func(ctx context.Context, _ sessions.Current, in *turnInput) (*turnOutput, error) {
		if err := checkID(in.ID, "turn"); err != nil {
			return nil, err
		}
		t, err := do(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		return &turnOutput{turnOf(t)}, nil
	}
}

func turnOf(t chat.Turn) Turn {
	out := Turn{
		ID: t.ID, Thread: t.Thread, Question: t.Question, Answer: t.Answer, Model: t.Model, State: string(t.State), RequestID: t.Request,
		StartedAt: t.StartedAt.UTC(), FirstAt: instant(t.FirstAt), EndedAt: instant(t.EndedAt), Sent: t.Sent, LeftOut: t.LeftOut, Settled: t.Settled, Steps: []TurnStep{},
	}
	if !t.EndedAt.IsZero() {
		ms := t.EndedAt.Sub(t.StartedAt).Milliseconds()
		out.DurationMS = &ms
	}
	if t.Input+t.Output > 0 {
		out.Usage = &TurnUsage{Input: t.Input, CachedInput: t.Cached, Output: t.Output, Estimated: t.Estimated}
	}
	if t.Settled {
		out.Debited = &t.Debited
	}
	if t.State == chat.Failed {
		f := gates.FailureOf(t.Reason)
		out.Failure = &TurnFailure{Code: f.Code, Message: f.Message, NextStep: f.NextStep, Retryable: f.Retryable}
	}
	for _, step := range t.Steps {
		out.Steps = append(out.Steps, stepOf(step))
	}
	return out
}

func stepOf(s chat.Step) TurnStep {
	return TurnStep{Name: s.Name, AtMS: s.At.Milliseconds(), Note: s.Note}
}
