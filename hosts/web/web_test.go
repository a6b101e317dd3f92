package web_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/hosts/edge"
	"github.com/archibot/archibotchat/hosts/web"
)

const index = `<!doctype html><script nonce="__CSP_NONCE__">1</script><meta property="csp-nonce" nonce="__CSP_NONCE__">`

// built is what Vite and the build's own scripts leave.
func built() fstest.MapFS {
	return fstest.MapFS{
		".gitkeep":               {},
		".vite/manifest.json":    {Data: []byte(`{}`)},
		"index.html":             {Data: []byte(index)},
		"icon.svg":               {Data: []byte("<svg/>")},
		"assets/app-1a2b.js":     {Data: []byte("let long = 1")},
		"assets/app-1a2b.js.gz":  {Data: []byte("gzipped")},
		"assets/app-1a2b.js.br":  {Data: []byte("brotli")},
		"assets/app-1a2b.css":    {Data: []byte("a{}")},
		"assets/app-1a2b.css.gz": {Data: []byte("gzipped style")},
	}
}

func handler(t *testing.T, files fstest.MapFS) http.Handler {
	t.Helper()
	e := edge.New(edge.Config{NewRequestID: func() string { return "req_1" }, Log: slog.New(slog.DiscardHandler)})
	h, err := web.New(files, web.Config{Edge: e})
	require.NoError(t, err)
	return h
}

func ask(t *testing.T, h http.Handler, method, path string, headers ...string) (*http.Response, string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "/", nil)
	r.URL.Path = path // as net/http has decoded it, whatever it is
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	res := w.Result()
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res, string(body)
}

