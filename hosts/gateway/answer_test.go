package gateway_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/core/ledger"
)

func TestGateway_json(t *testing.T) { // W1, W9, L5
	s := newSite(t, options{})
	cost := int64(100 + 2*100) // of what the upstream reports unless told otherwise
	for i, c := range []struct{ path, body string }{
		{completions, chat("test", "")},
		{"/v1/responses", `{"model":"test","input":"hi","max_output_tokens":100}`},
	} {
		r := s.do(http.MethodPost, c.path, c.body)
		require.Equal(t, http.StatusOK, r.status, r.body)
		require.True(t, json.Valid([]byte(r.body)))
		require.Equal(t, "application/json", r.header.Get("Content-Type"))
		require.Equal(t, strconv.FormatInt(cost, 10), r.header.Get("X-Archibot-Credits-Debited"))
		require.Equal(t, strconv.FormatInt(granted-cost*int64(i+1), 10), r.header.Get("X-Archibot-Credits-Remaining"))
		h, err := s.db.Ledger().Hold(t.Context(), account, r.header.Get("X-Request-Id"))
		require.NoError(t, err, "the answer's ID is the ledger's")
		require.Equal(t, cost, h.Debited)
	}
	spent := granted - s.balance().Available
	r := s.do(http.MethodPost, "/v1/embeddings", `{"model":"test","input":"hi"}`)
	require.Equal(t, http.StatusOK, r.status, r.body)
	require.EqualValues(t, 100, granted-s.balance().Available-spent, "input alone")
}

// An answer too large to be kept is passed on as it comes: what it costs is
// known too late for its head, and its end waits for the debit.
func TestGateway_json_long(t *testing.T) { // W9, W10, HOTPATH 15
	s := newSite(t, options{})
	r := s.do(http.MethodPost, completions, chat("test-bigline9", ""))
	require.Equal(t, http.StatusOK, r.status)
	require.NoError(t, r.err)
	require.True(t, json.Valid([]byte(r.body)))
	require.Greater(t, len(r.body), 9<<20)
	require.Equal(t, "application/json", r.header.Get("Content-Type"))
	for _, name := range []string{"Content-Length", "X-Archibot-Credits-Debited", "X-Archibot-Credits-Remaining"} {
		require.Empty(t, r.header.Get(name), name)
	}
	require.EqualValues(t, granted-300, s.balance().Available)

	for gate, fault := range []string{"bigline20-cut", "bigline20-reset", "bigline20-malformed", "endless"} {
		model := fmt.Sprintf("test-gate%d-%s", gate+1, fault)
		r := s.watch(chat(model, ""), func() { s.up.Admit(gate+1, -1) }) // a reset takes with it what is not read yet
		require.Equal(t, http.StatusOK, r.status, model)
		require.ErrorIs(t, r.err, io.ErrUnexpectedEOF, "no client can take %s for complete", model)
		require.LessOrEqual(t, len(r.body), 65<<20)
		h, err := s.db.Ledger().Hold(t.Context(), account, r.header.Get("X-Request-Id"))
		require.NoError(t, err)
		require.Equal(t, ledger.HoldSettled, h.State)
		require.True(t, h.Usage.Estimated)
	}
}

func TestGateway_stream(t *testing.T) { // W5, W6
	s := newSite(t, options{})
	r := s.do(http.MethodPost, completions, chat("test", `,"stream":true`))
	require.Equal(t, http.StatusOK, r.status)
	require.NoError(t, r.err)
	require.Equal(t, "text/event-stream; charset=utf-8", r.header.Get("Content-Type"))
	require.True(t, strings.HasSuffix(r.body, "data: [DONE]\n\n"))
	require.Equal(t, 10, strings.Count(r.body, `{"content":"word`))
	require.NotContains(t, r.body, "prompt_tokens", "nobody asked for usage")

	r = s.do(http.MethodPost, completions, chat("test", `,"stream":true,"stream_options":{"include_usage":true}`))
	require.Contains(t, r.body, `"choices":[],"usage":{"prompt_tokens":100`)
	r = s.do(http.MethodPost, "/v1/responses", `{"model":"test","input":"hi","stream":true,"max_output_tokens":100}`)
	require.Contains(t, r.body, "event: response.completed")
	require.EqualValues(t, granted-3*300, s.balance().Available)
}

func TestGateway_stream_broken(t *testing.T) { // W5, HOTPATH 17
	s := newSite(t, options{})
	for gate, fault := range []string{"cut", "reset", "nodone", "malformed", "bigline"} {
		model := fmt.Sprintf("test-gate%d-%s", gate+1, fault)
		r := s.watch(chat(model, `,"stream":true`), func() { s.up.Admit(gate+1, -1) })
		require.Equal(t, http.StatusOK, r.status, model)
		require.ErrorIs(t, r.err, io.ErrUnexpectedEOF, "no client can take %s for complete", model)
		require.NotContains(t, r.body, "[DONE]", model)
		frames := strings.Split(strings.TrimSpace(r.body), "\n\n")
		require.True(t, strings.HasPrefix(frames[len(frames)-1], `data: {"error":{"message":`), model)
	}
	for _, h := range s.holds() {
		require.Equal(t, ledger.HoldSettled, h.Hold.State, h.Hold.Work.Model)
		require.True(t, h.Hold.Usage.Estimated || h.Hold.Work.Model == "test-gate3-nodone", h.Hold.Work.Model)
	}
}

