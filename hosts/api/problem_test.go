package api_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/ports/store"
)

const canary = "abk_CANARY0123456789abcdefghijklmnopqrstuvwxyz0123456789"

// No answer repeats an input value, wherever it stood.
func TestProblem_echo(t *testing.T) {
	t.Parallel()
	h := build(t)
	for name, r := range map[string]reply{
		"name too long":     h.call(t, h.admin, "POST", "/api/keys", `{"name":"`+strings.Repeat(canary, 9)+`"}`),
		"name like a key":   h.call(t, h.admin, "POST", "/api/keys", `{"name":"`+canary+`"}`),
		"wrong type":        h.call(t, h.admin, "POST", "/api/keys", `{"name":"x","expires_in_seconds":"`+canary+`"}`),
		"enum":              h.call(t, h.admin, "POST", "/api/keys", `{"name":"x","scopes":["`+canary+`"]}`),
		"unknown field":     h.call(t, h.admin, "POST", "/api/keys", `{"name":"x","`+canary+`":1}`),
		"not JSON":          h.call(t, h.admin, "POST", "/api/keys", `{"name":`+canary),
		"unknown query":     h.call(t, h.admin, "GET", "/api/keys?"+canary+"=1", ""),
		"query type":        h.call(t, h.admin, "GET", "/api/keys?limit="+canary, ""),
		"query time":        h.call(t, h.admin, "GET", "/api/activity?since="+canary, ""),
		"query enum":        h.call(t, h.admin, "GET", "/api/credits/statement?from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z&format="+canary, ""),
		"path":              h.call(t, h.admin, "GET", "/api/keys/"+canary, ""),
		"long path":         h.call(t, h.admin, "GET", "/api/keys/"+strings.Repeat(canary, 3), ""),
		"cursor":            h.call(t, h.admin, "GET", "/api/activity?cursor=CANARY", ""),
		"cookie":            h.call(t, canary, "GET", "/api/me", ""),
		"no route":          h.call(t, h.admin, "GET", "/api/"+canary, ""),
		"content type":      h.call(t, h.admin, "POST", "/api/keys", `{}`, func(r *http.Request) { r.Header.Set("Content-Type", canary) }),
		"a number too big":  h.call(t, h.admin, "POST", "/api/keys", `{"name":"x","expires_in_seconds":1e400}`),
		"case of a name":    h.call(t, h.admin, "POST", "/api/keys", `{"Name":"CANARY"}`),
		"array for object":  h.call(t, h.admin, "POST", "/api/keys", `["CANARY"]`),
		"null for a string": h.call(t, h.admin, "POST", "/api/keys", `{"name":null,"models":["CANARY"]}`),
	} {
		t.Run(name, func(t *testing.T) {
			require.GreaterOrEqual(t, r.StatusCode, 400, r.text)
			require.Less(t, r.StatusCode, 500, r.text)
			require.Equal(t, "application/problem+json", r.Header.Get("Content-Type"))
			require.NotContains(t, r.text, "CANARY")
			require.NotContains(t, r.text, `"value"`)
			require.Contains(t, h.log.String(), "request_id="+r.Header.Get("X-Request-Id"), "HOTPATH 22")
			for _, v := range r.Header {
				require.NotContains(t, strings.Join(v, ""), "CANARY")
			}
		})
	}
	require.NotContains(t, h.log.String(), "CANARY")
}

