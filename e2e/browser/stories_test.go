//go:build e2e

package browser_test

import (
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/e2e/harness"
	"github.com/archibot/archibotchat/hosts/api"
)

var update = flag.Bool("update", false, "write the golden files")

// A1, A2, A3, A5, G2, and SECURITY, sign-in and session, as a browser has them.
func TestBrowser(t *testing.T) {
	t.Parallel()
	rules := map[harness.Kind]string{harness.SQLite: "required", harness.Postgres: "none"}
	harness.Each(t, func(t *testing.T, db harness.Database) {
		h := newHouse(t, db, rules[db.Kind])
		t.Run("sides", func(t *testing.T) { sides(t, h, rules[db.Kind]) })
		t.Run("leaving", func(t *testing.T) { leaving(t, h) })
		t.Run("ended", func(t *testing.T) { ended(t, h) })
		t.Run("asked", func(t *testing.T) { asked(t, h) })
		if db.Kind == harness.SQLite { // what only the browser adds; e2e/doors tries the rest on both
			t.Run("strays", func(t *testing.T) { strays(t, h) })
			t.Run("elsewhere", func(t *testing.T) { elsewhere(t, h) })
			t.Run("looks", func(t *testing.T) { looks(t, h) })
		}
		h.site.VerifyAudit(t)
	})
}

// signedIn is the name of the session cookie.
var signedIn = api.CookieName(true)

// sides: two providers side by side, each with groups of its own kind.
func sides(t *testing.T, h *house, rule string) {
	var facts []struct {
		Provider, Before, Text, Account string
		User                            api.User
		Alone                           struct {
			API  []string
			Text string
		}
		Chat, API, Workspace []string
		Cookies              []string
	}
	r := play(t, "sides", h.given("sides"), answers{
		"join": quietly(func(t *testing.T, with json.RawMessage) {
			for _, user := range into[struct{ Users []string }](t, with).Users {
				h.join(t, user, access.RoleMember)
			}
		}),
	}, &facts)
	h.discreet(t, r)
	require.Len(t, facts, 2)
	for i, email := range []string{"sides@acme.example", "sides@globex.example"} {
		f := facts[i]
		require.Contains(t, f.Before, h.acme.name)
		require.Contains(t, f.Before, h.globex.name)
		require.Equal(t, f.Provider, f.User.Provider)
		require.Equal(t, email, f.User.Email)
		require.Contains(t, f.Alone.API, "account_pending", "a member of nothing yet")
		require.Contains(t, f.Alone.Text, email)
		require.Equal(t, h.account, f.Account)
		require.Contains(t, f.Text, "Example <Ltd>")
		require.Empty(t, f.Chat)
		require.Empty(t, f.API)
		require.Contains(t, f.Workspace, "no_product_group")
		require.Equal(t, []string{signedIn}, f.Cookies)
	}
	require.NotEqual(t, facts[0].User.ID, facts[1].User.ID)
	require.EqualValues(t, 1, harness.Count(t, h.db, "users", "issuer = $1 AND group_rule = $2", h.globex.Issuer, rule))
}

// visit is what a page answered to somebody who opened an address.
type visit struct {
	Status          int
	Text, Path      string
	SignedIn, Still bool
	Reloaded        bool
}

// strays: a callback counts once, for the browser and the provider that it
// belongs to.
func strays(t *testing.T, h *house) {
	var facts struct {
		Back struct {
			Text string
			Same bool
		}
		Again, Other, Spent, Mixed visit
		Tabs                       struct {
			Flows          int
			Users, Cookies []string
			Now            string
		}
		Cancelled struct {
			Text, Path string
			Cookies    []string
		}
	}
	r := play(t, "strays", h.given("strays"), nil, &facts)
	h.discreet(t, r)
	require.True(t, facts.Back.Same, "going back and forth ends nothing")
	require.Contains(t, facts.Back.Text, "strays@acme.example")
	require.True(t, facts.Again.Still && facts.Again.Reloaded && facts.Again.SignedIn, "who is in stays in")
	for name, v := range map[string]visit{"again": facts.Again, "another browser": facts.Other, "spent": facts.Spent, "another provider": facts.Mixed} {
		require.Equal(t, http.StatusUnauthorized, v.Status, name)
		require.Contains(t, v.Text, "sign_in_failed", name)
		require.Regexp(t, `req_\w+`, v.Text, name)
		if name != "again" {
			require.False(t, v.SignedIn, name)
		}
	}
	require.Equal(t, 2, facts.Tabs.Flows, "each tab has a cookie of its own")
	require.Equal(t, []string{"acme", "globex"}, facts.Tabs.Users)
	require.Equal(t, "globex", facts.Tabs.Now, "a browser is one person at a time: who came last")
	require.Equal(t, []string{signedIn}, facts.Tabs.Cookies)
	require.Contains(t, facts.Cancelled.Text, "sign_in_refused")
	require.Empty(t, facts.Cancelled.Cookies)
}

