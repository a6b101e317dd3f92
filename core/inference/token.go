package inference

import (
	"strconv"

	"github.com/archibot/archibotchat/core/fault"
)

// syntax refuses the body at pos as JSON.
func (s *scanner) syntax(what string) bool {
	s.err = fault.New(fault.Invalid, "invalid_json",
		"The request body is not acceptable JSON: "+what+" (byte "+strconv.Itoa(s.pos)+").")
	return false
}

// refuse refuses one field.
func (s *scanner) refuse(param, message string) bool {
	s.err = fault.New(fault.Invalid, "invalid_request", message)
	s.err.Param = param
	return false
}

// peek returns the byte at pos, 0 at the end (where 0 is never legal either).
func (s *scanner) peek() byte {
	if s.pos < len(s.body) {
		return s.body[s.pos]
	}
	return 0
}

func (s *scanner) space() {
	for s.pos < len(s.body) {
		switch s.body[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

// value parses any value; in says what its members mean.
func (s *scanner) value(in place) bool {
	switch c := s.peek(); c {
	case '"':
		_, ok := s.str()
		return ok
	case '{':
		if in == placeItems {
			in = placeAny
		}
		return s.object(in)
	case '[':
		return s.array(in)
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	case 'n':
		return s.literal("null")
	default:
		if c == '-' || '0' <= c && c <= '9' {
			return s.number()
		}
		return s.syntax("a value is expected")
	}
}

func (s *scanner) literal(word string) bool {
	if end := s.pos + len(word); end <= len(s.body) && string(s.body[s.pos:end]) == word {
		s.pos = end
		return true
	}
	return s.syntax("a value is expected")
}

// descend opens an object or an array.
func (s *scanner) descend() bool {
	s.depth++
	if s.depth > maxDepth {
		return s.syntax("it is nested deeper than 128 levels")
	}
	s.pos++
	s.space()
	return true
}

// object parses an object and refuses a key that it names twice.
func (s *scanner) object(in place) bool {
	if !s.descend() {
		return false
	}
	first := len(s.keys)
	for s.peek() != '}' || len(s.keys) > first {
		name, ok := s.name()
		if !ok || !s.member(in, name) {
			return false
		}
		s.space()
		if s.peek() == '}' {
			break
		}
		if s.peek() != ',' {
			return s.syntax("a comma or the end of an object is expected")
		}
		s.pos++
		s.space()
	}
	s.pos++
	s.depth--
	return s.unique(in, first)
}

// name parses a key and its colon, and returns the key decoded.
func (s *scanner) name() ([]byte, bool) {
	if s.peek() != '"' {
		return nil, s.syntax("a key is expected")
	}
	t, ok := s.str()
	if !ok {
		return nil, false
	}
	name := s.decoded(t)
	s.keys = append(s.keys, key{hash: hashOf(name), from: t.from, to: t.to})
	s.space()
	if s.peek() != ':' {
		return nil, s.syntax("a colon is expected")
	}
	s.pos++
	s.space()
	return name, true
}

// member parses the value of one member of an object.
func (s *scanner) member(in place, name []byte) bool {
	switch in {
	case placeBody:
		return s.bodyMember(name)
	case placeOptions:
		return s.optionsMember(name)
	default:
		return s.anyMember(in, s.fold(name))
	}
}

// array parses an array.
func (s *scanner) array(in place) bool {
	if !s.descend() {
		return false
	}
	for empty := true; s.peek() != ']' || !empty; empty = false {
		if in == placeItems && s.peek() == '{' {
			if !s.inputItem() {
				return false
			}
		} else if !s.value(placeAny) {
			return false
		}
		s.space()
		if s.peek() == ']' {
			break
		}
		if s.peek() != ',' {
			return s.syntax("a comma or the end of an array is expected")
		}
		s.pos++
		s.space()
	}
	s.pos++
	s.depth--
	return true
}

// number parses a number by JSON's grammar; its size does not matter.
func (s *scanner) number() bool {
	if s.peek() == '-' {
		s.pos++
	}
	if s.peek() == '0' {
		s.pos++
	} else if !s.digits() {
		return false
	}
	if s.peek() == '.' {
		s.pos++
		if !s.digits() {
			return false
		}
	}
	if c := s.peek(); c != 'e' && c != 'E' {
		return true
	}
	s.pos++
	if c := s.peek(); c == '+' || c == '-' {
		s.pos++
	}
	return s.digits()
}

func (s *scanner) digits() bool {
	from := s.pos
	for c := s.peek(); '0' <= c && c <= '9'; c = s.peek() {
		s.pos++
	}
	if s.pos == from {
		return s.syntax("a digit is expected")
	}
	return true
}
