//go:build e2e

package browser_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/e2e/harness"
)

// Every page, dialog and opened menu, on two screens and in two themes: axe
// objects to none, none is wider than its screen, all keep to their policy. The
// pictures are for people to look at.
func TestPages(t *testing.T) {
	t.Parallel()
	s := newStage(t, harness.NewSQLite(t), 1, nil)
	p := s.player(t, "Example <Ltd>", 1000*harness.Credit, access.RoleAdmin)

	t.Run("pages", func(t *testing.T) {
		operator := s.desk.Person(t, harness.NewPerson{Account: p.account, Rule: "required", Groups: access.NewGroups(access.GroupOperator), Staff: true})
		var facts struct {
			Made  bool
			Sizes sizes
		}
		r := s.play(t, "pages", p, map[string]any{"operator": cookieOf(operator)}, nil, &facts)
		require.Greater(t, len(r.SeenByAxe), 70)
		facts.Sizes.fit(t)
	})

	t.Run("menus", func(t *testing.T) {
		var facts struct {
			Sizes   sizes
			Planted []string
		}
		r := s.play(t, "menus", p, map[string]any{"thread": s.thread(t, p, "The tide", 4)}, nil, &facts)
		require.Greater(t, len(r.SeenByAxe), 30)
		facts.Sizes.fit(t)
		require.Contains(t, facts.Planted, "button-name", "axe sees what is wrong")
		require.Contains(t, facts.Planted, "color-contrast")
	})
}

// sizes are how pages stood on their screens.
type sizes map[string]struct {
	Overflow bool
	Font     string
}

// fit requires that none is wider than its screen.
func (s sizes) fit(t *testing.T) {
	t.Helper()
	for name, size := range s {
		require.False(t, size.Overflow, "%s is wider than the screen", name)
		require.Contains(t, size.Font, "system-ui", name)
	}
}
