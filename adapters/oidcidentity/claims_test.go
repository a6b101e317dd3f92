package oidcidentity_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/oidcidentity"
	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/ports/identity"
)

const (
	entraChat = "11111111-2222-3333-4444-555555555555"
	entraOps  = "99999999-2222-3333-4444-555555555555"
)

func many(n int) []string {
	out := []string{"chat", "operator"}
	for i := range n - 2 {
		out = append(out, fmt.Sprintf("%08d-aaaa-bbbb-cccc-dddddddddddd", i))
	}
	return out
}

// A3, SECURITY: what providers send, and what of it counts.
func TestProvider_Groups(t *testing.T) {
	t.Parallel()
	overage := object{"groups": nil, "_claim_names": object{"groups": "src1"}, "_claim_sources": object{"src1": object{"endpoint": "https://graph.microsoft.com/x"}}}
	for name, c := range map[string]struct {
		paths  []string
		to     map[string]access.Groups
		person object
		want   string
	}{
		"ours by name":        {nil, nil, object{"groups": []string{"chat", "staff", "api"}}, "api,chat"},
		"authentik":           {nil, map[string]access.Groups{"Archibot Users": access.NewGroups("chat", "api"), "authentik Admins": access.NewGroups("operator")}, object{"groups": []string{"Archibot Users", "authentik Read-only"}}, "api,chat"},
		"a map is the only":   {nil, map[string]access.Groups{"x": access.NewGroups("chat")}, object{"groups": []string{"operator", "api"}}, ""},
		"an empty map":        {nil, map[string]access.Groups{}, object{"groups": []string{"operator", "api"}}, ""},
		"case counts":         {nil, nil, object{"groups": []string{"Chat", "OPERATOR", " api"}}, ""},
		"entra group IDs":     {nil, map[string]access.Groups{entraChat: access.NewGroups("chat")}, object{"groups": []string{entraOps, entraChat}}, "chat"},
		"entra roles":         {[]string{"roles"}, map[string]access.Groups{"Chat.User": access.NewGroups("chat")}, object{"groups": []string{entraChat}, "roles": []string{"Chat.User"}}, "chat"},
		"both":                {[]string{"groups", "roles"}, map[string]access.Groups{"Api": access.NewGroups("api"), entraChat: access.NewGroups("chat")}, object{"groups": []string{entraChat}, "roles": []string{"Api"}}, "api,chat"},
		"entra overage":       {nil, nil, overage, ""},
		"overage with groups": {nil, nil, with(overage, object{"groups": []string{"chat"}}), ""},
		"overage and roles":   {[]string{"groups", "roles"}, nil, with(overage, object{"roles": []string{"api"}}), "api"},
		"hasgroups":           {nil, nil, object{"groups": nil, "hasgroups": true}, ""},
		"hasgroups as text":   {nil, nil, object{"groups": []string{"chat"}, "hasgroups": "true"}, ""},
		"keycloak":            {[]string{"realm_access.roles"}, nil, object{"groups": nil, "realm_access": object{"roles": []string{"chat", "offline_access"}}}, "chat"},
		"keycloak client":     {[]string{"resource_access.my.app.roles"}, nil, object{"resource_access": object{"my.app": object{"roles": []string{"api"}}}}, "api"},
		"a name with dots":    {[]string{"https://example.com/groups"}, nil, object{"https://example.com/groups": []string{"api"}}, "api"},
		"path to nowhere":     {[]string{"realm_access.roles.x"}, nil, object{"realm_access": object{"roles": []string{"chat"}}}, ""},
		"path through a list": {[]string{"groups.0"}, nil, object{"groups": []string{"chat"}}, ""},
		"missing":             {nil, nil, object{"groups": nil}, ""},
		"null":                {nil, nil, object{"groups": null}, ""},
		"text":                {nil, nil, object{"groups": "chat"}, ""},
		"text with commas":    {nil, nil, object{"groups": "chat,operator"}, ""},
		"object":              {nil, nil, object{"groups": object{"chat": true}}, ""},
		"number":              {nil, nil, object{"groups": 7}, ""},
		"true":                {nil, nil, object{"groups": true}, ""},
		"list of objects":     {nil, nil, object{"groups": []object{{"name": "chat"}}}, ""},
		"a number within":     {nil, nil, object{"groups": []any{"chat", 7}}, ""},
		"a null within":       {nil, nil, object{"groups": []any{"chat", nil, "api"}}, ""},
		"nested list":         {nil, nil, object{"groups": [][]string{{"chat"}}}, ""},
		"empty":               {nil, nil, object{"groups": []string{}}, ""},
		"1,000":               {nil, nil, object{"groups": many(1000)}, "chat,operator"},
		"1,001":               {nil, nil, object{"groups": many(1001)}, ""},
		"10,000":              {nil, nil, object{"groups": many(10_000)}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newIDP(t)
			p.person = c.person
			p.document["userinfo_endpoint"] = nil
			got := p.must(t, p.client(t, func(cfg *oidcidentity.Config) { cfg.GroupsClaims, cfg.GroupMap = c.paths, c.to }))
			require.Equal(t, c.want, got.Groups.String())
			require.Equal(t, identity.RuleRequired, got.Rule)
			// A provider that sends none by rule sends none, whatever comes.
			got = p.must(t, p.client(t, func(cfg *oidcidentity.Config) {
				cfg.GroupsClaims, cfg.GroupMap, cfg.Rule = c.paths, c.to, identity.RuleNone
			}))
			require.True(t, got.Groups.Empty())
			require.Equal(t, identity.RuleNone, got.Rule)
		})
	}
}

