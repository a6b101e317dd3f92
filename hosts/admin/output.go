package admin

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/archibot/archibotchat/core/app/credits"
)

// print writes v as JSON, or what text writes in columns parted by tabs.
func (e *Env) print(v any, text func(w io.Writer)) error {
	if e.JSON {
		enc := json.NewEncoder(e.Out)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		return enc.Encode(v)
	}
	w := tabwriter.NewWriter(e.Out, 0, 4, 2, ' ', 0)
	text(w)
	return w.Flush()
}

// row writes cells as one line of a table.
func row(w io.Writer, cells ...string) {
	for i, c := range cells {
		if c == "" {
			cells[i] = "-"
		}
	}
	_, _ = fmt.Fprintln(w, strings.Join(cells, "\t"))
}

// table writes the lines of a list of n under a heading, or in its place what
// to say of an empty one.
func (e *Env) table(v any, n int, empty string, heading []string, lines func(w io.Writer)) error {
	return e.print(v, func(w io.Writer) {
		if n == 0 {
			_, _ = fmt.Fprintln(w, empty)
			return
		}
		row(w, heading...)
		lines(w)
	})
}

// stamp returns a time as people read it, "" for none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

// instant returns a time for JSON; nil, which is null, for none.
func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// amount returns microcredits as people read them.
func amount(microcredits int64) string { return credits.Format(microcredits) + " credits" }

// list returns l, or an empty list for none, so that JSON has [] and not null.
func list[T any](l []T) []T {
	if l == nil {
		return []T{}
	}
	return l
}

// paging is the flags of a list.
type paging struct {
	Limit int    `default:"50" help:"Most lines to show, at most 1000."`
	After string `placeholder:"ID" help:"Show what comes after this ID: the last one of the page before."`
}

// empty returns what to say of a page that has no lines.
func (p paging) empty(text string) string {
	if p.After != "" {
		return "There is nothing after this ID."
	}
	return text
}