// watch asks for an answer and calls seen when the first of it has come: what the
// upstream does only then comes too late to be all of it.
func (s *site) watch(body string, seen func()) reply {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.srv.URL+completions, strings.NewReader(body))
	require.NoError(s.t, err)
	r.Header.Set("Authorization", "Bearer "+s.token)
	res, err := s.srv.Client().Do(r)
	require.NoError(s.t, err)
	in := bufio.NewReader(res.Body)
	_, err = in.Peek(1)
	seen()
	require.NoError(s.t, err)
	res.Body = struct {
		io.Reader
		io.Closer
	}{in, res.Body}
	return s.read(res)
}

// Connections to the upstream are kept, after streams too.
func TestGateway_reusesConnections(t *testing.T) {
	s := newSite(t, options{})
	for range 10 {
		require.NoError(t, s.do(http.MethodPost, completions, chat("test", `,"stream":true`)).err)
		require.NoError(t, s.do(http.MethodPost, "/v1/responses", `{"model":"test","input":"hi","stream":true}`).err)
		require.Equal(t, http.StatusOK, s.do(http.MethodPost, completions, chat("test", "")).status)
	}
	require.LessOrEqual(t, s.conns.Load(), int64(3), "of 30 calls")
}

// Nothing of the client but its body reaches the upstream, and nothing of the
// upstream but three headers the client.
func TestGateway_headers(t *testing.T) { // W2
	s := newSite(t, options{})
	for _, more := range []string{"", `,"stream":true`} {
		r := s.send(http.MethodPost, completions, chat("test-cookie", more), http.Header{
			"Authorization": {"Bearer " + s.token}, "Cookie": {"a=b"}, "X-Forwarded-For": {"10.0.0.1"}, "Forwarded": {"for=10.0.0.1"},
			"Openai-Organization": {"org-theirs"}, "Openai-Project": {"p"}, "Openai-Beta": {"x"}, "Idempotency-Key": {"k" + more}, "User-Agent": {"client/1"},
			"X-Request-Id": {"theirs"}, "X-Stainless-Lang": {"js"}, "Traceparent": {"00-1-2-3"}, "Accept-Encoding": {"gzip"}, "X-Http-Method-Override": {"DELETE"},
			"Accept": {"text/html"}, "Content-Type": {"text/plain"},
		})
		require.Equal(t, http.StatusOK, r.status)
		require.Subset(t, []string{
			"Cache-Control", "Content-Length", "Content-Type", "Date", "Openai-Processing-Ms", "Openai-Version", "X-Accel-Buffering",
			"X-Archibot-Credits-Debited", "X-Archibot-Credits-Remaining", "X-Content-Type-Options", "X-Request-Id",
		}, slices.Collect(maps.Keys(r.header)))
		require.Equal(t, "1", r.header.Get("Openai-Processing-Ms"))
		require.Equal(t, "no-store", r.header.Get("Cache-Control"))

		sent := s.up.Requests()
		h := sent[len(sent)-1].Headers
		require.Subset(t, []string{"Accept", "Authorization", "Content-Length", "Content-Type", "User-Agent", "X-Request-Id"}, slices.Collect(maps.Keys(h)))
		require.Equal(t, "Bearer "+upstreamKey, h.Get("Authorization"))
		require.Equal(t, "archibotchat", h.Get("User-Agent"))
		require.Equal(t, r.header.Get("X-Request-Id"), h.Get("X-Request-Id"))
		require.NotEqual(t, "theirs", h.Get("X-Request-Id"))
	}
}

func TestGateway_body(t *testing.T) { // HOTPATH: what was priced is what is sent
	s := newSite(t, options{})
	body := " {\"messages\" : [ ],\t\"model\":\"te\\u0073t\",\"temperature\":1e0,\"max_tokens\":5,\"x\":\"\\u00fcü\"}\r\n"
	require.Equal(t, http.StatusOK, s.do(http.MethodPost, completions, body).status)
	require.Equal(t, body, s.up.Requests()[0].Body)
}

func TestGateway_models(t *testing.T) { // W1
	s := newSite(t, options{})
	r := s.do(http.MethodGet, "/v1/models", "")
	require.Equal(t, http.StatusOK, r.status)
	require.JSONEq(t, `{"object":"list","data":[
		{"id":"test","object":"model","created":1700000000,"owned_by":"scripted"},
		{"id":"test-large","object":"model","created":1700000001,"owned_by":"scripted"}]}`, r.body)
	r = s.do(http.MethodGet, "/v1/models/test-large", "")
	require.JSONEq(t, `{"id":"test-large","object":"model","created":1700000001,"owned_by":"scripted"}`, r.body)

	s.token = s.key(account, func(k *keys.Key) { k.Models = []string{"none"} })
	require.JSONEq(t, `{"object":"list","data":[]}`, s.do(http.MethodGet, "/v1/models", "").body)
}

// A client that stops reading holds neither stream nor credits.
func TestGateway_slowReader(t *testing.T) { // W10, L9
	s := newSite(t, options{gateway: shortWrite})
	conn := s.dial()
	body := chat("test-endless", `,"stream":true`)
	_, err := io.WriteString(conn, "POST "+completions+" HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+s.token+"\r\nContent-Length: "+strconv.Itoa(len(body))+"\r\n\r\n"+body)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		hs := s.holds()
		return len(hs) == 1 && hs[0].Hold.State == ledger.HoldSettled
	}, 30*time.Second, 10*time.Millisecond)
	require.Equal(t, "client_gone", s.holds()[0].Hold.Reason)
	require.Eventually(t, func() bool { return s.up.Stats().Aborted == 1 }, 10*time.Second, 10*time.Millisecond)
}
