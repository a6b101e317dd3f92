//go:build engines

package main

import (
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/e2e/engine/localpg"
)

func TestMain(m *testing.M) { localpg.Main(m) }

func TestServe_Postgres(t *testing.T) {
	t.Parallel()
	p := hosted(t).with(map[string]string{"ARCHIBOT_DATABASE_URL": localpg.URL(t)})

	for _, args := range [][]string{{"serve"}, {"admin", "account", "list"}, {"ledger", "verify"}} {
		_, errs, code := p.run(t, args...)
		require.Equal(t, 1, code, args)
		require.Contains(t, errs, "Run archibotchat migrate, or start with serve --migrate.", args)
	}
	first, second := p.serve(t, "--migrate"), p.serve(t)

	account := p.json(t, "admin", "account", "create", "--name", "Acme", "--groups", "api", "--billing", "operator_approved", "--credits", "1")["id"].(string)
	key := p.json(t, "admin", "key", "create", "--account", account, "--name", "ci")
	for _, s := range []*running{first, second} {
		code, body, _ := s.get(t, "/v1/models", "Authorization", "Bearer "+key["key"].(string))
		require.Equal(t, http.StatusOK, code, body)
		require.Contains(t, body, `"id":"m"`)
	}
	p.json(t, "admin", "key", "revoke", key["id"].(string))
	for _, s := range []*running{first, second} { // K5: in force everywhere within a second
		require.Eventually(t, func() bool {
			code, _, _ := s.get(t, "/v1/models", "Authorization", "Bearer "+key["key"].(string))
			return code == http.StatusUnauthorized
		}, 5*time.Second, 10*time.Millisecond)
	}
	out, errs, code := p.run(t, "ledger", "verify")
	require.Zero(t, code, errs)
	require.Equal(t, "accounts: 1, entries: 1, OK\n", out)

	_, errs, code = local(t).with(map[string]string{"ARCHIBOT_DATABASE_URL": p["ARCHIBOT_DATABASE_URL"]}).run(t, "serve")
	require.Equal(t, 1, code)
	require.Contains(t, errs, "belongs to another environment")

	require.Zero(t, first.end())
	require.Zero(t, second.end())
	for _, s := range []*running{first, second} {
		require.NotRegexp(t, "canary|abk_", s.errs.String())
	}

	_, errs, code = p.with(map[string]string{"ARCHIBOT_DATABASE_URL": "postgres://u:canary-password@127.0.0.1:9/x?connect_timeout=2"}).run(t, "admin", "account", "list")
	require.Equal(t, 1, code)
	require.Contains(t, errs, "Check ARCHIBOT_DATABASE_URL and that the database runs.")
	require.NotContains(t, errs, "canary")
}

// Servers that are replaced one by one, so that two configurations serve at a
// time, rotate a pepper in three steps without refusing a key: the new one is
// known everywhere before it is the current one anywhere, and the old one goes
// when no key is under it.
func TestServe_PepperRotationOfSeveralServers(t *testing.T) {
	t.Parallel()
	p := hosted(t).with(map[string]string{"ARCHIBOT_DATABASE_URL": localpg.URL(t)})
	with := func(peppers string) place { return p.with(map[string]string{"ARCHIBOT_PEPPERS": peppers}) }
	old := with(pepperV1).serve(t, "--migrate")
	account := p.json(t, "admin", "account", "create", "--name", "Acme", "--groups", "api", "--billing", "operator_approved")["id"].(string)
	key := p.json(t, "admin", "key", "create", "--account", account, "--name", "ci")["key"].(string)
	for _, peppers := range []string{pepperV1 + "," + pepperV2, pepperV2 + "," + pepperV1, pepperV2} {
		next := with(peppers).serve(t)
		for range 50 {
			for _, s := range []*running{old, next} {
				require.Equal(t, http.StatusOK, s.models(t, key), peppers)
			}
		}
		require.Zero(t, old.end())
		old = next
		if peppers == pepperV2+","+pepperV1 {
			require.Eventually(t, func() bool {
				require.Equal(t, http.StatusOK, old.models(t, key))
				return p.underPeppers(t)["v1"] == 0
			}, 90*time.Second, 20*time.Millisecond)
		}
	}
	require.Zero(t, old.end())
}

func TestRun_AdminBackup_Postgres(t *testing.T) {
	t.Parallel()
	p := local(t).with(map[string]string{"ARCHIBOT_DATABASE_URL": localpg.URL(t)})
	_, errs, code := p.run(t, "admin", "backup", "--to", filepath.Join(t.TempDir(), "copy"))
	require.Equal(t, 1, code)
	require.Contains(t, errs, "pg_dump")
}
