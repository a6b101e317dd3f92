package gateway

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/admit"
	"github.com/archibot/archibotchat/core/app/models"
	"github.com/archibot/archibotchat/core/app/relay"
	"github.com/archibot/archibotchat/core/app/responses"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/gates"
	"github.com/archibot/archibotchat/core/idempotency"
	"github.com/archibot/archibotchat/core/inference"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/hosts/edge"
	"github.com/archibot/archibotchat/hosts/internal/gather"
	port "github.com/archibot/archibotchat/ports/inference"
)

// Config is what a Gateway needs. The zero value of a limit means its default.
type Config struct {
	Admit  *admit.Service
	Models *models.Service
	// Responses makes the calls on responses that are kept.
	Responses *responses.Service
	Relay     *relay.Relay
	Memory    *relay.Memory
	// Proxies are those whose word is taken on where a request came from; the
	// zero value trusts nobody.
	Proxies edge.Proxies
	NewID   func(prefix string) string
	Log     *slog.Logger
	// Unavailable counts refusals for which a part of the service is to blame: by
	// what they are told and the part, "" if it is not known. It may be nil.
	Unavailable func(code, part string)

	MaxBody   int64         // bytes of a request's body; 20 MiB
	MaxBusy   int           // requests at a time; 4096
	MaxCrowd  int           // of which of one account; three quarters
	BodyWait  time.Duration // for the whole body to arrive; 60 s
	WriteWait time.Duration // for a client to take a chunk; 15 s
}

// Gateway is the handler of /v1.
type Gateway struct {
	cfg   Config
	busy  atomic.Int64 // requests being served
	crowd *crowd

	troubles *troubles
}

var _ http.Handler = (*Gateway)(nil)

// New returns a Gateway.
func New(c Config) *Gateway {
	if c.MaxBody == 0 {
		c.MaxBody = 20 << 20
	}
	if c.MaxBusy == 0 {
		c.MaxBusy = 4096
	}
	if c.MaxCrowd == 0 {
		c.MaxCrowd = max(1, c.MaxBusy*3/4)
	}
	if c.BodyWait == 0 {
		c.BodyWait = time.Minute
	}
	if c.WriteWait == 0 {
		c.WriteWait = 15 * time.Second
	}
	return &Gateway{cfg: c, crowd: newCrowd(c.MaxCrowd), troubles: newTroubles(c.Log, c.Unavailable)}
}

// route is what a path means.
type route struct {
	scope   keys.Scope
	forward inference.Route  // where the call goes upstream
	model   string           // of /v1/models/{id}
	object  *port.ObjectCall // on a response that is kept
	method  string
	also    string // another method
}

// find is the whole table. ServeMux is not used because it answers a wrong
// method in plain text and redirects what it finds untidy.
func find(method, path string) (route, bool) {
	switch path {
	case "/v1/chat/completions":
		return route{scope: keys.ScopeChatCompletions, forward: inference.ChatCompletions, method: http.MethodPost}, true
	case "/v1/responses":
		return route{scope: keys.ScopeResponses, forward: inference.Responses, method: http.MethodPost}, true
	case "/v1/embeddings":
		return route{scope: keys.ScopeEmbeddings, forward: inference.Embeddings, method: http.MethodPost}, true
	case "/v1/models":
		return route{scope: keys.ScopeModels, method: http.MethodGet}, true
	}
	if rest, ok := strings.CutPrefix(path, "/v1/responses/"); ok {
		return findResponse(method, rest), true
	}
	if rest, ok := strings.CutPrefix(path, "/v1/models/"); ok && rest != "" {
		id, err := url.PathUnescape(rest) // an ID may hold slashes
		return route{scope: keys.ScopeModels, model: id, method: http.MethodGet}, err == nil
	}
	return route{}, false
}

