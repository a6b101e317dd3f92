//go:build e2e

package doors_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/e2e/harness"
	"github.com/archibot/archibotchat/hosts/api"
)

// visitor is a browser as far as cookies go: it keeps what it is given and
// sends it back. It comes through the trusted proxy, each from an address of
// its own, so that no limit of attempts stands in the way.
type visitor struct {
	replica *harness.Replica
	address string
	cookies map[string]string
}

var visitors atomic.Int64

func visit(replica *harness.Replica) *visitor {
	n := visitors.Add(1)
	return &visitor{replica, fmt.Sprintf("10.%d.%d.9", n>>8, n&255), map[string]string{}}
}

// session is the name of the session cookie.
var session = api.CookieName(true)

// do makes a request. Headers of change are over those that a browser sends
// for a page that somebody asked for.
func (v *visitor) do(t *testing.T, method, path, body string, change http.Header) answer {
	t.Helper()
	h := http.Header{"X-Forwarded-For": {v.address}, "Accept": {"text/html,application/json"}}
	var cookies []string
	for name, value := range v.cookies {
		cookies = append(cookies, name+"="+value)
	}
	if len(cookies) > 0 {
		h["Cookie"] = []string{strings.Join(cookies, "; ")}
	}
	maps.Copy(h, change)
	a := by(t, trustedPeer, v.replica, method, path, body, h)
	for _, c := range (&http.Response{Header: a.header}).Cookies() {
		require.True(t, strings.HasPrefix(c.Name, "__Host-") && c.Secure && c.HttpOnly && c.Path == "/" && c.Domain == "" && c.SameSite == http.SameSiteLaxMode, c.String())
		if c.MaxAge < 0 {
			delete(v.cookies, c.Name)
		} else {
			v.cookies[c.Name] = c.Value
		}
	}
	return a
}

func (v *visitor) get(t *testing.T, path string) answer {
	t.Helper()
	return v.do(t, http.MethodGet, path, "", nil)
}

// jsonBody is the header of what scripts of our own pages send.
var jsonBody = http.Header{"Content-Type": {"application/json"}, "Sec-Fetch-Site": {"same-origin"}}

// start begins a sign-in and returns where it leads.
func (v *visitor) start(t *testing.T, provider, query string) string {
	t.Helper()
	a := v.get(t, "/auth/"+provider+"/start"+query)
	require.Equal(t, http.StatusSeeOther, a.status, a.body)
	return a.header.Get("Location")
}

// back brings what a provider said back.
func (v *visitor) back(t *testing.T, provider string, q url.Values) answer {
	t.Helper()
	return v.get(t, "/auth/"+provider+"/callback?"+q.Encode())
}

// signIn signs in and returns where that leads.
func (v *visitor) signIn(t *testing.T, l *liar, query string) string {
	t.Helper()
	a := v.back(t, "liar", l.approve(t, v.start(t, "liar", query)))
	require.Equal(t, http.StatusSeeOther, a.status, a.body)
	require.Equal(t, []string{session}, slices.Collect(maps.Keys(v.cookies)), "one cookie is left")
	return a.header.Get("Location")
}

// myself is what /api/me says.
type myself struct {
	User    struct{ ID, Email string }
	Session struct{ ID string }
	Account *struct{ ID string }
	Areas   []struct {
		Area    string
		Allowed bool
		Reasons []struct{ Code string }
	}
}

// why returns the reasons for which an area is closed.
func (m myself) why(area string) string {
	for _, a := range m.Areas {
		if a.Area == area {
			var codes []string
			for _, r := range a.Reasons {
				codes = append(codes, r.Code)
			}
			return strings.Join(codes, ",")
		}
	}
	return "no such area"
}

// me asks who the visitor is.
func (v *visitor) me(t *testing.T) (myself, int) {
	t.Helper()
	a := v.get(t, "/api/me")
	var m myself
	if a.status == http.StatusOK {
		require.NoError(t, json.Unmarshal([]byte(a.body), &m))
	}
	return m, a.status
}
