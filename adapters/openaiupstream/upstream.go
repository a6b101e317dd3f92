// Package openaiupstream forwards calls to an upstream that speaks OpenAI's
// API over HTTP, through net/http's transport.
//
// It keeps true that
//   - the upstream sees our credential, the body and a few fixed headers of ours,
//     and nothing else of the client;
//   - a call is sent at most once: no redirect is followed, no Idempotency-Key
//     is sent, and the transport resends a POST only if not one byte of it had
//     been written (or, on HTTP/2, if the server said it was not processed);
//   - the key is in no error, whichever way an upstream may have encoded it;
//   - no call waits without end: head, silence and error body are timed.
//
// It bounds neither the length of an answer nor that of a call; the relay does.
package openaiupstream

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/archibot/archibotchat/core/fault"
	core "github.com/archibot/archibotchat/core/inference"
	"github.com/archibot/archibotchat/ports/inference"
)

var _ inference.Upstream = (*Upstream)(nil)

// Upstream forwards calls. It is safe for concurrent use.
type Upstream struct {
	cfg       Config
	transport *http.Transport
	scrubber  *scrubber
	routes    map[core.Route]*http.Request // templates, by route
	list      *http.Request

	// Header values, built once and shared by all requests.
	authorization, agent, jsonType, eventsType []string
}

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
	post := func(path string) *http.Request { return template(http.MethodPost, base, path) }
	return &Upstream{
		cfg:       cfg,
		transport: newTransport(cfg),
		scrubber:  newScrubber(string(cfg.Key)),
		routes: map[core.Route]*http.Request{
			core.ChatCompletions: post("chat/completions"),
			core.Responses:       post("responses"),
			core.Embeddings:      post("embeddings"),
		},
		list:          template(http.MethodGet, base, "models"),
		authorization: []string{"Bearer " + string(cfg.Key)},
		agent:         []string{"archibotchat"},
		jsonType:      []string{"application/json"},
		eventsType:    []string{"text/event-stream"},
	}, nil
}

// template is what all requests to one route have in common.
func template(method string, base *url.URL, path ...string) *http.Request {
	u := base.JoinPath(path...)
	return &http.Request{Method: method, URL: u, Host: u.Host, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}
}

// newTransport returns a transport of our own, free of proxies from the
// environment. It has no ResponseHeaderTimeout: the call's own timer covers
// the head, and with it an upstream that will not read the request.
func newTransport(cfg Config) *http.Transport {
	return &http.Transport{
		Proxy:                  nil,
		DialContext:            (&net.Dialer{Timeout: cfg.Connect, KeepAlive: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout:    cfg.Connect,
		DisableCompression:     true,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           0, // no limit over all hosts: there is one
		MaxIdleConnsPerHost:    1024,
		IdleConnTimeout:        55 * time.Second, // below the usual minute of load balancers
		MaxResponseHeaderBytes: 64 << 10,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 10 * time.Second},
	}
}

// Name returns the configured name.
func (u *Upstream) Name() string { return u.cfg.Name }

// String returns the name and the address, never the key.
func (u *Upstream) String() string { return u.cfg.String() }

// Format writes what String returns, whatever the verb: the key is in here.
func (u *Upstream) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, u.String()) }

// Close closes idle connections. Calls under way go on.
func (u *Upstream) Close() { u.transport.CloseIdleConnections() }

// Do forwards r, as the port says. It reads r.Body until it has failed or the
// response's body is closed, and not after. To keep the connection, read the
// response's body to io.EOF before closing it.
func (u *Upstream) Do(ctx context.Context, r *inference.Request) (*inference.Response, error) {
	t, ok := u.routes[r.Route]
	if !ok {
		return nil, fault.New(fault.Internal, "internal", "This route is not forwarded.")
	}
	if r.Keeper != "" && r.Keeper != u.cfg.Name {
		return nil, notKept()
	}
	accept := u.jsonType
	if r.Stream {
		accept = u.eventsType
	}
	c, err := u.open(ctx, t, http.Header{
		"Authorization": u.authorization, "Content-Type": u.jsonType,
		"Accept": accept, "User-Agent": u.agent, "X-Request-Id": {r.RequestID},
	}, r.Body)
	if err != nil {
		return nil, err
	}
	stream := isType(c.res, "text/event-stream")
	if !isType(c.res, "application/json") && !(stream && r.Stream) {
		_ = c.Close()
		return nil, errInvalid
	}
	return &inference.Response{Upstream: u.cfg.Name, Stream: stream, Headers: u.passed(c.res.Header), Body: c}, nil
}

var errInvalid = fault.New(fault.BadUpstream, "upstream_invalid", "The model provider's answer was not of the expected kind.")

// open sends t with header and body and returns the call once the head of a
// 2xx answer is in.
func (u *Upstream) open(ctx context.Context, t *http.Request, header http.Header, body []byte) (*call, error) {
	c := newCall(ctx, u)
	req := t.WithContext(c.ctx)
	req.Header = header
	c.attach(req, body)
	res, err := u.transport.RoundTrip(req) //nolint:bodyclose // the call closes it
	c.timer.Stop()
	if err != nil {
		err = c.failure(err, "upstream_unavailable", "The model provider could not be reached.")
		_ = c.Close()
		return nil, err
	}
	c.res = res
	if err := u.judge(ctx, c); err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

// judge returns the error that the head of c's answer stands for, if it does.
func (u *Upstream) judge(ctx context.Context, c *call) error {
	switch status := c.res.StatusCode; {
	case status >= 200 && status < 300:
		if e := c.res.Header["Content-Encoding"]; len(e) > 0 && !strings.EqualFold(e[0], "identity") {
			return errInvalid
		}
		return nil
	case status >= 400 && status < 600:
		refusal := u.refusal(c)
		if err := ctx.Err(); err != nil {
			return err
		}
		return refusal
	default: // a redirect is a matter for the operator, not for the client
		return fault.Wrap(fmt.Errorf("upstream answered status %d", status),
			fault.BadUpstream, "upstream_unavailable", "The model provider could not be reached.")
	}
}

// isType reports whether res has the content type want, whatever its parameters.
func isType(res *http.Response, want string) bool {
	h := res.Header["Content-Type"]
	if len(h) != 1 {
		return false
	}
	got, _, _ := strings.Cut(h[0], ";")
	return strings.EqualFold(strings.TrimSpace(got), want)
}

// passedHeaders are the response headers a client may see.
var passedHeaders = [...]string{"Openai-Processing-Ms", "Openai-Version", "Openai-Model"}

// passed returns those of h that a client may see.
func (u *Upstream) passed(h http.Header) []inference.Header {
	var out []inference.Header
	for _, name := range passedHeaders {
		v := h[name]
		if len(v) == 1 && len(v[0]) <= maxField && !strings.ContainsFunc(v[0], unprintable) && !u.scrubber.leaks(v[0]) {
			out = append(out, inference.Header{Name: name, Value: v[0]})
		}
	}
	return out
}
