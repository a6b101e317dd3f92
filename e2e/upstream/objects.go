package upstream

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// Limits of what is kept of answered calls.
const (
	maxKept      = 1000
	maxKeptBytes = 64 << 20
)

// kept is a response that a call let the server store. It is there, whole, from
// the call's beginning on: this upstream goes on when a client leaves.
type kept struct {
	answer    responses
	input     json.RawMessage
	status    int // that calls on it get instead; 0: none
	cancelled bool
}

// object is made when it is asked for: most never are.
func (k *kept) object() []byte {
	b := k.answer.object()
	if k.cancelled {
		b = bytes.Replace(b, []byte(`"status":"completed"`), []byte(`"status":"cancelled"`), 1)
	}
	return b
}

// shelf holds the last responses that were stored.
type shelf struct {
	mu    sync.Mutex
	byID  map[string]*kept
	order []*kept
	bytes int
}

func (s *shelf) put(k *kept) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byID == nil {
		s.byID = map[string]*kept{}
	}
	s.byID[k.answer.id()] = k
	s.order = append(s.order, k)
	s.bytes += len(k.input)
	for len(s.order) > maxKept || s.bytes > maxKeptBytes {
		old := s.order[0]
		s.order = s.order[1:]
		s.bytes -= len(old.input)
		if id := old.answer.id(); s.byID[id] == old {
			delete(s.byID, id)
		}
	}
}

// get returns what is kept under id as it is now.
func (s *shelf) get(id string) (kept, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, ok := s.byID[id]
	if !ok {
		return kept{}, false
	}
	return *k, true
}

func (s *shelf) remove(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byID, id)
}

// cancel marks a response as cancelled.
func (s *shelf) cancel(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k, ok := s.byID[id]; ok {
		k.cancelled = true
	}
}

// objects answers calls on stored responses; false if the URL is none.
func (s *Server) objects(w http.ResponseWriter, r *http.Request) bool {
	rest, ok := strings.CutPrefix(r.URL.Path, "/v1/responses/")
	if !ok {
		return false
	}
	id, what, _ := strings.Cut(rest, "/")
	call := r.Method + " " + what
	switch call {
	case "GET ", "DELETE ", "POST cancel", "GET input_items":
	default:
		return false
	}
	if call == "POST cancel" {
		s.shelf.cancel(id)
	}
	k, ok := s.shelf.get(id)
	switch {
	case !ok:
		writeError(w, http.StatusNotFound, "Response with id '"+id+"' not found.", "invalid_request_error", "not_found")
		return true
	case k.status != 0:
		scriptedError(w, k.status)
		return true
	}
	w.Header().Set("Openai-Processing-Ms", "1")
	w.Header().Set("Set-Cookie", "upstream_session=1; Path=/")
	switch call {
	case "DELETE ":
		s.shelf.remove(id)
		writeJSON(w, http.StatusOK, map[string]any{"id": id, "object": "response", "deleted": true})
	case "GET input_items":
		s.inputItems(w, r, k)
	default:
		writeRaw(w, k.object())
	}
	return true
}

func writeRaw(w http.ResponseWriter, b []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	_, _ = w.Write(b)
}

// inputItems lists the input of a response, a page at a time, newest first
// unless asked otherwise.
func (s *Server) inputItems(w http.ResponseWriter, r *http.Request, k kept) {
	type item map[string]any
	var items []item
	text := ""
	if json.Unmarshal(k.input, &items) != nil {
		_ = json.Unmarshal(k.input, &text) // neither: an empty text
		items = []item{{"role": "user", "content": []item{{"type": "input_text", "text": text}}}}
	}
	for i, it := range items {
		if text, ok := it["content"].(string); ok {
			it["content"] = []item{{"type": "input_text", "text": text}}
		}
		it["id"], it["type"], it["status"] = fmt.Sprintf("msg_in%d_%s", i, k.answer.serial), "message", "completed"
	}
	q := r.URL.Query()
	if q.Get("order") != "asc" {
		for i, j := 0, len(items)-1; i < j; i, j = i+1, j-1 {
			items[i], items[j] = items[j], items[i]
		}
	}
	if after := q.Get("after"); after != "" {
		for i, it := range items {
			if it["id"] == after {
				items = items[i+1:]
				break
			}
		}
	}
	limit, _ := strconv.Atoi(q.Get("limit"))
	if limit == 0 {
		limit = 20
	}
	more := len(items) > limit
	items = items[:min(len(items), limit)]
	page := map[string]any{"object": "list", "data": items, "has_more": more, "first_id": nil, "last_id": nil}
	if len(items) > 0 {
		page["first_id"], page["last_id"] = items[0]["id"], items[len(items)-1]["id"]
	}
	writeJSON(w, http.StatusOK, page)
}
