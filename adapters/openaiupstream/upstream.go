// Package openaiupstream forwards calls to an upstream that speaks OpenAI's
// API over HTTP/1.1, through the client in http1.
//
// It keeps true that
//   - the upstream sees our credential, the body and a few fixed headers of ours,
//     and nothing else of the client;
//   - a call is sent at most once: no redirect is followed, no Idempotency-Key
//     is sent, and a POST is sent again only if not one byte of it was taken;
//   - the key is in no error, whichever way an upstream may have encoded it;
//   - no call waits without end: head, silence and error body are timed.
//
// It bounds neither the length of an answer nor that of a call; the relay does.
// It uses no proxy, whatever the environment says.
package openaiupstream

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/archibot/archibotchat/adapters/openaiupstream/http1"
	"github.com/archibot/archibotchat/core/fault"
	core "github.com/archibot/archibotchat/core/inference"
	"github.com/archibot/archibotchat/ports/inference"
)

var _ inference.Upstream = (*Upstream)(nil)

// Upstream forwards calls. It is safe for concurrent use.
type Upstream struct {
	cfg      Config
	base     *url.URL
	client   *http1.Client
	scrubber *scrubber
	heads    map[core.Route]heads
	list     []byte
	clean    [len(passed)]atomic.Pointer[string] // see harmless
}

// heads are the requests to one route, but for the request's ID, which comes
// last: one that asks for JSON and one that asks for events.
type heads struct{ json, events []byte }

// New returns an upstream for cfg. It connects to nothing yet.
func New(cfg Config) (*Upstream, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("configure upstream %q: %w", cfg.Name, err)
	}
	cfg = cfg.withDefaults()
	base, err := url.Parse(cfg.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("configure upstream %q: base URL", cfg.Name)
	}
	u := &Upstream{cfg: cfg, base: base, client: http1.New(clientConfig(cfg, base)), scrubber: newScrubber(string(cfg.Key)), heads: map[core.Route]heads{}}
	for route, path := range map[core.Route]string{
		core.ChatCompletions: "chat/completions", core.Responses: "responses", core.Embeddings: "embeddings",
	} {
		post := func(accept string) []byte {
			return u.head("POST", base.JoinPath(path), "Content-Type: application/json\r\nAccept: "+accept+"\r\nX-Request-Id: ")
		}
		u.heads[route] = heads{json: post("application/json"), events: post("text/event-stream")}
	}
	u.list = u.head("GET", base.JoinPath("models"), "Accept: ")
	return u, nil
}

// head is what all requests of one kind have in common; more ends in the field
// whose value is to come.
func (u *Upstream) head(method string, to *url.URL, more string) []byte {
	return []byte(method + " " + to.RequestURI() + " HTTP/1.1\r\nHost: " + hostOf(to) +
		"\r\nUser-Agent: archibotchat\r\nAuthorization: Bearer " + string(u.cfg.Key) + "\r\n" + more)
}

// hostOf returns the host for the field of that name, which has no zone.
func hostOf(u *url.URL) string {
	from, to := strings.IndexByte(u.Host, '%'), strings.IndexByte(u.Host, ']')
	if from < 0 || to < from {
		return u.Host
	}
	return u.Host[:from] + u.Host[to:]
}

// The fields of an answer that are read, by their place in the client's Keep.
const (
	contentType = iota
	contentEncoding
	retryAfterField
	passedFields // and those behind it
)

// passed are the fields that a client may see.
var passed = [...]string{"Openai-Processing-Ms", "Openai-Version", "Openai-Model"}

// clientConfig returns how the server at base is called.
func clientConfig(cfg Config, base *url.URL) http1.Config {
	c := http1.Config{
		Keep:    append([]string{"Content-Type", "Content-Encoding", "Retry-After"}, passed[:]...),
		Connect: cfg.Connect, Head: cfg.FirstByte, Piece: cfg.IdleChunk,
		Idle:    55 * time.Second, // below the usual minute of load balancers
		MaxIdle: 1024,
	}
	port := base.Port()
	if base.Scheme == "https" {
		port = cmp.Or(port, "443")
		c.TLS = &tls.Config{ServerName: base.Hostname(), MinVersion: tls.VersionTLS12, ClientSessionCache: tls.NewLRUClientSessionCache(8)}
	}
	c.Address = net.JoinHostPort(base.Hostname(), cmp.Or(port, "80"))
	return c
}

// Name returns the configured name.
func (u *Upstream) Name() string { return u.cfg.Name }

// String returns the name and the address, never the key.
func (u *Upstream) String() string { return u.cfg.String() }

// Format writes what String returns, whatever the verb: the key is in here.
func (u *Upstream) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, u.String()) }

// Close closes idle connections. Calls under way go on.
func (u *Upstream) Close() { u.client.Close() }

// Do forwards r, as the port says. It reads r.Body until it has failed or the
// response's body is closed, and not after. To keep the connection, read the
// response's body to io.EOF before closing it.
func (u *Upstream) Do(ctx context.Context, r *inference.Request) (*inference.Response, error) {
	h, ok := u.heads[r.Route]
	if !ok {
		return nil, fault.New(fault.Internal, "internal", "This route is not forwarded.")
	}
	if r.Keeper != "" && r.Keeper != u.cfg.Name {
		return nil, inference.NotKept()
	}
	req := http1.Request{Head: h.json, Last: r.RequestID, Body: r.Body}
	if r.Stream {
		req.Head = h.events
	}
	if req.Body == nil {
		req.Body = []byte{}
	}
	c, err := u.open(ctx, req)
	if err != nil {
		return nil, err
	}
	kind := c.kind()
	c.answer.Stream = strings.EqualFold(kind, "text/event-stream")
	if !strings.EqualFold(kind, "application/json") && !(c.answer.Stream && r.Stream) {
		_ = c.Close()
		return nil, errInvalid
	}
	return c.pass(), nil
}

var errInvalid = fault.New(fault.BadUpstream, "upstream_invalid", "The model provider's answer was not of the expected kind.")

// open sends a request and returns the call once the head of a 2xx answer is in.
func (u *Upstream) open(ctx context.Context, req http1.Request) (*call, error) {
	if strings.ContainsFunc(req.Last, unprintable) {
		return nil, fault.New(fault.Internal, "internal", "The request's ID cannot be sent.")
	}
	c := &call{ctx: ctx, upstream: u}
	if err := u.client.Do(ctx, req, &c.res); err != nil {
		return nil, c.failure(err, "upstream_unavailable", unreachable)
	}
	if err := c.judge(); err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}
