package oidcidentity_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/archibot/archibotchat/adapters/oidcidentity"
	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/ports/identity"
	"github.com/archibot/archibotchat/ports/identity/identitytest"
)

func TestProvider_Conformance(t *testing.T) {
	t.Parallel()
	for name, refreshed := range map[string]bool{"ID token at refresh": true, "userinfo at refresh": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			identitytest.Run(t, func(t *testing.T) identitytest.Harness { return harness(t, refreshed) })
		})
	}
	t.Run("no groups", func(t *testing.T) {
		t.Parallel()
		identitytest.Run(t, func(t *testing.T) identitytest.Harness {
			h := harness(t, true, func(c *oidcidentity.Config) { c.Rule = identity.RuleNone })
			h.SetGroups = nil
			return h
		})
	})
}

func harness(t *testing.T, refreshed bool, edit ...func(*oidcidentity.Config)) identitytest.Harness {
	p := newIDP(t)
	if p.info = (object{"groups": []string{"chat"}, "email": "alice@example.com"}); !refreshed {
		p.refresh, p.person = nil, object{"groups": nil}
	}
	return identitytest.Harness{
		Provider: p.client(t, edit...), Subject: "alice", Now: p.now,
		Approve: func(t *testing.T, address string) url.Values { return p.approve(t, address) },
		SetGroups: func(g access.Groups) {
			p.set(func() {
				list := g.List()
				if p.info["groups"] = list; refreshed {
					p.refresh["groups"] = append([]access.Group{}, list...)
				}
			})
		},
		Block: func() { p.set(func() { clear(p.tokens) }) },
		SetDown: func(down bool) {
			p.set(func() {
				clear(p.answer)
				if !down {
					return
				}
				for _, path := range []string{"/.well-known/openid-configuration", "/token", "/keys", "/userinfo"} {
					p.answer[path] = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }
				}
			})
		},
		LogoutToken: func(id string) string { return p.logoutToken(object{"jti": id}, nil) },
	}
}
