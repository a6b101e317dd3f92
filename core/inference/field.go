package inference

import (
	"math"
	"strings"
)

// typed parses a value that must begin with one of the bytes in starts.
func (s *scanner) typed(param, want, starts string, in place) bool {
	if strings.IndexByte(starts, s.peek()) < 0 {
		return s.mistyped(param, want)
	}
	return s.value(in)
}

// mistyped refuses a value of the wrong type, unless it is no value at all.
func (s *scanner) mistyped(param, want string) bool {
	if !s.value(placeAny) {
		return false
	}
	return s.refuse(param, "This field must be "+want+".")
}

// model parses the model's name.
func (s *scanner) model() bool {
	if s.peek() != '"' {
		return s.mistyped("model", "a string")
	}
	t, ok := s.str()
	if !ok {
		return false
	}
	name := s.decoded(t)
	switch {
	case t.nul:
		return s.refuse("model", "This field must not hold U+0000.")
	case len(name) == 0:
		return s.refuse("model", "A model is required.")
	case len(name) > maxModelBytes:
		return s.refuse("model", "This field is limited to 256 bytes.")
	}
	s.call.Model = string(name)
	return true
}

// stream parses the wish for a stream, which embeddings do not have.
func (s *scanner) stream() bool {
	if !s.flag("stream", &s.call.Stream) {
		return false
	}
	if s.call.Stream && s.call.Route == Embeddings {
		return s.refuse("stream", "Embeddings are not streamed.")
	}
	return true
}

// store parses the wish that the answer be kept, which is so unless it is false.
func (s *scanner) store() bool {
	s.call.Unstored = s.peek() == 'f'
	return s.flag("store", new(bool))
}

// previous parses the ID of an earlier response.
func (s *scanner) previous() bool {
	from := s.pos
	if !s.held("previous_response_id", "a string or null", `"n`, &s.call.PreviousResponse) {
		return false
	}
	if s.call.PreviousResponse && s.pos-from <= 8*maxIDBytes {
		if id := unescape(nil, s.body[from+1:s.pos-1]); ValidID(string(id)) {
			s.call.PreviousID = string(id)
		}
	}
	return true
}

// flag parses true, false or null (which is false).
func (s *scanner) flag(param string, into *bool) bool {
	switch s.peek() {
	case 't':
		*into = true
	case 'f', 'n':
	default:
		return s.mistyped(param, "true, false or null")
	}
	return s.value(placeAny)
}

// streamOptions parses stream_options and notes where they are.
func (s *scanner) streamOptions() bool {
	s.optionsFrom = s.pos
	s.optionsNull = s.peek() == 'n'
	s.optionsEmpty = true
	in := placeAny
	if s.call.Route == ChatCompletions {
		in = placeOptions
	}
	if !s.typed("stream_options", "an object or null", "{n", in) {
		return false
	}
	s.optionsTo = s.pos
	return true
}

// optionsMember parses the value of a member of a chat's stream_options.
func (s *scanner) optionsMember(raw []byte) bool {
	s.optionsEmpty = false
	name := s.fold(raw)
	if string(name) != "include_usage" {
		return s.anyMember(placeOptions, name)
	}
	const param = "stream_options.include_usage"
	if string(raw) != "include_usage" {
		return s.refuse(param, "This field must be spelt in lower case.")
	}
	s.usageFrom = s.pos
	if !s.flag(param, &s.call.IncludeUsage) {
		return false
	}
	s.usageTo = s.pos
	return true
}

// choices parses n.
func (s *scanner) choices() bool {
	n, ok := s.integer("n", 1)
	if !ok {
		return false
	}
	if n < 1 || n > maxChoices {
		return s.refuse("n", "This field must be between 1 and 128.")
	}
	s.call.N = n
	return true
}

// limit parses a limit of output tokens; the largest of several counts.
func (s *scanner) limit(param string) bool {
	n, ok := s.integer(param, 0)
	if !ok {
		return false
	}
	s.call.OutputLimit = max(s.call.OutputLimit, n)
	return true
}

// integer parses a whole number from 0 to math.MaxInt64, or null, which is absent.
func (s *scanner) integer(param string, absent int64) (int64, bool) {
	const want = "a whole number from 0 to 9223372036854775807"
	from := s.pos
	switch c := s.peek(); {
	case c == 'n':
		return absent, s.value(placeAny)
	case c != '-' && (c < '0' || c > '9'):
		return 0, s.mistyped(param, want)
	}
	if !s.number() {
		return 0, false
	}
	n, ok := wholeNumber(s.body[from:s.pos], math.MaxInt64)
	if !ok {
		return 0, s.refuse(param, "This field must be "+want+".")
	}
	return n, true
}

// held parses a reference to an object that the upstream holds.
func (s *scanner) held(param, want, starts string, into *bool) bool {
	first := s.peek()
	if first == '"' {
		t, ok := s.str()
		if !ok {
			return false
		}
		if t.nul {
			return s.refuse(param, "This field must not hold U+0000.")
		}
		*into = true
		return true
	}
	if !s.typed(param, want, starts, placeAny) {
		return false
	}
	*into = first != 'n'
	return true
}

// wholeNumber reads digits alone, up to limit.
func wholeNumber(b []byte, limit int64) (int64, bool) {
	if len(b) == 0 || len(b) > 19 {
		return 0, false
	}
	var n uint64 // 19 digits fit
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	if n > uint64(limit) {
		return 0, false
	}
	return int64(n), true
}
