package openaiupstream

import (
	"encoding/base64"
	"encoding/hex"
	"html"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// gram is how many characters in a row of an encoded key betray it.
const gram = 12

// credential is what credentials of anybody look like.
var credential = regexp.MustCompile(`(?i)\bsk-[a-z0-9_*.…-]{4,}|\bbearer\s+\S+`)

// scrubber finds the upstream's key in what the upstream says: plain, in
// base64 of either alphabet at any alignment, in hex, percent-encoded or as
// HTML entities, whole or any 12 characters of it, with characters strewn in
// or in another case.
type scrubber struct {
	short []string            // forms too short for grams, in lower case
	grams map[string]struct{} // every 12 characters of every form, in lower case
}

func newScrubber(key string) *scrubber {
	s := &scrubber{grams: map[string]struct{}{}}
	s.add(key, 1)
	s.add(hex.EncodeToString([]byte(key)), 6)
	for shift := range 3 {
		s.add(aligned(base64.RawStdEncoding, key, shift), 6)
		s.add(aligned(base64.RawURLEncoding, key, shift), 6)
	}
	return s
}

// add learns one form of the key, unless it is shorter than least: such a form
// is in any text.
func (s *scrubber) add(form string, least int) {
	form = strings.ToLower(form)
	if len(form) < least {
		return
	}
	if len(form) < gram {
		s.short = append(s.short, form)
		return
	}
	for i := 0; i+gram <= len(form); i++ {
		s.grams[form[i:i+gram]] = struct{}{}
	}
}

// aligned returns the part of key's base64 that is the same whatever stands
// around it, if shift bytes (modulo 3) stand before it.
func aligned(enc *base64.Encoding, key string, shift int) string {
	encoded := enc.EncodeToString(append(make([]byte, shift), key...))
	first := (shift*8 + 5) / 6         // characters that hold bits of what is before
	last := (shift + len(key)) * 8 / 6 // characters full of the key's bits
	return encoded[min(first, last):last]
}

// leaks reports whether text holds the key or anything like a credential.
func (s *scrubber) leaks(text string) bool {
	if len(text) < gram && strings.Trim(text, "0123456789") == "" { // the time that an answer took
		return s.holds(text)
	}
	for _, view := range [...]string{text, percentDecoded(text), html.UnescapeString(text)} {
		if credential.MatchString(view) || s.holds(strings.ToLower(view)) || s.holds(strings.ToLower(compact(view))) {
			return true
		}
	}
	return false
}

func (s *scrubber) holds(text string) bool {
	for _, form := range s.short {
		if strings.Contains(text, form) {
			return true
		}
	}
	for i := 0; i+gram <= len(text); i++ {
		if _, ok := s.grams[text[i:i+gram]]; ok {
			return true
		}
	}
	return false
}

// clean returns text without control characters and with at most limit bytes,
// or nothing if it leaks.
func (s *scrubber) clean(text string, limit int) string {
	text = strings.ToValidUTF8(truncated(text, 2*limit), "")
	if s.leaks(text) {
		return ""
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, text)
	return truncated(strings.TrimSpace(text), limit)
}

// truncated returns at most limit bytes of text, cut between characters.
func truncated(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit]
}

// compact returns the visible ASCII of text.
func compact(text string) string {
	return strings.Map(func(r rune) rune {
		if unprintable(r) {
			return -1
		}
		return r
	}, text)
}

// percentDecoded decodes what is percent-encoded and leaves the rest.
func percentDecoded(text string) string {
	if !strings.Contains(text, "%") {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '%' && i+2 < len(text) {
			if c, err := hex.DecodeString(text[i+1 : i+3]); err == nil {
				b.WriteByte(c[0])
				i += 2
				continue
			}
		}
		b.WriteByte(text[i])
	}
	return b.String()
}
