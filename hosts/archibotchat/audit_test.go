package main

import (
	"database/sql"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

func TestRun_Audit(t *testing.T) { // U5
	t.Parallel()
	p := local(t)
	account := p.json(t, "admin", "account", "create", "--name", "Acme", "--credits", "1")["id"].(string)
	_, errs, code := p.run(t, "audit", "checkpoint")
	require.Equal(t, 1, code)
	require.Contains(t, errs, "No event was sealed yet")
	_, errs, code = p.run(t, "audit", "verify")
	require.Equal(t, 1, code)
	require.Contains(t, errs, "name its key with --key", "nothing has a key here yet")

	out, errs, code := p.run(t, "audit", "seal")
	require.Zero(t, code, errs)
	require.Equal(t, "sealed: 2, leaves: 2\n", out)
	kept, errs, code := p.run(t, "audit", "checkpoint")
	require.Zero(t, code, errs)
	require.Regexp(t, `^archibotchat/local\n2\n[^\n]+\ntime [^\n]+Z\n\n— archibotchat/local \S+\n$`, kept)
	file := filepath.Join(t.TempDir(), "kept")
	require.NoError(t, os.WriteFile(file, []byte(kept), 0o600))

	p.json(t, "admin", "credits", "grant", account, "--credits", "1", "--reason", "goodwill")
	out, errs, code = p.run(t, "audit", "verify", "--since", file)
	require.Zero(t, code, errs)
	require.Regexp(t, `^leaves: 2, signed: 2, checkpoints: 1, accounts: 1, OK\nnot sealed yet: 1, the oldest for \d+s\n$`, out)
	require.EqualValues(t, 1, p.json(t, "audit", "seal")["sealed"])
	proved := p.json(t, "audit", "verify")
	require.Equal(t, true, proved["ok"])
	require.EqualValues(t, 3, proved["signed"])
	require.Empty(t, proved["findings"])

	key := p.json(t, "audit", "key", "--name", "other")
	out, _, code = p.run(t, "audit", "verify", "--key", key["verifier"].(string))
	require.Equal(t, 1, code)
	require.Contains(t, out, "the checkpoints over 2 to 3 leaves are not signed by a known key\n")
	_, errs, code = p.run(t, "audit", "verify", "--key", key["verifier"].(string), "--since", file)
	require.Equal(t, 1, code)
	require.Contains(t, errs, "not signed by a key that is known")

	db, err := sql.Open("sqlite", "file:"+filepath.Join(p["ARCHIBOT_DATA"], "archibotchat.db"))
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	for _, statement := range []string{"DROP TRIGGER events_no_update", "UPDATE events SET reason = 'none' WHERE reason = 'goodwill'"} {
		_, err := db.ExecContext(t.Context(), statement)
		require.NoError(t, err)
	}
	out, errs, code = p.run(t, "audit", "verify")
	require.Equal(t, 1, code)
	require.Empty(t, errs)
	require.Regexp(t, `^leaf 2 event evt_\S+ account `+account+`: the event is not what was sealed\nleaves: 3, signed: 3, checkpoints: 2, accounts: 1, FINDINGS: 1\n$`, out)
	out, _, code = p.run(t, "audit", "verify", "--json")
	require.Equal(t, 1, code)
	require.Contains(t, out, `"leaf": 2,`)
}
