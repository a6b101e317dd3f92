//go:build e2e

// Package browser_test signs people in with Chromium, at a server behind a proxy
// that ends TLS, through a certified OpenID provider: what people see, what the
// browser keeps, and what neither of them may. The stories are played in
// node/stories; here is what must have come of each.
package browser_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/system"
	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/e2e/harness"
	"github.com/archibot/archibotchat/e2e/idp"
	"github.com/archibot/archibotchat/ports/store"
)

func TestMain(m *testing.M) { harness.Main(m) }

// recheck is how often providers are asked: so seldom that a busy machine keeps
// to it, for a session that was not vouched for in twice that time is no good.
// The story that is about it does not wait so long, see due.
const recheck = time.Minute

// house is a server with two providers, and the proxy before it.
type house struct {
	site    *harness.Site
	replica *harness.Replica
	desk    *harness.Desk
	db      *sql.DB
	front   *front
	account string
	acme    provider // tells groups in ID tokens, by our names
	globex  provider // tells them at userinfo alone, below another claim, by its own names; or not at all
}

// provider is an identity provider and how it is configured here.
type provider struct {
	*idp.IDP
	id, name, secret string
}

// stories are those whose people the providers know.
var stories = []string{"sides", "strays", "leaving", "ended", "asked", "elsewhere", "looks"}

// newHouse starts everything. Rule is that of the second provider.
func newHouse(t *testing.T, db harness.Database, rule string) *house {
	t.Helper()
	harness.InstallNode(t, nodeFolder)
	harness.BuildWeb(t)
	h := &house{front: newFront(t)}
	ours, theirs := map[string]idp.User{}, map[string]idp.User{}
	for _, story := range stories {
		ours[story] = idp.User{Email: story + "@acme.example", Name: "Ann of " + story, Groups: []string{"chat", "api", "cooks"}}
		ours[story+"-colleague"] = idp.User{Email: story + "-colleague@acme.example", Name: "Carl of " + story, Groups: []string{"chat", "api"}}
		theirs[story] = idp.User{Email: story + "@globex.example", Name: "Bea of " + story, Groups: []string{"Staff <all>", "operator"}}
	}
	globex := idp.Config{Users: theirs}
	variables := map[string]string{
		"ARCHIBOT_PUBLIC_URL": "https://" + host, "ARCHIBOT_TRUSTED_PROXIES": "127.0.0.1/32", "ARCHIBOT_RECHECK": recheck.String(),
		"ARCHIBOT_PROVIDER_2_GROUPS": rule,
	}
	if rule == "required" {
		globex.GroupsClaim, globex.UserInfoOnly = "realm_access.roles", true
		variables["ARCHIBOT_PROVIDER_2_GROUPS_CLAIM"], variables["ARCHIBOT_PROVIDER_2_GROUP_MAP"] = "realm_access.roles", "Staff <all>=chat,api;Root=operator"
	}
	h.acme = provider{idp.Start(t, idp.Config{Users: ours}), "acme", "Acme & Söhne", "acme-" + system.NewIDs(system.Now).New("secret")}
	h.globex = provider{idp.Start(t, globex), "globex", "Globex", "globex-" + system.NewIDs(system.Now).New("secret")}
	for prefix, p := range map[string]provider{"ARCHIBOT_PROVIDER_": h.acme, "ARCHIBOT_PROVIDER_2_": h.globex} {
		variables[prefix+"ID"], variables[prefix+"NAME"], variables[prefix+"ISSUER"] = p.id, p.name, p.Issuer
		variables[prefix+"CLIENT_ID"], variables[prefix+"CLIENT_SECRET"] = "archibotchat", p.secret
		p.AddClient(t, "archibotchat", idp.Client{
			Secret: p.secret, Redirects: []string{"https://" + host + "/auth/" + p.id + "/callback"}, AfterOut: []string{"https://" + host + "/"},
			BackLogout: h.front.inner + "/auth/" + p.id + "/back-channel-logout",
		})
	}
	for _, p := range []provider{h.acme, h.globex} { // the server waits less for its first answer than a busy machine may take
		harness.Eventually(t, time.Minute, p.name+" answers", func() error {
			response, err := http.Get(p.Issuer + "/.well-known/openid-configuration")
			if err != nil {
				return err
			}
			return response.Body.Close()
		})
	}
	h.site = harness.NewSite(t, db, harness.Options{Variables: variables})
	h.replica, h.desk, h.db = h.site.Start(t), h.site.Desk(t), db.Open(t)
	h.front.lead(t, h.replica.Root)
	h.account = h.site.Account(t, harness.NewAccount{Name: "Example <Ltd>", Credits: harness.Credit}).ID
	return h
}

