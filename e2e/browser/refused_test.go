//go:build e2e

package browser_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/e2e/harness"
)

var errNotYet = errors.New("not yet")

// kind is a way in which a turn is refused or fails before it says anything.
type kind struct {
	Kind   string `json:"kind"`
	Closes bool   `json:"closes"` // the whole chat, for whoever comes
	code   string
	prime  func(t *testing.T, s *stage, p player) // what happened before; nil: nothing
	shut   func(t *testing.T, s *stage, p player)
	open   func(t *testing.T, s *stage, p player)
}

var kinds = []kind{
	{
		Kind: "credits", Closes: true, code: "credits_exhausted",
		shut: func(*testing.T, *stage, player) {}, // none were granted yet
		open: func(t *testing.T, s *stage, p player) { s.site.Grant(t, p.account, 100*harness.Credit) },
	}, {
		Kind: "group", Closes: true, code: "no_product_group",
		shut: func(t *testing.T, s *stage, p player) { s.site.SetGroups(t, p.account, "api") },
		open: func(t *testing.T, s *stage, p player) { s.site.SetGroups(t, p.account, "chat,api") },
	}, {
		Kind: "suspension", Closes: true, code: "account_suspended",
		shut: func(t *testing.T, s *stage, p player) { s.site.SetStatus(t, p.account, "suspended") },
		open: func(t *testing.T, s *stage, p player) { s.site.SetStatus(t, p.account, "active") },
	}, {
		Kind: "billing", Closes: true, code: "billing_incomplete",
		shut: func(t *testing.T, s *stage, p player) { s.site.SetBilling(t, p.account, "incomplete") },
		open: func(t *testing.T, s *stage, p player) { s.site.SetBilling(t, p.account, "operator_approved") },
	}, {
		Kind: "review", Closes: true, code: "payment_review",
		shut: func(t *testing.T, s *stage, p player) { s.site.SetBilling(t, p.account, "review") },
		open: func(t *testing.T, s *stage, p player) { s.site.SetBilling(t, p.account, "operator_approved") },
	}, {
		Kind: "boundary", Closes: true, code: "boundary_unacknowledged",
		shut: func(t *testing.T, s *stage, p player) { s.acknowledge(t, p.account, "") },
		open: func(t *testing.T, s *stage, p player) { s.acknowledge(t, p.account, "v1") },
	}, {
		Kind: "budget", code: "budget_reached",
		shut: func(t *testing.T, s *stage, p player) { s.site.Limit(t, p.account, "--monthly", "0.000001") },
		open: func(t *testing.T, s *stage, p player) { s.site.Limit(t, p.account, "--monthly", "0") },
	}, {
		Kind: "rate", code: "rate_limited",
		prime: func(t *testing.T, s *stage, p player) { // the one request of the minute that begins with it
			s.site.Limit(t, p.account, "--requests", "1")
			_, err := harness.NewClient(s.replicas[0].BaseURL(), p.Key).Ask(t.Context(), harness.Shape{}, "tok")
			require.NoError(t, err)
		},
		shut: func(*testing.T, *stage, player) {},
		open: func(t *testing.T, s *stage, p player) { s.site.Limit(t, p.account, "--requests", "0") },
	}, {
		Kind: "model", code: "model_not_found", // the story asks for one that is not there
		shut: func(*testing.T, *stage, player) {}, open: func(*testing.T, *stage, player) {},
	}, {
		Kind: "refusal", code: "upstream",
		shut: func(t *testing.T, s *stage, _ player) { s.site.Upstream.Play(t, "err500") },
		open: func(t *testing.T, s *stage, _ player) { s.site.Upstream.Play(t, "") },
	}, {
		Kind: "throttling", code: "upstream",
		shut: func(t *testing.T, s *stage, _ player) { s.site.Upstream.Play(t, "err429") },
		open: func(t *testing.T, s *stage, _ player) { s.site.Upstream.Play(t, "") },
	}, {
		Kind: "silence", code: "upstream",
		shut: func(t *testing.T, s *stage, _ player) { s.site.Upstream.Play(t, "hang") },
		open: func(t *testing.T, s *stage, _ player) { s.site.Upstream.Play(t, "") },
	}, {
		Kind: "absence", code: "upstream",
		shut: func(_ *testing.T, s *stage, _ player) { s.site.Upstream.Stop() },
		open: func(t *testing.T, s *stage, _ player) { s.site.Upstream = s.site.Upstream.Again(t) },
	}, {
		Kind: "database", code: "unavailable",
		shut: func(t *testing.T, s *stage, _ player) { s.site.Database.Shut(t) },
		open: func(t *testing.T, s *stage, _ player) {
			s.site.Database.Reopen(t)
			s.db.SetMaxIdleConns(0) // those from before are dead
			harness.Eventually(t, time.Minute, "the server is ready again", func() error {
				response, err := http.Get(s.replicas[0].Root + "/readyz")
				if err != nil {
					return err
				}
				if response.Body.Close(); response.StatusCode != http.StatusOK {
					return errNotYet
				}
				return nil
			})
		},
	},
}

