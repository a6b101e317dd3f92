package chat

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Untitled is the title of a thread whose first question gives none.
const Untitled = "New chat"

// titleLength is how many characters an automatic title has at most.
const titleLength = 60

// FirstLine returns the first line of a question that says something, without
// what cannot be seen; "" if there is none. It is what a title is made of.
func FirstLine(question string) string {
	for line := range strings.Lines(question) {
		line = strings.Join(strings.Fields(strings.Map(visible, line)), " ")
		if strings.ContainsFunc(line, func(r rune) bool {
			return unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsSymbol(r) && r > unicode.MaxASCII
		}) {
			return line
		}
	}
	return ""
}

// visible drops control characters and those that turn the direction of writing.
func visible(r rune) rune {
	switch {
	case unicode.IsSpace(r):
		return ' '
	case unicode.IsControl(r), r == utf8.RuneError, r >= 0x202A && r <= 0x202E, r >= 0x2066 && r <= 0x2069, r == 0x200E, r == 0x200F, r == 0x061C, r == 0xFEFF:
		return -1
	}
	return r
}

// TitleOf returns the title that a thread gets from its first question: the
// first line of it, cut at a word if it is long.
func TitleOf(question string) string {
	line := FirstLine(question)
	if line == "" {
		return Untitled
	}
	if utf8.RuneCountInString(line) <= titleLength && len(line) <= MaxTitle {
		return line
	}
	const ellipsis = "…"
	end, word, n := 0, 0, 0
	for i, r := range line {
		if n == titleLength-1 || i+utf8.RuneLen(r) > MaxTitle-len(ellipsis) {
			if r == ' ' {
				word = i // the cut is between words as it is
			}
			break
		}
		if r == ' ' {
			word = i
		}
		n++
		end = i + utf8.RuneLen(r)
	}
	if word > end/2 { // a word that takes up half of the title is cut itself
		end = word
	}
	return strings.TrimRight(line[:end], " ,;:.-–—") + ellipsis
}
