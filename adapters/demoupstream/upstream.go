// Package demoupstream is an upstream without models: it answers chat and
// responses calls by itself, so that the service can be tried with no network
// and no provider's key.
//
// It keeps true that its answers have OpenAI's shapes, say plainly that no
// model was asked, and never repeat the prompt. It keeps the last responses that
// were to be kept in memory, bounded, so that they can be asked for and gone on
// from until the next start, and nothing else of a call. It starts no goroutine.
package demoupstream

import (
	"context"
	"crypto/rand"
	"net/http"
	"strings"
	"time"

	"github.com/archibot/archibotchat/core/fault"
	core "github.com/archibot/archibotchat/core/inference"
	"github.com/archibot/archibotchat/ports/inference"
)

var _ inference.Upstream = (*Upstream)(nil)

// Config sets an upstream up. The zero value works.
type Config struct {
	Now   func() time.Time // time.Now unless set
	NewID func() string    // a unique ID's last part; random unless set
	Gap   time.Duration    // between two words of a stream; 15 ms if 0, none if negative
}

// defaultGap lets a stream look like one.
const defaultGap = 15 * time.Millisecond

// Upstream answers calls. It is safe for concurrent use.
type Upstream struct {
	now   func() time.Time
	newID func() string
	gap   time.Duration
	shelf shelf
}

// New returns an upstream.
func New(cfg Config) *Upstream {
	u := &Upstream{now: cfg.Now, newID: cfg.NewID, gap: cfg.Gap}
	if u.now == nil {
		u.now = time.Now
	}
	if u.newID == nil {
		u.newID = func() string { return strings.ToLower(rand.Text()) }
	}
	if u.gap == 0 {
		u.gap = defaultGap
	}
	return u
}

// Name returns "demo".
func (u *Upstream) Name() string { return "demo" }

// models are what [Upstream.Models] lists and [PriceBook] prices.
var models = [...]inference.Model{
	{ID: "demo-small", Created: 1767225600, OwnedBy: "archibotchat"},
	{ID: "demo-large", Created: 1767225600, OwnedBy: "archibotchat"},
}

// Models lists demo-small and demo-large. It fails with ctx's error only.
func (u *Upstream) Models(ctx context.Context) ([]inference.Model, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return append([]inference.Model(nil), models[:]...), nil
}

// Do answers r. It fails with ctx's error or a *inference.Refusal: 400 for a
// request it cannot make sense of, 404 for another model and for embeddings.
func (u *Upstream) Do(ctx context.Context, r *inference.Request) (*inference.Response, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if r.Keeper != "" && r.Keeper != u.Name() {
		return nil, inference.NotKept()
	}
	switch r.Route {
	case core.ChatCompletions, core.Responses:
	case core.Embeddings:
		return nil, refuse(http.StatusNotFound, "The demonstration models do not make embeddings.", "model", "model_not_found")
	default:
		return nil, fault.New(fault.Internal, "internal", "This route is not forwarded.")
	}
	q, err := parse(r)
	if err != nil {
		return nil, err
	}
	before, ok := u.shelf.get(q.previous)
	if q.previous != "" && !ok {
		return nil, refuse(http.StatusBadRequest, "The earlier response was not found.", "previous_response_id", "previous_response_not_found")
	}
	a := u.answer(q, before.tokens)
	if r.Route == core.Responses {
		u.keep(a)
		return u.respond(ctx, r.Stream, responsesObject(a), responsesEvents(a)), nil
	}
	return u.respond(ctx, r.Stream, chatObject(a), chatEvents(a)), nil
}

func (u *Upstream) respond(ctx context.Context, stream bool, object []byte, events []frame) *inference.Response {
	if !stream {
		events = []frame{{data: object}}
	}
	return &inference.Response{Upstream: u.Name(), Stream: stream, Body: newBody(ctx, events, u.gap)}
}

func refuse(status int, message, param, code string) *inference.Refusal {
	return &inference.Refusal{Status: status, Message: message, Type: "invalid_request_error", Param: param, Code: code}
}
