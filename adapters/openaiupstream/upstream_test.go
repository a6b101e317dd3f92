package openaiupstream_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/archibot/archibotchat/adapters/openaiupstream"
	"github.com/archibot/archibotchat/core/fault"
	core "github.com/archibot/archibotchat/core/inference"
	"github.com/archibot/archibotchat/e2e/upstream"
	"github.com/archibot/archibotchat/ports/inference"
	"github.com/archibot/archibotchat/ports/inference/inferencetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const key = "sk-proj-Zk3_x9-QmT7vB2nL5wR8yD4cF6hJ0pS1"

// open returns an upstream for a server at url, closed with the test.
func open(t *testing.T, url string, change func(*openaiupstream.Config)) *openaiupstream.Upstream {
	t.Helper()
	cfg := openaiupstream.Config{Name: "scripted", BaseURL: url + "/v1", Key: key}
	if change != nil {
		change(&cfg)
	}
	u, err := openaiupstream.New(cfg)
	require.NoError(t, err)
	t.Cleanup(u.Close)
	return u
}

// scripted returns an upstream for a scripted server, and that server.
func scripted(t *testing.T, change func(*openaiupstream.Config)) (*openaiupstream.Upstream, *upstream.Server) {
	t.Helper()
	s := upstream.New(upstream.Options{Key: key, Record: 10})
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	return open(t, h.URL, change), s
}

// patience sets all limits to d.
func patience(d time.Duration) func(*openaiupstream.Config) {
	return func(c *openaiupstream.Config) { c.Connect, c.FirstByte, c.IdleChunk = d, d, d }
}

func chat(model string, stream bool) *inference.Request {
	b, err := json.Marshal(map[string]any{
		"model": model, "stream": stream, "messages": []map[string]string{{"role": "user", "content": "Hello"}},
	})
	if err != nil {
		panic(err)
	}
	return &inference.Request{Route: core.ChatCompletions, RequestID: "req_1", Stream: stream, Body: b}
}

// all reads an answer to its end.
func all(t *testing.T, res *inference.Response) (string, error) {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	require.NoError(t, res.Body.Close())
	return string(b), err
}

func requireFault(t *testing.T, err error, kind fault.Kind, code string) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, kind, fault.KindOf(err), err)
	require.Equal(t, code, fault.CodeOf(err), err)
	require.NotContains(t, err.Error(), key)
}

func TestUpstream_Conformance(t *testing.T) {
	inferencetest.Run(t, func(t *testing.T) inferencetest.Harness {
		u, _ := scripted(t, nil)
		gone := httptest.NewServer(nil)
		gone.Close()
		return inferencetest.Harness{
			Upstream: u, Model: "test", Slow: "test-endless-gap2", Unknown: "err404", Dropped: "drop",
			Unreachable: open(t, gone.URL, nil),
		}
	})
}

func TestUpstream_Sends(t *testing.T) {
	t.Parallel()
	u, s := scripted(t, nil)
	for _, route := range []core.Route{core.ChatCompletions, core.Responses, core.Embeddings} {
		r := chat("test", route == core.Responses)
		r.Route = route
		res, err := u.Do(t.Context(), r)
		require.NoError(t, err)
		_, err = all(t, res)
		require.NoError(t, err)
	}
	got := s.Requests()
	require.Equal(t, "/v1/chat/completions", got[0].Path)
	require.Equal(t, "/v1/responses", got[1].Path)
	require.Equal(t, "/v1/embeddings", got[2].Path)
	require.Equal(t, string(chat("test", false).Body), got[0].Body)
	require.Equal(t, map[string][]string{
		"Authorization":  {"Bearer " + key},
		"Content-Type":   {"application/json"},
		"Content-Length": got[0].Headers["Content-Length"],
		"Accept":         {"application/json"},
		"User-Agent":     {"archibotchat"},
		"X-Request-Id":   {"req_1"},
	}, map[string][]string(got[0].Headers))
	require.Equal(t, []string{"text/event-stream"}, got[1].Headers["Accept"])
}

func TestUpstream_ResponseHeaders(t *testing.T) {
	t.Parallel()
	u, _ := scripted(t, nil)
	res, err := u.Do(t.Context(), chat("cookie", false))
	require.NoError(t, err)
	_, err = all(t, res)
	require.NoError(t, err)
	require.Equal(t, []inference.Header{
		{Name: "Openai-Processing-Ms", Value: "1"}, {Name: "Openai-Version", Value: "2020-10-01"},
	}, res.Headers)
}

func TestUpstream_Refusals(t *testing.T) {
	t.Parallel()
	u, _ := scripted(t, nil)
	refusal := func(t *testing.T, model string) *inference.Refusal {
		_, err := u.Do(t.Context(), chat(model, true))
		var r *inference.Refusal
		require.ErrorAs(t, err, &r)
		return r
	}
	for model, status := range map[string]int{
		"err400": 400, "err401": 401, "err403": 403, "err404": 404, "err413": 413, "err422": 422, "err500": 500, "err503": 503,
	} {
		r := refusal(t, model)
		require.Equal(t, status, r.Status)
		require.NotEmpty(t, r.Message)
		require.NotEmpty(t, r.Code)
		require.Empty(t, r.RetryAfter)
	}
	require.Equal(t, &inference.Refusal{
		Status: 429, RetryAfter: "7", Type: "insufficient_quota", Code: "insufficient_quota",
		Message: "You exceeded your current quota, please check your plan and billing details.",
	}, refusal(t, "err429"))

	for _, model := range []string{"leakkey", "leakkey-err401", "leakkey-err500"} {
		r := refusal(t, model)
		require.Equal(t, "The model provider refused the request and gave no reason that can be passed on.", r.Message)
		require.Empty(t, r.Type+r.Code+r.Param)
	}
}

