package edge_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/hosts/edge"
)

var update = flag.Bool("update", false, "write the golden files")

// made returns an edge whose request IDs are req_1 and so on, with its log.
func made(t *testing.T, public string, proxies ...string) (*edge.Edge, *bytes.Buffer) {
	t.Helper()
	log := &bytes.Buffer{}
	n := 0
	c := edge.Config{NewRequestID: func() string { n++; return fmt.Sprint("req_", n) }, Log: slog.New(slog.NewTextHandler(log, nil))}
	if public != "" {
		u, err := url.Parse(public)
		require.NoError(t, err)
		c.PublicURL = u
	}
	p, err := edge.ParseProxies(proxies)
	require.NoError(t, err)
	c.Proxies = p
	return edge.New(c), log
}

func get(t *testing.T, h http.Handler, change ...func(*http.Request)) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// The headers of every answer, and of a page, are a golden file: a change of
// one is seen.
func TestEdge_headers(t *testing.T) {
	t.Parallel()
	data := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("{}")) })
	var nonce string
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		nonce = edge.Page(w.Header())
		_, _ = w.Write([]byte("<!doctype html>"))
	})
	secure, _ := made(t, "https://chat.example.com")
	open, _ := made(t, "http://127.0.0.1:8080")
	at := func(host string) func(*http.Request) { return func(r *http.Request) { r.Host = host } }
	var text strings.Builder
	for _, c := range []struct {
		name string
		w    *httptest.ResponseRecorder
	}{
		{"data over TLS", get(t, secure.Browser(data), at("chat.example.com"))},
		{"data over plain HTTP", get(t, open.Browser(data), at("127.0.0.1:8080"))},
		{"a page over TLS", get(t, secure.Browser(page), at("chat.example.com"))},
		{"another host", get(t, secure.Browser(data), at("evil.example"))},
	} {
		fmt.Fprintf(&text, "# %s: %d\n", c.name, c.w.Code)
		var lines []string
		for name, values := range c.w.Header() {
			for _, v := range values {
				if nonce != "" {
					v = strings.ReplaceAll(v, nonce, "NONCE")
				}
				lines = append(lines, name+": "+v)
			}
		}
		slices.Sort(lines)
		text.WriteString(strings.Join(lines, "\n") + "\n\n")
	}
	const file = "testdata/headers.txt"
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(text.String()), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), text.String(), "run: go test ./hosts/edge -update")
	require.NotContains(t, text.String(), "unsafe-inline")
	require.NotContains(t, text.String(), "unsafe-eval")
}

func TestPage_nonce(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 1000 {
		h := http.Header{}
		nonce := edge.Page(h)
		require.GreaterOrEqual(t, len(nonce), 22, "128 bits")
		require.False(t, seen[nonce])
		seen[nonce] = true
		require.Equal(t, 2, strings.Count(h.Get("Content-Security-Policy"), "'nonce-"+nonce+"'"))
	}
}

