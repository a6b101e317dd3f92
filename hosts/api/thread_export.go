package api

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"reflect"
	"strings"
	"time"
	"unicode"

	"github.com/danielgtaylor/huma/v2"

	"github.com/archibot/archibotchat/core/app/sessions"
	"github.com/archibot/archibotchat/core/app/threads"
	"github.com/archibot/archibotchat/core/chat"
)

// ThreadExport is a thread with all of its branches.
type ThreadExport struct {
	Form       string          `json:"form" enum:"archibotchat/thread/1" doc:"The form of this document."`
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

const exportForm = "archibotchat/thread/1"

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
	}, s.exportThread)
}

func (s *server) exportThread(ctx context.Context, _ sessions.Current, in *exportThreadInput) (*huma.StreamResponse, error) {
	if err := checkID(in.ID, "thr"); err != nil {
		return nil, err
	}
	e, err := s.Threads.Export(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	media, ending, write := "text/markdown; charset=utf-8", ".md", writeMarkdown
	if in.Format == "json" {
		media, ending, write = "application/json", ".json", writeJSON
	}
	return &huma.StreamResponse{Body: func(h huma.Context) {
		h.SetHeader("Content-Type", media)
		h.SetHeader("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": fileName(e.Thread.Title) + ending}))
		h.SetStatus(http.StatusOK)
		s.whole(h.Context(), "thread", func(ctx context.Context) error { return write(ctx, h.BodyWriter(), e) })
	}}, nil
}

// writeMarkdown writes the path that is shown.
func writeMarkdown(ctx context.Context, w io.Writer, e *threads.Export) error {
	if _, err := io.WriteString(w, chat.Heading(e.Thread, e.At)); err != nil {
		return err
	}
	return e.Path(ctx, func(m threads.Exported) error {
		_, err := io.WriteString(w, chat.Entry(m.Message, m.Work))
		return err
	})
}

// writeJSON writes a ThreadExport, message by message.
func writeJSON(ctx context.Context, w io.Writer, e *threads.Export) error {
	head, err := json.Marshal(ThreadExport{Form: exportForm, ExportedAt: e.At.UTC(), Thread: threadOf(e.Thread), Messages: []ExportMessage{}})
	if err != nil {
		return err
	}
	const end = "]}"
	if _, err := w.Write(bytes.TrimSuffix(head, []byte(end))); err != nil {
		return err
	}
	between := "\n"
	err = e.All(ctx, func(m threads.Exported) error {
		one := messageOf(m.Message, nil, m.Work)
		text, err := json.Marshal(ExportMessage{
			ID: one.ID, Parent: one.Parent, Role: one.Role, Text: one.Text, CreatedAt: one.CreatedAt, Shown: m.Shown, Turn: one.Turn,
		})
		if err != nil {
			return err
		}
		_, err = w.Write(append([]byte(between), text...))
		between = ",\n"
		return err
	})
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, "\n"+end+"\n")
	return err
}

// fileName returns a title as the name of a file anywhere.
func fileName(title string) string {
	words := strings.FieldsFunc(title, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsMark(r) })
	name := []rune(strings.Join(words, "-"))
	if len(name) == 0 {
		return "thread"
	}
	return strings.TrimRight(string(name[:min(len(name), 60)]), "-")
}