func TestProblem_input(t *testing.T) {
	t.Parallel()
	h := build(t)
	type change = func(*http.Request)
	media := func(v string) change { return func(r *http.Request) { r.Header.Set("Content-Type", v) } }
	for name, c := range map[string]struct {
		body   string
		change change
		status int
		code   string
		where  string
	}{
		"empty body":        {"", media("application/json"), 400, "malformed_body", ""},
		"not JSON":          {"{", media("application/json"), 400, "malformed_body", ""},
		"not UTF-8":         {"{\"name\":\"a\xffb\"}", media("application/json"), 400, "malformed_body", ""},
		"no type":           {`{"name":"x"}`, func(r *http.Request) { r.Header.Del("Content-Type") }, 415, "unsupported_media_type", ""},
		"a form":            {`{"name":"x"}`, media("text/plain"), 415, "unsupported_media_type", ""},
		"another charset":   {`{"name":"x"}`, media("application/json; charset=latin1"), 415, "unsupported_media_type", ""},
		"a suffix":          {`{"name":"x"}`, media("application/x+json"), 415, "unsupported_media_type", ""},
		"two types":         {`{"name":"x"}`, func(r *http.Request) { r.Header.Add("Content-Type", "text/plain") }, 415, "unsupported_media_type", ""},
		"missing field":     {`{}`, media("application/json"), 422, "invalid_request", "body"},
		"unknown field":     {`{"name":"x","nme":1}`, media("application/json"), 422, "invalid_request", "body"},
		"another case":      {`{"name":"x","NAME":"y"}`, media("application/json"), 422, "invalid_request", "body"},
		"too small":         {`{"name":"x","expires_in_seconds":1}`, media("application/json"), 422, "invalid_request", "body.expires_in_seconds"},
		"too long a name":   {`{"name":"` + strings.Repeat("x", 101) + `"}`, media("application/json"), 422, "invalid_request", "body.name"},
		"a control":         {`{"name":"a\u0000b"}`, media("application/json"), 422, "invalid_name", "name"},
		"more than a year":  {`{"name":"x","expires_in_seconds":31622400}`, media("application/json"), 422, "invalid_expiry", "expires_in"},
		"over the limit":    {`{"name":"` + strings.Repeat("x", 1<<20) + `"}`, media("application/json"), 413, "body_too_large", ""},
		"far over":          {`{"name":"` + strings.Repeat("x", 3<<20) + `"}`, media("application/json"), 413, "body_too_large", ""},
		"an unknown prefix": {`{"name":"x","models":["*"]}`, media("application/json"), 422, "invalid_model", "models"},
	} {
		t.Run(name, func(t *testing.T) {
			p := problem(t, h.call(t, h.admin, "POST", "/api/keys", c.body, c.change), c.status, c.code)
			if c.where != "" {
				require.Equal(t, c.where, p.Errors[0].Location)
				require.NotEmpty(t, p.Errors[0].Message)
			}
		})
	}
	t.Run("a number that only JSON's own reader refuses", func(t *testing.T) {
		r := h.call(t, h.admin, "POST", "/api/keys", `{"name":"x","expires_in_seconds":712e2}`)
		problem(t, r, 422, "invalid_request")
		require.NotContains(t, r.text, "712e2")
	})
	t.Run("a charset of UTF-8", func(t *testing.T) {
		require.Equal(t, 201, h.call(t, h.admin, "POST", "/api/keys", `{"name":"x"}`, media("Application/JSON; charset=UTF-8")).StatusCode)
	})
	t.Run("any Accept gets JSON", func(t *testing.T) {
		r := h.call(t, h.admin, "GET", "/api/me", "", func(r *http.Request) { r.Header.Set("Accept", "text/html") })
		require.Equal(t, "application/json", r.Header.Get("Content-Type"))
	})
}

// broken is a store that fails as it is told.
type broken struct {
	store.Store
	err error
}

func (b *broken) View(ctx context.Context, fn func(context.Context, store.Stores) error) error {
	if errors.Is(b.err, errBoom) {
		panic("SECRET")
	}
	if b.err != nil {
		return b.err
	}
	return b.Store.View(ctx, fn)
}

// errBoom makes the store panic.
var errBoom = errors.New("boom")

func TestProblem_faults(t *testing.T) {
	t.Parallel()
	var b *broken
	h := build(t, func(s store.Store) store.Store { b = &broken{Store: s}; return b })
	for _, c := range []struct {
		name   string
		err    error
		status int
		code   string
		retry  string
	}{
		{"plain", errors.New("SECRET"), 500, "internal", ""},
		{"wrapped", fault.Wrap(errors.New("SECRET"), fault.Internal, "x", "Shown."), 500, "x", ""},
		{"unreachable", store.ErrUnavailable, 503, "store_unavailable", "2"},
		{"limited", &fault.Error{Kind: fault.Limited, Code: "rate_limited", Message: "m", RetryAfter: 1500 * time.Millisecond}, 429, "rate_limited", "2"},
		{"exhausted", fault.New(fault.Exhausted, "budget_reached", "m"), 402, "budget_reached", ""},
		{"conflict", fault.New(fault.Conflict, "c", "m"), 409, "c", ""},
		{"timeout", fault.New(fault.Timeout, "c", "m"), 504, "c", ""},
		{"too large", fault.New(fault.TooLarge, "c", "m"), 413, "c", ""},
		{"upstream", fault.New(fault.BadUpstream, "c", "m"), 502, "c", ""},
		{"of a kind to come", fault.New(fault.Kind(99), "c", "SECRET"), 500, "internal", ""},
		{"panic", errBoom, 500, "internal", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			b.err = c.err
			r := h.call(t, h.admin, "GET", "/api/credits", "")
			b.err = nil
			problem(t, r, c.status, c.code)
			require.NotContains(t, r.text, "SECRET")
			require.Equal(t, c.retry, r.Header.Get("Retry-After"))
		})
	}
	require.Contains(t, h.log.String(), "SECRET", "what the client is not told is logged")
	require.Contains(t, h.log.String(), "request_id=req_")
}

// A table that breaks is cut, so that a part never passes for the whole.
func TestTable_cut(t *testing.T) {
	t.Parallel()
	h := build(t)
	defer func() { require.Equal(t, http.ErrAbortHandler, recover()) }()
	w := &brokenWriter{header: http.Header{}}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/api/activity.csv", nil)
	require.NoError(t, err)
	r.Header.Set("Cookie", "archibot_session="+h.admin)
	h.ServeHTTP(w, r)
	t.Error("the answer ended cleanly")
}

type brokenWriter struct{ header http.Header }

func (w *brokenWriter) Header() http.Header       { return w.header }
func (w *brokenWriter) WriteHeader(int)           {}
func (w *brokenWriter) Write([]byte) (int, error) { return 0, errors.New("gone") }
