package inferencetest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	core "github.com/archibot/archibotchat/core/inference"
)

// object is what both APIs' answers have for us in common.
type object struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Model   string `json:"model"`
	Status  string `json:"status"`
	Choices []struct {
		Message struct {
			Content string `json:"content"`
		} `json:"message"`
		Delta struct {
			Content string `json:"content"`
		} `json:"delta"`
		FinishReason string `json:"finish_reason"`
	} `json:"choices"`
	Output []struct {
		Content []struct {
			Text string `json:"text"`
		} `json:"content"`
	} `json:"output"`
	Usage *struct {
		Prompt     int `json:"prompt_tokens"`
		Completion int `json:"completion_tokens"`
		Input      int `json:"input_tokens"`
		Output     int `json:"output_tokens"`
		Total      int `json:"total_tokens"`
	} `json:"usage"`
}

// checkObject says what is wrong with a JSON answer.
func checkObject(route core.Route, body []byte) error {
	var o object
	if err := json.Unmarshal(body, &o); err != nil {
		return fmt.Errorf("answer is not JSON: %w", err)
	}
	if o.ID == "" || o.Model == "" {
		return errors.New("answer has no id or no model")
	}
	if err := o.checkUsage(route); err != nil {
		return err
	}
	if route == core.Responses {
		if o.Object != "response" || o.Status != "completed" || o.text() == "" {
			return fmt.Errorf("object %q, status %q, text %q", o.Object, o.Status, o.text())
		}
		return nil
	}
	if o.Object != "chat.completion" || len(o.Choices) != 1 || o.Choices[0].Message.Content == "" || o.Choices[0].FinishReason == "" {
		return fmt.Errorf("object %q, choices %+v", o.Object, o.Choices)
	}
	return nil
}

func (o *object) text() string {
	var b strings.Builder
	for _, item := range o.Output {
		for _, part := range item.Content {
			b.WriteString(part.Text)
		}
	}
	return b.String()
}

func (o *object) checkUsage(route core.Route) error {
	if o.Usage == nil {
		return errors.New("answer has no usage")
	}
	in, out := o.Usage.Prompt, o.Usage.Completion
	if route == core.Responses {
		in, out = o.Usage.Input, o.Usage.Output
	}
	if in <= 0 || out <= 0 || o.Usage.Total != in+out {
		return fmt.Errorf("usage %+v", *o.Usage)
	}
	return nil
}

// checkStream says what is wrong with a streamed answer.
func checkStream(route core.Route, body []byte) error {
	events, found := bytes.CutSuffix(body, []byte("\n\n"))
	if !found {
		return errors.New("stream does not end with an empty line")
	}
	if route == core.Responses {
		return checkResponsesStream(bytes.Split(events, []byte("\n\n")))
	}
	return checkChatStream(bytes.Split(events, []byte("\n\n")))
}

func checkChatStream(events [][]byte) error {
	last := len(events) - 1
	if string(events[last]) != "data: [DONE]" {
		return fmt.Errorf("stream ends with %q", events[last])
	}
	text, finished, usage := "", false, errors.New("no chunk has usage")
	for _, e := range events[:last] {
		data, found := bytes.CutPrefix(e, []byte("data: "))
		var o object
		if err := json.Unmarshal(data, &o); err != nil {
			return fmt.Errorf("event %q: %w", e, err)
		}
		if !found {
			return fmt.Errorf("event %q has no data", e)
		}
		if o.Object != "chat.completion.chunk" {
			return fmt.Errorf("object %q", o.Object)
		}
		for _, c := range o.Choices {
			text += c.Delta.Content
			finished = finished || c.FinishReason != ""
		}
		if len(o.Choices) == 0 {
			usage = o.checkUsage(core.ChatCompletions)
		}
	}
	if text == "" || !finished {
		return fmt.Errorf("text %q, finished %t", text, finished)
	}
	return usage
}

func checkResponsesStream(events [][]byte) error {
	text := ""
	for i, e := range events {
		name, data, found := strings.Cut(strings.TrimPrefix(string(e), "event: "), "\ndata: ")
		var v struct {
			Type     string          `json:"type"`
			Sequence int             `json:"sequence_number"`
			Delta    string          `json:"delta"`
			Response json.RawMessage `json:"response"`
		}
		if err := json.Unmarshal([]byte(data), &v); err != nil {
			return fmt.Errorf("event %q: %w", e, err)
		}
		if !found {
			return fmt.Errorf("event %q has no data", e)
		}
		if v.Type != name || v.Sequence != i {
			return fmt.Errorf("event %d is called %q, has type %q and number %d", i, name, v.Type, v.Sequence)
		}
		text += v.Delta
		if i < len(events)-1 {
			continue
		}
		var o object
		if err := json.Unmarshal(v.Response, &o); err != nil {
			return fmt.Errorf("terminal event: %w", err)
		}
		if v.Type != "response.completed" || o.text() != text {
			return fmt.Errorf("stream ends with %q; its text is %q, its deltas make %q", v.Type, o.text(), text)
		}
		return checkObject(core.Responses, v.Response)
	}
	return errors.New("stream is empty")
}
