package gateway_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/system"
	"github.com/archibot/archibotchat/core"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/hosts/gateway"
	"github.com/archibot/archibotchat/ports/store"
)

const embeddings = "/v1/embeddings"

// named is the header of a request with an Idempotency-Key, or several.
func (s *site) named(names ...string) http.Header {
	return http.Header{"Authorization": {"Bearer " + s.token}, "Idempotency-Key": names}
}

// replays checks that an answer is the first one, given again for nothing.
func (r reply) replays(first reply) {
	r.t.Helper()
	require.Equal(r.t, first.status, r.status, r.body)
	require.Equal(r.t, first.body, r.body)
	require.Equal(r.t, first.err, r.err)
	own := first.header.Get("X-Request-Id")
	require.NotEqual(r.t, own, r.header.Get("X-Request-Id"), "each request has an ID of its own")
	require.Equal(r.t, own, r.header.Get("X-Archibot-Original-Request-Id"))
	require.Equal(r.t, "true", r.header.Get("Idempotency-Replayed"))
	for _, name := range []string{"Content-Type", "Content-Length", "Openai-Version", "Openai-Processing-Ms", "X-Archibot-Credits-Debited", "X-Archibot-Credits-Remaining"} {
		require.Equal(r.t, first.header[name], r.header[name], name)
	}
}

func TestGateway_once(t *testing.T) { // W7, HOTPATH 18
	s := newSite(t, options{})
	answered := 0
	for name, c := range map[string]struct{ path, body string }{
		"chat": {completions, chat("test", "")}, "chat stream": {completions, chat("test", `,"stream":true`)},
		"chat stream with usage": {completions, chat("test", `,"stream":true,"stream_options":{"include_usage":true}`)},
		"response":               {"/v1/responses", `{"model":"test","input":"hi","max_output_tokens":100}`},
		"response stream":        {"/v1/responses", `{"model":"test","input":"hi","max_output_tokens":100,"stream":true}`},
		"embeddings":             {embeddings, `{"model":"test","input":"hi"}`},
		"a cut":                  {completions, chat("test-cut", `,"stream":true`)},
	} {
		first := s.send(http.MethodPost, c.path, c.body, s.named(name))
		require.Equal(t, http.StatusOK, first.status, first.body)
		require.Empty(t, first.header.Get("Idempotency-Replayed"))
		if name == "a cut" {
			require.ErrorIs(t, first.err, io.ErrUnexpectedEOF)
		}
		answered++
		left := s.balance()
		for range 2 {
			s.send(http.MethodPost, c.path, c.body, s.named(name)).replays(first)
		}
		require.Equal(t, left, s.balance())
		other := s.send(http.MethodPost, c.path, c.body+" ", s.named(name))
		other.refused(http.StatusUnprocessableEntity, "idempotency_key_reused")
		require.EqualValues(t, answered, s.up.Stats().Requests)
	}
	s.send(http.MethodPost, "/v1/responses", `{"model":"test","input":"hi"}`, s.named("chat")).refused(http.StatusUnprocessableEntity, "idempotency_key_reused")
	for _, r := range s.up.Requests() {
		require.Empty(t, r.Headers.Values("Idempotency-Key"), "it is never forwarded")
	}
}

func TestGateway_once_inProgress(t *testing.T) { // HOTPATH 18
	s := newSite(t, options{})
	first, body := make(chan reply), chat("test-gate1", `,"stream":true`)
	go func() { first <- s.send(http.MethodPost, completions, body, s.named("k")) }()
	require.Eventually(t, func() bool { return s.up.Stats().Open == 1 }, 10*time.Second, time.Millisecond)
	r := s.send(http.MethodPost, completions, body, s.named("k"))
	r.refused(http.StatusConflict, "idempotency_in_progress")
	require.Equal(t, "1", r.header.Get("Retry-After"))
	require.Empty(t, r.header.Get("X-Should-Retry"), "SDKs try a conflict again")
	s.send(http.MethodPost, completions, chat("test", ""), s.named("k")).refused(http.StatusUnprocessableEntity, "idempotency_key_reused")
	s.up.Admit(1, -1)
	answer := <-first
	require.Equal(t, http.StatusOK, answer.status)
	s.send(http.MethodPost, completions, body, s.named("k")).replays(answer)
	require.Len(t, s.holds(), 1)
}

