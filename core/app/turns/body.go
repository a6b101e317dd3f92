package turns

import (
	"context"
	"slices"

	"github.com/archibot/archibotchat/core/chat"
	"github.com/archibot/archibotchat/core/inference"
	"github.com/archibot/archibotchat/ports/store"
)

// body is what a model is sent.
type body struct {
	call    inference.Call
	bytes   []byte
	sent    int // messages, the question included
	leftOut int // earlier ones that had no room

	memory Memory
}

// give gives back the room that the body takes.
func (b body) give() { b.memory.Give(int64(len(b.bytes))) }

// steps of a look back along a path.
const (
	firstLook = 32
	longLook  = 512
	shortText = 64 << 10 // of a look after which more may be looked at in one
)

// body returns what a model is sent: what it is told beforehand, the path up to
// the question as far as there is room, and the question.
func (s *Service) body(ctx context.Context, w store.Whose, p place, model string) (body, error) {
	var head [][]byte
	if p.thread.Instructions != "" {
		head = append(head, inference.ChatMessage(inference.RoleSystem, p.thread.Instructions))
	}
	question := inference.ChatMessage(inference.RoleUser, p.question.Text)
	room := s.d.Limits.Body - len(question)
	for _, m := range head {
		room -= len(m)
	}
	earlier, leftOut, err := s.earlier(ctx, w, p, room)
	if err != nil {
		return body{}, err
	}
	b := body{sent: len(earlier) + 1, leftOut: leftOut, memory: s.d.Memory}
	b.bytes = inference.ChatBody(model, slices.Concat(head, earlier, [][]byte{question}))
	if b.call, err = inference.Scan(inference.ChatCompletions, b.bytes); err != nil {
		return body{}, err
	}
	return b, s.d.Memory.Take(int64(len(b.bytes)))
}

// earlier returns the messages before the question as the wire has them, oldest
// first, at most room bytes of them, and how many older ones there are. Answers
// that failed or never came are none.
func (s *Service) earlier(ctx context.Context, w store.Whose, p place, room int) (said [][]byte, leftOut int, err error) {
	look := firstLook
	var oldest chat.Role
	for last := p.question.Parent; last != ""; {
		path, err := s.d.Store.Messages().Path(ctx, w, p.thread.ID, last, look)
		if err != nil {
			return nil, 0, err
		}
		failed, err := s.failed(ctx, w, path)
		if err != nil {
			return nil, 0, err
		}
		size := 0
		for _, m := range path {
			last = m.Parent
			size += len(m.Text)
			if m.Text == "" || failed[m.Turn] && m.Role == chat.RoleAssistant {
				continue
			}
			role := inference.RoleUser
			if m.Role == chat.RoleAssistant {
				role = inference.RoleAssistant
			}
			message := inference.ChatMessage(role, m.Text)
			if room -= len(message) + 1; room < 0 {
				leftOut, last = m.Depth+1, ""
				break
			}
			said, oldest = append(said, message), m.Role
		}
		if len(path) == 0 {
			break
		}
		if size < shortText {
			look = longLook
		}
	}
	if leftOut > 0 && oldest == chat.RoleAssistant { // an answer to a question that is not told
		said = said[:len(said)-1]
		leftOut++
	}
	slices.Reverse(said)
	return said, leftOut, nil
}

// failed returns which turns of a path have failed.
func (s *Service) failed(ctx context.Context, w store.Whose, path []chat.Message) (map[string]bool, error) {
	var ids []string
	for _, m := range path {
		if m.Role == chat.RoleAssistant && m.Turn != "" {
			ids = append(ids, m.Turn)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	turns, err := s.d.Store.Turns().Of(ctx, w, ids)
	if err != nil {
		return nil, err
	}
	failed := map[string]bool{}
	for _, t := range turns {
		failed[t.ID] = t.State == chat.Failed
	}
	return failed, nil
}
