//go:build e2e

package crash_test

import (
	"math/rand/v2"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/e2e/engine/localpg"
	"github.com/archibot/archibotchat/e2e/harness"
)

// PostgreSQL crashes under two servers, and now and then one of them with it.
func TestCrash_Restarts(t *testing.T) {
	dir, err := os.MkdirTemp("", "archibotchat-crash-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o755))
	cluster, err := localpg.Start(dir)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, cluster.Stop(false)) })

	db := harness.Database{Kind: harness.Postgres, URL: cluster.URL("postgres")}
	site := harness.NewSite(t, db, harness.Options{})
	account := site.Account(t, harness.NewAccount{Credits: grant})
	key := site.Key(t, account.ID).Key
	steady, victim := site.Start(t), site.Start(t)
	one := startLoad(t, harness.NewClient(steady.BaseURL(), key), workers/2, varied, stays)
	two := startLoad(t, harness.NewClient(victim.BaseURL(), key), workers/2, varied)
	killed := 0
	for n := range *restarts {
		one.awaitMore(t, 10+rand.IntN(40))
		two.awaitMore(t, 1)
		require.NoError(t, cluster.Stop(true))
		dies := n%2 == 1
		if dies {
			victim.Kill()
			killed++
		}
		cluster, err = localpg.Start(dir)
		require.NoError(t, err)
		if dies {
			victim = site.Start(t)
			two.retarget(harness.NewClient(victim.BaseURL(), key))
		}
	}
	one.awaitMore(t, workers)
	two.awaitMore(t, workers)
	acknowledged := one.stop(t, 0)
	for request, cost := range two.stop(t, killed) {
		acknowledged[request] = cost
	}
	rows := db.Open(t)
	awaitResolved(t, rows, nil)
	audit(t, site, rows, account.ID, acknowledged)
	steady.Stop(t)
	victim.Stop(t)
	audit(t, site, rows, account.ID, acknowledged)
}
