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
		if method == http.MethodDelete {
			req.Header.Set("Origin", s.root)
		}
		res, err := c.Do(req)
		require.NoError(t, err)
		defer func() { _ = res.Body.Close() }()
		text, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		return res.StatusCode, string(text), res.Header
	}
	who := func(c *http.Client) (int, string) {
		code, text, _ := get(c, "GET", s.root+"/api/me")
		return code, text
	}
	code, text, _ := get(browser, "GET", s.root)
	require.Equal(t, http.StatusOK, code, text)
	code, _ = who(browser)
	require.Equal(t, http.StatusUnauthorized, code)

	code, text, h := get(browser, "GET", link)
	require.Equal(t, http.StatusOK, code, text)
	require.Contains(t, h.Get("Content-Security-Policy"), "default-src 'none'")
	code, text = who(browser)
	require.Equal(t, http.StatusOK, code, text)
	require.Contains(t, text, `"name":"Owner of this machine"`)
	require.Contains(t, text, `"name":"Demo","role":"admin"`)
	require.Contains(t, text, `{"area":"chat","allowed":true,"reasons":[]}`)
	code, text, _ = get(&http.Client{}, "GET", link)
	require.Equal(t, http.StatusUnauthorized, code)
	require.Contains(t, text, `<a class="action" href="/auth/local/start">Try again</a>`)

	code, _, _ = get(browser, "GET", s.root+"/auth/local/start")
	require.Equal(t, http.StatusOK, code)
	code, _ = who(browser)
	require.Equal(t, http.StatusOK, code, "whoever is signed in stays so")

	root, err := url.Parse(s.root)
	require.NoError(t, err)
	old := jar.Cookies(root)
	code, text, _ = get(browser, "DELETE", s.root+"/api/session")
	require.Equal(t, http.StatusOK, code, text)
	jar.SetCookies(root, old)
	code, _ = who(browser)
	require.Equal(t, http.StatusUnauthorized, code, "the old cookie is dead")
	require.Zero(t, s.end())
	require.NotContains(t, s.errs.String(), strings.TrimPrefix(link, s.root), "the link is in no log")
}
