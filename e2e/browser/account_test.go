//go:build e2e

package browser_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/gates"
	"github.com/archibot/archibotchat/e2e/harness"
)

// A7, A8 and G2, as an administrator has them in a browser.
func TestAccount(t *testing.T) {
	t.Parallel()
	text := filepath.Join(t.TempDir(), "boundary.md")
	require.NoError(t, os.WriteFile(text, []byte("# Where data goes\n\nData stays in this house."), 0o600))
	boundary := map[string]string{"ARCHIBOT_BOUNDARY": "required", "ARCHIBOT_BOUNDARY_VERSION": "v1", "ARCHIBOT_BOUNDARY_TEXT": text}
	s := newStage(t, harness.NewSQLite(t), 1, boundary)
	t.Run("members", func(t *testing.T) { members(t, s) })
	t.Run("setup", func(t *testing.T) { setup(t, s, text) })
	s.site.VerifyAudit(t)
}

// colleague is another member of a player's account, as a story gets them.
func (s *stage) colleague(t *testing.T, p player) (harness.Person, map[string]any) {
	t.Helper()
	other := s.desk.Person(t, harness.NewPerson{Account: p.account})
	return other, map[string]any{"user": other.User, "cookie": cookieOf(other)}
}

// events requires that so many events of a kind tell of an account.
func (s *stage) events(t *testing.T, account, kind string, want int64) {
	t.Helper()
	count(t, s.db, want, "all_events", "account_id = $1 AND kind = $2", account, kind)
}

// members: who belongs to an account, and what they may.
func members(t *testing.T, s *stage) {
	p := s.player(t, "Members", 100*harness.Credit, access.RoleAdmin)
	other, given := s.colleague(t, p)
	type invitation struct{ Email, Role, State string }
	type limit struct {
		Of                string
		Theirs            bool
		Monthly, Requests int64
	}
	var facts struct {
		Copied, Shown, Removed bool
		Link, Last, Role       string
		Invited                []invitation
		Withdrawn              []string
		Limits                 []limit
		May, Before, After     int
		Sizes                  sizes
	}
	s.play(t, "members", p, map[string]any{"other": given}, nil, &facts)
	facts.Sizes.fit(t)
	require.Equal(t, []invitation{{"Pat@Example.org", "admin", "open"}}, facts.Invited)
	require.Equal(t, "https://"+host+"/invitation#", facts.Link)
	require.True(t, facts.Copied, "the link is on the clipboard")
	require.False(t, facts.Shown, "and not on the page any more")
	require.Equal(t, []string{"revoked"}, facts.Withdrawn)
	require.Contains(t, facts.Last, "only administrator")
	require.Equal(t, "admin", facts.Role)
	require.Equal(t, 200, facts.May, "who is made administrator may what they may")
	require.Equal(t, []limit{{"member", true, 12_500_000, 30}}, facts.Limits)
	require.Equal(t, []int{200, 401}, []int{facts.Before, facts.After}, "who is removed is out at once")
	require.True(t, facts.Removed)
	count(t, s.db, 0, "api_keys", "user_id = $1 AND revoked_at = 0", other.User) // and so are their keys
	for _, kind := range []string{"invitation.created", "invitation.revoked", "member.changed", "limit.set", "member.removed"} {
		s.events(t, p.account, kind, 1)
	}
}

// setup: what an account settles, and the data boundary in three versions.
func setup(t *testing.T, s *stage, text string) {
	p := s.player(t, "Setup", 100*harness.Credit, access.RoleAdmin)
	_, given := s.colleague(t, p)
	type boundary struct {
		Version      string
		Acknowledged bool
	}
	var facts struct {
		Refused     int
		Shut, Again []string
		Stale       bool
		Given       boundary
		Saved       struct{ Use, Notifications, Files string }
		German      string
		Last        string
		Sizes       sizes
	}
	s.play(t, "setup", p, map[string]any{"other": given}, answers{
		"version": quietly(func(t *testing.T, with json.RawMessage) {
			v := into[struct{ Version, Text string }](t, with)
			require.NoError(t, os.WriteFile(text, []byte(v.Text), 0o600))
			s.replicas[0].Stop(t)
			s.replicas[0] = s.site.StartWith(t, map[string]string{"ARCHIBOT_BOUNDARY_VERSION": v.Version})
			s.front.lead(t, s.replicas[0].Root)
		}),
	}, &facts)
	facts.Sizes.fit(t)
	require.Equal(t, 403, facts.Refused, "who is no administrator acknowledges nothing")
	require.Equal(t, []string{"boundary_unacknowledged"}, facts.Shut)
	require.False(t, facts.Stale, "what was not read is not acknowledged")
	require.Equal(t, boundary{"v2", true}, facts.Given)
	require.Equal(t, "Answers for our visitors, in three languages.", facts.Saved.Use)
	require.Equal(t, []string{"essential", "metadata"}, []string{facts.Saved.Notifications, facts.Saved.Files})
	require.Equal(t, facts.Shut, facts.Again, "a new version shuts the chat again")
	require.Contains(t, facts.German, "Die Datengrenze wurde noch nicht bestätigt.", "whoever reads German is told in German")
	require.NotContains(t, facts.German, gates.BoundaryUnacknowledged.NextStep())
	require.Equal(t, "v3", facts.Last)
	s.events(t, p.account, "boundary.acknowledged", 2)
	s.events(t, p.account, "setup.changed", 1)
}