// acknowledge says which version of the boundary an account has acknowledged.
func (s *stage) acknowledge(t *testing.T, account, version string) {
	t.Helper()
	_, err := s.db.ExecContext(t.Context(), "UPDATE accounts SET boundary = $1 WHERE id = $2", version, account)
	require.NoError(t, err)
}

// Every refusal is shown as it is, with its request ID, and costs nothing. C3,
// G2, G5, G6, L6, L7.
func TestChat_Refused(t *testing.T) {
	t.Parallel()
	text := filepath.Join(t.TempDir(), "boundary.md")
	require.NoError(t, os.WriteFile(text, []byte("Data stays in this house."), 0o600))
	s := newStage(t, harness.NewPostgres(t), 1, map[string]string{
		"ARCHIBOT_BOUNDARY": "required", "ARCHIBOT_BOUNDARY_VERSION": "v1", "ARCHIBOT_BOUNDARY_TEXT": text,
	})
	p := s.player(t, "Refused", 0, access.RoleMember)
	s.acknowledge(t, p.account, "v1")
	byName := map[string]kind{}
	for _, k := range kinds {
		byName[k.Kind] = k
	}
	facts := map[string]json.RawMessage{}
	do := func(what func(kind) func(*testing.T, *stage, player)) func(*testing.T, json.RawMessage) any {
		return quietly(func(t *testing.T, with json.RawMessage) {
			if do := what(byName[into[struct{ Kind string }](t, with).Kind]); do != nil {
				do(t, s, p)
			}
		})
	}
	s.play(t, "refused", p, map[string]any{"kinds": kinds}, answers{
		"prime": do(func(k kind) func(*testing.T, *stage, player) { return k.prime }),
		"shut":  do(func(k kind) func(*testing.T, *stage, player) { return k.shut }),
		"open":  do(func(k kind) func(*testing.T, *stage, player) { return k.open }),
	}, &facts)
	for _, k := range kinds {
		var f struct {
			Sent                bool
			Card, Code, Blocked string
			Kept                bool
			Before, After       books
		}
		require.NoError(t, json.Unmarshal(facts[k.Kind], &f))
		require.True(t, f.Sent || f.Blocked != "", k.Kind)
		if f.Sent {
			require.Contains(t, f.Code, k.code, k.Kind)
			require.Regexp(t, `req_\w+`, f.Card, "%s: the card names the request", k.Kind)
			require.True(t, f.Kept, k.Kind)
		}
		require.Equal(t, f.Before.Debits, f.After.Debits, k.Kind)
		require.Zero(t, f.After.Holds, k.Kind)
		if k.Kind != "credits" {
			require.Equal(t, f.Before, f.After, k.Kind)
		}
	}
	s.site.Verify(t)
	s.site.VerifyAudit(t)
}
