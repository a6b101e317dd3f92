//go:build unix

package harness

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"sync"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/ssestream"
	"github.com/openai/openai-go/v3/responses"
)

// Shape is a way to ask: which API, and whether as a stream.
type Shape struct {
	Responses bool // /v1/responses, else /v1/chat/completions
	Stream    bool
	Usage     bool // ask a chat stream for its usage
}

// Shapes lists every shape.
var Shapes = []Shape{
	{},
	{Stream: true},
	{Stream: true, Usage: true},
	{Responses: true},
	{Responses: true, Stream: true},
}

// String names the shape in tests.
func (s Shape) String() string {
	name := "chat"
	if s.Responses {
		name = "responses"
	}
	if s.Stream {
		name += "_stream"
	}
	if s.Usage {
		name += "_with_usage"
	}
	return name
}

// Client is the official Go SDK, unmodified, with a look at what passes over
// the wire.
type Client struct{ api openai.Client }

// NewClient returns an SDK client. It does not retry unless an option says so.
func NewClient(baseURL, key string, options ...option.RequestOption) *Client {
	transport := &http.Transport{MaxIdleConnsPerHost: 256}
	return &Client{openai.NewClient(append([]option.RequestOption{
		option.WithBaseURL(baseURL), option.WithAPIKey(key), option.WithMaxRetries(0),
		option.WithHTTPClient(&http.Client{Transport: transport}),
	}, options...)...)}
}

// API is the SDK's own client.
func (c *Client) API() openai.Client { return c.api }

// Usage is what an answer says it used, in tokens.
type Usage struct{ Input, Cached, Output int64 }

// Answer is what came back, whole or not.
type Answer struct {
	Request string // the x-request-id header
	Status  int    // 0: no head came
	Header  http.Header
	Body    []byte // as far as it was read, byte for byte
	Text    string // what the SDK made of it
	Usage   Usage
	// Complete is whether the answer is acknowledged: a JSON body received
	// whole, [DONE], or the terminal event of a response.
	Complete bool
}

// Ask makes one call. It returns what there is of an answer beside the SDK's
// error too.
func (c *Client) Ask(ctx context.Context, shape Shape, model string) (Answer, error) {
	var w wire
	watch := option.WithMiddleware(w.watch)
	var a Answer
	var err error
	switch {
	case shape.Responses && shape.Stream:
		a, err = readResponses(c.api.Responses.NewStreaming(ctx, responsesParams(model), watch))
	case shape.Responses:
		a, err = c.response(ctx, model, watch)
	case shape.Stream:
		a, err = readChat(c.api.Chat.Completions.NewStreaming(ctx, chatParams(model, shape), watch))
	default:
		a, err = c.chat(ctx, model, watch)
	}
	w.into(&a)
	if shape.Stream && !shape.Responses {
		// The SDK ends alike on [DONE] and on a connection that just ends.
		a.Complete = err == nil && bytes.Contains(a.Body, []byte("data: [DONE]"))
	}
	return a, err
}

func chatParams(model string, shape Shape) openai.ChatCompletionNewParams {
	p := openai.ChatCompletionNewParams{
		Model:     model,
		Messages:  []openai.ChatCompletionMessageParamUnion{openai.UserMessage("Say a few words.")},
		MaxTokens: openai.Int(MaxOutput),
	}
	if shape.Usage {
		p.StreamOptions.IncludeUsage = openai.Bool(true)
	}
	return p
}

func responsesParams(model string) responses.ResponseNewParams {
	return responses.ResponseNewParams{
		Model:           model,
		Input:           responses.ResponseNewParamsInputUnion{OfString: openai.String("Say a few words.")},
		MaxOutputTokens: openai.Int(MaxOutput),
	}
}

