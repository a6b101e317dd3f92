package canary

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
)

// Shape recognises secrets of one make that nobody knows: those that begin with a
// prefix and go on with letters and digits up to a length.
type Shape struct {
	prefix string
	length int
	forms  []form
}

type form struct {
	name    string
	pattern *regexp.Regexp
	read    func(string) (string, error) // nil: it is plain
}

// NewShape returns the shape of secrets with a prefix and of a length in all.
func NewShape(prefix string, length int) Shape {
	rest := length - len(prefix)
	s := Shape{prefix: prefix, length: length, forms: []form{
		{"raw", regexp.MustCompile(fmt.Sprintf(`%s[0-9A-Za-z]{%d}`, regexp.QuoteMeta(prefix), rest)), nil},
		{"reversed", regexp.MustCompile(fmt.Sprintf(`[0-9A-Za-z]{%d}%s`, rest, regexp.QuoteMeta(string(reverse(prefix))))), func(text string) (string, error) {
			return string(reverse(text)), nil
		}},
		{"hex", regexp.MustCompile(fmt.Sprintf(`(?i)%s[0-9a-f]{%d}`, hex.EncodeToString([]byte(prefix)), 2*rest)), func(text string) (string, error) {
			b, err := hex.DecodeString(text)
			return string(b), err
		}},
	}}
	for before := range 3 {
		digits := base64.RawURLEncoding.EncodeToString(append(make([]byte, before), prefix...))
		first, last := (before*8+5)/6, (before+len(prefix))*8/6
		whole := ((before+length)*8 + 5) / 6
		s.forms = append(s.forms, form{
			"base64", regexp.MustCompile(fmt.Sprintf(`[\w+/-]{%d}%s[\w+/-]{%d}`, first, digits[first:last], whole-last)), func(text string) (string, error) {
				encoding := base64.RawURLEncoding
				if regexp.MustCompile(`[+/]`).MatchString(text) {
					encoding = base64.RawStdEncoding
				}
				b, err := encoding.DecodeString(text[:whole/4*4])
				if err != nil || len(b) < before+len(prefix) {
					return "", fmt.Errorf("not base64: %w", err)
				}
				return string(b[before:]), nil
			},
		})
	}
	return s
}

// Found returns the form of the first secret in the hay that is none of those
// known, or "". What is compressed is searched too.
func (s Shape) Found(hay []byte, known ...string) string {
	for _, f := range s.forms {
		for _, match := range f.pattern.FindAll(hay, -1) {
			if !s.known(f, string(match), known) {
				return s.prefix + "… as " + f.name
			}
		}
	}
	for _, inner := range unpack(hay) {
		if what := s.Found(inner, known...); what != "" {
			return what + ", compressed"
		}
	}
	return ""
}

// known reports whether a match is one of the secrets known, or no secret at all.
func (s Shape) known(f form, match string, known []string) bool {
	text := match
	if f.read != nil {
		var err error
		if text, err = f.read(match); err != nil {
			return true
		}
	}
	// base64 shows all but the last few characters at some alignments.
	n := min(len(text), s.length-3)
	return slices.ContainsFunc(known, func(k string) bool { return len(k) == s.length && text[:n] == k[:n] })
}
