package demoupstream_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/responses"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"gopkg.in/yaml.v3"

	"github.com/archibot/archibotchat/adapters/demoupstream"
	core "github.com/archibot/archibotchat/core/inference"
	"github.com/archibot/archibotchat/ports/inference"
	"github.com/archibot/archibotchat/ports/inference/inferencetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// quick returns an upstream without gaps whose time and IDs are known.
func quick() *demoupstream.Upstream {
	var n atomic.Int64
	return demoupstream.New(demoupstream.Config{
		Now:   func() time.Time { return time.Unix(1800000000, 0) },
		NewID: func() string { return fmt.Sprintf("%04d", n.Add(1)) },
		Gap:   -1,
	})
}

func do(t *testing.T, route core.Route, stream bool, body string) (string, error) {
	t.Helper()
	res, err := quick().Do(t.Context(), &inference.Request{Route: route, Stream: stream, Body: []byte(body)})
	if err != nil {
		return "", err
	}
	b, err := io.ReadAll(res.Body)
	require.NoError(t, res.Body.Close())
	return string(b), err
}

func TestUpstream_Conformance(t *testing.T) {
	inferencetest.Run(t, func(*testing.T) inferencetest.Harness {
		return inferencetest.Harness{
			Upstream: demoupstream.New(demoupstream.Config{Gap: 10 * time.Millisecond}),
			Model:    "demo-small", Slow: "demo-large", Unknown: "gpt-5",
		}
	})
}

func TestUpstream_Answer(t *testing.T) {
	t.Parallel()
	got, err := do(t, core.ChatCompletions, false, `{"model":"demo-large","n":2,"messages":[
		{"role":"system","content":"Be kind."},{"role":"user","content":[{"type":"text","text":"Grüße"},{"type":"image_url"}]}]}`)
	require.NoError(t, err)
	var c openai.ChatCompletion
	require.NoError(t, json.Unmarshal([]byte(got), &c))
	require.Equal(t, "chatcmpl-0001", c.ID)
	require.EqualValues(t, 1800000000, c.Created)
	require.Len(t, c.Choices, 2)
	text := c.Choices[1].Message.Content
	require.Contains(t, text, "no model was asked")
	require.Contains(t, text, "2 messages, 13 characters")
	require.NotContains(t, text, "Grüße")
	require.EqualValues(t, 4, c.Usage.PromptTokens) // 15 bytes
	require.EqualValues(t, 2*((len(text)+3)/4), c.Usage.CompletionTokens)
	for i := range len(text) {
		require.Less(t, text[i], byte(0x80))
	}
}

func TestUpstream_Limit(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"max_tokens", "max_completion_tokens"} {
		got, err := do(t, core.ChatCompletions, false, `{"model":"demo-small","`+name+`":5}`)
		require.NoError(t, err)
		require.Contains(t, got, `"finish_reason":"length"`)
		require.Contains(t, got, `"completion_tokens":5`)
	}
	got, err := do(t, core.Responses, true, `{"model":"demo-small","input":"Hi","max_output_tokens":5}`)
	require.NoError(t, err)
	require.Contains(t, got, "event: response.incomplete\n")
	require.NotContains(t, got, "response.completed")
	require.Contains(t, got, `"incomplete_details":{"reason":"max_output_tokens"}`)
	require.Contains(t, got, `"output_tokens":5`)
}

func TestUpstream_Refuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		route  core.Route
		body   string
		status int
	}{
		"embeddings":      {core.Embeddings, `{"model":"demo-small","input":"x"}`, 404},
		"other model":     {core.Responses, `{"model":"demo","input":"x"}`, 404},
		"no JSON":         {core.Responses, `{`, 400},
		"no tokens":       {core.ChatCompletions, `{"model":"demo-small","max_tokens":0}`, 400},
		"nine choices":    {core.ChatCompletions, `{"model":"demo-small","n":9}`, 400},
		"negative limit":  {core.Responses, `{"model":"demo-small","max_output_tokens":-1}`, 400},
		"negative choice": {core.ChatCompletions, `{"model":"demo-small","n":-1}`, 400},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := do(t, tc.route, false, tc.body)
			var refusal *inference.Refusal
			require.ErrorAs(t, err, &refusal)
			require.Equal(t, tc.status, refusal.Status)
			require.NotEmpty(t, refusal.Message)
		})
	}
}

