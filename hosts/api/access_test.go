package api_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/hosts/api"
)

// row is an operation and what it answers to whom. {id} in path stands for a
// key's ID, {thread}, {turn}, {message} and {prompt} for those of a conversation.
type row struct {
	path, body string
	admin      int  // to an admin, on the account's own object
	member     int  // to a member, on an object that is not theirs
	object     bool // names a key: a foreign, an unknown and a malformed ID are 404
	own        bool // names something of a conversation: so are those of other members
	admins     bool // is for administrators only, whatever it is on
	person     bool // is about the person: needs no account

	mine string // body, before it is filled in
}

// operations has a row for every operation; TestAccess fails if one lacks.
var operations = map[string]row{
	"GET /api/me":                     {path: "/api/me", admin: 200, member: 200, person: true},
	"GET /api/account":                {path: "/api/account", admin: 200, member: 200},
	"GET /api/keys":                   {path: "/api/keys", admin: 200, member: 200},
	"POST /api/keys":                  {path: "/api/keys", body: `{"name":"x"}`, admin: 201, member: 201},
	"GET /api/keys/{id}":              {path: "/api/keys/{id}", admin: 200, member: 200, object: true},
	"POST /api/keys/{id}/rotate":      {path: "/api/keys/{id}/rotate", body: `{}`, admin: 201, member: 403, object: true},
	"DELETE /api/keys/{id}":           {path: "/api/keys/{id}", admin: 200, member: 403, object: true},
	"PATCH /api/keys/{id}":            {path: "/api/keys/{id}", body: `{"models":["m"],"limits":{"monthly":1}}`, admin: 200, member: 403, object: true},
	"GET /api/keys/{id}/usage":        {path: "/api/keys/{id}/usage", admin: 200, member: 403, object: true},
	"GET /api/limits":                 {path: "/api/limits", admin: 200, member: 403, admins: true},
	"PUT /api/limits/{whose}":         {path: "/api/limits/account", body: `{"monthly":1}`, admin: 200, member: 403, admins: true},
	"DELETE /api/limits/{whose}":      {path: "/api/limits/account", admin: 204, member: 403, admins: true},
	"GET /api/credits":                {path: "/api/credits", admin: 200, member: 200},
	"GET /api/credits/lots":           {path: "/api/credits/lots", admin: 200, member: 200},
	"GET /api/credits/lines":          {path: "/api/credits/lines", admin: 200, member: 200},
	"GET /api/credits/statement":      {path: "/api/credits/statement?from=2026-01-01T00:00:00Z&to=2027-01-01T00:00:00Z", admin: 200, member: 200},
	"GET /api/activity":               {path: "/api/activity", admin: 200, member: 200},
	"GET /api/activity.csv":           {path: "/api/activity.csv", admin: 200, member: 200},
	"GET /api/members":                {path: "/api/members", admin: 200, member: 403, admins: true},
	"PATCH /api/members/{user_id}":    {path: "/api/members/user_none", body: `{"role":"admin"}`, admin: 404, member: 403, admins: true},
	"DELETE /api/members/{user_id}":   {path: "/api/members/user_none", admin: 404, member: 403, admins: true},
	"GET /api/invitations":            {path: "/api/invitations", admin: 200, member: 403, admins: true},
	"POST /api/invitations":           {path: "/api/invitations", body: `{"email":"a@b.example","role":"member"}`, admin: 201, member: 403, admins: true},
	"DELETE /api/invitations/{id}":    {path: "/api/invitations/inv_none", admin: 404, member: 403, admins: true},
	"POST /api/invitations/accept":    {path: "/api/invitations/accept", body: `{"token":"x"}`, admin: 404, member: 404, person: true},
	"GET /api/setup":                  {path: "/api/setup", admin: 200, member: 200},
	"PUT /api/setup":                  {path: "/api/setup", body: `{"intended_use":"x","notifications":"all","files":"none"}`, admin: 200, member: 403, admins: true},
	"POST /api/setup/acknowledgement": {path: "/api/setup/acknowledgement", body: `{"version":"v1"}`, admin: 200, member: 403, admins: true},
	"GET /api/access-requests/mine":   {path: "/api/access-requests/mine", admin: 404, member: 404, person: true},
	"DELETE /api/session":             {path: "/api/session", admin: 200, member: 200, person: true},
	"GET /api/sessions":               {path: "/api/sessions", admin: 200, member: 200, person: true},
	"DELETE /api/sessions/{id}":       {path: "/api/sessions/ses_none", admin: 404, member: 404, person: true},
	"PUT /api/session/account":        {path: "/api/session/account", body: `{"account_id":"acct_none"}`, admin: 404, member: 404, person: true},

	"GET /api/models":                    {path: "/api/models", admin: 200, member: 200},
	"GET /api/threads":                   {path: "/api/threads", admin: 200, member: 200},
	"POST /api/threads":                  {path: "/api/threads", body: `{}`, admin: 201, member: 201},
	"GET /api/threads/{thread}":          {path: "/api/threads/{thread}", admin: 200, member: 404, own: true},
	"PATCH /api/threads/{thread}":        {path: "/api/threads/{thread}", body: `{"pinned":true}`, admin: 200, member: 404, own: true},
	"DELETE /api/threads/{thread}":       {path: "/api/threads/{thread}", admin: 204, member: 404, own: true},
	"POST /api/threads/{thread}/restore": {path: "/api/threads/{thread}/restore", body: `{}`, admin: 200, member: 404, own: true},
	"GET /api/threads/{thread}/export":   {path: "/api/threads/{thread}/export", admin: 200, member: 404, own: true},
	"GET /api/threads/{thread}/messages": {path: "/api/threads/{thread}/messages", admin: 200, member: 404, own: true},
	"PUT /api/threads/{thread}/head":     {path: "/api/threads/{thread}/head", body: `{"message":"{message}"}`, admin: 200, member: 404, own: true},
	"POST /api/threads/{thread}/turns":   {path: "/api/threads/{thread}/turns", body: `{"key":"a-key-of-mine","text":"x"}`, admin: 402, member: 404, own: true},
	"GET /api/turns/{turn}":              {path: "/api/turns/{turn}", admin: 200, member: 404, own: true},
	"POST /api/turns/{turn}/stop":        {path: "/api/turns/{turn}/stop", body: `{}`, admin: 200, member: 404, own: true},
	"GET /api/turns/{turn}/stream":       {path: "/api/turns/{turn}/stream", admin: 200, member: 404, own: true},
	"GET /api/prompts":                   {path: "/api/prompts", admin: 200, member: 200},
	"POST /api/prompts":                  {path: "/api/prompts", body: `{"title":"x","text":"x"}`, admin: 201, member: 201},
	"PATCH /api/prompts/{prompt}":        {path: "/api/prompts/{prompt}", body: `{"title":"y"}`, admin: 200, member: 404, own: true},
	"DELETE /api/prompts/{prompt}":       {path: "/api/prompts/{prompt}", admin: 204, member: 404, own: true},
	"GET /api/drafts/{thread}":           {path: "/api/drafts/{thread}", admin: 200, member: 404, own: true},
	"PUT /api/drafts/{thread}":           {path: "/api/drafts/{thread}", body: `{"text":"x"}`, admin: 204, member: 404, own: true},
}

