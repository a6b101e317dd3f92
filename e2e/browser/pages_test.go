//go:build e2e

package browser_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/e2e/harness"
)

// Every page and dialog, on two screens and in two themes: axe objects to none,
// none is wider than its screen, all keep to their policy. The pictures are for
// people to look at.
func TestPages(t *testing.T) {
	s := newStage(t, harness.NewSQLite(t), 1, nil)
	p := s.player(t, "Example <Ltd>", 1000*harness.Credit, access.RoleAdmin)
	operator := s.desk.Person(t, harness.NewPerson{Account: p.account, Rule: "required", Groups: access.NewGroups(access.GroupOperator), Staff: true})
	var facts struct {
		Made  bool
		Sizes map[string]struct {
			Overflow bool
			Font     string
		}
	}
	r := s.play(t, "pages", p, map[string]any{"operator": cookieOf(operator)}, nil, &facts)
	require.Greater(t, len(r.SeenByAxe), 50)
	for name, size := range facts.Sizes {
		require.False(t, size.Overflow, "%s is wider than the screen", name)
		require.Contains(t, size.Font, "system-ui", name)
	}
}
