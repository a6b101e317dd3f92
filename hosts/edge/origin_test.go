package edge_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// What a page of another origin sends changes nothing.
func TestEdge_Browser_origin(t *testing.T) {
	t.Parallel()
	ok := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	const public = "https://chat.example.com"
	for name, c := range map[string]struct {
		public string
		header http.Header
		status int
	}{
		"nothing said":            {public, nil, 200}, // no browser
		"own":                     {public, http.Header{"Origin": {public}}, 200},
		"no browser writes it":    {public, http.Header{"Origin": {public + ":443"}}, 403},
		"own, fetched":            {public, http.Header{"Origin": {public}, "Sec-Fetch-Site": {"same-origin"}}, 200},
		"typed":                   {public, http.Header{"Sec-Fetch-Site": {"none"}}, 200},
		"another":                 {public, http.Header{"Origin": {"https://evil.example"}}, 403},
		"another, as if own":      {public, http.Header{"Origin": {"https://evil.example"}, "Sec-Fetch-Site": {"same-origin"}}, 403},
		"cross-site":              {public, http.Header{"Sec-Fetch-Site": {"cross-site"}}, 403},
		"cross-site, own origin":  {public, http.Header{"Origin": {public}, "Sec-Fetch-Site": {"cross-site"}}, 403},
		"a sibling":               {public, http.Header{"Sec-Fetch-Site": {"same-site"}}, 403},
		"a sibling's origin":      {public, http.Header{"Origin": {"https://docs.example.com"}}, 403},
		"null":                    {public, http.Header{"Origin": {"null"}}, 403},
		"empty":                   {public, http.Header{"Origin": {""}}, 403},
		"two":                     {public, http.Header{"Origin": {public, "https://evil.example"}}, 403},
		"plain HTTP":              {public, http.Header{"Origin": {"http://chat.example.com"}}, 403},
		"plain HTTP, port of TLS": {public, http.Header{"Origin": {"http://chat.example.com:443"}}, 403},
		"another port":            {public, http.Header{"Origin": {public + ":8443"}}, 403},
		"a longer name":           {public, http.Header{"Origin": {public + ".evil.example"}}, 403},
		"a value of no sort":      {public, http.Header{"Sec-Fetch-Site": {"x"}}, 403},
		"no public URL, own":      {"", http.Header{"Origin": {"http://chat.example.com"}}, 200},
		"no public URL, another":  {"", http.Header{"Origin": {"http://evil.example"}}, 403},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, _ := made(t, c.public)
			for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "GET", "HEAD", "OPTIONS", "X"} {
				w := get(t, e.Browser(ok), func(r *http.Request) {
					r.Method, r.Host = method, "chat.example.com"
					for k, v := range c.header {
						r.Header[k] = v
					}
				})
				want := c.status
				if method == "GET" || method == "HEAD" || method == "OPTIONS" {
					want = http.StatusOK
				}
				require.Equal(t, want, w.Code, method)
				if want == http.StatusForbidden && method == "POST" {
					require.Contains(t, w.Body.String(), `"code":"cross_origin"`)
				}
			}
		})
	}
}
