//go:build e2e

package browser_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/e2e/harness"
)

// A turn belongs to one server, and any other one can show and stop it; what a
// server leaves behind that dies is told as it is, and settled. C3, L9.
func TestChat_Replicas(t *testing.T) {
	t.Parallel()
	s := newStage(t, harness.NewPostgres(t), 2, nil)
	p := s.player(t, "Replicas", 100*harness.Credit, access.RoleMember)
	var facts struct {
		Whole, Stopped, After books
		Card                  string
	}
	s.play(t, "replicas", p, map[string]any{"again": cookieOf(s.desk.Again(t, p.Person))}, answers{
		"kill": quietly(func(*testing.T, json.RawMessage) { s.replicas[0].Kill() }),
	}, &facts)
	require.EqualValues(t, 1, facts.Whole.Debits)
	require.EqualValues(t, 2, facts.Stopped.Debits)
	require.Regexp(t, `req_\w+`, facts.Card)
	require.LessOrEqual(t, facts.After.Debits, int64(3), "at most what it had produced")
	count(t, s.db, 1, "turns", "account_id = $1 AND state = 'failed' AND reason = 'server_lost'", p.account)
	s.site.Verify(t)
	s.site.VerifyAudit(t)
}
