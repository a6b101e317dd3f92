package upstream

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// maxBody bounds a request's body, in bytes.
const maxBody = 64 << 20

// Options configures a server. The zero value asks for no key and records nothing.
type Options struct {
	Key    string // the bearer key that /v1 demands; empty: none
	Record int    // how many of the last requests to keep
	Now    func() time.Time
}

// Server is the scripted upstream. It is an [http.Handler].
type Server struct {
	key    string
	now    func() time.Time
	run    string // makes IDs unique across runs
	serial atomic.Int64
	played atomic.Pointer[string] // directives for every call
	books  books
	shelf  shelf
	taught lessons
	gates  turnstiles
}

// New returns a server.
func New(o Options) *Server {
	s := &Server{key: o.Key, now: o.Now, run: strings.ToLower(rand.Text()[:10])}
	s.books.keep = o.Record
	if s.now == nil {
		s.now = time.Now
	}
	return s
}

// Stats returns the counters.
func (s *Server) Stats() Stats { return s.books.snapshot() }

// Requests returns the last requests, oldest first.
func (s *Server) Requests() []Recorded { return s.books.requests() }

// Reset forgets counters and requests.
func (s *Server) Reset() { s.books.reset() }

// Play adds the directives of script to every call from now on; those of the
// last Play, if any, are forgotten.
func (s *Server) Play(script string) { s.played.Store(&script) }

// Teach has a question of a chat answered with a text, in pieces of a word, and
// with further directives as if they stood at the end of the model's name.
func (s *Server) Teach(question, answer, script string) {
	s.taught.teach(question, lesson{answer, script})
}

// Admit lets pieces of answers through a turnstile: that many; all from now on if
// passes is negative; none if it is zero.
func (s *Server) Admit(gate, passes int) { s.gates.admit(gate, passes) }

// ServeHTTP answers the API under /v1 and the server's own routes under /__.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method + " " + r.URL.Path {
	case "GET /__stats":
		writeJSON(w, http.StatusOK, s.Stats())
		return
	case "GET /__requests":
		writeJSON(w, http.StatusOK, s.Requests())
		return
	case "POST /__reset":
		s.Reset()
		w.WriteHeader(http.StatusNoContent)
		return
	case "POST /__play":
		s.Play(r.URL.Query().Get("script"))
		w.WriteHeader(http.StatusNoContent)
		return
	case "POST /__teach":
		s.learn(w, r)
		return
	case "POST /__admit":
		gate, _ := strconv.Atoi(r.URL.Query().Get("gate"))
		passes, _ := strconv.Atoi(r.URL.Query().Get("passes"))
		s.Admit(gate, passes)
		w.WriteHeader(http.StatusNoContent)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		writeError(w, http.StatusBadRequest, "The body could not be read.", "invalid_request_error", "invalid_body")
		return
	}
	s.books.record(r, body)
	if !s.authorized(r) {
		writeError(w, http.StatusUnauthorized, "Incorrect API key provided.", "invalid_request_error", "invalid_api_key")
		return
	}
	s.route(w, r, body)
}

// learn takes a lesson.
func (s *Server) learn(w http.ResponseWriter, r *http.Request) {
	var l struct{ Question, Answer, Script string }
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&l); err != nil {
		writeError(w, http.StatusBadRequest, "The body is not a lesson.", "invalid_request_error", "invalid_json")
		return
	}
	s.Teach(l.Question, l.Answer, l.Script)
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) authorized(r *http.Request) bool {
	want := "Bearer " + s.key
	return s.key == "" || subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte(want)) == 1
}

func (s *Server) route(w http.ResponseWriter, r *http.Request, body []byte) {
	switch r.Method + " " + r.URL.Path {
	case "GET /v1/models":
		s.models(w)
	case "POST /v1/chat/completions":
		s.call(w, r, body, newChat)
	case "POST /v1/responses":
		s.call(w, r, body, newResponses)
	case "POST /v1/embeddings":
		s.call(w, r, body, newEmbeddings)
	default:
		if s.objects(w, r) {
			return
		}
		writeError(w, http.StatusNotFound, "Invalid URL ("+r.Method+" "+r.URL.Path+").", "invalid_request_error", "unknown_url")
	}
}

func (s *Server) models(w http.ResponseWriter) {
	type model struct {
		ID      string `json:"id"`
		Object  string `json:"object"`
		Created int64  `json:"created"`
		OwnedBy string `json:"owned_by"`
	}
	writeJSON(w, http.StatusOK, map[string]any{"object": "list", "data": []model{
		{"test", "model", 1700000000, "scripted"}, {"test-large", "model", 1700000001, "scripted"},
	}})
}

// ask is what the server reads of a request.
type ask struct {
	Model         string `json:"model"`
	Stream        bool   `json:"stream"`
	StreamOptions struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`
	Messages []said          `json:"messages"`
	Input    json.RawMessage `json:"input"`
	Store    *bool           `json:"store"`
	Previous string          `json:"previous_response_id"`
}

// call answers one request as its model name says.
func (s *Server) call(w http.ResponseWriter, r *http.Request, body []byte, form func(answer) form) {
	var q ask
	if err := json.Unmarshal(body, &q); err != nil || q.Model == "" {
		writeError(w, http.StatusBadRequest, "The body is not a JSON object that names a model.", "invalid_request_error", "invalid_json")
		return
	}
	script := q.Model
	taught, learned := s.taught.learned(question(q.Messages))
	if learned {
		script += "-" + taught.script
	}
	if more := s.played.Load(); more != nil {
		script += "-" + *more
	}
	sc := parseScript(script)
	var text []string
	if learned {
		text = pieces(taught.answer)
		sc.chunks = len(text)
	}
	e := s.books.begin(q.Model)
	p := &player{w: w, ctx: r.Context(), script: &sc, entry: e, gates: &s.gates}
	if !p.wait(sc.delay) {
		return
	}
	if sc.drop {
		e.cut()
		panic(http.ErrAbortHandler) // net/http's way to drop a connection
	}
	if sc.cookie {
		w.Header().Set("Set-Cookie", "upstream_session=1; Path=/")
	}
	w.Header().Set("Openai-Processing-Ms", "1")
	w.Header().Set("Openai-Version", "2020-10-01")
	if refuse(w, r, &sc) {
		e.refuse()
		return
	}
	if _, ok := s.shelf.get(q.Previous); !ok && q.Previous != "" {
		writeError(w, http.StatusBadRequest, "Previous response with id '"+q.Previous+"' not found.", "invalid_request_error", "previous_response_not_found")
		e.refuse()
		return
	}
	if sc.hang {
		<-r.Context().Done()
		e.abort()
		return
	}
	f := form(answer{
		serial:  fmt.Sprintf("%s%08d", s.run, s.serial.Add(1)),
		model:   q.Model,
		created: s.now().Unix(),
		script:  &sc,
		stream:  q.Stream,
		pieces:  text,
		usage:   sc.usage != usageNone && (!q.Stream || q.StreamOptions.IncludeUsage),

		stored: q.Store == nil || *q.Store, previous: q.Previous,
	})
	if f, ok := f.(*responses); ok && f.stored {
		s.shelf.put(&kept{answer: *f, input: q.Input, status: sc.object})
	}
	if q.Stream && f.streams() {
		p.stream(f)
		return
	}
	p.json(f)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "marshal", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(b) // a client that left is no concern of ours
}
