package inference

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// text is where a string's content lies in the body.
type text struct {
	from, to int
	escaped  bool // it holds escapes
	nul      bool // one of them is U+0000
}

// str parses a string.
func (s *scanner) str() (text, bool) {
	s.pos++
	t := text{from: s.pos}
	for {
		s.pos = plain(s.body, s.pos)
		switch c := s.peek(); {
		case c == '"':
			t.to = s.pos
			s.pos++
			return t, true
		case c == '\\':
			t.escaped = true
			r, n := escape(s.body[s.pos:])
			if n == 0 {
				return t, s.syntax("a bad escape")
			}
			t.nul = t.nul || r == 0
			s.pos += n
		case s.pos >= len(s.body):
			return t, s.syntax("a string does not end")
		default:
			return t, s.syntax("a control character in a string")
		}
	}
}

// decoded returns what a string says: a part of the body, or scratch, which the
// next call may overwrite.
func (s *scanner) decoded(t text) []byte {
	raw := s.body[t.from:t.to]
	if !t.escaped {
		return raw
	}
	s.scratch = unescape(s.scratch[:0], raw)
	return s.scratch
}

// unescape appends what raw, the content of a legal string, says.
func unescape(dst, raw []byte) []byte {
	for i := 0; i < len(raw); {
		if raw[i] != '\\' {
			dst = append(dst, raw[i])
			i++
			continue
		}
		r, n := escape(raw[i:])
		if n == 0 {
			return dst
		}
		dst = utf8.AppendRune(dst, r)
		i += n
	}
	return dst
}

// escape reads the escape at the start of b, a surrogate pair as one. It returns
// its rune and length, 0 if it is not legal.
func escape(b []byte) (rune, int) {
	if len(b) < 2 {
		return 0, 0
	}
	switch b[1] {
	case '"', '\\', '/':
		return rune(b[1]), 2
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	}
	high, ok := unit(b)
	if !ok {
		return 0, 0
	}
	if !utf16.IsSurrogate(high) {
		return high, 6
	}
	low, ok := unit(b[6:])
	if !ok {
		return 0, 0
	}
	r := utf16.DecodeRune(high, low)
	if r == utf8.RuneError {
		return 0, 0
	}
	return r, 12
}

// unit reads \uXXXX.
func unit(b []byte) (rune, bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range b[2:6] {
		switch {
		case '0' <= c && c <= '9':
			r = r<<4 | rune(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

// plain returns the index of the first quote, backslash or control character in
// b from i on, len(b) if there is none. It looks at eight bytes at a time.
func plain(b []byte, i int) int {
	const (
		ones  = 0x0101010101010101
		highs = 0x8080808080808080
	)
	for ; i+8 <= len(b); i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		quote := w ^ ones*'"'
		slash := w ^ ones*'\\'
		// A high bit says: this byte is zero (below 0x20), or one after such a
		// one. So the lowest of them tells the truth.
		if hit := ((quote-ones)&^quote | (slash-ones)&^slash | (w-ones*0x20)&^w) & highs; hit != 0 {
			return i + bits.TrailingZeros64(hit)>>3
		}
	}
	for ; i < len(b); i++ {
		if c := b[i]; c == '"' || c == '\\' || c < 0x20 {
			return i
		}
	}
	return len(b)
}
