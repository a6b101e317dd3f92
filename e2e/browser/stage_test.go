//go:build e2e

package browser_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/e2e/harness"
)

// The models of a stage; "tok" and what follows it are the harness's.
const stagePrices = `prices:
  - effective: 2020-01-01T00:00:00Z
    models:
      - {id: "atlas-large", per_request: 3, per_input_token: 2.25, per_cached_input_token: 0.5, per_output_token: 7, max_output_tokens: 4096}
      - {id: "atlas-mini", per_request: 1, per_input_token: 0.25, per_cached_input_token: 0.05, per_output_token: 1, max_output_tokens: 4096}
      - {id: "tok*", per_request: 3, per_input_token: 2.25, per_cached_input_token: 0.5, per_output_token: 7, max_output_tokens: 4096}
`

// stage is a site of one server or several, the proxy before them, and a model
// that says what it is told to, when it is told to.
type stage struct {
	site     *harness.Site
	replicas []*harness.Replica
	desk     *harness.Desk
	db       *sql.DB
	front    *front
}

// newStage starts everything.
func newStage(t *testing.T, db harness.Database, servers int, variables map[string]string) *stage {
	t.Helper()
	harness.InstallNode(t, nodeFolder)
	harness.BuildWeb(t)
	s := &stage{front: newFront(t)}
	all := map[string]string{
		"ARCHIBOT_PUBLIC_URL": "https://" + host, "ARCHIBOT_TRUSTED_PROXIES": "127.0.0.1/32", "ARCHIBOT_UPSTREAM_TIMEOUT": "3s",
	}
	maps.Copy(all, variables)
	s.site = harness.NewSite(t, db, harness.Options{Variables: all, Record: 1000})
	s.site.WritePriceFile(t, stagePrices)
	s.desk, s.db = s.site.Desk(t), db.Open(t)
	var roots []string
	for range servers {
		r := s.site.Start(t)
		s.replicas = append(s.replicas, r)
		roots = append(roots, r.Root)
	}
	s.front.lead(t, roots...)
	return s
}

// player is who a story is about: somebody who is signed in, in an account of
// their own.
type player struct {
	harness.Person
	account string
}

// player makes one.
func (s *stage) player(t *testing.T, name string, credits int64, role access.Role) player {
	t.Helper()
	account := s.site.Account(t, harness.NewAccount{Name: name, Credits: credits}).ID
	return player{s.desk.Person(t, harness.NewPerson{Account: account, Role: role}), account}
}

// given is what a story gets, with p signed in.
func (s *stage) given(t *testing.T, p player, more map[string]any) map[string]any {
	t.Helper()
	name, value, _ := strings.Cut(p.Cookie, "=")
	given := map[string]any{
		"site": "https://" + host, "resolve": "MAP " + host + " " + s.front.address, "spki": s.front.spki, "shots": shots(t),
		"cookie": map[string]string{"name": name, "value": value}, "user": p.User,
	}
	maps.Copy(given, more)
	return given
}

// hands are what every story may ask of the stage.
func (s *stage) hands(p player, more answers) answers {
	all := answers{
		"teach": quietly(func(t *testing.T, with json.RawMessage) {
			l := into[struct{ Question, Answer, Script string }](t, with)
			s.site.Upstream.Teach(t, l.Question, l.Answer, l.Script)
		}),
		"admit": quietly(func(t *testing.T, with json.RawMessage) {
			a := into[struct{ Gate, Passes int }](t, with)
			s.site.Upstream.Admit(t, a.Gate, a.Passes)
		}),
		"play": quietly(func(t *testing.T, with json.RawMessage) {
			s.site.Upstream.Play(t, into[struct{ Script string }](t, with).Script)
		}),
		"ledger": func(t *testing.T, _ json.RawMessage) any { return s.books(t, p.account) },
		"settled": func(t *testing.T, _ json.RawMessage) any {
			harness.AwaitNoHolds(t, s.db, time.Minute)
			return s.books(t, p.account)
		},
		"requests": func(t *testing.T, _ json.RawMessage) any { return s.site.Upstream.Stats(t).Requests },
	}
	maps.Copy(all, more)
	return all
}

// books are what the ledger knows of an account.
type books struct {
	Available int64 `json:"available"`
	Held      int64 `json:"held"`
	Debits    int64 `json:"debits"` // entries
	Entries   int64 `json:"entries"`
	Holds     int64 `json:"holds"` // open ones
}

func (s *stage) books(t *testing.T, account string) books {
	t.Helper()
	a := s.site.Show(t, account)
	return books{
		Available: a.Credits.Available, Held: a.Credits.Held,
		Debits:  harness.Count(t, s.db, "all_entries", "account_id = $1 AND kind = 'debit'", account),
		Entries: harness.Count(t, s.db, "all_entries", "account_id = $1", account),
		Holds:   harness.Count(t, s.db, "holds", "account_id = $1 AND state = 'open'", account),
	}
}

// count requires that a table comes to have so many rows with what is true of
// them. What a page shows, or a server answers, may be there a moment before.
func count(t *testing.T, db *sql.DB, want int64, table, where string, args ...any) {
	t.Helper()
	harness.Eventually(t, time.Minute, fmt.Sprintf("%d of %s where %s %v", want, table, where, args), func() error {
		if got := harness.Count(t, db, table, where, args...); got != want {
			return fmt.Errorf("%d are", got)
		}
		return nil
	})
}

// told requires that events of such kinds tell of a player's chat.
func (s *stage) told(t *testing.T, p player, kinds ...string) {
	t.Helper()
	for _, kind := range kinds {
		harness.Eventually(t, time.Minute, "an event of kind "+kind, func() error {
			if harness.Count(t, s.db, "all_events", "account_id = $1 AND kind = $2", p.account, "chat."+kind) == 0 {
				return errNotYet
			}
			return nil
		})
	}
}

// play runs a story of a player on the stage and requires what is true of all:
// no page broke its policy or its manners, nothing went elsewhere, axe had
// nothing to object to.
func (s *stage) play(t *testing.T, story string, p player, given map[string]any, a answers, facts any) report {
	t.Helper()
	r := play(t, story, s.given(t, p, given), s.hands(p, a), facts)
	r.clean(t)
	return r
}

// clean requires what is true of every page.
func (r report) clean(t *testing.T) {
	t.Helper()
	require.Empty(t, r.Violations, "of the content security policy")
	require.Empty(t, r.Console)
	require.Empty(t, r.Foreign, "addresses elsewhere that were asked for")
	require.Empty(t, r.Dialogs)
	require.Empty(t, r.Axe, "what axe objects to")
}