func TestUpstream_Keeps(t *testing.T) {
	t.Parallel()
	u := quick()
	respond := func(more string) (id string, tokens int64) {
		res, err := u.Do(t.Context(), &inference.Request{Route: core.Responses, Body: []byte(`{"model":"demo-small","input":"Hi"` + more + `}`)})
		require.NoError(t, err)
		var got responses.Response
		require.NoError(t, json.NewDecoder(res.Body).Decode(&got))
		return got.ID, got.Usage.TotalTokens
	}
	kept := func(id string) bool {
		_, err := u.Object(t.Context(), &inference.ObjectCall{Verb: inference.Retrieve, ID: id, Keeper: "demo"})
		return err == nil
	}
	first, before := respond("")
	_, after := respond(`,"previous_response_id":"` + first + `"`)
	require.Equal(t, before+before, after, "what came before is input again")
	long, _ := respond(`,"x":"` + strings.Repeat("x", 1<<20) + `"`)
	require.True(t, kept(long))
	huge, _ := respond(`,"input":"` + strings.Repeat("x", 5<<20) + `"`)
	require.False(t, kept(huge), "one answer shall not push all others out")
	for range 200 {
		respond("")
	}
	require.False(t, kept(first), "the oldest goes")
}

func TestUpstream_Gap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		u := demoupstream.New(demoupstream.Config{})
		res, err := u.Do(t.Context(), &inference.Request{Route: core.Responses, Stream: true, Body: []byte(`{"model":"demo-small","input":"x"}`)})
		require.NoError(t, err)
		began := time.Now()
		b, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		words := strings.Count(string(b), "event: response.output_text.delta")
		require.Greater(t, words, 50)
		require.Equal(t, time.Duration(words)*15*time.Millisecond, time.Since(began))
	})
}

func TestPriceBook(t *testing.T) {
	t.Parallel()
	var book struct {
		Prices []struct {
			Effective time.Time
			Models    []struct {
				ID       string
				Request  *float64 `yaml:"per_request"`
				Input    *float64 `yaml:"per_input_token"`
				Cached   *float64 `yaml:"per_cached_input_token"`
				Output   *float64 `yaml:"per_output_token"`
				MaxToken int      `yaml:"max_output_tokens"`
			}
		}
	}
	require.NoError(t, yaml.Unmarshal(demoupstream.PriceBook(), &book))
	models, err := quick().Models(t.Context())
	require.NoError(t, err)
	require.Len(t, book.Prices, 1)
	require.Len(t, book.Prices[0].Models, len(models))
	for i, m := range book.Prices[0].Models {
		require.Equal(t, models[i].ID, m.ID)
		require.Positive(t, m.MaxToken)
		for _, price := range []*float64{m.Request, m.Input, m.Cached, m.Output} {
			require.NotNil(t, price)
		}
	}
}

// TestUpstream_SDK lets the official SDK read the answers.
func TestUpstream_SDK(t *testing.T) {
	t.Parallel()
	h := httptest.NewServer(serve(quick()))
	t.Cleanup(h.Close)
	c := openai.NewClient(option.WithAPIKey("unused"), option.WithBaseURL(h.URL+"/v1"), option.WithHTTPClient(h.Client()))

	stream := c.Chat.Completions.NewStreaming(t.Context(), openai.ChatCompletionNewParams{
		Model: "demo-small", N: openai.Int(2), Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("Hi")},
		StreamOptions: openai.ChatCompletionStreamOptionsParam{IncludeUsage: openai.Bool(true)},
	})
	var acc openai.ChatCompletionAccumulator
	for stream.Next() {
		require.True(t, acc.AddChunk(stream.Current()))
	}
	require.NoError(t, stream.Err())
	require.Len(t, acc.Choices, 2)
	require.Contains(t, acc.Choices[1].Message.Content, "demonstration")
	require.Equal(t, "stop", acc.Choices[0].FinishReason)
	require.Positive(t, acc.Usage.TotalTokens)

	ask := responses.ResponseNewParams{
		Model: "demo-small", Instructions: openai.String("Be kind."),
		Input: responses.ResponseNewParamsInputUnion{OfInputItemList: responses.ResponseInputParam{
			responses.ResponseInputItemParamOfMessage("Hi", responses.EasyInputMessageRoleUser),
		}},
	}
	whole, err := c.Responses.New(t.Context(), ask)
	require.NoError(t, err)
	require.Contains(t, whole.OutputText(), "1 message, 10 characters")
	events := c.Responses.NewStreaming(t.Context(), ask)
	text := ""
	for events.Next() {
		if e := events.Current(); e.Type == "response.output_text.delta" {
			text += e.Delta
		}
	}
	require.NoError(t, events.Err())
	require.Equal(t, "response.completed", events.Current().Type)
	require.Equal(t, whole.OutputText(), text)
}

// serve puts an upstream behind HTTP.
func serve(u inference.Upstream) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		q := &inference.Request{Route: core.Responses, Body: body, Stream: strings.Contains(string(body), `"stream":true`)}
		if strings.HasSuffix(r.URL.Path, "/chat/completions") {
			q.Route = core.ChatCompletions
		}
		res, err := u.Do(r.Context(), q)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer func() { _ = res.Body.Close() }()
		w.Header().Set("Content-Type", "application/json")
		if res.Stream {
			w.Header().Set("Content-Type", "text/event-stream")
		}
		_, _ = io.Copy(w, res.Body)
	})
}