// leaving: signing out ends the session here and at the provider.
func leaving(t *testing.T, h *house) {
	var facts struct {
		Known   int
		After   string
		Cookies []string
		Old     visit
		Asked   bool
	}
	r := play(t, "leaving", h.given("leaving"), nil, &facts)
	h.discreet(t, r)
	require.Equal(t, http.StatusOK, facts.Known, "the provider knew them before")
	require.Contains(t, facts.After, h.acme.name, "they may sign in again")
	require.Empty(t, facts.Cookies)
	require.Equal(t, http.StatusUnauthorized, facts.Old.Status)
	require.Contains(t, facts.Old.Text, h.acme.name)
	require.True(t, facts.Asked, "the provider knows them no more")
}

// ended: back-channel logout.
func ended(t *testing.T, h *house) {
	h.enrol(t, h.acme, "ended")
	const events = "kind = 'session.ended' AND reason = 'provider_signed_out'"
	before := harness.Count(t, h.db, "all_events", events)
	var facts struct {
		Before, After []int
		Text          string
	}
	r := play(t, "ended", h.given("ended"), answers{
		"end": quietly(func(t *testing.T, with json.RawMessage) { h.acme.End(t, into[struct{ User string }](t, with).User) }),
	}, &facts)
	h.discreet(t, r)
	require.Equal(t, []int{200, 200, 200, 200}, facts.Before)
	require.Equal(t, []int{401, 401, 200, 200}, facts.After, "both of theirs, and nobody else's")
	require.Contains(t, facts.Text, h.acme.name)
	count(t, h.db, before+2, "all_events", events)
}

// moment is what somebody could do at a time.
type moment struct {
	Text, Session string
	Status, Key   int
	Code          string
	Chat, API     []string
}

// asked: the provider is asked again, and what it says holds from then on.
func asked(t *testing.T, h *house) {
	h.enrol(t, h.acme, "asked")
	type who struct {
		User   string
		Groups []string
	}
	var facts struct{ Open, Narrowed, Shut, Again, Blocked moment }
	r := play(t, "asked", h.given("asked"), answers{
		"groups": quietly(func(t *testing.T, with json.RawMessage) {
			w := into[who](t, with)
			h.acme.SetGroups(t, w.User, w.Groups...)
		}),
		"block": quietly(func(t *testing.T, with json.RawMessage) { h.acme.Block(t, into[who](t, with).User) }),
		"due":   quietly(func(t *testing.T, with json.RawMessage) { h.due(t, into[struct{ Session string }](t, with).Session) }),
	}, &facts)
	h.discreet(t, r)
	require.Empty(t, append(facts.Open.Chat, facts.Open.API...))
	require.Equal(t, http.StatusCreated, facts.Open.Key, facts.Open.Code)

	require.Equal(t, []string{"no_product_group"}, facts.Narrowed.API)
	require.Empty(t, facts.Narrowed.Chat)
	require.Equal(t, http.StatusForbidden, facts.Narrowed.Key)
	require.Equal(t, "no_product_group", facts.Narrowed.Code)
	require.NotEqual(t, facts.Open.Text, facts.Narrowed.Text, "and the page says so")

	require.Equal(t, []string{"no_product_group"}, facts.Shut.Chat)
	require.Equal(t, facts.Open.Session, facts.Shut.Session, "the session goes on")

	require.Empty(t, append(facts.Again.Chat, facts.Again.API...))
	require.Equal(t, http.StatusCreated, facts.Again.Key)

	require.Equal(t, http.StatusUnauthorized, facts.Blocked.Status)
	require.Equal(t, http.StatusUnauthorized, facts.Blocked.Key)
	require.Contains(t, facts.Blocked.Text, h.acme.name)
}

// elsewhere: one's sessions, and a fresh sign-in for what needs it.
func elsewhere(t *testing.T, h *house) {
	h.enrol(t, h.acme, "elsewhere")
	var facts struct {
		Sessions []struct {
			ID, Provider string
			Current      bool
		}
		Own                         []string
		Foreign, Still, Ended, Gone int
		Text                        string
		Stale                       struct {
			Status int
			Code   string
		}
		Asked bool
		Fresh int
	}
	r := play(t, "elsewhere", h.given("elsewhere"), answers{
		"promote": quietly(func(t *testing.T, with json.RawMessage) {
			require.NoError(t, h.desk.Store.Members().SetRole(t.Context(), h.account, into[struct{ User string }](t, with).User, access.RoleAdmin))
		}),
		"age": quietly(func(t *testing.T, with json.RawMessage) {
			at := time.Now().Add(-time.Hour).UnixMicro()
			_, err := h.db.ExecContext(t.Context(), "UPDATE sessions SET fresh_at = $1 WHERE id = $2", at, into[struct{ Session string }](t, with).Session)
			require.NoError(t, err)
		}),
	}, &facts)
	h.discreet(t, r)
	require.Len(t, facts.Sessions, 2)
	for _, s := range facts.Sessions {
		require.Contains(t, facts.Own, s.ID)
		require.Equal(t, s.ID == facts.Own[0], s.Current)
		require.Equal(t, "acme", s.Provider)
	}
	require.Equal(t, []int{404, 200, 204, 401}, []int{facts.Foreign, facts.Still, facts.Ended, facts.Gone})
	require.Contains(t, facts.Text, h.acme.name)
	require.Equal(t, http.StatusForbidden, facts.Stale.Status)
	require.Equal(t, "fresh_sign_in_required", facts.Stale.Code)
	require.True(t, facts.Asked, "the provider asks although it knows them")
	require.Equal(t, http.StatusCreated, facts.Fresh)
}