func TestNew_index(t *testing.T) {
	t.Parallel()
	h := handler(t, built())
	nonces := map[string]bool{}
	for _, path := range []string{"/", "/chat", "/chat/thr_1", "/sign-in", "/keys/", "/no/such/page", "/index.html", "/.vite/manifest.json", "/.gitkeep"} {
		res, body := ask(t, h, "GET", path, "Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
		require.Equal(t, http.StatusOK, res.StatusCode, path)
		require.Equal(t, "text/html; charset=utf-8", res.Header.Get("Content-Type"))
		require.Equal(t, "no-store", res.Header.Get("Cache-Control"))
		found := regexp.MustCompile(`^<!doctype html><script nonce="([A-Z2-7]{26})">1</script><meta property="csp-nonce" nonce="([A-Z2-7]{26})">$`).FindStringSubmatch(body)
		require.Len(t, found, 3, body)
		require.Equal(t, found[1], found[2])
		policy := res.Header.Get("Content-Security-Policy")
		require.Contains(t, policy, "default-src 'none'; script-src 'self' 'nonce-"+found[1]+"'; style-src 'self' 'nonce-"+found[1]+"';")
		require.NotContains(t, policy, "unsafe")
		require.False(t, nonces[found[1]], "each page has a nonce of its own")
		nonces[found[1]] = true
	}
	res, _ := ask(t, h, "GET", "/", "Accept", "*/*")
	require.Equal(t, http.StatusOK, res.StatusCode, "the start page is for anybody")
	res, _ = ask(t, h, "HEAD", "/chat", "Accept", "text/html")
	require.Equal(t, http.StatusOK, res.StatusCode)
}

func TestNew_nothing(t *testing.T) {
	t.Parallel()
	h := handler(t, built())
	for _, c := range []struct{ path, accept string }{
		{"/chat", "*/*"},
		{"/chat", ""},
		{"/chat", "application/json"}, // programs
		{"/assets/gone-0000.js", "text/html"},
		{"/assets", "application/json"},
		{"/assets/", "text/html"},
		{"/assets/app-1a2b.js.gz", "text/html"},
		{"//", "text/html"},
		{"//evil.example", "text/html"},
		{"/a//b", "text/html"},
		{"/../web.go", "text/html"},
		{"/assets/../../web.go", "text/html"},
		{"/./", "text/html"},
		{"/a\\b", "text/html"},
		{"/a\x00", "text/html"},
		{"/a\r\nb", "text/html"},
		{"", "text/html"},
		{"/%2e%2e\xff", "text/html"},
	} {
		res, body := ask(t, h, "GET", c.path, "Accept", c.accept)
		require.Equal(t, http.StatusNotFound, res.StatusCode, "%q as %q", c.path, c.accept)
		require.Equal(t, "application/problem+json", res.Header.Get("Content-Type"))
		require.Contains(t, body, `"code":"not_found"`)
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS", "PATCH"} {
		for _, path := range []string{"/", "/icon.svg", "/chat"} {
			res, body := ask(t, h, method, path, "Accept", "text/html", "Sec-Fetch-Site", "same-origin")
			require.Equal(t, http.StatusMethodNotAllowed, res.StatusCode, "%s %s", method, path)
			require.Equal(t, "GET, HEAD", res.Header.Get("Allow"))
			require.Contains(t, body, "method_not_allowed")
		}
	}
}

func TestNew_files(t *testing.T) {
	t.Parallel()
	h := handler(t, built())
	const forever = "public, max-age=31536000, immutable"
	for _, c := range []struct {
		path, accept, body, encoding, media, kept string
	}{
		{"/assets/app-1a2b.js", "gzip, deflate, br, zstd", "brotli", "br", "text/javascript; charset=utf-8", forever},
		{"/assets/app-1a2b.js", "gzip", "gzipped", "gzip", "text/javascript; charset=utf-8", forever},
		{"/assets/app-1a2b.js", "br;q=0, GZIP;q=0.5", "gzipped", "gzip", "text/javascript; charset=utf-8", forever},
		{"/assets/app-1a2b.js", "gzip;q=0.0", "let long = 1", "", "text/javascript; charset=utf-8", forever},
		{"/assets/app-1a2b.js", "gzip;q=x", "let long = 1", "", "text/javascript; charset=utf-8", forever},
		{"/assets/app-1a2b.js", "", "let long = 1", "", "text/javascript; charset=utf-8", forever},
		{"/assets/app-1a2b.css", "gzip, br", "gzipped style", "gzip", "text/css; charset=utf-8", forever},
		{"/icon.svg", "gzip, br", "<svg/>", "", "image/svg+xml", "public, no-cache"},
	} {
		res, body := ask(t, h, "GET", c.path, "Accept-Encoding", c.accept)
		require.Equal(t, http.StatusOK, res.StatusCode, c.path)
		require.Equal(t, c.body, body)
		require.Equal(t, c.encoding, res.Header.Get("Content-Encoding"))
		require.Equal(t, c.media, res.Header.Get("Content-Type"))
		require.Equal(t, c.kept, res.Header.Get("Cache-Control"))
		require.EqualValues(t, len(c.body), res.ContentLength)
		if c.path != "/icon.svg" {
			require.Equal(t, "Accept-Encoding", res.Header.Get("Vary"))
		}
		tag := res.Header.Get("ETag")
		require.Regexp(t, `^"[\w-]+"$`, tag)

		for _, had := range []string{tag, "W/" + tag, `"other", ` + tag, "*"} {
			again, body := ask(t, h, "GET", c.path, "Accept-Encoding", c.accept, "If-None-Match", had)
			require.Equal(t, http.StatusNotModified, again.StatusCode, had)
			require.Empty(t, body)
			require.Equal(t, tag, again.Header.Get("ETag"))
			require.Equal(t, c.kept, again.Header.Get("Cache-Control"))
		}
		other, _ := ask(t, h, "GET", c.path, "Accept-Encoding", c.accept, "If-None-Match", strings.Trim(tag, `"`))
		require.Equal(t, http.StatusOK, other.StatusCode)
		head, body := ask(t, h, "HEAD", c.path, "Accept-Encoding", c.accept)
		require.Equal(t, http.StatusOK, head.StatusCode)
		require.Empty(t, body)
		require.EqualValues(t, len(c.body), head.ContentLength)
	}
	plain, _ := ask(t, h, "GET", "/assets/app-1a2b.js")
	packed, _ := ask(t, h, "GET", "/assets/app-1a2b.js", "Accept-Encoding", "gzip")
	require.NotEqual(t, plain.Header.Get("ETag"), packed.Header.Get("ETag"), "a form has a tag of its own")
}

func TestNew_unbuilt(t *testing.T) {
	t.Parallel()
	h := handler(t, fstest.MapFS{".gitkeep": {}})
	res, body := ask(t, h, "GET", "/chat", "Accept", "text/html")
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Contains(t, body, "<code>make web</code>")
	require.Contains(t, res.Header.Get("Content-Security-Policy"), "default-src 'none'")
	require.NotContains(t, res.Header.Get("Content-Security-Policy"), "script-src")
	res, _ = ask(t, h, "GET", "/assets/app-1a2b.js", "Accept", "text/html")
	require.Equal(t, http.StatusNotFound, res.StatusCode)
}

// What was built into this program, or was not, can be served.
func TestDist(t *testing.T) {
	t.Parallel()
	e := edge.New(edge.Config{NewRequestID: func() string { return "req_1" }, Log: slog.New(slog.DiscardHandler)})
	h, err := web.New(web.Dist(), web.Config{Edge: e})
	require.NoError(t, err)
	res, body := ask(t, h, "GET", "/", "Accept", "text/html")
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.NotContains(t, body, "__CSP_NONCE__")
}
