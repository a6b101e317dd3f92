//go:build e2e

package doors_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/system"
	"github.com/archibot/archibotchat/e2e/harness"
	"github.com/archibot/archibotchat/ports/store"
)

// A new version of the data boundary shuts chat and API to whoever has only
// acknowledged the one before, on every server that asks for it, and they open
// everywhere within a second of the new one's acknowledgement (A8, G7).
func TestBoundary_raised(t *testing.T) {
	t.Parallel()
	text := filepath.Join(t.TempDir(), "boundary.md")
	require.NoError(t, os.WriteFile(text, []byte("Where data goes."), 0o600))
	site := harness.NewSite(t, harness.NewPostgres(t), harness.Options{Variables: map[string]string{
		"ARCHIBOT_BOUNDARY": "required", "ARCHIBOT_BOUNDARY_TEXT": text, "ARCHIBOT_BOUNDARY_VERSION": boundaryBefore,
	}})
	desk := site.Desk(t)
	p := home(t, site, desk)
	before := site.Start(t)
	acknowledge(t, desk, p, boundaryBefore)
	harness.Eventually(t, forceTime, "what was acknowledged opens", opens(t, before, p))

	raised := map[string]string{"ARCHIBOT_BOUNDARY_VERSION": boundaryNow}
	servers := []*harness.Replica{site.StartWith(t, raised), site.StartWith(t, raised)}
	for _, s := range servers {
		for name, a := range map[string]ask{"completions": complete(p), "models": models(p), "new key": newKey(p)} {
			got := a.at(t, s.Root)
			require.Equal(t, http.StatusForbidden, got.status, "%s: %s", name, got.body)
			require.Equal(t, "boundary_unacknowledged", got.code(), name)
		}
	}
	require.NoError(t, opens(t, before, p)(), "a server that is yet to be replaced asks for the one before")

	acknowledge(t, desk, p, boundaryNow)
	acknowledged := time.Now()
	for i, s := range servers {
		harness.Eventually(t, forceTime, "the new one opens", opens(t, s, p))
		t.Logf("server %d opened %v after the acknowledgement", i+1, time.Since(acknowledged))
	}
	require.Len(t, harness.Debits(t, site.Database.Open(t)), len(servers)+2, "what was refused is not debited")
	site.Verify(t)
}

// opens returns a look at whether a completion goes through.
func opens(t *testing.T, s *harness.Replica, p harness.Person) func() error {
	return func() error {
		if got := complete(p).at(t, s.Root); got.err != nil || got.status != http.StatusOK {
			return fmt.Errorf("%d %w %s", got.status, got.err, got.body)
		}
		return nil
	}
}

func acknowledge(t *testing.T, desk *harness.Desk, p harness.Person, version string) {
	t.Helper()
	_, err := desk.Store.Setups().Acknowledge(t.Context(), store.Acknowledgement{
		Account: p.Account, Environment: "hosted", Version: version, User: p.User, At: system.Now(),
	})
	require.NoError(t, err)
}
