package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/archibot/archibotchat/core/app/sessions"
	"github.com/archibot/archibotchat/core/app/threads"
	"github.com/archibot/archibotchat/core/chat"
	"github.com/archibot/archibotchat/ports/store"
)

// Thread is a conversation of the signed-in person.
type Thread struct {
	ID           string     `json:"id" example:"thr_06b1v5k9ehq7r4m2d8t0s3n1cg"`
	Title        string     `json:"title" example:"Names for a ship"`
	Named        bool       `json:"named" doc:"Whether a person chose the title; else it is from the first question."`
	Model        string     `json:"model,omitempty" doc:"What the next question goes to; absent: the default one."`
	Instructions string     `json:"instructions,omitempty" doc:"What the model is told before the first message."`
	Pinned       bool       `json:"pinned" doc:"Whether it comes before others in lists."`
	Archived     bool       `json:"archived"`
	DeletedAt    *time.Time `json:"deleted_at,omitempty" doc:"When it was deleted. It can be restored for 24 hours, and is then removed for good."`
	Messages     int        `json:"messages" doc:"How many messages it has, on all branches."`
	Head         string     `json:"head,omitempty" doc:"The ID of the last message of the path that is shown; absent if there is none."`
	RunningTurn  string     `json:"running_turn,omitempty" doc:"The ID of the turn at work in it; absent if there is none."`
	CreatedAt    time.Time  `json:"created_at"`
	UpdatedAt    time.Time  `json:"updated_at" doc:"When it was last asked or answered something."`
}

// ThreadList is a page of threads: pinned ones first, each part newest first.
type ThreadList struct {
	Threads    []Thread `json:"threads" nullable:"false"`
	NextCursor string   `json:"next_cursor,omitempty" doc:"Pass it as cursor to get the next page; absent on the last one."`
}

// ThreadDraft describes a thread to begin.
type ThreadDraft struct {
	Title        string `json:"title,omitempty" maxLength:"200" doc:"At most 200 bytes; from the first question unless told. Text that looks like a secret is refused."`
	Model        string `json:"model,omitempty" maxLength:"200" doc:"What questions go to; the default one unless told."`
	Instructions string `json:"instructions,omitempty" maxLength:"16384" doc:"What the model is told before the first message, at most 16 KiB."`
}

// ThreadChange says what is to change of a thread. What is absent stays as it
// is.
type ThreadChange struct {
	Title        *string `json:"title,omitempty" maxLength:"200" doc:"At most 200 bytes; the empty one means from the first question again. Text that looks like a secret is refused."`
	Pinned       *bool   `json:"pinned,omitempty"`
	Archived     *bool   `json:"archived,omitempty"`
	Model        *string `json:"model,omitempty" maxLength:"200" doc:"The empty one means the default one."`
	Instructions *string `json:"instructions,omitempty" maxLength:"16384" doc:"At most 16 KiB."`
}

