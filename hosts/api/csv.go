package api

import (
	"context"
	"encoding/csv"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/archibot/archibotchat/core/access"
)

// table streams rows as CSV (RFC 4180). rows hands each row to its argument;
// an error after the first bytes cuts the answer, so that a part can never
// pass for the whole.
func (s *server) table(ctx huma.Context, name string, rows func(ctx context.Context, put func(...string) error) error) {
	ctx.SetHeader("Content-Type", "text/csv; charset=utf-8; header=present")
	ctx.SetHeader("Content-Disposition", `attachment; filename="`+name+`.csv"`)
	ctx.SetStatus(http.StatusOK)
	w := csv.NewWriter(ctx.BodyWriter())
	w.UseCRLF = true
	s.whole(ctx.Context(), "table", func(ctx context.Context) error {
		err := rows(ctx, func(cells ...string) error { return w.Write(cells) })
		w.Flush()
		if err == nil {
			err = w.Error()
		}
		return err
	})
}

// whole writes an answer for as long as its reader takes; an error cuts it.
func (s *server) whole(ctx context.Context, what string, write func(ctx context.Context) error) {
	long, done := unbounded(ctx)
	defer done()
	if err := write(long); err != nil {
		s.Log.ErrorContext(ctx, "answer was cut", "what", what, "request_id", access.Request(ctx), "error", err)
		panic(http.ErrAbortHandler)
	}
}

// cell keeps a spreadsheet from reading text as a formula.
func cell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}

// tableResponse describes a CSV answer beside the JSON one, if there is one.
func tableResponse(description string, jsonBody *huma.Schema) map[string]*huma.Response {
	content := map[string]*huma.MediaType{"text/csv": {Schema: &huma.Schema{Type: "string"}}}
	if jsonBody != nil {
		content["application/json"] = &huma.MediaType{Schema: jsonBody}
	}
	return map[string]*huma.Response{"200": {Description: description, Content: content}}
}