// What was refused before its hold, and what cost nothing, frees the key.
func TestGateway_once_free(t *testing.T) { // HOTPATH 18
	s := newSite(t, options{})
	h := s.named("k")
	s.send(http.MethodPost, completions, chat("test", ""), http.Header{"Idempotency-Key": {"k"}}).refused(http.StatusUnauthorized, "invalid_api_key")
	s.send(http.MethodPost, completions, chat("unpriced", ""), h).refused(http.StatusNotFound, "model_not_found")
	s.send(http.MethodPost, completions, chat("test", `,"n":128,"max_completion_tokens":100000`), h).refused(http.StatusTooManyRequests, "insufficient_quota")
	s.send(http.MethodPost, completions, `{`, h).refused(http.StatusBadRequest, "invalid_json")
	s.untouched()

	for script, status := range map[string]int{"err429": http.StatusTooManyRequests, "err500": http.StatusBadGateway, "err400": http.StatusBadRequest, "html": http.StatusBadGateway} {
		s.up.Play(script)
		require.Equal(t, status, s.send(http.MethodPost, completions, chat("test", ""), h).status, script)
	}
	s.up.Play("")
	r := s.send(http.MethodPost, completions, chat("test", " "), h)
	require.Equal(t, http.StatusOK, r.status, r.body)
	require.Empty(t, r.header.Get("Idempotency-Replayed"))
	s.send(http.MethodPost, completions, chat("test", " "), h).replays(r)

	s.account("acct_2", func(*store.Account) {})
	other := http.Header{"Authorization": {"Bearer " + s.key("acct_2", func(*keys.Key) {})}, "Idempotency-Key": {"k"}}
	s.send(http.MethodPost, completions, chat("test", " "), other).refused(http.StatusTooManyRequests, "insufficient_quota") // its own name, and no credits
}

func TestGateway_once_tooLarge(t *testing.T) { // HOTPATH 18: too big → 409, never run again
	s := newSite(t, options{})
	for _, more := range []string{"", `,"stream":true`} {
		body := chat("test-chunks140000", more)
		first := s.send(http.MethodPost, completions, body, s.named("k"+more))
		require.Equal(t, http.StatusOK, first.status)
		require.NoError(t, first.err)
		require.Greater(t, len(first.body), 1<<20)
		r := s.send(http.MethodPost, completions, body, s.named("k"+more))
		r.refused(http.StatusConflict, "outcome_too_large")
		require.Equal(t, "false", r.header.Get("X-Should-Retry"))
		require.Empty(t, r.header.Get("Retry-After"))
	}
	require.EqualValues(t, 2, s.up.Stats().Requests)
}

func TestGateway_once_malformed(t *testing.T) { // W7
	s := newSite(t, options{})
	for _, path := range []string{completions, "/v1/responses", embeddings} {
		for name, h := range map[string]http.Header{
			"empty": s.named(""), "two": s.named("a", "a"), "too long": s.named(strings.Repeat("k", 256)), "not ASCII": s.named("ä"), "tab": s.named("a\tb"),
		} {
			t.Log(path, name)
			s.send(http.MethodPost, path, chat("test", ""), h).refused(http.StatusBadRequest, "invalid_idempotency_key")
		}
	}
	require.Equal(t, http.StatusOK, s.send(http.MethodGet, "/v1/models", "", s.named("", "")).status, "a GET has no use for it")
	s.untouched()
}

