//go:build e2e

package doors_test

import (
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/e2e/harness"
)

// groups: whatever is no list of texts of a sound size opens nothing (A3).
func (h *signInHouse) groups(t *testing.T) {
	l := h.liar
	account := h.site.Account(t, harness.NewAccount{Credits: harness.Credit}).ID
	subject := func(c object) func() {
		return func() {
			l.person = object{"sub": "grouped"}
			maps.Copy(l.person, c)
		}
	}
	defer l.honest()
	open := func() *visitor {
		l.set(subject(nil))
		v := visit(h.replica)
		v.signIn(t, l, "")
		return v
	}
	m, _ := open().me(t)
	require.Contains(t, m.why("api"), "account_pending", "known, and a member of nothing")
	h.join(t, m.User.ID, account, access.RoleMember)
	many := make([]string, 10_000)
	for i := range many {
		many[i] = "chat"
	}
	for name, c := range map[string]object{
		"missing":      {"groups": nil},
		"null":         {"groups": null},
		"text":         {"groups": "chat"},
		"commas":       {"groups": "chat,api"},
		"object":       {"groups": object{"chat": true, "api": true}},
		"objects":      {"groups": []object{{"name": "chat"}}},
		"number":       {"groups": 7},
		"true":         {"groups": true},
		"null within":  {"groups": []any{"chat", "api", nil}},
		"number in":    {"groups": []any{"chat", 7}},
		"nested":       {"groups": [][]string{{"chat", "api"}}},
		"empty":        {"groups": []string{}},
		"other case":   {"groups": []string{"Chat", "API"}},
		"with spaces":  {"groups": []string{" chat", "api "}},
		"full-width":   {"groups": []string{"ｃｈａｔ", "ａｐｉ"}},
		"overage":      {"groups": nil, "_claim_names": object{"groups": "s"}, "_claim_sources": object{"s": object{"endpoint": l.URL + "/x"}}},
		"overage, too": {"groups": []string{"chat", "api"}, "_claim_names": object{"groups": "s"}, "_claim_sources": object{"s": object{"endpoint": l.URL + "/x"}}},
		"hasgroups":    {"groups": nil, "hasgroups": true},
		"10,000":       {"groups": many},
		"in a roles":   {"groups": nil, "roles": []string{"chat", "api"}},
	} {
		t.Run(name, func(t *testing.T) {
			v := open()
			m, _ := v.me(t)
			require.Equal(t, account, m.Account.ID)
			require.Empty(t, m.why("chat")+m.why("api"), "open before")
			l.set(subject(c))
			w := visit(h.replica)
			w.signIn(t, l, "")
			for _, at := range []*visitor{v, w} { // in both sessions, at once
				m, status := at.me(t)
				require.Equal(t, http.StatusOK, status)
				for _, area := range []string{"chat", "api", "workspace", "operator"} {
					require.Contains(t, m.why(area), "no_product_group", area)
				}
				require.Equal(t, http.StatusForbidden, at.do(t, http.MethodPost, "/api/keys", `{"name":"x"}`, jsonBody).status) // G5
			}
		})
	}
	require.Zero(t, l.asked["/x"], "nobody follows where a token points")
	m, _ = open().me(t)
	require.Empty(t, m.why("api"), "and open again")
}

// people: one is who the issuer and the subject say, and nothing else (A1).
func (h *signInHouse) people(t *testing.T) {
	l := h.liar
	defer l.honest()
	come := func(l *liar, provider string, c object) (myself, *visitor) {
		l.set(func() { l.person = c })
		v := visit(h.replica)
		a := v.back(t, provider, l.approve(t, v.start(t, provider, "")))
		require.Equal(t, http.StatusSeeOther, a.status, a.body)
		m, status := v.me(t)
		require.Equal(t, http.StatusOK, status)
		return m, v
	}
	account := h.site.Account(t, harness.NewAccount{Credits: harness.Credit}).ID
	bob, _ := come(l, "liar", object{"sub": "bob", "email": "bob@example.com"})
	h.join(t, bob.User.ID, account, access.RoleAdmin)

	again, _ := come(l, "liar", object{"sub": "bob", "email": "robert@example.com"})
	require.Equal(t, bob.User.ID, again.User.ID, "another address, the same person")
	require.Equal(t, "robert@example.com", again.User.Email)
	require.Equal(t, account, again.Account.ID)

	for name, c := range map[string]object{
		"his address":        {"sub": "mallory", "email": "robert@example.com"},
		"his old address":    {"sub": "mallory", "email": "bob@example.com"},
		"his subject, upper": {"sub": "Bob", "email": "robert@example.com"},
		"with a space":       {"sub": "bob ", "email": "robert@example.com"},
		"look-alike":         {"sub": "bоb", "email": "robert@example.com"}, // Cyrillic
		"no address":         {"sub": "mallory", "email": nil},
	} {
		t.Run(name, func(t *testing.T) {
			m, v := come(l, "liar", c)
			require.NotEqual(t, bob.User.ID, m.User.ID)
			require.Nil(t, m.Account)
			for _, path := range []string{"/api/account", "/api/keys", "/api/credits"} {
				require.Equal(t, http.StatusForbidden, v.get(t, path).status, path)
			}
			require.Equal(t, http.StatusNotFound, v.do(t, http.MethodPut, "/api/session/account", `{"account_id":"`+account+`"}`, jsonBody).status)
		})
	}
	t.Run("his subject at another issuer", func(t *testing.T) {
		defer h.other.honest()
		m, _ := come(h.other, "other", object{"sub": "bob", "email": "robert@example.com", "groups": []string{"operator"}})
		require.NotEqual(t, bob.User.ID, m.User.ID)
		require.Nil(t, m.Account)
		require.NotEmpty(t, m.why("operator"), "a provider without groups makes no operators")
	})
}

// returns: a sign-in leads to a path of this site, whatever it was asked.
func (h *signInHouse) returns(t *testing.T) {
	for _, to := range []string{
		"https://evil.example", "http://evil.example/", "//evil.example", "///evil.example", "////evil.example/%2f..", `/\evil.example`, `\\evil.example`, `\/evil.example`,
		`/\/evil.example`, "/\t/evil.example", "/\n/evil.example", "\t//evil.example", " //evil.example", "/%09/evil.example", "/%2fevil.example", "/%5cevil.example", "/%2f%2fevil.example",
		"/.//evil.example", "/..//evil.example", "/x/..//evil.example", "/%2e%2e//evil.example", "/;@evil.example/../", "https:evil.example", "https:/evil.example", "javascript:alert(1)",
		"java\nscript:alert(1)", "data:text/html,x", "/\x00/evil.example", "／／evil.example", "/\u2028/evil.example", "@evil.example", "?//evil.example", "#x", "evil.example", ".", "..",
		"/auth/liar/start", "/auth/other/callback?code=x", "/%61uth/liar/start", "/x/../auth/liar/start", "/a\r\nSet-Cookie: x=y", "/" + strings.Repeat("a", 4000), "",
	} {
		v := visit(h.replica)
		require.Equal(t, "/", v.signIn(t, h.liar, "?return="+escape(to)), "%q", to)
	}
	for _, to := range []string{"/", "/keys", "/keys?new=1&x=%2F%2Fevil.example", "/a/b-c_d.e~f", "/k%C3%A4se"} {
		require.Equal(t, to, visit(h.replica).signIn(t, h.liar, "?return="+escape(to)))
	}
	v := visit(h.replica)
	require.Contains(t, []string{"/", "/a"}, v.signIn(t, h.liar, "?return=/a&return=//evil.example"))
}
