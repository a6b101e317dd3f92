package identitytest_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/ports/identity"
	"github.com/archibot/archibotchat/ports/identity/identitytest"
)

func TestFake(t *testing.T) {
	t.Parallel()
	identitytest.Run(t, func(*testing.T) identitytest.Harness {
		about := identity.Description{ID: "fake", Name: "Fake", Issuer: "https://idp.example.com", Rule: identity.RuleRequired}
		f := identitytest.NewFake(about)
		alice := identity.Identity{Subject: "alice", Email: "alice@example.com", Groups: access.NewGroups("chat")}
		f.Put(alice)
		at := time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)
		return identitytest.Harness{
			Provider: f, Subject: "alice", Now: func() time.Time { return at },
			Approve: func(t *testing.T, address string) url.Values {
				u, err := url.Parse(address)
				require.NoError(t, err)
				return f.Approve(u.Query().Get("state"), "alice")
			},
			SetGroups: func(g access.Groups) { alice.Groups = g; f.Put(alice) },
			Block:     func() { f.Block("alice") },
			SetDown:   f.SetDown,
			LogoutToken: func(id string) string {
				return f.LogoutToken(identity.Logout{Subject: "alice", ID: id, At: at})
			},
		}
	})
}