// Userinfo is asked for what the ID token does not speak of, never against it.
func TestProvider_UserInfo(t *testing.T) {
	t.Parallel()
	info := object{"groups": []string{"operator"}, "email": "info@example.com", "email_verified": true, "name": "Info"}
	for name, c := range map[string]struct {
		person, info  object
		groups, email string
		asked         int
	}{
		"all in the token":     {object{}, info, "api,chat", "alice@example.com", 0},
		"no groups there":      {object{"groups": nil}, info, "operator", "alice@example.com", 1},
		"null there":           {object{"groups": null}, info, "", "alice@example.com", 0},
		"overage there":        {object{"groups": nil, "hasgroups": true}, info, "", "alice@example.com", 0},
		"no e-mail there":      {object{"email": nil}, info, "api,chat", "info@example.com", 1},
		"nothing there":        {object{"email": nil, "groups": nil, "name": nil}, info, "operator", "info@example.com", 1},
		"nothing anywhere":     {object{"email": nil, "groups": nil}, object{}, "", "", 1},
		"info with null":       {object{"groups": nil}, object{"groups": null}, "", "alice@example.com", 1},
		"info refuses":         {object{"groups": nil}, nil, "", "alice@example.com", 1},
		"info without e-mail":  {object{"email": nil}, object{"email": 7}, "api,chat", "", 1},
		"info of 2,000 groups": {object{"groups": nil}, object{"groups": many(2000)}, "", "alice@example.com", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newIDP(t)
			p.person, p.info = c.person, c.info
			got := p.must(t, p.client(t))
			require.Equal(t, c.groups, got.Groups.String())
			require.Equal(t, c.email, got.Email)
			require.Equal(t, c.asked, p.count("/userinfo"))
		})
	}
	p := newIDP(t)
	p.person, p.info = object{"groups": nil}, with(info, object{"sub": "mallory"})
	_, err := p.signIn(t, p.client(t))
	require.Equal(t, identity.ReasonSubject, identity.ReasonOf(err), "%v", err)
}

// A2: what is kept, in which shape.
func TestProvider_Person(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		person object
		want   identity.Identity
	}{
		"usual":             {object{}, identity.Identity{Email: "alice@example.com", EmailVerified: true, Name: "Alice", SID: "sid-1"}},
		"not verified":      {object{"email_verified": false}, identity.Identity{Email: "alice@example.com", Name: "Alice", SID: "sid-1"}},
		"verified by text":  {object{"email_verified": "true"}, identity.Identity{Email: "alice@example.com", EmailVerified: true, Name: "Alice", SID: "sid-1"}},
		"verified by one":   {object{"email_verified": 1}, identity.Identity{Email: "alice@example.com", Name: "Alice", SID: "sid-1"}},
		"other address":     {object{"email": "Bob@Example.COM"}, identity.Identity{Email: "Bob@Example.COM", EmailVerified: true, Name: "Alice", SID: "sid-1"}},
		"odd address":       {object{"email": "a\u202eb@example.com"}, identity.Identity{Name: "Alice", SID: "sid-1"}},
		"address with NUL":  {object{"email": "a\x00@example.com"}, identity.Identity{Name: "Alice", SID: "sid-1"}},
		"a header as one":   {object{"email": "a@example.com\r\nBcc: b@example.com"}, identity.Identity{Name: "Alice", SID: "sid-1"}},
		"no address":        {object{"email": "alice"}, identity.Identity{Name: "Alice", SID: "sid-1"}},
		"long address":      {object{"email": strings.Repeat("a", 320) + "@example.com"}, identity.Identity{Name: "Alice", SID: "sid-1"}},
		"list of addresses": {object{"email": []string{"a@example.com"}}, identity.Identity{Name: "Alice", SID: "sid-1"}},
		"odd name":          {object{"name": " A\x00l\u202eice\n "}, identity.Identity{Email: "alice@example.com", EmailVerified: true, Name: "Alice", SID: "sid-1"}},
		"long name":         {object{"name": strings.Repeat("名", 200)}, identity.Identity{Email: "alice@example.com", EmailVerified: true, Name: strings.Repeat("名", 100), SID: "sid-1"}},
		"no name, no sid":   {object{"name": nil, "sid": nil}, identity.Identity{Email: "alice@example.com", EmailVerified: true}},
		"long sid":          {object{"sid": strings.Repeat("s", 256)}, identity.Identity{Email: "alice@example.com", EmailVerified: true, Name: "Alice"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newIDP(t)
			p.person = c.person
			got := p.must(t, p.client(t))
			require.NotEmpty(t, got.Grant.IDToken)
			require.Equal(t, "refresh-1", got.Grant.Refresh)
			require.Equal(t, p.clock.Add(600e9), got.Grant.AccessUntil)
			got.Grant = identity.Grant{}
			c.want.Issuer, c.want.Subject, c.want.Rule, c.want.Groups = p.URL, "alice", identity.RuleRequired, access.NewGroups("api", "chat")
			require.Equal(t, c.want, got)
		})
	}
}