type (
	threadsInput struct {
		View   string `query:"view" enum:"active,archived,deleted" default:"active" doc:"Which threads; deleted ones are those that can still be restored."`
		Text   string `query:"q" maxLength:"200" doc:"Narrows to threads whose title has it, or one of whose messages has words that begin with each of its words."`
		Cursor string `query:"cursor" maxLength:"200" doc:"next_cursor of the page before."`
		Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"50" doc:"How many at most."`
	}
	threadsOutput struct{ Body ThreadList }
	threadInput   struct {
		ID string `path:"thread" maxLength:"64" doc:"The thread's ID."`
	}
	threadOutput      struct{ Body Thread }
	newThreadInput    struct{ Body ThreadDraft }
	changeThreadInput struct {
		ID   string `path:"thread" maxLength:"64" doc:"The thread's ID."`
		Body ThreadChange
	}
)

var (
	missing  = []int{http.StatusNotFound}
	mismatch = []int{http.StatusNotFound, http.StatusConflict}
)

func (s *server) registerThreads() {
	tags := []string{"Chat"}
	op(s, huma.Operation{
		OperationID: "list-threads", Method: http.MethodGet, Path: "/api/threads", Tags: tags,
		Summary: "List threads", Description: "The signed-in person's own threads in this account, pinned ones first, each part by updated_at, newest first.",
	}, s.listThreads)
	op(s, huma.Operation{
		OperationID: "create-thread", Method: http.MethodPost, Path: "/api/threads", Tags: tags,
		Summary: "Begin a thread", DefaultStatus: http.StatusCreated, Errors: []int{http.StatusConflict},
	}, s.createThread)
	op(s, huma.Operation{
		OperationID: "show-thread", Method: http.MethodGet, Path: "/api/threads/{thread}", Tags: tags,
		Summary: "Show a thread", Description: "Also a deleted one, until it is removed for good.", Errors: missing,
	}, threadOp(s.Threads.Get))
	op(s, huma.Operation{
		OperationID: "change-thread", Method: http.MethodPatch, Path: "/api/threads/{thread}", Tags: tags,
		Summary: "Change a thread", Description: "Renames, pins, archives, or changes what the next question is asked with.", Errors: mismatch,
	}, s.changeThread)
	op(s, huma.Operation{
		OperationID: "delete-thread", Method: http.MethodDelete, Path: "/api/threads/{thread}", Tags: tags,
		Summary: "Delete a thread", Description: "It can be restored for 24 hours. Deleting it again changes nothing. A turn at work in it is stopped.",
		DefaultStatus: http.StatusNoContent, Errors: []int{http.StatusForbidden, http.StatusNotFound},
	}, s.deleteThread)
	op(s, huma.Operation{
		OperationID: "restore-thread", Method: http.MethodPost, Path: "/api/threads/{thread}/restore", Tags: tags,
		Summary: "Restore a deleted thread", Description: "Restoring one that is not deleted changes nothing.", Errors: missing,
	}, threadOp(s.Threads.Restore))
}

func (s *server) listThreads(ctx context.Context, _ sessions.Current, in *threadsInput) (*threadsOutput, error) {
	ts, next, err := s.Threads.List(ctx, threads.Query{View: store.ThreadView(in.View), Text: in.Text, Page: store.Page{After: in.Cursor, Limit: in.Limit}})
	if err != nil {
		return nil, err
	}
	list := ThreadList{Threads: []Thread{}, NextCursor: next}
	for _, t := range ts {
		list.Threads = append(list.Threads, threadOf(t))
	}
	return &threadsOutput{list}, nil
}

func (s *server) createThread(ctx context.Context, _ sessions.Current, in *newThreadInput) (*threadOutput, error) {
	return oneThread(s.Threads.Create(ctx, threads.Draft{Title: in.Body.Title, Model: in.Body.Model, Instructions: in.Body.Instructions}))
}

func (s *server) changeThread(ctx context.Context, _ sessions.Current, in *changeThreadInput) (*threadOutput, error) {
	if err := checkID(in.ID, "thr"); err != nil {
		return nil, err
	}
	return oneThread(s.Threads.Change(ctx, in.ID, threads.Change{
		Title: in.Body.Title, Pinned: in.Body.Pinned, Archived: in.Body.Archived, Model: in.Body.Model, Instructions: in.Body.Instructions,
	}))
}

func (s *server) deleteThread(ctx context.Context, _ sessions.Current, in *threadInput) (*struct{}, error) {
	if err := checkID(in.ID, "thr"); err != nil {
		return nil, err
	}
	return nil, s.Threads.Delete(ctx, in.ID)
}

// threadOp is an operation that takes a thread's ID alone.
func threadOp(do func(ctx context.Context, id string) (chat.Thread, error)) func(context.Context, sessions.Current, *threadInput) (*threadOutput, error) {
	return func(ctx context.Context, _ sessions.Current, in *threadInput) (*threadOutput, error) {
		if err := checkID(in.ID, "thr"); err != nil {
			return nil, err
		}
		return oneThread(do(ctx, in.ID))
	}
}

func oneThread(t chat.Thread, err error) (*threadOutput, error) {
	if err != nil {
		return nil, err
	}
	return &threadOutput{threadOf(t)}, nil
}

func threadOf(t chat.Thread) Thread {
	return Thread{
		ID: t.ID, Title: t.Title, Named: t.Named, Model: t.Model, Instructions: t.Instructions, Pinned: !t.PinnedAt.IsZero(), Archived: !t.ArchivedAt.IsZero(),
		DeletedAt: instant(t.DeletedAt), Messages: t.Messages, Head: t.Head, RunningTurn: t.Running, CreatedAt: t.CreatedAt.UTC(), UpdatedAt: t.UpdatedAt.UTC(),
	}
}
