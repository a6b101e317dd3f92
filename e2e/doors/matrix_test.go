//go:build e2e

package doors_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/e2e/harness"
)

// Every combination of product groups, user's groups, areas, billing state,
// account state, boundary and credits, at every door: open where the list says
// so, closed everywhere else, with the reason; and what is refused costs
// nothing and reaches nobody (issue "Doors"; A4, A8, G1 to G5).
//
// Who has acknowledged a boundary goes where none is asked for to one server
// only: it makes no difference there, and one look at each says so.
func TestMatrix(t *testing.T) {
	harness.Each(t, func(t *testing.T, db harness.Database) {
		text := filepath.Join(t.TempDir(), "boundary.md")
		require.NoError(t, os.WriteFile(text, []byte("Where data goes."), 0o600))
		site := harness.NewSite(t, db, harness.Options{Variables: map[string]string{"ARCHIBOT_BOUNDARY_VERSION": boundaryNow, "ARCHIBOT_BOUNDARY_TEXT": text}})
		town := settle(t, site.Desk(t))
		t.Logf("%d people of %d accounts", len(town), len(town)/len(users))
		seen := &sightings{}
		for i, e := range environments {
			rule := "not-required"
			if e.boundary {
				rule = "required"
			}
			server := site.StartWith(t, map[string]string{"ARCHIBOT_AREAS": e.areas, "ARCHIBOT_BOUNDARY": rule})
			harness.Parallel(len(town), 24, func(n int) {
				if r := town[n]; i == 0 || e.boundary || r.acknowledged == "" {
					r.areas, r.boundary = e.areas, e.stands(r.acknowledged)
					seen.visit(t, server.Root, r)
				}
			})
			server.Stop(t)
			require.False(t, t.Failed())
		}
		seen.audit(t, site, len(town))
	})
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
				Code, Sentence string
				NextStep       string `json:"next_step"`
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
			if reason.Sentence == "" || reason.NextStep == "" {
				t.Errorf("/api/me in %+v: %s says too little: %s", r.state, reason.Code, got.body)
			}
		}
		said[a.Area] = fmt.Sprint(a.Allowed, codes)
	}
	// Nobody here is an operator, whatever their account is, and no server offers
	// the area.
	if want := "false [no_product_group area_disabled]"; said["operator"] != want {
		t.Errorf("/api/me in %+v: operator is %s instead of %s", r.state, said["operator"], want)
	}
	for area, list := range map[string]open{"chat": chatArea, "api": apiArea, "workspace": workspaceArea} {
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