// given is what every story gets.
func (h *house) given(story string) map[string]any {
	one := func(p provider) map[string]any {
		return map[string]any{"id": p.id, "name": p.name, "issuer": p.Issuer, "user": story, "colleague": story + "-colleague"}
	}
	return map[string]any{
		"site": "https://" + host, "resolve": "MAP " + host + " " + h.front.address, "spki": h.front.spki,
		"account": h.account, "providers": []any{one(h.acme), one(h.globex)},
	}
}

// join makes somebody a member of the account, as if they had been there before.
func (h *house) join(t *testing.T, user string, role access.Role) {
	t.Helper()
	require.NoError(t, h.desk.Store.Do(t.Context(), func(ctx context.Context, tx store.Stores) error {
		return tx.Members().Add(ctx, store.Member{Account: h.account, User: user, Role: role, CreatedAt: system.Now()})
	}))
}

// enrol makes somebody whom a provider knows a member of the account before
// they ever came.
func (h *house) enrol(t *testing.T, p provider, subject string) {
	t.Helper()
	now := system.Now()
	u, _, err := h.desk.Store.Users().SignedIn(t.Context(), store.User{
		ID: h.desk.NewID("user"), Issuer: p.Issuer, Subject: subject, Provider: p.id, Rule: "required", CreatedAt: now, UpdatedAt: now, SeenAt: now,
	})
	require.NoError(t, err)
	h.join(t, u.ID, access.RoleMember)
}

// due has a session's provider asked now, rather than when its time has come,
// which must be set already, and near enough (A5).
func (h *house) due(t *testing.T, session string) {
	t.Helper()
	harness.Eventually(t, time.Minute, "it is known when the provider is asked again", func() error {
		var last, next int64
		require.NoError(t, h.db.QueryRowContext(t.Context(), "SELECT checked_at, check_at FROM sessions WHERE id = $1", session).Scan(&last, &next))
		if next <= 0 || next-last > recheck.Microseconds() { // while it is asked, too
			return fmt.Errorf("%v after it was asked", time.Duration(next-last)*time.Microsecond)
		}
		return nil
	})
	_, err := h.db.ExecContext(t.Context(), "UPDATE sessions SET check_at = $1 WHERE id = $2 AND ended_at = 0", system.Now().UnixMicro(), session)
	require.NoError(t, err)
}

// into decodes what a story asked with.
func into[T any](t *testing.T, with json.RawMessage) T {
	t.Helper()
	var v T
	require.NoError(t, json.Unmarshal(with, &v))
	return v
}

// discreet requires that nothing of a report gives a secret away, that no page
// broke its policy, and that the console had nothing to say.
func (h *house) discreet(t *testing.T, r report) {
	t.Helper()
	require.Empty(t, r.Violations)
	require.Empty(t, r.Console)
	require.Empty(t, r.Storage, "scripts can read nothing")
	needles := map[string]string{h.acme.secret: "client secret", h.globex.secret: "client secret"}
	for kind, values := range r.Secrets {
		for _, value := range values {
			needles[value] = kind
		}
	}
	for _, p := range []provider{h.acme, h.globex} {
		for _, text := range p.Issued(t) {
			needles[text] = "code or token"
		}
	}
	log := h.replica.Log(t)
	for needle, kind := range needles {
		if len(needle) < 16 {
			continue // what a story made up
		}
		require.NotContains(t, log, needle, "a %s is in the log", kind)
		for _, form := range []string{needle, url.QueryEscape(needle)} {
			for _, text := range r.Texts {
				require.NotContains(t, text, form, "a %s is on a page", kind)
			}
			for _, at := range r.URLs {
				require.False(t, strings.Contains(at, form) && !h.stuck(at), "a %s is in the history: %s", kind, at)
			}
		}
	}
	require.NotEmpty(t, r.URLs)
	require.NotEmpty(t, r.Texts)
}

// stuck reports an address that holds what it must: that of a callback which
// failed, where the code is spent or good for nobody, and that of the provider's
// sign-out, which the standard gives the ID token (RP-Initiated Logout 1.0, 2).
func (h *house) stuck(at string) bool {
	u, err := url.Parse(at)
	if err != nil {
		return false
	}
	return u.Host == host && strings.HasSuffix(u.Path, "/callback") || strings.HasPrefix(at, h.acme.Issuer+"/session/end?")
}

// shots is where pictures go, so that somebody can look: E2E_SCREENSHOTS, or a
// folder here that is not committed.
func shots(t *testing.T) string {
	t.Helper()
	folder := os.Getenv("E2E_SCREENSHOTS")
	if folder == "" {
		folder = "screenshots"
	}
	folder, err := filepath.Abs(folder)
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(folder, 0o755))
	return folder
}
