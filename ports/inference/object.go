package inference

// Verb says what is asked of a response that an upstream keeps.
type Verb string

// The verbs.
const (
	Retrieve   Verb = "retrieve"
	Delete     Verb = "delete"
	Cancel     Verb = "cancel"
	InputItems Verb = "input_items"
)

// NotKept is what an upstream refuses a call with that names what another one
// keeps.
func NotKept() *Refusal {
	return &Refusal{Status: 404, Message: "There is no such object.", Type: "invalid_request_error", Code: "not_found", Elsewhere: true}
}

// ObjectCall is a call on one response that an upstream keeps. Whose that is,
// an upstream cannot know: all accounts share its key (W4).
type ObjectCall struct {
	Verb      Verb
	ID        string // as the upstream gave it
	Keeper    string // the name of the upstream that gave it
	RequestID string // ours; see Request

	// Include asks for parts that are left out otherwise: Retrieve, InputItems.
	Include []string
	// After, Limit and Order choose a page of InputItems; their zero values
	// leave it to the upstream.
	After string
	Limit int
	Order string
}
