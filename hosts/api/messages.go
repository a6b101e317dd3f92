package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/archibot/archibotchat/core/app/sessions"
	"github.com/archibot/archibotchat/core/app/threads"
	"github.com/archibot/archibotchat/core/chat"
)

// Message is a question or an answer.
type Message struct {
	ID        string    `json:"id" example:"msg_06b1v5k9ehq7r4m2d8t0s3n1cg"`
	Parent    string    `json:"parent,omitempty" doc:"The message before it; absent on the first of a path."`
	Role      string    `json:"role" enum:"user,assistant"`
	Text      string    `json:"text" doc:"Markdown, as it was written. Of an answer at work, what was stored of it so far: follow-turn goes on from its length in bytes of UTF-8."`
	CreatedAt time.Time `json:"created_at"`
	Versions  []string  `json:"versions" nullable:"false" doc:"The IDs of the messages that stand in its place, itself among them, oldest first."`
	Turn      *Turn     `json:"turn,omitempty" doc:"The work on it; on answers."`
}

// MessageList is a part of a path, oldest first.
type MessageList struct {
	Messages []Message `json:"messages" nullable:"false"`
	Earlier  bool      `json:"earlier" doc:"Whether there are earlier ones: pass the first one's ID as before."`
	Head     string    `json:"head,omitempty" doc:"The ID of the last message of the path that the thread shows."`
}

// BranchChoice names the message whose branch is to be shown.
type BranchChoice struct {
	Message string `json:"message" maxLength:"64" doc:"The ID of a message of the thread."`
}

type (
	messagesInput struct {
		ID     string `path:"thread" maxLength:"64" doc:"The thread's ID."`
		Before string `query:"before" maxLength:"64" doc:"The ID of a message: those before it on its path."`
		At     string `query:"at" maxLength:"64" doc:"The ID of a message: the path through it to its newest end, without choosing it. Not together with before."`
		Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"How many at most."`
	}
	messagesOutput struct{ Body MessageList }
	headInput      struct {
		ID   string `path:"thread" maxLength:"64" doc:"The thread's ID."`
		Body BranchChoice
	}
)

func (s *server) registerMessages() {
	tags := []string{"Chat"}
	op(s, huma.Operation{
		OperationID: "list-messages", Method: http.MethodGet, Path: "/api/threads/{thread}/messages", Tags: tags,
		Summary: "List the messages of a path", Description: "The last messages of the path that is shown, oldest first. Pass the first one's ID as before to go upwards.", Errors: missing,
	}, s.listMessages)
	op(s, huma.Operation{
		OperationID: "choose-branch", Method: http.MethodPut, Path: "/api/threads/{thread}/head", Tags: tags,
		Summary: "Choose the branch that is shown", Description: "The path goes through the message named, and on by the newest message each time.", Errors: missing,
	}, s.chooseBranch)
}

func (s *server) listMessages(ctx context.Context, _ sessions.Current, in *messagesInput) (*messagesOutput, error) {
	if err := checkID(in.ID, "thr"); err != nil {
		return nil, err
	}
	for _, id := range []string{in.Before, in.At} {
		if err := checkID(id, "msg"); id != "" && err != nil {
			return nil, err
		}
	}
	p, err := s.Threads.Messages(ctx, in.ID, threads.Window{Before: in.Before, At: in.At, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	list := MessageList{Messages: []Message{}, Earlier: p.Earlier, Head: p.Head}
	for _, m := range p.Messages {
		list.Messages = append(list.Messages, messageOf(m.Message, m.Versions, m.Work))
	}
	return &messagesOutput{list}, nil
}

func (s *server) chooseBranch(ctx context.Context, _ sessions.Current, in *headInput) (*threadOutput, error) {
	if err := errors.Join(checkID(in.ID, "thr"), checkID(in.Body.Message, "msg")); err != nil {
		return nil, err
	}
	return oneThread(s.Threads.Choose(ctx, in.ID, in.Body.Message))
}

func messageOf(m chat.Message, versions []string, work chat.Turn) Message {
	out := Message{ID: m.ID, Parent: m.Parent, Role: string(m.Role), Text: m.Text, CreatedAt: m.CreatedAt.UTC(), Versions: versions}
	if len(versions) == 0 {
		out.Versions = []string{m.ID}
	}
	if work.ID != "" {
		t := turnOf(work)
		out.Turn = &t
	}
	return out
}