// placeholders are those of conversations, and unlike what cannot be there.
var (
	placeholders = regexp.MustCompile(`\{(thread|turn|prompt)\}`)
	unlike       = []string{"thr_06b1v5k9ehq7r4m2d8t0s3n1cg", "turn_06b1v5k9ehq7r4m2d8t0s3n1cg", "prm_06b1v5k9ehq7r4m2d8t0s3n1cg", "thr_", "x", "thr_A", "thr_1'--", "%F0%9F%94%91", "acct_06b1v5k9ehq7r4m2d8t0s3n1cg"}
)

func TestAccess(t *testing.T) {
	t.Parallel()
	t.Run("every operation has a row", func(t *testing.T) {
		var have, want []string
		for name := range operations {
			have = append(have, name)
		}
		for path, item := range spec(t)["paths"].(map[string]any) {
			if path == "/api/leaked-keys" || path == "/api/providers" || path == "/api/access-requests" || path == "/api/access-requests/challenge" || strings.HasPrefix(path, "/api/operator/") || strings.HasPrefix(path, "/auth/") { // need no session; or other groups; see TestLeaked, TestSignIn, TestRequests
				continue
			}
			for method := range item.(map[string]any) {
				want = append(want, strings.ToUpper(method)+" "+path)
			}
		}
		sort.Strings(have)
		sort.Strings(want)
		require.Equal(t, want, have)
	})
	for name, o := range operations {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			method, _, _ := strings.Cut(name, " ")
			h := build(t)
			require.NoError(t, h.store.Limits().Set(t.Context(), h.account.ID, ledger.Limit{Scope: h.account.ID, Monthly: 7}, h.now))
			at := func(id string) string { return h.talks["user_admin"].at(strings.ReplaceAll(o.path, "{id}", id)) }
			own := at(h.adminKey.ID)
			o.body, o.mine = h.talks["user_admin"].at(o.body), o.body

			for what, change := range map[string]func(*http.Request){
				"no cookie":     func(*http.Request) {},
				"empty cookie":  func(r *http.Request) { r.AddCookie(api.Cookie("", false)) },
				"unknown token": func(r *http.Request) { r.AddCookie(api.Cookie(strings.Repeat("A", 43), false)) },
				"two cookies": func(r *http.Request) {
					r.AddCookie(api.Cookie(h.admin, false))
					r.AddCookie(api.Cookie(h.member, false))
				},
				"cookie of TLS":       func(r *http.Request) { r.AddCookie(api.Cookie(h.admin, true)) },
				"token in the header": func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+h.admin) },
			} {
				p := problem(t, h.call(t, "", method, own, o.body, change), http.StatusUnauthorized, "not_signed_in")
				require.NotEmpty(t, p.NextStep, what)
			}
			if o.object {
				for _, id := range []string{
					h.foreignKey.ID, "key_06b1v5k9ehq7r4m2d8t0s3n1cg", "key_", "x", "acct_06b1v5k9ehq7r4m2d8t0s3n1cg",
					"key_A", "key_1'--", "%F0%9F%94%91", strings.ToUpper(h.adminKey.ID),
				} {
					problem(t, h.call(t, h.admin, method, at(id), o.body), http.StatusNotFound, "not_found")
				}
				problem(t, h.call(t, h.foreignUser, method, own, o.body), http.StatusNotFound, "not_found")
			}
			if o.own {
				foreign := h.talks["user_foreign"].at(o.path)
				require.NotEqual(t, foreign, own)
				want := h.call(t, h.admin, method, foreign, o.body)
				problem(t, want, http.StatusNotFound, "not_found")
				for _, id := range unlike {
					path := placeholders.ReplaceAllString(o.path, id)
					problem(t, h.call(t, h.admin, method, path, o.body), http.StatusNotFound, "not_found")
				}
				problem(t, h.call(t, h.foreignUser, method, own, o.body), http.StatusNotFound, "not_found")
				mine := h.talks["user_member"]
				require.Equal(t, o.admin, h.call(t, h.member, method, mine.at(o.path), mine.at(o.mine)).StatusCode, "their own")
				problem(t, h.call(t, h.admin, method, mine.at(o.path), mine.at(o.mine)), http.StatusNotFound, "not_found")
			}
			if res := h.call(t, h.stray(t), method, own, o.body); o.person {
				require.Contains(t, []int{o.admin}, res.StatusCode, res.text)
			} else {
				problem(t, res, http.StatusForbidden, "account_pending")
			}
			res := h.call(t, h.member, method, own, o.body)
			require.Equal(t, o.member, res.StatusCode, res.text)
			if o.member == http.StatusForbidden {
				problem(t, res, http.StatusForbidden, "admin_required")
				if !o.admins {
					require.Equal(t, o.admin, h.call(t, h.member, method, at(h.memberKey.ID), o.body).StatusCode, "their own")
				}
			}
			res = h.call(t, h.admin, method, own, o.body)
			require.Equal(t, o.admin, res.StatusCode, res.text)
			require.NotContains(t, res.text, h.foreign.ID)
			require.NotContains(t, res.text, h.foreignKey.ID)
		})
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	h := build(t)
	for name, r := range map[string]reply{
		"an answer":  h.call(t, h.admin, "GET", "/api/me", ""),
		"a problem":  h.call(t, "", "GET", "/api/me", ""),
		"no route":   h.call(t, h.admin, "GET", "/api/none", ""),
		"a table":    h.call(t, h.admin, "GET", "/api/activity.csv", ""),
		"no content": h.call(t, h.admin, "DELETE", "/api/limits/account", ""),
	} {
		require.Regexp(t, `^req_[0-9a-v]{26}$`, r.Header.Get("X-Request-Id"), name)
		require.Equal(t, "no-store", r.Header.Get("Cache-Control"), name)
		require.Equal(t, "nosniff", r.Header.Get("X-Content-Type-Options"), name)
		require.Contains(t, r.Header.Get("Content-Security-Policy"), "default-src 'none'; frame-ancestors 'none'", name)
		require.Equal(t, "no-referrer", r.Header.Get("Referrer-Policy"), name)
		require.Empty(t, r.Header.Get("Link"), name)
	}
	t.Run("a client's request ID is not taken over", func(t *testing.T) {
		r := h.call(t, h.member, "GET", "/api/me", "", func(r *http.Request) { r.Header.Set("X-Request-Id", "req_mine") })
		require.NotEqual(t, "req_mine", r.Header.Get("X-Request-Id"))
	})
}

