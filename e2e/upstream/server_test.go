package upstream_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/archibot/archibotchat/e2e/upstream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const key = "sk-scripted-0123456789"

// start serves a scripted upstream and returns it with a client that keeps no connections.
func start(t *testing.T) (*upstream.Server, *httptest.Server) {
	t.Helper()
	s := upstream.New(upstream.Options{Key: key, Record: 3})
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	return s, h
}

func post(t *testing.T, h *httptest.Server, path, body string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.URL+path, strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("Content-Type", "application/json")
	c := h.Client()
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := c.Do(req)
	require.NoError(t, err)
	t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

func chatBody(model string, stream bool) string {
	b, err := json.Marshal(map[string]any{
		"model": model, "stream": stream, "stream_options": map[string]bool{"include_usage": stream},
		"messages": []map[string]string{{"role": "user", "content": "Hello"}},
	})
	if err != nil {
		panic(err)
	}
	return string(b)
}

func read(t *testing.T, res *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return string(b)
}

func TestServer_Chat(t *testing.T) {
	t.Parallel()
	s, h := start(t)

	got := read(t, post(t, h, "/v1/chat/completions", chatBody("test-in120-out80-cached10-chunks3", true)))
	require.Equal(t, 3, strings.Count(got, `"delta":{"content":"word`))
	require.True(t, strings.HasSuffix(got, "data: [DONE]\n\n"), got)
	require.Contains(t, got, `"prompt_tokens":120,"completion_tokens":80,"total_tokens":200`)

	got = read(t, post(t, h, "/v1/chat/completions", chatBody("test", false)))
	require.True(t, json.Valid([]byte(got)), got)

	stats := s.Stats()
	require.EqualValues(t, 2, stats.Requests)
	require.EqualValues(t, 2, stats.Completed)
	require.Equal(t, upstream.Usage{Input: 220, Cached: 10, Output: 180}, stats.Usage)
	require.EqualValues(t, 1, stats.ByModel["test"])
}

func TestServer_Usage(t *testing.T) {
	t.Parallel()
	_, h := start(t)
	for model, want := range map[string]string{
		"negusage":  `"total_tokens":-200`,
		"hugeusage": `"total_tokens":18000000000000000000`,
	} {
		require.Contains(t, read(t, post(t, h, "/v1/chat/completions", chatBody(model, false))), want)
		require.Contains(t, read(t, post(t, h, "/v1/responses", chatBody(model, true))), want)
	}
	require.NotContains(t, read(t, post(t, h, "/v1/chat/completions", chatBody("nousage", true))), "tokens")
	require.NotContains(t, read(t, post(t, h, "/v1/chat/completions", strings.Replace(chatBody("test", true), "include_usage\":true", "include_usage\":false", 1))), "usage")
	require.NotContains(t, read(t, post(t, h, "/v1/responses", chatBody("nousage", true))), "input_tokens")
}

func TestServer_Errors(t *testing.T) {
	t.Parallel()
	s, h := start(t)

	t.Run("no key", func(t *testing.T) {
		res, err := h.Client().Get(h.URL + "/v1/models")
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, http.StatusUnauthorized, res.StatusCode)
	})
	t.Run("quota", func(t *testing.T) {
		res := post(t, h, "/v1/responses", chatBody("err429", true))
		require.Equal(t, http.StatusTooManyRequests, res.StatusCode)
		require.Equal(t, "7", res.Header.Get("Retry-After"))
		require.Contains(t, read(t, res), `"code":"insufficient_quota"`)
	})
	t.Run("leaked key", func(t *testing.T) {
		res := post(t, h, "/v1/responses", chatBody("leakkey-err500", true))
		require.Equal(t, http.StatusInternalServerError, res.StatusCode)
		require.Contains(t, read(t, res), key)
	})
	t.Run("redirect, html, cookie", func(t *testing.T) {
		require.Equal(t, http.StatusTemporaryRedirect, post(t, h, "/v1/responses", chatBody("redirect", true)).StatusCode)
		require.Contains(t, post(t, h, "/v1/responses", chatBody("html", false)).Header.Get("Content-Type"), "text/html")
		require.NotEmpty(t, post(t, h, "/v1/responses", chatBody("cookie", false)).Header.Get("Set-Cookie"))
	})
	t.Run("not JSON", func(t *testing.T) {
		require.Equal(t, http.StatusBadRequest, post(t, h, "/v1/responses", "[").StatusCode)
	})
	t.Run("unknown route", func(t *testing.T) {
		require.Equal(t, http.StatusNotFound, post(t, h, "/v1/images", "{}").StatusCode)
	})
	require.EqualValues(t, 4, s.Stats().Refused)
}

func TestServer_Faults(t *testing.T) {
	t.Parallel()
	for _, stream := range []bool{true, false} {
		for _, model := range []string{"cut", "reset"} {
			s, h := start(t)
			_, err := io.ReadAll(post(t, h, "/v1/chat/completions", chatBody(model, stream)).Body)
			require.Error(t, err, model)
			require.EqualValues(t, 1, s.Stats().Cut)
		}
	}
	_, h := start(t)
	require.NotContains(t, read(t, post(t, h, "/v1/chat/completions", chatBody("nodone", true))), "[DONE]")
	require.NotContains(t, read(t, post(t, h, "/v1/responses", chatBody("nodone", true))), "response.completed")
	require.Contains(t, read(t, post(t, h, "/v1/responses", chatBody("malformed", true))), "[{{")
	require.False(t, json.Valid([]byte(read(t, post(t, h, "/v1/responses", chatBody("malformed", false))))))
	require.Greater(t, len(read(t, post(t, h, "/v1/responses", chatBody("bigline1", true)))), 1<<20)
	require.Greater(t, len(read(t, post(t, h, "/v1/responses", chatBody("bigline1", false)))), 1<<20)
	require.True(t, json.Valid([]byte(read(t, post(t, h, "/v1/responses", chatBody("drip-chunks1", false))))))
}

