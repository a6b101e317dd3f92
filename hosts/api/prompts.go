package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/archibot/archibotchat/core/app/sessions"
	"github.com/archibot/archibotchat/core/app/threads"
	"github.com/archibot/archibotchat/core/chat"
)

// Prompt is a question that the signed-in person keeps to ask it again.
type Prompt struct {
	ID        string    `json:"id" example:"prm_06b1v5k9ehq7r4m2d8t0s3n1cg"`
	Title     string    `json:"title"`
	Text      string    `json:"text"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// PromptList is all of a person's prompts, by title.
type PromptList struct {
	Prompts []Prompt `json:"prompts" nullable:"false"`
}

// PromptDraft is a prompt to keep.
type PromptDraft struct {
	Title string `json:"title" minLength:"1" maxLength:"200" doc:"At most 200 bytes. Text that looks like a secret is refused."`
	Text  string `json:"text" minLength:"1" maxLength:"32768" doc:"At most 32 KiB."`
}

// PromptChange says what is to change of a prompt. What is absent stays as it
// is.
type PromptChange struct {
	Title *string `json:"title,omitempty" minLength:"1" maxLength:"200" doc:"At most 200 bytes. Text that looks like a secret is refused."`
	Text  *string `json:"text,omitempty" minLength:"1" maxLength:"32768" doc:"At most 32 KiB."`
}

// DraftText is what somebody has typed and not sent yet.
type DraftText struct {
	Text string `json:"text" maxLength:"131072" doc:"At most 128 KiB; empty if there is none."`
}

type (
	promptsOutput struct{ Body PromptList }
	promptOutput  struct{ Body Prompt }
	promptInput   struct {
		ID string `path:"prompt" maxLength:"64" doc:"The prompt's ID."`
	}
	newPromptInput    struct{ Body PromptDraft }
	changePromptInput struct {
		ID   string `path:"prompt" maxLength:"64" doc:"The prompt's ID."`
		Body PromptChange
	}
	draftOfInput struct {
		ID string `path:"thread" maxLength:"64" doc:"The thread's ID, or new for the next thread."`
	}
	draftOfOutput  struct{ Body DraftText }
	saveDraftInput struct {
		ID   string `path:"thread" maxLength:"64" doc:"The thread's ID, or new for the next thread."`
		Body DraftText
	}
)

func (s *server) registerPrompts() {
	tags := []string{"Chat"}
	op(s, huma.Operation{
		OperationID: "list-prompts", Method: http.MethodGet, Path: "/api/prompts", Tags: tags,
		Summary: "List saved prompts", Description: "All of the signed-in person's own in this account, by title.",
	}, s.listPrompts)
	op(s, huma.Operation{
		OperationID: "create-prompt", Method: http.MethodPost, Path: "/api/prompts", Tags: tags,
		Summary: "Save a prompt", DefaultStatus: http.StatusCreated, Errors: []int{http.StatusConflict},
	}, s.createPrompt)
	op(s, huma.Operation{
		OperationID: "change-prompt", Method: http.MethodPatch, Path: "/api/prompts/{prompt}", Tags: tags,
		Summary: "Change a saved prompt", Errors: missing,
	}, s.changePrompt)
	op(s, huma.Operation{
		OperationID: "delete-prompt", Method: http.MethodDelete, Path: "/api/prompts/{prompt}", Tags: tags,
		Summary: "Delete a saved prompt", DefaultStatus: http.StatusNoContent, Errors: []int{http.StatusForbidden, http.StatusNotFound},
	}, s.deletePrompt)
	op(s, huma.Operation{
		OperationID: "show-draft", Method: http.MethodGet, Path: "/api/drafts/{thread}", Tags: tags,
		Summary: "Show what was typed and not sent", Errors: missing,
	}, s.showDraft)
	op(s, huma.Operation{
		OperationID: "save-draft", Method: http.MethodPut, Path: "/api/drafts/{thread}", Tags: tags,
		Summary: "Keep what was typed and not sent", Description: "The empty text takes it away.", DefaultStatus: http.StatusNoContent, Errors: mismatch,
	}, s.saveDraft)
}

func (s *server) listPrompts(ctx context.Context, _ sessions.Current, _ *struct{}) (*promptsOutput, error) {
	ps, err := s.Threads.Prompts(ctx)
	if err != nil {
		return nil, err
	}
	list := PromptList{Prompts: []Prompt{}}
	for _, p := range ps {
		list.Prompts = append(list.Prompts, promptOf(p))
	}
	return &promptsOutput{list}, nil
}

func (s *server) createPrompt(ctx context.Context, _ sessions.Current, in *newPromptInput) (*promptOutput, error) {
	p, err := s.Threads.SavePrompt(ctx, in.Body.Title, in.Body.Text)
	if err != nil {
		return nil, err
	}
	return &promptOutput{promptOf(p)}, nil
}

func (s *server) changePrompt(ctx context.Context, _ sessions.Current, in *changePromptInput) (*promptOutput, error) {
	if err := checkID(in.ID, "prm"); err != nil {
		return nil, err
	}
	p, err := s.Threads.ChangePrompt(ctx, in.ID, threads.PromptChange{Title: in.Body.Title, Text: in.Body.Text})
	if err != nil {
		return nil, err
	}
	return &promptOutput{promptOf(p)}, nil
}

func (s *server) deletePrompt(ctx context.Context, _ sessions.Current, in *promptInput) (*struct{}, error) {
	if err := checkID(in.ID, "prm"); err != nil {
		return nil, err
	}
	return nil, s.Threads.DeletePrompt(ctx, in.ID)
}

// draftOf returns the thread that a draft's path names, "" for the next one.
func draftOf(id string) (string, error) {
	if id == "new" {
		return "", nil
	}
	return id, checkID(id, "thr")
}

func (s *server) showDraft(ctx context.Context, _ sessions.Current, in *draftOfInput) (*draftOfOutput, error) {
	thread, err := draftOf(in.ID)
	if err != nil {
		return nil, err
	}
	text, err := s.Threads.NotSent(ctx, thread)
	if err != nil {
		return nil, err
	}
	return &draftOfOutput{DraftText{text}}, nil
}

func (s *server) saveDraft(ctx context.Context, _ sessions.Current, in *saveDraftInput) (*struct{}, error) {
	thread, err := draftOf(in.ID)
	if err != nil {
		return nil, err
	}
	return nil, s.Threads.KeepNotSent(ctx, thread, in.Body.Text)
}

func promptOf(p chat.Prompt) Prompt {
	return Prompt{ID: p.ID, Title: p.Title, Text: p.Text, CreatedAt: p.CreatedAt.UTC(), UpdatedAt: p.UpdatedAt.UTC()}
}
