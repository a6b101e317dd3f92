package api

import (
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
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
	}, soon[struct{}, promptsOutput])
	op(s, huma.Operation{
		OperationID: "create-prompt", Method: http.MethodPost, Path: "/api/prompts", Tags: tags,
		Summary: "Save a prompt", DefaultStatus: http.StatusCreated, Errors: []int{http.StatusConflict},
	}, soon[newPromptInput, promptOutput])
	op(s, huma.Operation{
		OperationID: "change-prompt", Method: http.MethodPatch, Path: "/api/prompts/{prompt}", Tags: tags,
		Summary: "Change a saved prompt", Errors: missing,
	}, soon[changePromptInput, promptOutput])
	op(s, huma.Operation{
		OperationID: "delete-prompt", Method: http.MethodDelete, Path: "/api/prompts/{prompt}", Tags: tags,
		Summary: "Delete a saved prompt", DefaultStatus: http.StatusNoContent, Errors: []int{http.StatusForbidden, http.StatusNotFound},
	}, soon[promptInput, struct{}])
	op(s, huma.Operation{
		OperationID: "show-draft", Method: http.MethodGet, Path: "/api/drafts/{thread}", Tags: tags,
		Summary: "Show what was typed and not sent", Errors: missing,
	}, soon[draftOfInput, draftOfOutput])
	op(s, huma.Operation{
		OperationID: "save-draft", Method: http.MethodPut, Path: "/api/drafts/{thread}", Tags: tags,
		Summary: "Keep what was typed and not sent", Description: "The empty text takes it away.", DefaultStatus: http.StatusNoContent, Errors: mismatch,
	}, soon[saveDraftInput, struct{}])
}
