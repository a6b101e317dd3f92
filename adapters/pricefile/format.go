package pricefile

import (
	"bytes"
	"fmt"
	"strconv"
	"time"

	"github.com/archibot/archibotchat/core/pricing"
)

// Format writes a book as a price file; Parse makes the same book of it.
func Format(book pricing.Book) []byte {
	var b bytes.Buffer
	b.WriteString("prices:\n")
	for _, e := range book.Editions() {
		fmt.Fprintf(&b, "  - effective: %s\n    models:\n", e.Effective.Format(time.RFC3339Nano))
		for _, m := range e.Models {
			fmt.Fprintf(&b, "      - id: %s\n", strconv.QuoteToASCII(m.ID)) // which is YAML's double-quoted form too
			for _, f := range []struct {
				name string
				rate pricing.Rate
			}{
				{"per_request", m.PerRequest},
				{"per_input_token", m.PerInput},
				{"per_cached_input_token", m.PerCachedInput},
				{"per_output_token", m.PerOutput},
			} {
				fmt.Fprintf(&b, "        %s: %s\n", f.name, f.rate)
			}
			fmt.Fprintf(&b, "        max_output_tokens: %d\n", m.MaxOutputTokens)
			if m.InputTokens > 0 {
				fmt.Fprintf(&b, "        max_input_tokens: %d\n", m.InputTokens)
			}
			if m.Free {
				b.WriteString("        free: true\n")
			}
		}
	}
	return b.Bytes()
}