// ServeHTTP answers one request.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := g.cfg.NewID("req")
	out := &sink{w: w, rc: http.NewResponseController(w), conn: gather.Of(r.Context()), wait: g.cfg.WriteWait}
	out.field("X-Request-Id", id)
	h := w.Header()
	h["Cache-Control"] = noStore
	h["X-Content-Type-Options"] = noSniff

	defer g.busy.Add(-1)
	if g.busy.Add(1) > int64(g.cfg.MaxBusy) {
		g.refuse(w, r, id, relay.ErrMemory)
		return
	}
	if err := g.serve(out, r, id); err != nil {
		g.refuse(w, r, id, err)
		return
	}
	if g.cfg.Log.Enabled(r.Context(), slog.LevelDebug) { // what is logged takes room, even if it is not
		g.cfg.Log.Debug("request answered", "request_id", id, "method", r.Method)
	}
}

var (
	noStore = []string{"no-store"}
	noSniff = []string{"nosniff"}
)

// Faults of the host's own.
var (
	errRoute  = fault.New(fault.NotFound, "unknown_url", "This URL is not part of the API. See the documentation for the routes that are.")
	errMethod = fault.New(fault.Invalid, "method_not_allowed", "This URL does not take that HTTP method.")
	errStored = fault.New(fault.NotFound, "not_found", "There is no such object.")
)

func (g *Gateway) serve(out *sink, r *http.Request, id string) error {
	rt, ok := find(r.Method, r.URL.EscapedPath())
	switch {
	case !ok:
		return errRoute
	case r.Method != rt.method && r.Method != rt.also:
		out.field("Allow", strings.TrimSuffix(rt.method+", "+rt.also, ", "))
		return errMethod
	}
	ctx := access.WithRequest(r.Context(), id)
	visit := admit.Visit{Token: bearer(r.Header), Scope: rt.scope, From: g.cfg.Proxies.Client(r)}
	grant, err := g.cfg.Admit.Key(ctx, visit)
	if err != nil {
		return err
	}
	if !g.crowd.enter(grant.Account.ID) {
		g.cfg.Admit.Refuse(ctx, grant, string(gates.RateLimited))
		return errCrowded
	}
	defer g.crowd.leave(grant.Account.ID)
	if rt.object != nil {
		return g.object(access.WithPrincipal(ctx, grant.Principal()), out, r, grant, *rt.object)
	}
	if rt.forward == "" {
		g.limit(out.w, r)
		return g.models(access.WithPrincipal(ctx, grant.Principal()), out.w, grant, rt.model)
	}
	in := &guest{Gateway: g, visit: visit, grant: grant}
	g.cfg.Admit.Stay(&in.stay, grant, rt.scope)
	defer in.stay.End()
	return g.forward(ctx, out, r, id, in, rt.forward)
}

func (g *Gateway) forward(ctx context.Context, out *sink, r *http.Request, id string, in *guest, to inference.Route) error {
	once, err := idempotency.Parse(r.Header[idempotency.HeaderName])
	if err != nil {
		return err
	}
	room := room{memory: g.cfg.Memory}
	defer room.give()
	body, err := g.read(&room, out.rc, r)
	if err != nil {
		return err
	}
	call, err := inference.Scan(to, body)
	if err != nil {
		return err
	}
	switch {
	case call.Background:
		return &fault.Error{Kind: fault.Invalid, Code: "unsupported_value", Message: "Background responses are not offered here. Leave out background, or stream the answer.", Param: "background"}
	case call.Conversation, call.References:
		// One upstream key serves all accounts, and no account can make any of
		// these here: whatever is named is somebody else's (W4).
		return errStored
	}
	in.model = call.Model
	quote, err := in.quote(ctx)
	if err != nil {
		return err
	}
	keeper := ""
	if call.PreviousResponse {
		keeper, call.Context, err = g.cfg.Responses.Previous(ctx, in.grant.Account.ID, call.PreviousID, quote)
		if err != nil {
			return err
		}
	}
	return g.cfg.Relay.Forward(ctx, relay.Job{
		Request: id, By: in.grant.Principal(), Area: in.grant.Area, Call: call, Body: body, Quote: quote, Keeper: keeper, Once: once,
		Epoch: in.grant.Account.Epoch, Limits: in.grant.Limits, Current: in.grant.Current, Gate: in,
	}, out)
}

// bearer returns the token of the one Authorization header, or "", which is
// refused like any other text that is no key.
func bearer(h http.Header) string {
	values := h["Authorization"]
	if len(values) != 1 {
		return ""
	}
	scheme, token, ok := strings.Cut(values[0], " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return token
}
