package upstream

import (
	"encoding/json"
	"strings"
	"sync"
)

// lesson is what a question is answered with, instead of words that say nothing.
type lesson struct {
	answer string
	script string // directives, after those of the model's name
}

// lessons holds what was taught, by the question's text.
type lessons struct {
	mu sync.Mutex
	by map[string]lesson
}

func (l *lessons) teach(question string, taught lesson) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.by == nil {
		l.by = map[string]lesson{}
	}
	l.by[question] = taught
}

func (l *lessons) learned(question string) (lesson, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	taught, ok := l.by[question]
	return taught, ok
}

// said is a message of a chat.
type said struct {
	Role    string          `json:"role"`
	Content json.RawMessage `json:"content"`
}

// question returns the text of the last message that a user said.
func question(messages []said) string {
	for i := len(messages) - 1; i >= 0; i-- {
		if messages[i].Role != "user" {
			continue
		}
		var text string
		if json.Unmarshal(messages[i].Content, &text) == nil {
			return text
		}
		var parts []struct {
			Text string `json:"text"`
		}
		_ = json.Unmarshal(messages[i].Content, &parts) // neither: no text
		for _, part := range parts {
			text += part.Text
		}
		return text
	}
	return ""
}

// pieces cuts a text as a model's tokens do, more or less: they make it up again.
func pieces(text string) []string {
	words := strings.SplitAfter(text, " ")
	if last := len(words) - 1; words[last] == "" {
		words = words[:last]
	}
	return words
}