func TestEdge_Browser_host(t *testing.T) {
	t.Parallel()
	ok := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	for public, hosts := range map[string]map[string]int{
		"https://chat.example.com": {
			"chat.example.com": 200, "CHAT.example.COM": 200, "chat.example.com:443": 200,
			"": 421, "chat.example.com:8443": 421, "chat.example.com:80": 421, "chat.example.com.": 421, "evil.example": 421, "chat.example.com.evil.example": 421,
			"xchat.example.com": 421, "127.0.0.1": 421, "localhost": 421, "chat.example.com@evil.example": 421, "chat.example.com, evil.example": 421, "chat.example.com:443:443": 421,
		},
		"https://chat.example.com:8443": {"chat.example.com:8443": 200, "chat.example.com": 421, "chat.example.com:443": 421},
		"http://localhost:8080":         {"localhost:8080": 200, "localhost": 421, "127.0.0.1:8080": 421},
		"http://[::1]:8080":             {"[::1]:8080": 200, "[::1]": 421},
		"":                              {"whatever": 200, "": 200},
	} {
		e, log := made(t, public)
		for host, status := range hosts {
			// What a proxy is said to have been asked for decides nothing.
			for _, said := range []http.Header{nil, {"X-Forwarded-Host": {"chat.example.com"}, "X-Forwarded-Proto": {"https"}, "Forwarded": {"host=chat.example.com"}, "X-Host": {"chat.example.com"}, "X-Original-Host": {"chat.example.com"}}, {"X-Forwarded-Host": {"evil.example"}}} {
				w := get(t, e.Browser(ok), func(r *http.Request) {
					r.Host = host
					for k, v := range said {
						r.Header[k] = v
					}
				})
				require.Equal(t, status, w.Code, "%s at %s", host, public)
				if status == http.StatusMisdirectedRequest {
					require.Equal(t, "application/problem+json", w.Header().Get("Content-Type"))
					require.Contains(t, w.Body.String(), `"code":"misdirected_request"`)
					require.NotContains(t, w.Body.String(), "evil.")
					require.Contains(t, log.String(), "request_id="+w.Header().Get("X-Request-Id"))
				}
				require.Equal(t, http.StatusOK, get(t, e.Wrap(ok), func(r *http.Request) { r.Host = host }).Code, "probes come by any name")
			}
		}
	}
}

func TestEdge_Wrap_context(t *testing.T) {
	t.Parallel()
	e, _ := made(t, "", "10.0.0.0/8")
	var ids, clients []string
	note := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		ids = append(ids, access.Request(r.Context()))
		clients = append(clients, edge.Client(r.Context()).String())
	})
	w := get(t, e.Wrap(note), func(r *http.Request) {
		r.RemoteAddr = "10.0.0.1:1"
		r.Header.Set("X-Forwarded-For", "198.51.100.4")
		r.Header.Set("X-Request-Id", "req_mine")
	})
	require.Equal(t, "req_1", w.Header().Get("X-Request-Id"))
	w = get(t, e.Wrap(e.Browser(e.Wrap(note))), func(r *http.Request) { r.RemoteAddr = "198.51.100.5:1" })
	require.Equal(t, []string{"req_2"}, w.Header().Values("X-Request-Id"), "once, however often it is wrapped")
	get(t, e.Wrap(note), func(r *http.Request) { *r = *r.WithContext(access.WithRequest(r.Context(), "req_theirs")) })
	require.Equal(t, []string{"req_1", "req_2", "req_theirs"}, ids)
	require.Equal(t, []string{"198.51.100.4", "198.51.100.5", "192.0.2.1"}, clients)
	require.False(t, edge.Client(t.Context()).IsValid(), "without an edge nobody knows")
}

func TestEdge_Wrap_panic(t *testing.T) {
	t.Parallel()
	e, log := made(t, "")
	w := get(t, e.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("SECRET") })))
	require.Equal(t, http.StatusInternalServerError, w.Code)
	var p map[string]any
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &p))
	require.Equal(t, "internal", p["code"])
	require.Equal(t, "req_1", p["request_id"])
	require.NotContains(t, w.Body.String()+log.String(), "SECRET")
	require.Contains(t, log.String(), "handler panicked")

	cut := func(h http.HandlerFunc) (p any) {
		defer func() { p = recover() }()
		get(t, e.Wrap(h))
		return nil
	}
	require.Equal(t, http.ErrAbortHandler, cut(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("half"))
		panic(errors.New("SECRET"))
	}), "a part never passes for the whole")
	require.Equal(t, http.ErrAbortHandler, cut(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	require.NotContains(t, log.String(), "SECRET")
}

func TestEdge_Wrap_early(t *testing.T) {
	t.Parallel()
	e, _ := made(t, "")
	srv := httptest.NewServer(e.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		panic("x")
	})))
	defer srv.Close()
	res, err := srv.Client().Get(srv.URL)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusInternalServerError, res.StatusCode, "a hint is no answer")
}