// looks: the pages, the headers, the cookies as the browser keeps them.
func looks(t *testing.T, h *house) {
	h.enrol(t, h.acme, "looks")
	var facts struct {
		Cookies  json.RawMessage
		Headers  map[string]string
		Pages    map[string]string
		Who      string
		Upgraded string
		Failed   struct {
			Status int
			CSP    string
		}
		Sizes map[string]struct {
			Overflow bool
			Font     string
		}
	}
	given := h.given("looks")
	given["shots"] = shots(t)
	r := play(t, "looks", given, answers{
		"suspend": quietly(func(t *testing.T, _ json.RawMessage) { h.site.SetStatus(t, h.account, "suspended") }),
		"resume":  quietly(func(t *testing.T, _ json.RawMessage) { h.site.SetStatus(t, h.account, "active") }),
	}, &facts)
	h.discreet(t, r)
	golden(t, "testdata/cookies.golden.json", facts.Cookies)
	require.Equal(t, "max-age=63072000", facts.Headers["strict-transport-security"])
	require.Regexp(t, `^default-src 'none'; .*script-src 'self' 'nonce-[\w+/=-]+'`, facts.Headers["content-security-policy"])
	require.NotContains(t, facts.Headers["content-security-policy"], "unsafe")
	require.Empty(t, r.Axe, "what axe objects to")
	require.Equal(t, "no-store", facts.Headers["cache-control"])
	require.Equal(t, "https://"+host+"/", facts.Upgraded, "never again without TLS")
	require.Equal(t, http.StatusUnauthorized, facts.Failed.Status)
	require.Contains(t, facts.Failed.CSP, "default-src 'none'")
	for name, size := range facts.Sizes {
		require.False(t, size.Overflow, "%s is wider than the screen", name)
		require.Contains(t, size.Font, "system-ui", name)
	}
	require.Contains(t, facts.Who, "looks@acme.example")
	require.Contains(t, facts.Pages["failed"], "sign_in_failed")
	require.Contains(t, facts.Pages["closed"], "This account is suspended.")
	require.Contains(t, facts.Pages["alone"], "You belong to no account yet")
	require.NotContains(t, facts.Pages["in"]+facts.Pages["closed"]+facts.Pages["alone"], "Operations", "which is for operators")
}

// golden compares with a file, or writes it.
func golden(t *testing.T, file string, got json.RawMessage) {
	t.Helper()
	var v any
	require.NoError(t, json.Unmarshal(got, &v))
	text, err := json.MarshalIndent(v, "", "  ")
	require.NoError(t, err)
	if *update {
		require.NoError(t, os.WriteFile(file, append(text, '\n'), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), string(text)+"\n")
}

var printedLink = regexp.MustCompile(`http://\S+/auth/local/\S+`)

// A server of the environment local prints a link that lets one browser in,
// once.
func TestBrowser_Printed(t *testing.T) {
	t.Parallel()
	harness.InstallNode(t, nodeFolder)
	harness.BuildWeb(t)
	site := harness.NewSite(t, harness.NewSQLite(t), harness.Options{Variables: map[string]string{"ARCHIBOT_ENVIRONMENT": "local"}})
	replica := site.Start(t)
	link := ""
	harness.Eventually(t, time.Minute, "a link is printed", func() error {
		if link = printedLink.FindString(replica.Log(t)); link == "" {
			return os.ErrNotExist
		}
		return nil
	})
	var facts struct {
		Before, First, Again, Stolen visit
		Name                         string
		API                          []string
		Cookies                      []struct {
			Name, SameSite   string
			HTTPOnly, Secure bool
		}
		Still, Thief int
	}
	r := play(t, "printed", map[string]any{"site": replica.Root, "link": link, "resolve": "", "spki": ""}, nil, &facts)
	require.Empty(t, append(r.Violations, r.Console...))
	require.Equal(t, http.StatusOK, facts.First.Status)
	require.Equal(t, "/chat", facts.First.Path, "the link does not stay in the address")
	require.NotEmpty(t, facts.Name)
	require.Empty(t, facts.API, "the owner of the machine may all")
	require.Len(t, facts.Cookies, 1)
	require.True(t, facts.Cookies[0].HTTPOnly && facts.Cookies[0].SameSite == "Lax")
	for name, v := range map[string]visit{"again": facts.Again, "in another browser": facts.Stolen} {
		require.Equal(t, http.StatusUnauthorized, v.Status, name)
		require.Contains(t, v.Text, "sign_in_failed", name)
	}
	require.Equal(t, http.StatusOK, facts.Still)
	require.Zero(t, facts.Thief)
}
