package responses

import (
	"context"
	"log/slog"
	"math"
	"sync"
	"time"

	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/inference"
	"github.com/archibot/archibotchat/core/pricing"
	port "github.com/archibot/archibotchat/ports/inference"
	"github.com/archibot/archibotchat/ports/store"
)

// Keep is how long a response is known, unless told otherwise: as long as
// OpenAI keeps it.
const Keep = 30 * 24 * time.Hour

// Memory is the budget for bodies in memory.
type Memory interface {
	Take(n int64) error
	Give(n int64)
}

// Deps is what Service needs. The zero value of Keep, Answer and Duration means
// the default.
type Deps struct {
	Store    store.Store
	Upstream port.Upstream
	Memory   Memory
	Now      func() time.Time
	NewID    func(prefix string) string
	Log      *slog.Logger

	Keep     time.Duration // how long a response is known; 30 days
	Answer   int64         // the largest answer; 16 MiB
	Duration time.Duration // the longest call; 2 min
}

// Service knows the responses. Make it with New and run it with Run.
type Service struct {
	deps  Deps
	queue queue
	done  chan struct{} // closed when Run has ended
}

// New returns a Service that is not running yet.
func New(d Deps) *Service {
	if d.Keep == 0 {
		d.Keep = Keep
	}
	if d.Answer == 0 {
		d.Answer = 16 << 20
	}
	if d.Duration == 0 {
		d.Duration = 2 * time.Minute
	}
	return &Service{deps: d, queue: queue{wake: make(chan struct{}, 1)}, done: make(chan struct{})}
}

// Faults that Service returns beside the store's.
var (
	ErrBusy = &fault.Error{Kind: fault.Unavailable, Code: "overloaded", Message: "The service has more work than it can book just now. Try again shortly.", RetryAfter: time.Second}
	// ErrUnfinished means that a response is the account's, but that its answer did
	// not come to an end here.
	ErrUnfinished = fault.New(fault.Invalid, "response_unfinished", "This response was not received to its end, so it cannot be retrieved. Create a new one.")
	// ErrUnbounded means that nobody knows how much an earlier response adds.
	ErrUnbounded = &fault.Error{
		Kind: fault.Invalid, Code: "previous_response_unbounded", Param: "previous_response_id",
		Message: "It is not known how long that conversation is, so its cost cannot be set aside. Send its messages as input instead, without previous_response_id.",
	}
)

// find returns a response of the account that is still there.
func (s *Service) find(ctx context.Context, account, id string) (store.Response, error) {
	if !inference.ValidID(id) {
		return store.Response{}, store.ErrNotFound
	}
	r, err := s.deps.Store.Responses().Get(ctx, account, id)
	if err == nil && !r.DeletedAt.IsZero() {
		return store.Response{}, store.ErrNotFound
	}
	return r, err
}

// retokenized is how many times more tokens another model may count in the same
// text. Between the vocabularies in use, few languages differ by as much.
const retokenized = 4

// Previous returns the upstream that keeps the response from which a request
// goes on, and how many input tokens it adds to the request, at most.
//
// A response's input is all of its conversation before it and its output is what
// was said last, both counted by the upstream, so their sum is the conversation as
// the next request finds it; what is left out of it there (instructions, reasoning)
// only makes it shorter. Together with the bytes of the new request's own body, of
// which each is at most a token, that bounds the new input. Another model may cut
// the same text into more tokens. Where the sum is not known, because the answer
// was cut or the upstream did not count, the model's own bound from the price book
// stands for it; without one the request is refused with ErrUnbounded: what cannot
// be bounded cannot be held.
func (s *Service) Previous(ctx context.Context, account, id string, q pricing.Quote) (keeper string, tokens int64, err error) {
	r, err := s.find(ctx, account, id)
	if err != nil {
		return "", 0, err
	}
	tokens = r.Tokens
	if tokens > 0 && r.Model != q.Model {
		tokens = min(tokens, math.MaxInt64/retokenized) * retokenized
	}
	most := q.Price.InputTokens
	switch {
	case tokens == 0 && most == 0:
		return "", 0, ErrUnbounded
	case tokens == 0 || most > 0 && most < tokens:
		tokens = most
	}
	return r.Upstream, tokens, nil
}

// Run writes what is claimed, and removes what is old, until ctx ends; then it
// writes what is left. Stop the hosts first. It returns nil.
func (s *Service) Run(ctx context.Context) error {
	defer close(s.done)
	var pruning sync.WaitGroup
	pruning.Go(func() { s.prune(ctx) })
	s.write(ctx)
	pruning.Wait()
	return nil
}

const (
	pruneEvery = 10 * time.Minute
	prunePages = 1000
)

// prune removes responses that no upstream keeps any more, now and then until
// ctx ends. All replicas do.
func (s *Service) prune(ctx context.Context) {
	tick := time.NewTicker(pruneEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for range prunePages {
			n, err := s.deps.Store.Responses().Prune(ctx, s.deps.Keep, store.MaxPage)
			if err != nil && ctx.Err() == nil {
				s.deps.Log.Warn("removing old responses failed, will retry", "error", err)
			}
			if err != nil || n < store.MaxPage {
				break
			}
		}
	}
}