func TestServer_Play(t *testing.T) {
	t.Parallel()
	s, h := start(t)
	play := func(script string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.URL+"/__play?script="+script, nil)
		require.NoError(t, err)
		res, err := h.Client().Do(req)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, http.StatusNoContent, res.StatusCode)
	}
	play("err429")
	require.Equal(t, http.StatusTooManyRequests, post(t, h, "/v1/responses", chatBody("test", false)).StatusCode)
	play("")
	require.Equal(t, http.StatusOK, post(t, h, "/v1/responses", chatBody("test", false)).StatusCode)
	require.EqualValues(t, 2, s.Stats().ByModel["test"], "a call is booked by the name that the client gave")
}

func TestServer_Drop(t *testing.T) {
	t.Parallel()
	s, h := start(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.URL+"/v1/responses", strings.NewReader(chatBody("drop", false)))
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+key)
	res, err := h.Client().Do(req)
	if err == nil {
		_ = res.Body.Close()
	}
	require.ErrorIs(t, err, io.EOF)
	require.EqualValues(t, 1, s.Stats().Cut)
}

func TestServer_Objects(t *testing.T) {
	t.Parallel()
	_, h := start(t)
	call := func(method, path string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), method, h.URL+"/v1/responses/"+path, nil)
		require.NoError(t, err)
		req.Header.Set("Authorization", "Bearer "+key)
		res, err := h.Client().Do(req)
		require.NoError(t, err)
		defer func() { require.NoError(t, res.Body.Close()) }()
		return res.StatusCode, read(t, res)
	}
	create := func(model string) string {
		var answer struct{ ID string }
		require.NoError(t, json.Unmarshal([]byte(read(t, post(t, h, "/v1/responses", `{"model":"`+model+`","input":"Hello"}`))), &answer))
		return answer.ID
	}
	id := create("test")
	status, body := call(http.MethodGet, id)
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body, `"status":"completed"`)
	require.Contains(t, body, `"store":true`)
	_, body = call(http.MethodGet, id+"/input_items")
	require.Contains(t, body, "Hello")
	_, body = call(http.MethodPost, id+"/cancel")
	require.Contains(t, body, `"status":"cancelled"`)
	_, body = call(http.MethodGet, id)
	require.Contains(t, body, `"status":"cancelled"`)
	status, _ = call(http.MethodDelete, id)
	require.Equal(t, http.StatusOK, status)
	status, _ = call(http.MethodGet, id)
	require.Equal(t, http.StatusNotFound, status)
	status, _ = call(http.MethodGet, create("test-obj503"))
	require.Equal(t, http.StatusServiceUnavailable, status)

	stream := read(t, post(t, h, "/v1/responses", `{"model":"test","stream":true}`))
	_, rest, _ := strings.Cut(stream, `"id":"`)
	id, _, _ = strings.Cut(rest, `"`)
	status, _ = call(http.MethodGet, id)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, http.StatusBadRequest, post(t, h, "/v1/responses", `{"model":"test","previous_response_id":"resp_none"}`).StatusCode)
}

func TestServer_ClientLeaves(t *testing.T) {
	t.Parallel()
	for _, model := range []string{"hang", "endless-gap1", "delay600000"} {
		t.Run(model, func(t *testing.T) {
			t.Parallel()
			s, h := start(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL+"/v1/responses", strings.NewReader(chatBody(model, true)))
			require.NoError(t, err)
			req.Header.Set("Authorization", "Bearer "+key)
			left := make(chan struct{})
			go func() {
				defer close(left)
				res, err := h.Client().Do(req)
				if err == nil {
					_, _ = bufio.NewReader(res.Body).ReadString('\n')
					cancel()
					_ = res.Body.Close()
				}
			}()
			require.Eventually(t, func() bool { return s.Stats().Requests == 1 }, waitFor, tick)
			cancel()
			<-left
			require.Eventually(t, func() bool { return s.Stats().Aborted == 1 }, waitFor, tick)
			require.Zero(t, s.Stats().Open)
		})
	}
}

func TestServer_Introspection(t *testing.T) {
	t.Parallel()
	s, h := start(t)
	for range 5 {
		read(t, post(t, h, "/v1/embeddings", `{"model":"test","input":"x"}`))
	}
	require.Len(t, s.Requests(), 3)

	var kept []upstream.Recorded
	fetch(t, h, "/__requests", &kept)
	require.Equal(t, "/v1/embeddings", kept[0].Path)
	require.Equal(t, `{"model":"test","input":"x"}`, kept[0].Body)
	require.Equal(t, "Bearer "+key, kept[0].Headers.Get("Authorization"))

	var stats upstream.Stats
	fetch(t, h, "/__stats", &stats)
	require.EqualValues(t, 5, stats.Completed)
	require.EqualValues(t, 500, stats.Usage.Input)

	require.Equal(t, http.StatusNoContent, post(t, h, "/__reset", "").StatusCode)
	require.Zero(t, s.Stats().Requests)
	require.Empty(t, s.Requests())
}

func fetch(t *testing.T, h *httptest.Server, path string, v any) {
	t.Helper()
	res, err := h.Client().Get(h.URL + path)
	require.NoError(t, err)
	defer func() { require.NoError(t, res.Body.Close()) }()
	require.NoError(t, json.NewDecoder(res.Body).Decode(v))
}
