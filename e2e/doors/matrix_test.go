//go:build e2e

package doors_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/system"
	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/e2e/harness"
	"github.com/archibot/archibotchat/ports/store"
)

// grant is what an account with credits has.
const grant = 50 * harness.Credit

// Every combination of product groups, user's groups, areas, billing state,
// account state and credits, at every door: open where the list says so,
// closed everywhere else, with the reason; and what is refused costs nothing
// and reaches nobody (issue "Doors"; A4, G1 to G5).
func TestMatrix(t *testing.T) {
	harness.Each(t, func(t *testing.T, db harness.Database) {
		site := harness.NewSite(t, db, harness.Options{})
		town := settle(t, site.Desk(t))
		t.Logf("%d people of %d accounts", len(town), len(town)/len(users))
		seen := &sightings{}
		for _, offered := range areas {
			server := site.StartWith(t, map[string]string{"ARCHIBOT_AREAS": offered})
			harness.Parallel(len(town), 24, func(i int) {
				r := town[i]
				r.areas = offered
				seen.visit(t, server.Root, r)
			})
			server.Stop(t)
			require.False(t, t.Failed())
		}
		seen.audit(t, site, len(town))
	})
}

// resident is a person in a state.
type resident struct {
	harness.Person
	state
}

// settle makes an account for each state that an account can be in, and in it
// a person for each that a user can be in.
func settle(t *testing.T, desk *harness.Desk) []resident {
	t.Helper()
	var town []resident
	var people []harness.NewPerson
	for _, g := range slices.Sorted(maps.Keys(groupSets)) {
		for _, b := range billings {
			for _, s := range statuses {
				for _, rich := range []bool{true, false} {
					account := found(t, desk, state{groups: g, billing: b, status: s, credits: rich})
					for _, u := range slices.Sorted(maps.Keys(users)) {
						people = append(people, harness.NewPerson{Account: account, Rule: users[u].rule, Groups: access.NewGroups(users[u].groups...)})
						town = append(town, resident{state: state{groups: g, user: u, billing: b, status: s, credits: rich}})
					}
				}
			}
		}
	}
	for i := 0; i < len(people); i += 200 {
		for j, p := range desk.People(t, people[i:min(i+200, len(people))]...) {
			town[i+j].Person = p
		}
	}
	return town
}

// found makes an account in a state, past the use cases: no operator can set
// what no release knows.
func found(t *testing.T, desk *harness.Desk, s state) string {
	t.Helper()
	now := system.Now()
	a := store.Account{
		Account: access.Account{
			ID: desk.NewID("acct"), Name: "Doors", Status: s.status, Groups: access.NewGroups(groupSets[s.groups]...), CreatedAt: now, UpdatedAt: now,
		},
		Billing: s.billing,
	}
	require.NoError(t, desk.Store.Accounts().Create(t.Context(), a))
	if s.credits {
		out, err := desk.Store.Commit(t.Context(), store.Replica{}, []ledger.Op{{
			Kind: ledger.OpGrant, Account: a.ID, Amount: grant, Lot: desk.NewID("lot"), Source: ledger.SourceOperator, Reason: "e2e",
			Request: desk.NewID("req"), Actor: "e2e", ActorKind: "operator",
		}})
		require.NoError(t, err)
		require.NoError(t, out[0].Err)
	}
	return a.ID
}

// sightings are what was let through.
type sightings struct {
	mu      sync.Mutex
	debited map[string]bool // request IDs of completions
	keys    int
	doors   int // how often a door was looked at
	open    int // how often it was open
}

