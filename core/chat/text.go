package chat

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/guard"
)

// MaxModel bounds the ID of a model, in bytes.
const MaxModel = 200

// CheckTitle returns a title as a person gave it, without blanks around it.
// Faults: invalid_text, secret_in_text.
func CheckTitle(text, param string) (string, error) {
	text = strings.TrimSpace(text)
	if text == "" || len(text) > MaxTitle || !shown(text) || strings.ContainsAny(text, "\n\t") {
		return "", invalid(param, fmt.Sprintf("A title is a line of at most %d bytes.", MaxTitle))
	}
	return text, guard.Check(text, param)
}

// titleSight is how far into a line is looked for a secret that its title may have
// the beginning of.
const titleSight = 1 << 10

// AutoTitle returns the title that a thread gets from its first question, and
// Untitled where that may hold a secret.
func AutoTitle(question string) string {
	title, line := TitleOf(question), FirstLine(question)
	line = strings.ToValidUTF8(line[:min(len(line), titleSight)], "") // what is far behind the cut is not in the title
	for _, text := range []string{title, line} {                      // a cut may have left a secret's first half
		if _, found := guard.Find(text); found {
			return Untitled
		}
	}
	return title
}

// CheckModel returns a fault if a text cannot be a model's ID. The empty one
// means the default. Faults: invalid_text.
func CheckModel(id, param string) error {
	if len(id) > MaxModel || !shown(id) || strings.ContainsFunc(id, unicode.IsSpace) {
		return invalid(param, "That is no model's ID.")
	}
	return nil
}

// CheckText returns a fault if a text is longer than limit, in bytes, or none at
// all. Faults: invalid_text, text_too_long.
func CheckText(text, param string, limit int) error {
	if len(text) > limit {
		f := fault.New(fault.TooLarge, "text_too_long", fmt.Sprintf("The text has at most %d KiB.", limit>>10))
		f.Param = param
		return f
	}
	if !utf8.ValidString(text) || strings.Contains(text, "\x00") {
		return invalid(param, "The text holds characters that are none.")
	}
	return nil
}

// shown reports whether a text can be shown as it is written.
func shown(text string) bool {
	if !utf8.ValidString(text) {
		return false
	}
	return !strings.ContainsFunc(text, func(r rune) bool {
		return unicode.IsControl(r) && r != '\n' && r != '\t' || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029'
	})
}

func invalid(param, message string) error {
	f := fault.New(fault.Invalid, "invalid_text", message)
	f.Param = param
	return f
}
