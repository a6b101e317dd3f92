package upstream

import (
	"maps"
	"net/http"
	"slices"
	"sync"
)

// Stats counts what the server did since it started or was reset.
type Stats struct {
	Requests  int64            `json:"requests"`  // calls of the model routes past the key check
	Open      int64            `json:"open"`      // still being answered
	Completed int64            `json:"completed"` // answered to the end
	Refused   int64            `json:"refused"`   // answered with an error, a redirect or HTML, as scripted
	Cut       int64            `json:"cut"`       // broken off or left without an end, as scripted
	Aborted   int64            `json:"aborted"`   // the client left before the end
	ByModel   map[string]int64 `json:"by_model"`  // Requests by model
	Usage     Usage            `json:"usage"`
}

// Usage sums the figures that completed answers reported, save those of
// negusage and hugeusage. A chat stream reports only if it was asked to.
type Usage struct {
	Input  int64 `json:"input_tokens"`
	Cached int64 `json:"cached_tokens"`
	Output int64 `json:"output_tokens"`
}

// Recorded is one request as it came in.
type Recorded struct {
	Method  string      `json:"method"`
	Path    string      `json:"path"`
	Headers http.Header `json:"headers"`
	Body    string      `json:"body"`
}

// books holds the counters and the recorded requests.
type books struct {
	mu    sync.Mutex
	stats Stats
	keep  int
	kept  []Recorded
}

func (b *books) snapshot() Stats {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.stats
	s.ByModel = maps.Clone(s.ByModel)
	if s.ByModel == nil {
		s.ByModel = map[string]int64{}
	}
	return s
}

func (b *books) requests() []Recorded {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.kept)
}

func (b *books) reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stats = Stats{Open: b.stats.Open}
	b.kept = nil
}

func (b *books) record(r *http.Request, body []byte) {
	if b.keep <= 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.kept) >= b.keep {
		b.kept = slices.Delete(b.kept, 0, len(b.kept)-b.keep+1)
	}
	b.kept = append(b.kept, Recorded{r.Method, r.URL.RequestURI(), r.Header.Clone(), string(body)})
}

// entry is one call's line in the books.
type entry struct {
	books *books
	done  *int64
	usage Usage
}

func (b *books) begin(model string) *entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stats.Requests++
	b.stats.Open++
	if b.stats.ByModel == nil {
		b.stats.ByModel = map[string]int64{}
	}
	b.stats.ByModel[model]++
	return &entry{books: b}
}

// move books the call's outcome; a later outcome replaces an earlier one.
func (e *entry) move(to *int64, u Usage) {
	b := e.books
	b.mu.Lock()
	defer b.mu.Unlock()
	if e.done != nil {
		*e.done--
		b.stats.Usage.add(e.usage, -1)
	} else {
		b.stats.Open--
	}
	*to++
	b.stats.Usage.add(u, 1)
	e.done, e.usage = to, u
}

func (u *Usage) add(v Usage, sign int64) {
	u.Input += sign * v.Input
	u.Cached += sign * v.Cached
	u.Output += sign * v.Output
}

func (e *entry) complete(u Usage) { e.move(&e.books.stats.Completed, u) }
func (e *entry) refuse()          { e.move(&e.books.stats.Refused, Usage{}) }
func (e *entry) cut()             { e.move(&e.books.stats.Cut, Usage{}) }
func (e *entry) abort()           { e.move(&e.books.stats.Aborted, Usage{}) }
