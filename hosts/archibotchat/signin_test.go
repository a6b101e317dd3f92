package main

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A local server prints a link, which makes whoever opens it the demo
// account's administrator; once.
func TestServe_SignIn(t *testing.T) {
	t.Parallel()
	s := local(t).serve(t)
	link := s.out.await(t, `(?m)^(http://127\.0\.0\.1:\d+/auth/local/[\w-]{43})$`)
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	browser := &http.Client{Jar: jar}
	get := func(c *http.Client, method, address string) (int, string, http.Header) {
		req, err := http.NewRequestWithContext(t.Context(), method, address, nil)
		require.NoError(t, err)
		req.Header.Set("Accept", "text/html")
		if method == http.MethodPost {
			req.Header.Set("Origin", s.root)
		}
		res, err := c.Do(req)
		require.NoError(t, err)
		defer func() { _ = res.Body.Close() }()
		text, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		return res.StatusCode, string(text), res.Header
	}
	code, text, _ := get(browser, "GET", s.root)
	require.Equal(t, http.StatusOK, code)
	require.Contains(t, text, `<a class="action" href="/auth/local/start">Continue with This machine</a>`)
	require.NotContains(t, text, "Sign out")

	code, text, h := get(browser, "GET", link)
	require.Equal(t, http.StatusOK, code, text)
	require.Contains(t, text, "<h1>Owner of this machine</h1>")
	require.Contains(t, text, "You are signed in, to Demo as admin.")
	require.Contains(t, text, `Chat <span class="state">Open</span>`)
	require.Contains(t, text, `API and keys <span class="state">Open</span>`)
	require.NotContains(t, text, "Workspace", "it is not offered")
	require.Contains(t, text, `Sign out</button>`)
	require.NotRegexp(t, `(?i)<script|<img|https?://`, text)
	require.Contains(t, h.Get("Content-Security-Policy"), "default-src 'none'")
	code, text, _ = get(&http.Client{}, "GET", link)
	require.Equal(t, http.StatusUnauthorized, code)
	require.Contains(t, text, `<a class="action" href="/auth/local/start">Try again</a>`)

	code, text, _ = get(browser, "GET", s.root+"/auth/local/start")
	require.Equal(t, http.StatusOK, code)
	require.Contains(t, text, "You are signed in", "whoever is signed in stays so")

	root, err := url.Parse(s.root)
	require.NoError(t, err)
	old := jar.Cookies(root)
	code, text, _ = get(browser, "POST", s.root+"/sign-out")
	require.Equal(t, http.StatusOK, code)
	require.Contains(t, text, "You are signed out")
	require.NotContains(t, text, "signed in")
	jar.SetCookies(root, old)
	_, text, _ = get(browser, "GET", s.root)
	require.NotContains(t, text, "signed in", "the old cookie is dead")
	code, _, _ = get(browser, "GET", s.root+"/sign-out")
	require.Equal(t, http.StatusNotFound, code)

	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.root+"/sign-out", strings.NewReader(""))
	require.NoError(t, err)
	req.Header.Set("Origin", "https://evil.example")
	res, err := browser.Do(req)
	require.NoError(t, err)
	_ = res.Body.Close()
	require.Equal(t, http.StatusForbidden, res.StatusCode)
	require.Zero(t, s.end())
	require.NotContains(t, s.errs.String(), strings.TrimPrefix(link, s.root), "the link is in no log")
}
