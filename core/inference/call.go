package inference

import "math"

// Call is what Scan learned about one request.
type Call struct {
	Route Route
	// Model is the model asked for, 1 to 256 bytes of UTF-8 without U+0000.
	Model string
	// Stream says that the answer is to be server-sent events.
	Stream bool
	// IncludeUsage says that the client itself asked a chat stream for usage.
	// Where it is false, the client must not see frames of ClassUsage (W6).
	IncludeUsage bool
	// N is the number of choices, 1 to 128; 1 where the route has no such field.
	N int64
	// OutputLimit is the client's limit of output tokens per choice, 0 if none.
	OutputLimit int64
	// Background asks for an answer that outlives the call (responses).
	Background bool
	// PreviousResponse, Conversation and References say that the request names
	// objects that the upstream holds: an earlier response, a conversation, or
	// any other (files, vector stores, containers, items, stored prompts).
	PreviousResponse bool
	Conversation     bool
	References       bool
	// PreviousID is the ID of the earlier response; empty if there is none, or if
	// what was given has not the form of an ID.
	PreviousID string
	// Unstored says that the upstream is asked not to keep the response.
	Unstored bool
	// Context is how many input tokens the upstream adds for the earlier response,
	// at most. Scan cannot know; who does sets it.
	Context int64
	// BodyBytes is the length of the body that was scanned.
	BodyBytes int

	splice splice
}

// splice replaces body[from:to] by text; nothing if text is empty.
type splice struct {
	from, to int
	text     string
}

// maxContext is more than any conversation has, and leaves room to count on.
const maxContext = 1 << 50

const askUsage = `{"include_usage":true}`

// Forward returns the body to send upstream. It is body itself, except for a
// chat stream whose client did not ask for usage: then it is a new slice in
// which one splice asks for it, all else byte for byte the same (W6). The body
// must be the one that was scanned.
func (c Call) Forward(body []byte) []byte {
	s := c.splice
	if s.text == "" {
		return body
	}
	out := make([]byte, 0, len(body)-(s.to-s.from)+len(s.text))
	out = append(out, body[:s.from]...)
	out = append(out, s.text...)
	return append(out, body[s.to:]...)
}

// TokenBound returns the input and output tokens that the call may cost, for
// the hold (HOTPATH 10): a token is at least a byte of the body, the upstream
// adds those of the Context, and each of N choices may run to the client's limit, or to maxOutput where it set none. The
// output saturates at math.MaxInt64. Embeddings have no output.
func (c Call) TokenBound(maxOutput int64) (int64, int64) {
	input := int64(c.BodyBytes) + min(max(c.Context, 0), maxContext)
	if c.Route == Embeddings {
		return input, 0
	}
	limit := max(maxOutput, 0)
	if c.OutputLimit > 0 {
		limit = c.OutputLimit
	}
	n := max(c.N, 1)
	if limit > math.MaxInt64/n {
		return input, math.MaxInt64
	}
	return input, limit * n
}
