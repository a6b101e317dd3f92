package demoupstream

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	core "github.com/archibot/archibotchat/core/inference"
	"github.com/archibot/archibotchat/ports/inference"
)

// maxChoices is how many answers to one chat call there may be.
const maxChoices = 8

// question is what matters of a request.
type question struct {
	model        string
	prompt       string // all text of it
	messages     int
	limit        int // tokens of output, 0: none
	choices      int
	includeUsage bool

	store    bool            // responses: keep the answer
	previous string          // ID of an earlier response
	items    json.RawMessage // the input as it came
}

// wire is what is read of a request of either API.
type wire struct {
	Model               string          `json:"model"`
	Messages            []message       `json:"messages"`
	Input               json.RawMessage `json:"input"`
	Instructions        string          `json:"instructions"`
	MaxTokens           *int            `json:"max_tokens"`
	MaxCompletionTokens *int            `json:"max_completion_tokens"`
	MaxOutputTokens     *int            `json:"max_output_tokens"`
	N                   *int            `json:"n"`
	Store               *bool           `json:"store"`
	PreviousResponseID  string          `json:"previous_response_id"`
	StreamOptions       struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`
}

type message struct {
	Content json.RawMessage `json:"content"`
}

// parse reads r, or refuses it.
func parse(r *inference.Request) (question, error) {
	var w wire
	if err := json.Unmarshal(r.Body, &w); err != nil {
		return question{}, refuse(http.StatusBadRequest, "The request is not a JSON object of the expected form.", "", "invalid_json")
	}
	if !known(w.Model) {
		return question{}, refuse(http.StatusNotFound, "The model does not exist. Demonstrations are given by demo-small and demo-large.", "model", "model_not_found")
	}
	q := question{model: w.Model, choices: 1, includeUsage: w.StreamOptions.IncludeUsage}
	if r.Route == core.Responses {
		if err := limit(&q.limit, "max_output_tokens", w.MaxOutputTokens); err != nil {
			return question{}, err
		}
		q.readInput(w)
		q.store, q.previous, q.items = w.Store == nil || *w.Store, w.PreviousResponseID, w.Input
		return q, nil
	}
	if err := limit(&q.limit, "max_tokens", w.MaxTokens); err != nil {
		return question{}, err
	}
	if err := limit(&q.limit, "max_completion_tokens", w.MaxCompletionTokens); err != nil {
		return question{}, err
	}
	if err := limit(&q.choices, "n", w.N); err != nil {
		return question{}, err
	}
	if q.choices > maxChoices {
		return question{}, refuse(http.StatusBadRequest, "A demonstration has at most "+strconv.Itoa(maxChoices)+" choices.", "n", "invalid_value")
	}
	q.readMessages(w.Messages)
	return q, nil
}

func known(model string) bool {
	for _, m := range models {
		if m.ID == model {
			return true
		}
	}
	return false
}

// limit sets to from a request's optional number, which must be positive.
func limit(to *int, name string, n *int) error {
	if n == nil {
		return nil
	}
	if *n < 1 {
		return refuse(http.StatusBadRequest, "This number must be at least 1.", name, "invalid_value")
	}
	*to = *n
	return nil
}

func (q *question) readMessages(messages []message) {
	var b strings.Builder
	for _, m := range messages {
		b.WriteString(contentText(m.Content))
	}
	q.prompt, q.messages = b.String(), len(messages)
}

// readInput reads the responses API's input: a text or a list of items.
func (q *question) readInput(w wire) {
	var items []message
	if json.Unmarshal(w.Input, &items) == nil {
		q.readMessages(items)
	} else {
		q.prompt, q.messages = contentText(w.Input), 1
	}
	q.prompt = w.Instructions + q.prompt
}

// contentText returns the text of a message's content: a text or a list of
// parts, of which those with text count.
func contentText(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var parts []struct {
		Text string `json:"text"`
	}
	if json.Unmarshal(raw, &parts) != nil {
		return ""
	}
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(p.Text)
	}
	return b.String()
}