// A key works on while peppers rotate: what stands under the older one is found.
func TestGateway_once_peppers(t *testing.T) { // K2, HOTPATH 18
	s := newSite(t, options{})
	first := s.send(http.MethodPost, completions, chat("test", ""), s.named("k"))
	require.Equal(t, http.StatusOK, first.status)

	deps := s.deps
	var err error
	deps.Peppers, err = keys.ParsePeppers("v2:" + strings.Repeat("q", 32) + ",v1:" + strings.Repeat("p", 32))
	require.NoError(t, err)
	app, err := core.New(t.Context(), deps) // it does not run, save for the prices: a replay needs no writer
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- app.Tariff.Run(ctx) }()
	defer func() {
		cancel()
		require.NoError(t, <-ended)
	}()
	require.Eventually(t, app.Tariff.Ready, 10*time.Second, time.Millisecond)
	next := httptest.NewServer(gateway.New(gateway.Config{Admit: app.Admit, Models: app.Models, Relay: app.Relay, Memory: app.Memory, NewID: deps.NewID, Log: deps.Log}))
	t.Cleanup(next.Close)
	s.srv.Config.Handler, next.Config.Handler = next.Config.Handler, s.srv.Config.Handler
	s.send(http.MethodPost, completions, chat("test", ""), s.named("k")).replays(first)
	s.send(http.MethodPost, completions, chat("test", " "), s.named("k")).refused(http.StatusUnprocessableEntity, "idempotency_key_reused")
	require.Zero(t, app.Memory.Used())
	require.EqualValues(t, 1, s.up.Stats().Requests)
}

func TestGateway_once_expiry(t *testing.T) { // W7: for 24 h
	var ahead atomic.Int64
	s := newSite(t, options{now: func() time.Time { return system.Now().Add(time.Duration(ahead.Load())) }})
	s.token = s.key(account, func(k *keys.Key) { k.ExpiresAt = k.CreatedAt.Add(72 * time.Hour) })
	forward := func(by time.Duration) {
		ahead.Store(int64(by))
		s.app.Tariff.Reload() // a clock that jumps leaves the prices in doubt for a moment
		require.Eventually(t, s.app.Tariff.Ready, 10*time.Second, time.Millisecond)
	}
	body := chat("test", "")
	first := s.send(http.MethodPost, completions, body, s.named("k"))
	require.Equal(t, http.StatusOK, first.status)
	forward(23*time.Hour + 55*time.Minute)
	s.send(http.MethodPost, completions, body, s.named("k")).replays(first)
	forward(24 * time.Hour)
	second := s.send(http.MethodPost, completions, body+" ", s.named("k"))
	require.Equal(t, http.StatusOK, second.status, second.body)
	require.Empty(t, second.header.Get("Idempotency-Replayed"))
	s.send(http.MethodPost, completions, body+" ", s.named("k")).replays(second)
	require.EqualValues(t, 2, s.up.Stats().Requests)
}

// Neither key nor answer nor request can be read from the database's files.
func TestGateway_once_unreadable(t *testing.T) { // HOTPATH 18, U2
	s := newSite(t, options{})
	const name = "canary-key-5d1f"
	asked := `{"model":"test","messages":[{"role":"user","content":"canary-question-9e2c"}],"max_tokens":100}`
	first := s.send(http.MethodPost, completions, asked, s.named(name))
	var answer struct {
		ID string `json:"id"`
	}
	require.NoError(t, json.Unmarshal([]byte(first.body), &answer))
	require.NotEmpty(t, answer.ID)
	stream := s.send(http.MethodPost, completions, strings.Replace(asked, "{", `{"stream":true,`, 1), s.named(name+"2"))
	require.Contains(t, stream.body, "word1 ")
	s.send(http.MethodPost, completions, asked, s.named(name)).replays(first)

	files, err := filepath.Glob(s.file + "*")
	require.NoError(t, err)
	hay := s.log.String()
	for _, file := range files {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		hay += string(content)
	}
	require.Contains(t, hay, account, "it is the right file")
	for _, needle := range []string{name, "canary-question", "word1 ", `chat.completion"`, answer.ID} {
		require.Negative(t, strings.Index(hay, needle), needle) // the hay is too long to show
	}
}
