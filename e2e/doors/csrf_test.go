//go:build e2e

package doors_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/e2e/harness"
)

// changing lists the operations of the app API that change something, as
// METHOD /path, with an ID of a key wherever one has to stand.
func changing(t *testing.T, key string) []string {
	t.Helper()
	text, err := os.ReadFile("../../openapi/app.openapi-3.1.json")
	require.NoError(t, err)
	var doc struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	require.NoError(t, json.Unmarshal(text, &doc))
	var out []string
	for path, methods := range doc.Paths {
		for method := range methods {
			// A provider's server, no browser, posts a form to the one below /auth.
			if method != "get" && strings.HasPrefix(path, "/api/") {
				out = append(out, strings.ToUpper(method)+" "+regexp.MustCompile(`{[^}]*}`).ReplaceAllString(path, key))
			}
		}
	}
	require.NotEmpty(t, out)
	slices.Sort(out)
	return out
}

// SECURITY, session: what a page of another site can make a browser send
// changes nothing, whatever it is dressed as.
func TestForgery(t *testing.T) {
	harness.Each(t, func(t *testing.T, db harness.Database) {
		site := harness.NewSite(t, db, harness.Options{Variables: map[string]string{"ARCHIBOT_PUBLIC_URL": "https://" + publicHost}})
		replica := site.Start(t)
		account := site.Account(t, harness.NewAccount{Credits: harness.Credit}).ID
		victim := site.Desk(t).Person(t, harness.NewPerson{Account: account, Role: access.RoleAdmin})
		rows := db.Open(t)
		state := func() [3]int64 {
			return [3]int64{
				harness.Count(t, rows, "api_keys", "revoked_at = 0"), harness.Count(t, rows, "sessions", ""), harness.Count(t, rows, "all_events", "kind <> 'gate.denied'"),
			}
		}
		const own = "https://" + publicHost
		send := func(operation, body string, header http.Header) answer {
			method, path, _ := strings.Cut(operation, " ")
			h := http.Header{"Cookie": {victim.Cookie}}
			maps.Copy(h, header)
			return by(t, "127.0.0.1", replica, method, path, body, h)
		}
		a := send("GET /api/me", "", nil)
		require.Equal(t, http.StatusOK, a.status, a.body)
		before := state()

		typed := http.Header{"Content-Type": {"application/json"}}
		for name, header := range map[string]http.Header{
			"another origin":             {"Origin": {"https://evil.example"}},
			"another, old browser's":     {"Origin": {"https://evil.example"}, "Referer": {own + "/"}},
			"no origin, cross-site":      {"Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Mode": {"no-cors"}},
			"no origin, sibling":         {"Sec-Fetch-Site": {"same-site"}},
			"own origin, cross-site":     {"Origin": {own}, "Sec-Fetch-Site": {"cross-site"}},
			"a sandboxed frame":          {"Origin": {"null"}},
			"plain HTTP of our name":     {"Origin": {"http://" + publicHost}},
			"our name, another port":     {"Origin": {own + ":8443"}},
			"our name and more":          {"Origin": {own + ".evil.example"}},
			"a forwarded host":           {"Origin": {"https://evil.example"}, "X-Forwarded-Host": {"evil.example"}, "Forwarded": {"host=evil.example"}},
			"a preflight's own headers":  {"Origin": {"https://evil.example"}, "Access-Control-Request-Method": {"POST"}},
			"two origins, ours at first": {"Origin": {own, "https://evil.example"}},
		} {
			header = header.Clone()
			maps.Copy(header, typed)
			for _, operation := range changing(t, victim.KeyID) {
				a := send(operation, `{"name":"x"}`, header)
				require.Equal(t, http.StatusForbidden, a.status, "%s: %s: %s", name, operation, a.body)
				require.Equal(t, "cross_origin", a.code())
				require.Empty(t, a.header.Get("Access-Control-Allow-Origin"))
				require.Empty(t, a.header.Values("Set-Cookie"))
			}
		}

		// What an old browser sends for a form, without a word on where from.
		for _, media := range []string{
			"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "text/plain; application/json", "application/json-patch+json",
			"text/json", "application/octet-stream", "application/json, text/plain",
		} {
			for _, operation := range changing(t, victim.KeyID) {
				if method, _, _ := strings.Cut(operation, " "); method == http.MethodDelete {
					continue // no form and no plain request of a page sends one
				}
				header := http.Header{"Content-Type": {media}}
				if media == "" {
					header = nil
				}
				a := send(operation, `{"name":"x"}`, header)
				require.Equal(t, http.StatusUnsupportedMediaType, a.status, "%q: %s: %s", media, operation, a.body)
			}
		}

		// A method is what the request line says.
		key := "/api/keys/" + victim.KeyID
		for _, name := range []string{"X-Http-Method-Override", "X-Http-Method", "X-Method-Override", "X-HTTP-Method-Override", "_method"} {
			a := send("GET "+key, "", http.Header{name: {"DELETE"}})
			require.Equal(t, http.StatusOK, a.status, a.body)
			a = send("POST "+key, "{}", http.Header{name: {"DELETE"}, "Content-Type": {"application/json"}})
			require.Equal(t, http.StatusMethodNotAllowed, a.status, a.body)
		}
		for _, request := range []string{"GET " + key + "?_method=DELETE", "GET " + key + "?method=DELETE", "GET /api/keys?_method=POST&name=x"} {
			require.Equal(t, http.StatusUnprocessableEntity, send(request, "", nil).status, request)
		}
		for _, method := range []string{"OPTIONS", "TRACE", "PROPFIND", "delete", "CONNECT"} {
			a := by(t, "127.0.0.1", replica, method, key, "", http.Header{"Cookie": {victim.Cookie}, "Origin": {"https://evil.example"}})
			require.Contains(t, []int{http.StatusMethodNotAllowed, http.StatusForbidden, http.StatusBadRequest, http.StatusNotFound}, a.status, method)
			require.Empty(t, a.header.Get("Access-Control-Allow-Origin"))
		}
		require.Equal(t, before, state(), "nothing of this changed anything")

		// Our own pages get through.
		for name, header := range map[string]http.Header{
			"fetch":             {"Origin": {own}, "Sec-Fetch-Site": {"same-origin"}},
			"an old browser":    {"Origin": {own}},
			"no browser at all": {},
		} {
			maps.Copy(header, typed)
			a := send("POST /api/keys", `{"name":"`+name+`"}`, header)
			require.Equal(t, http.StatusCreated, a.status, "%s: %s", name, a.body)
		}
	})
}
