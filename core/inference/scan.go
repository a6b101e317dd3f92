package inference

import (
	"bytes"
	"sync"
	"unicode/utf8"

	"github.com/archibot/archibotchat/core/fault"
)

// The limits of a request.
const (
	maxDepth      = 128 // nested objects and arrays, the body itself included
	maxModelBytes = 256
	maxChoices    = 128
)

// Scan reads the body of a request to route, once and strictly.
//
// It returns a *fault.Error of kind Invalid: with code "invalid_json" if the body
// is not one JSON object that every parser reads alike (syntax, trailing data,
// depth over 128, duplicate keys, invalid UTF-8, lone surrogates), and with code
// "invalid_request" and Param if a field that is read here is missing, of the
// wrong type, out of range or spelt in another case. Fields that are not read
// are checked by JSON's grammar only.
func Scan(route Route, body []byte) (Call, error) {
	s, _ := scanners.Get().(*scanner)
	s.start(route, body)
	ok := s.document() && s.complete()
	call, err := s.call, s.err
	s.release()
	if !ok {
		return Call{}, err
	}
	return call, nil
}

// scanner is the state of one Scan. Its methods parse at pos and return false
// after they set err.
type scanner struct {
	body  []byte
	pos   int
	depth int
	err   *fault.Error
	call  Call

	keys    []key    // of the objects that are open, outermost first
	scratch []byte   // the last key or text that had escapes, decoded
	folded  [24]byte // the last key, folded; holds the longest name we read
	item    itemFacts

	messages     bool // chat: an array of messages was there
	optionsFrom  int  // value of stream_options, 0 if absent
	optionsTo    int
	optionsNull  bool
	optionsEmpty bool
	usageFrom    int // value of stream_options.include_usage, 0 if absent
	usageTo      int
}

var scanners = sync.Pool{New: func() any { return new(scanner) }}

func (s *scanner) start(route Route, body []byte) {
	*s = scanner{
		body: body, keys: s.keys[:0], scratch: s.scratch[:0],
		call: Call{Route: route, N: 1, BodyBytes: len(body)},
	}
}

// release returns s to the pool without the request and without large buffers.
func (s *scanner) release() {
	const keep = 4096
	if cap(s.keys) > keep {
		s.keys = nil
	}
	if cap(s.scratch) > keep {
		s.scratch = nil
	}
	*s = scanner{keys: s.keys[:0], scratch: s.scratch[:0]}
	scanners.Put(s)
}

// document parses the whole body.
func (s *scanner) document() bool {
	if !utf8.Valid(s.body) {
		return s.syntax("it is not UTF-8")
	}
	s.space()
	if s.peek() != '{' {
		return s.syntax("an object is expected")
	}
	if !s.object(placeBody) {
		return false
	}
	s.space()
	if s.pos < len(s.body) {
		return s.syntax("data after the object")
	}
	return true
}

// complete checks what must be there and plans the splice.
func (s *scanner) complete() bool {
	if s.call.Model == "" {
		return s.refuse("model", "A model is required.")
	}
	if s.call.Route != ChatCompletions {
		return true
	}
	if !s.messages {
		return s.refuse("messages", "An array of messages is required.")
	}
	if !s.call.Stream || s.call.IncludeUsage {
		return true
	}
	switch {
	case s.optionsTo == 0:
		at := bytes.IndexByte(s.body, '{') + 1
		s.call.splice = splice{at, at, `"stream_options":` + askUsage + `,`}
	case s.optionsNull:
		s.call.splice = splice{s.optionsFrom, s.optionsTo, askUsage}
	case s.usageTo != 0:
		s.call.splice = splice{s.usageFrom, s.usageTo, "true"}
	case s.optionsEmpty:
		s.call.splice = splice{s.optionsFrom + 1, s.optionsFrom + 1, `"include_usage":true`}
	default:
		s.call.splice = splice{s.optionsFrom + 1, s.optionsFrom + 1, `"include_usage":true,`}
	}
	return true
}

// reads says whether name is a top-level field that Scan reads on the route.
func (r Route) reads(name []byte) bool {
	switch string(name) {
	case "model", "stream":
		return true
	case "stream_options", "store":
		return r != Embeddings
	case "n", "max_tokens", "max_completion_tokens", "messages":
		return r == ChatCompletions
	case "max_output_tokens", "background", "previous_response_id", "conversation", "prompt", "input":
		return r == Responses
	}
	return false
}

// bodyMember parses the value of a top-level member.
func (s *scanner) bodyMember(raw []byte) bool {
	name := s.fold(raw)
	if !s.call.Route.reads(name) {
		if string(raw) == "metadata" { // the client's own words, never references
			before := s.call.References
			ok := s.value(placeAny)
			s.call.References = before
			return ok
		}
		return s.anyMember(placeBody, name)
	}
	if !bytes.Equal(name, raw) {
		return s.refuse(string(name), "This field must be spelt in lower case.")
	}
	switch string(name) {
	case "model":
		return s.model()
	case "stream":
		return s.stream()
	case "stream_options":
		return s.streamOptions()
	case "store":
		return s.store()
	case "n":
		return s.choices()
	case "max_tokens":
		return s.limit("max_tokens")
	case "max_completion_tokens":
		return s.limit("max_completion_tokens")
	case "max_output_tokens":
		return s.limit("max_output_tokens")
	case "messages":
		s.messages = true
		return s.typed("messages", "an array", "[", placeAny)
	case "background":
		return s.flag("background", &s.call.Background)
	case "previous_response_id":
		return s.previous()
	case "conversation":
		return s.held("conversation", "a string, an object or null", `"{n`, &s.call.Conversation)
	case "prompt":
		return s.typed("prompt", "an object or null", "{n", placeHeld)
	default: // input
		return s.typed("input", "a string, an array or null", `"[n`, placeItems)
	}
}