// visit stands before each door.
func (s *sightings) visit(t *testing.T, root string, r resident) {
	look := func(door string, list open, a ask, good int) (answer, bool) {
		got, reasons := a.at(t, root), list.reasons(r.state)
		status, code := expected(a, reasons, good)
		if got.err != nil || got.status != status || got.code() != code || got.request == "" {
			t.Errorf("%s in %+v: %d %q instead of %d %q: %v %s", door, r.state, got.status, got.code(), status, code, got.err, got.body)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.doors++
		if got.status == good {
			s.open++
		}
		return got, got.status == good
	}
	look("models", apiForFree, models(r.Person), http.StatusOK)
	if got, let := look("completions", apiArea, complete(r.Person), http.StatusOK); let {
		s.mu.Lock()
		if s.debited == nil {
			s.debited = map[string]bool{}
		}
		s.debited[got.request] = true
		s.mu.Unlock()
	}
	if _, let := look("new key", apiArea, newKey(r.Person), http.StatusCreated); let {
		s.mu.Lock()
		s.keys++
		s.mu.Unlock()
	}
	explain(t, me(r.Person).at(t, root), r)
}

// expected returns the status and the code that DECISIONS gives for the first
// of the reasons.
func expected(a ask, reasons []string, good int) (status int, code string) {
	if len(reasons) == 0 {
		return good, ""
	}
	v1 := a.key != ""
	switch first := reasons[0]; {
	case first == "account_closed" && v1:
		return http.StatusUnauthorized, "invalid_api_key"
	case first == "account_closed":
		return http.StatusUnauthorized, "not_signed_in"
	case first == "credits_exhausted" && v1:
		return http.StatusTooManyRequests, "insufficient_quota"
	case first == "credits_exhausted":
		return http.StatusPaymentRequired, first
	default:
		return http.StatusForbidden, first
	}
}

// explain looks at what /api/me says of each area: the UI shows no more than
// that, the chat included, which has no other door yet.
func explain(t *testing.T, got answer, r resident) {
	if r.status == access.StatusClosed {
		if got.status != http.StatusUnauthorized {
			t.Errorf("/api/me in %+v: %d %s", r.state, got.status, got.body)
		}
		return
	}
	var told struct {
		Areas []struct {
			Area    string
			Allowed bool
			Reasons []struct {
				Code, Message string
				NextStep      string `json:"next_step"`
			}
		}
	}
	if err := json.Unmarshal([]byte(got.body), &told); err != nil || got.status != http.StatusOK {
		t.Errorf("/api/me in %+v: %d %v %s", r.state, got.status, err, got.body)
		return
	}
	said := map[string]string{}
	for _, a := range told.Areas {
		codes := []string{}
		for _, reason := range a.Reasons {
			codes = append(codes, reason.Code)
			if reason.Message == "" || reason.NextStep == "" {
				t.Errorf("/api/me in %+v: %s says too little: %s", r.state, reason.Code, got.body)
			}
		}
		said[a.Area] = fmt.Sprint(a.Allowed, codes)
	}
	for area, list := range map[string]open{"chat": chatArea, "api": apiArea} {
		if want := fmt.Sprint(list.lets(r.state), list.reasons(r.state)); said[area] != want {
			t.Errorf("/api/me in %+v: %s is %s instead of %s", r.state, area, said[area], want)
		}
	}
}

// audit holds the books against what was let through.
func (s *sightings) audit(t *testing.T, site *harness.Site, people int) {
	t.Helper()
	t.Logf("%d looks at doors, %d of them open", s.doors, s.open)
	rows := site.Database.Open(t)
	debits := harness.Debits(t, rows)
	require.Len(t, debits, len(s.debited), "what is refused is not debited")
	for request := range s.debited {
		require.EqualValues(t, 1, debits[request].Entries, request)
	}
	require.EqualValues(t, len(s.debited), site.Upstream.Stats(t).Requests, "and reaches no upstream")
	require.EqualValues(t, len(s.debited), harness.Count(t, rows, "holds", ""), "and holds nothing")
	require.EqualValues(t, people+s.keys, harness.Count(t, rows, "api_keys", ""), "and makes no key")
	require.NotZero(t, s.debited)
	require.NotZero(t, s.keys)
	site.Verify(t)
}