func TestUpstream_NotAnAnswer(t *testing.T) {
	t.Parallel()
	u, s := scripted(t, nil)
	_, err := u.Do(t.Context(), chat("redirect", true))
	requireFault(t, err, fault.BadUpstream, "upstream_unavailable")
	for _, seen := range s.Requests() {
		require.NotEqual(t, "/__redirected", seen.Path)
	}
	for _, stream := range []bool{true, false} {
		_, err = u.Do(t.Context(), chat("html", stream))
		requireFault(t, err, fault.BadUpstream, "upstream_invalid")
	}
}

func TestUpstream_BreaksOff(t *testing.T) {
	t.Parallel()
	u, _ := scripted(t, nil)
	for _, model := range []string{"cut", "reset"} {
		for _, stream := range []bool{true, false} {
			res, err := u.Do(t.Context(), chat(model, stream))
			require.NoError(t, err)
			_, err = all(t, res)
			requireFault(t, err, fault.BadUpstream, "upstream_cut")
		}
	}
}

func TestUpstream_Silence(t *testing.T) {
	t.Parallel()
	t.Run("no head", func(t *testing.T) {
		t.Parallel()
		u, s := scripted(t, patience(time.Second)) // the upstream must have come to it by then
		_, err := u.Do(t.Context(), chat("hang", true))
		requireFault(t, err, fault.Timeout, "upstream_timeout")
		require.Eventually(t, func() bool { return s.Stats().Aborted == 1 }, 10*time.Second, time.Millisecond)
	})
	t.Run("inside a stream", func(t *testing.T) {
		t.Parallel()
		u, _ := scripted(t, func(c *openaiupstream.Config) { c.IdleChunk = time.Second }) // the first word must have come by then
		res, err := u.Do(t.Context(), chat("gap600000", true))
		require.NoError(t, err)
		got, err := all(t, res)
		requireFault(t, err, fault.Timeout, "upstream_timeout")
		require.Contains(t, got, "word0")
	})
	t.Run("a drip is no silence", func(t *testing.T) {
		t.Parallel()
		u, _ := scripted(t, func(c *openaiupstream.Config) { c.IdleChunk = 2 * time.Second })
		res, err := u.Do(t.Context(), chat("drip-gap1-chunks1", true))
		require.NoError(t, err)
		got, err := all(t, res)
		require.NoError(t, err)
		require.True(t, strings.HasSuffix(got, "data: [DONE]\n\n"))
	})
	t.Run("a slow reader is no silence", func(t *testing.T) {
		t.Parallel()
		u, s := scripted(t, func(c *openaiupstream.Config) { c.IdleChunk = 100 * time.Millisecond })
		res, err := u.Do(t.Context(), chat("test", true))
		require.NoError(t, err)
		require.Eventually(t, func() bool { return s.Stats().Completed == 1 }, 10*time.Second, time.Millisecond, "else its silence is the upstream's")
		<-time.After(250 * time.Millisecond) // the reader's pause is what is tested
		_, err = all(t, res)
		require.NoError(t, err)
	})
	t.Run("the caller's deadline is the caller's", func(t *testing.T) {
		t.Parallel()
		u, _ := scripted(t, nil)
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
		defer cancel()
		_, err := u.Do(ctx, chat("hang", true))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		var f *fault.Error
		require.NotErrorAs(t, err, &f)
	})
}

func TestUpstream_NobodyThere(t *testing.T) {
	t.Parallel()
	h := httptest.NewServer(nil)
	h.Close()
	u := open(t, h.URL, nil)
	_, err := u.Do(t.Context(), chat("test", true))
	requireFault(t, err, fault.BadUpstream, "upstream_unavailable")
	_, err = u.Models(t.Context())
	requireFault(t, err, fault.BadUpstream, "upstream_unavailable")
}

func TestUpstream_BodyIsPassedOn(t *testing.T) {
	t.Parallel()
	u, _ := scripted(t, nil)
	for model, want := range map[string]string{"malformed": "[{{", "hugeusage": `"choices"`, "nodone": "word9"} {
		res, err := u.Do(t.Context(), chat(model, true))
		require.NoError(t, err)
		got, err := all(t, res)
		require.NoError(t, err)
		require.Contains(t, got, want)
	}
	res, err := u.Do(t.Context(), chat("bigline8", true))
	require.NoError(t, err)
	n, err := io.Copy(io.Discard, res.Body)
	require.NoError(t, err)
	require.Greater(t, n, int64(8<<20))
	require.NoError(t, res.Body.Close())
}

func BenchmarkUpstream_Do(b *testing.B) {
	h := httptest.NewServer(upstream.New(upstream.Options{Key: key}))
	defer h.Close()
	u, err := openaiupstream.New(openaiupstream.Config{Name: "scripted", BaseURL: h.URL + "/v1", Key: key})
	require.NoError(b, err)
	defer u.Close()
	r := chat("test", false)
	var buf bytes.Buffer
	b.ReportAllocs()
	for b.Loop() {
		res, err := u.Do(b.Context(), r)
		if err != nil {
			b.Fatal(err)
		}
		buf.Reset()
		if _, err := buf.ReadFrom(res.Body); err != nil {
			b.Fatal(err)
		}
		_ = res.Body.Close()
	}
}