func (c *Client) chat(ctx context.Context, model string, watch option.RequestOption) (Answer, error) {
	got, err := c.api.Chat.Completions.New(ctx, chatParams(model, Shape{}), watch)
	if err != nil {
		return Answer{}, err
	}
	a := Answer{Complete: true, Usage: chatUsage(got.Usage)}
	if len(got.Choices) > 0 {
		a.Text = got.Choices[0].Message.Content
	}
	return a, nil
}

func chatUsage(u openai.CompletionUsage) Usage {
	return Usage{u.PromptTokens, u.PromptTokensDetails.CachedTokens, u.CompletionTokens}
}

func (c *Client) response(ctx context.Context, model string, watch option.RequestOption) (Answer, error) {
	got, err := c.api.Responses.New(ctx, responsesParams(model), watch)
	if err != nil {
		return Answer{}, err
	}
	return Answer{Complete: true, Text: got.OutputText(), Usage: responseUsage(got.Usage)}, nil
}

func responseUsage(u responses.ResponseUsage) Usage {
	return Usage{u.InputTokens, u.InputTokensDetails.CachedTokens, u.OutputTokens}
}

func readChat(s *ssestream.Stream[openai.ChatCompletionChunk]) (Answer, error) {
	defer func() { _ = s.Close() }()
	var a Answer
	for s.Next() {
		chunk := s.Current()
		if len(chunk.Choices) > 0 {
			a.Text += chunk.Choices[0].Delta.Content
		}
		if chunk.JSON.Usage.Valid() {
			a.Usage = chatUsage(chunk.Usage)
		}
	}
	return a, s.Err()
}

func readResponses(s *ssestream.Stream[responses.ResponseStreamEventUnion]) (Answer, error) {
	defer func() { _ = s.Close() }()
	var a Answer
	for s.Next() {
		switch event := s.Current(); event.Type {
		case "response.output_text.delta":
			a.Text += event.Delta
		case "response.completed":
			a.Usage, a.Complete = responseUsage(event.Response.Usage), true
		}
	}
	return a, s.Err()
}

// wire keeps the last response of a call as it came.
type wire struct {
	mu       sync.Mutex
	response *http.Response
	body     bytes.Buffer
}

func (w *wire) watch(r *http.Request, next option.MiddlewareNext) (*http.Response, error) {
	response, err := next(r)
	if response == nil {
		return response, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.response = response
	w.body.Reset()
	response.Body = &tee{response.Body, w}
	return response, err
}

func (w *wire) into(a *Answer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.response == nil {
		return
	}
	a.Status, a.Header, a.Request = w.response.StatusCode, w.response.Header, w.response.Header.Get("X-Request-Id")
	a.Body = bytes.Clone(w.body.Bytes())
}

type tee struct {
	io.ReadCloser
	wire *wire
}

func (t *tee) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	t.wire.mu.Lock()
	t.wire.body.Write(p[:n])
	t.wire.mu.Unlock()
	return n, err
}

// Leave starts a stream, reads until about chunks pieces of text have come, and
// hangs up by calling leave, which must cancel ctx. It returns what it saw.
func (c *Client) Leave(ctx context.Context, leave context.CancelFunc, shape Shape, model string, chunks int) Answer {
	var w wire
	var a Answer
	take := func(text string) {
		a.Text += text
		if chunks--; chunks == 0 {
			leave()
		}
	}
	watch := option.WithMiddleware(w.watch)
	if shape.Responses {
		s := c.api.Responses.NewStreaming(ctx, responsesParams(model), watch)
		for s.Next() {
			if event := s.Current(); event.Type == "response.output_text.delta" {
				take(event.Delta)
			}
		}
		_ = s.Close()
	} else {
		s := c.api.Chat.Completions.NewStreaming(ctx, chatParams(model, shape), watch)
		for s.Next() {
			if chunk := s.Current(); len(chunk.Choices) > 0 && chunk.Choices[0].Delta.Content != "" {
				take(chunk.Choices[0].Delta.Content)
			}
		}
		_ = s.Close()
	}
	leave()
	w.into(&a)
	return a
}