func TestRouting(t *testing.T) {
	t.Parallel()
	h := build(t)
	for _, path := range []string{
		"/api", "/api/", "/api/none", "/api/keys/", "/api/keys/a/b/c", "/api//keys", "/api/x/../keys", "/api/docs", "/api/openapi.json",
		"/api/keys/key_%00", "/api/keys/..%2Faccount", "/openapi.json", "/docs", "/schemas/Key.json", "/api/schemas/Key.json", "/", "/auth", "/auth/", "/auth/acme", "/auth/acme/none", "/auth/local/a/b", "/auth//start",
	} {
		problem(t, h.call(t, h.admin, "GET", path, ""), http.StatusNotFound, "no_such_operation")
	}
	for path, allow := range map[string]string{"/api/me": "GET, HEAD", "/api/keys": "GET, HEAD, POST", "/api/session": "DELETE", "/auth/acme/start": "GET, HEAD"} {
		r := h.call(t, h.admin, "PUT", path, "{}")
		problem(t, r, http.StatusMethodNotAllowed, "method_not_allowed")
		require.Equal(t, allow, r.Header.Get("Allow"))
	}
	t.Run("mounted", func(t *testing.T) {
		mux := http.NewServeMux()
		mux.Handle("/api/", h)
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/api/account", nil)
		r.AddCookie(api.Cookie(h.admin, false))
		mux.ServeHTTP(w, r)
		require.Equal(t, http.StatusOK, w.Code)
	})
}

func TestCrossOrigin(t *testing.T) {
	t.Parallel()
	h := build(t)
	foreign := func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }
	for name, o := range operations {
		method, _, _ := strings.Cut(name, " ")
		if method == http.MethodGet {
			continue
		}
		problem(t, h.call(t, h.admin, method, h.talks["user_admin"].at(strings.ReplaceAll(o.path, "{id}", h.adminKey.ID)), o.body, foreign), http.StatusForbidden, "cross_origin")
	}
	ks := into[api.KeyList](t, h.call(t, h.admin, "GET", "/api/keys", ""))
	require.Len(t, ks.Data, 2)
	for _, k := range ks.Data {
		require.Equal(t, "active", k.State)
	}
}
