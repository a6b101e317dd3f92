package guard

import (
	"strings"
	"unicode"
)

// fold writes a text as it would come from a plain keyboard: wide forms of
// letters, odd blanks and dashes become ordinary ones, and what is not seen goes.
func fold(text string) string {
	plain := true
	for i := range len(text) {
		plain = plain && text[i] < 0x80
	}
	if plain {
		return text
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 0xFF01 && r <= 0xFF5E:
			return r - 0xFEE0
		case r >= 0x2010 && r <= 0x2015, r == 0x2212:
			return '-'
		case r == 0x201C || r == 0x201D || r == 0x201E:
			return '"'
		case r == 0x2018 || r == 0x2019:
			return '\''
		case r == 0x2028 || r == 0x2029:
			return '\n'
		case r >= 0x80 && unicode.IsSpace(r):
			return ' '
		case unicode.Is(unicode.Cf, r), r >= 0xFE00 && r <= 0xFE0F:
			return -1
		}
		return r
	}, text)
}

// chance says how much a text looks like the outcome of chance: it has letters
// of both cases and digits, and changes between them often, as words, names of
// code and dates do not.
func chance(text string) bool {
	var lower, upper, digits, changes int
	var last byte
	for i := range len(text) {
		class := classOf(text[i])
		switch class {
		case 'a':
			lower++
		case 'A':
			upper++
		case '0':
			digits++
		}
		if i > 0 && class != last {
			changes++
		}
		last = class
	}
	return lower >= 3 && upper >= 3 && digits >= 2 && changes*100 >= len(text)*45
}

// mixed reports whether a text has letters and digits both.
func mixed(text string) bool {
	var letter, digit bool
	for i := range len(text) {
		switch classOf(text[i]) {
		case 'a', 'A':
			letter = true
		case '0':
			digit = true
		}
	}
	return letter && digit
}

// classOf returns a, A or 0 for letters and digits, and - for all else.
func classOf(b byte) byte {
	switch {
	case b >= 'a' && b <= 'z':
		return 'a'
	case b >= 'A' && b <= 'Z':
		return 'A'
	case b >= '0' && b <= '9':
		return '0'
	}
	return '-'
}
