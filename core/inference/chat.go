package inference

import (
	"bytes"
	"encoding/json"
	"strings"
)

// ChatRole is who speaks in a chat, as the wire names them.
type ChatRole string

// The roles of a chat.
const (
	RoleSystem    ChatRole = "system"
	RoleUser      ChatRole = "user"
	RoleAssistant ChatRole = "assistant"
)

// ChatMessage returns one message of a chat as JSON.
func ChatMessage(role ChatRole, text string) []byte {
	return plainJSON(struct {
		Role    ChatRole `json:"role"`
		Content string   `json:"content"`
	}{role, text})
}

// ChatBody returns the body of a call that asks for the next message of a chat
// as a stream with its usage; messages are as ChatMessage returns them.
func ChatBody(model string, messages [][]byte) []byte {
	head := plainJSON(model)
	size := len(head) + len(askUsage) + 64
	for _, m := range messages {
		size += len(m) + 1
	}
	body := make([]byte, 0, size)
	body = append(body, `{"model":`...)
	body = append(body, head...)
	body = append(body, `,"stream":true,"stream_options":`...)
	body = append(body, askUsage...)
	body = append(body, `,"messages":[`...)
	body = append(body, bytes.Join(messages, []byte(","))...)
	return append(body, "]}"...)
}

// plainJSON is encode without escapes for HTML: each byte of a body costs.
func plainJSON(v any) []byte {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) //nolint:errchkjson // strings encode
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}

// ChatPiece is what a part of a chat's answer says.
type ChatPiece struct {
	// Text is what the model wrote, or why it would not. It is UTF-8 without
	// U+0000, whatever the upstream sent.
	Text string
	// Finish is why the answer ends here, as OpenAI names it; empty: it goes on.
	Finish string
	// Code is that of an error that the part tells of.
	Code string
}

// ReadChat reads a part of a chat's stream, which may be several frames: of the
// first choice, all that was said.
func ReadChat(part []byte) ChatPiece {
	var p ChatPiece
	var text strings.Builder
	m := Meter{route: ChatCompletions}
	for len(part) > 0 {
		frame, rest := firstFrame(part)
		part = rest
		if _, data, class := m.split(frame); class == ClassContent {
			p.read(data, "delta", &text)
		}
	}
	p.Text = text.String()
	return p
}

// ReadChatAnswer reads a chat's answer that came in one piece.
func ReadChatAnswer(body []byte) ChatPiece {
	var p ChatPiece
	var text strings.Builder
	p.read(body, "message", &text)
	p.Text = text.String()
	return p
}

// firstFrame cuts the first frame off a part of a stream.
func firstFrame(part []byte) (frame, rest []byte) {
	for i := 0; i < len(part); {
		n := bytes.IndexByte(part[i:], '\n')
		if n < 0 {
			break
		}
		line := bytes.TrimSuffix(part[i:i+n], []byte("\r"))
		i += n + 1
		if len(line) == 0 {
			return part[:i], part[i:]
		}
	}
	return part, nil
}

// read adds what one object says; in names where a choice has its words.
func (p *ChatPiece) read(data []byte, in string, text *strings.Builder) {
	w := object(data)
	for {
		name, value, more := w.next()
		if !more {
			return
		}
		switch string(name) {
		case "choices":
			list := array(value)
			for {
				_, choice, more := list.next()
				if !more {
					break
				}
				p.choice(choice, in, text)
			}
		case "error":
			if !isNull(value) {
				p.Code = textOf(member(value, "code"))
			}
		}
	}
}

func (p *ChatPiece) choice(raw []byte, in string, text *strings.Builder) {
	if i := member(raw, "index"); i != nil && string(i) != "0" {
		return
	}
	if words := member(raw, in); words != nil {
		text.WriteString(textOf(member(words, "content")))
		text.WriteString(textOf(member(words, "refusal")))
	}
	if f := textOf(member(raw, "finish_reason")); f != "" {
		p.Finish = f
	}
}

// member returns the value of an object's last member of a name, nil if it has none.
func member(raw []byte, name string) (found []byte) {
	w := object(raw)
	for {
		n, value, more := w.next()
		if !more {
			return found
		}
		if string(n) == name {
			found = value
		}
	}
}

// textOf returns what a raw string says, "" for another value.
func textOf(raw []byte) string {
	if len(raw) < 2 || raw[0] != '"' {
		return ""
	}
	s := string(raw[1 : len(raw)-1])
	if strings.IndexByte(s, '\\') >= 0 {
		var decoded string
		if json.Unmarshal(raw, &decoded) != nil { // it replaces lone surrogates
			return ""
		}
		s = decoded
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}
