package boot

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/archibot/archibotchat/core/app/setup"
)

// maxBoundary bounds the text that accounts acknowledge, in bytes.
const maxBoundary = 256 << 10

var versionForm = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z._-]{0,63}$`)

// boundary checks what accounts must acknowledge before chat and API open (A8).
func (c Config) boundary(f *faults) setup.Boundary {
	b := setup.Boundary{Version: c.BoundaryVersion}
	switch c.Boundary {
	case "not-required":
	case "required":
		b.Required = true
	default:
		f.add("boundary", "is not-required or required")
	}
	if b.Version != "" && !versionForm.MatchString(b.Version) {
		f.add("boundary-version", "is at most 64 letters, digits, dots and dashes")
	}
	if b.Required && b.Version == "" {
		f.missing("boundary-version", "the version of what accounts must acknowledge")
	}
	if c.BoundaryText == "" {
		if b.Required {
			f.missing("boundary-text", "the file that accounts must read and acknowledge")
		}
		return b
	}
	text, err := readFile(c.BoundaryText)
	if err != nil {
		f.add("boundary-text", "must name a text file: "+err.Error())
		return b
	}
	if b.Text = string(text); len(text) > maxBoundary || !utf8.ValidString(b.Text) || strings.TrimSpace(b.Text) == "" {
		f.add("boundary-text", "must be text (UTF-8) of at most 256 KiB, and not empty")
	}
	return b
}
