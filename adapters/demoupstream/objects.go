package demoupstream

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"github.com/archibot/archibotchat/core/fault"
	core "github.com/archibot/archibotchat/core/inference"
	"github.com/archibot/archibotchat/ports/inference"
)

// Limits of what is kept; past them the oldest goes.
const (
	maxKept      = 200
	maxKeptBytes = 16 << 20
)

// kept is a response that may be asked for later.
type kept struct {
	id     string
	object []byte
	input  []object // items, in their order
	tokens int      // of the whole conversation so far
	size   int      // about so many bytes
}

// shelf holds the last responses, in memory. Its zero value is empty.
type shelf struct {
	mu    sync.Mutex
	kept  []kept // oldest first
	bytes int
}

func (s *shelf) put(k kept) {
	if k.size > maxKeptBytes/4 {
		return // nothing else shall go for it
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept = append(s.kept, k)
	s.bytes += k.size
	for len(s.kept) > maxKept || s.bytes > maxKeptBytes {
		s.drop(0)
	}
}

func (s *shelf) drop(i int) {
	s.bytes -= s.kept[i].size
	s.kept = slices.Delete(s.kept, i, i+1)
}

func (s *shelf) find(id string) int {
	return slices.IndexFunc(s.kept, func(k kept) bool { return k.id == id })
}

func (s *shelf) get(id string) (kept, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := s.find(id); i >= 0 {
		return s.kept[i], true
	}
	return kept{}, false
}

func (s *shelf) remove(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := s.find(id); i >= 0 {
		s.drop(i)
	}
}

// Object makes a call on a kept response. It fails with ctx's error, a
// *inference.Refusal, or Internal for what is no call.
func (u *Upstream) Object(ctx context.Context, o *inference.ObjectCall) (*inference.Response, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !core.ValidID(o.ID) || !slices.Contains([]inference.Verb{inference.Retrieve, inference.Delete, inference.Cancel, inference.InputItems}, o.Verb) {
		return nil, fault.New(fault.Internal, "internal", "This call is not forwarded.")
	}
	if o.Keeper != u.Name() {
		return nil, inference.NotKept()
	}
	k, ok := u.shelf.get(o.ID)
	if !ok {
		return nil, refuse(http.StatusNotFound, fmt.Sprintf("Response with id '%s' not found.", o.ID), "", "not_found")
	}
	body := k.object
	switch o.Verb {
	case inference.Cancel:
		return nil, refuse(http.StatusBadRequest, "Only background responses can be cancelled, and this one is complete.", "", "invalid_request")
	case inference.Delete:
		u.shelf.remove(k.id)
		body = encode(object{"id": k.id, "object": "response", "deleted": true})
	case inference.InputItems:
		body = encode(page(k.input, o))
	default:
	}
	return u.respond(ctx, false, body, nil), nil
}

// page returns a page of items, newest first unless asked otherwise.
func page(items []object, o *inference.ObjectCall) object {
	items = slices.Clone(items)
	if o.Order != "asc" {
		slices.Reverse(items)
	}
	if i := slices.IndexFunc(items, func(it object) bool { return it["id"] == o.After }); i >= 0 {
		items = items[i+1:]
	}
	limit := o.Limit
	if limit <= 0 {
		limit = 20
	}
	p := object{"object": "list", "data": items[:min(limit, len(items))], "has_more": len(items) > limit, "first_id": nil, "last_id": nil}
	if items = items[:min(limit, len(items))]; len(items) > 0 {
		p["first_id"], p["last_id"] = items[0]["id"], items[len(items)-1]["id"]
	}
	return p
}

// inputItems returns a response's input in the form of items, with IDs.
func inputItems(a answer) []object {
	var items []object
	if json.Unmarshal(a.items, &items) != nil {
		items = []object{{"role": "user", "content": []object{{"type": "input_text", "text": contentText(a.items)}}}}
	}
	for i, it := range items {
		if it == nil {
			it = object{}
			items[i] = it
		}
		if it["type"] == nil {
			it["type"] = "message"
		}
		if text, ok := it["content"].(string); ok {
			it["content"] = []object{{"type": "input_text", "text": text}}
		}
		it["id"] = fmt.Sprintf("msg_in%d_%s", i, a.id)
	}
	return items
}

// keep puts an answer on the shelf if it was asked to be kept.
func (u *Upstream) keep(a answer) {
	if !a.store {
		return
	}
	k := kept{id: "resp_" + a.id, object: responsesObject(a), input: inputItems(a), tokens: a.input + a.output}
	k.size = len(k.object) + 2*len(a.items)
	u.shelf.put(k)
}
