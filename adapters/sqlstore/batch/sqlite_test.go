package batch_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite" // the driver

	"github.com/archibot/archibotchat/adapters/sqlstore/batch"
	"github.com/archibot/archibotchat/adapters/sqlstore/blank"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

// What a batch left behind is not read again, until another connection writes
// or a batch of the account is undone.
func TestSQLite_Knows(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "store.db")
	blank.SQLite(t, file)
	turn, err := sql.Open("sqlite", "file:"+file)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, turn.Close()) })
	turn.SetMaxOpenConns(1)
	exec := func(statement string) {
		t.Helper()
		_, err := turn.ExecContext(t.Context(), statement)
		require.NoError(t, err)
	}
	exec("INSERT INTO accounts (id, name, status, groups, billing, created_at, updated_at) VALUES ('acct_1', '', 'active', '', 'credits', 0, 0)")
	exec("INSERT INTO replicas (id, fence, lease_until, joined_at) VALUES ('rep_1', 7, 0, 0)")

	made := 0
	id := func(prefix string) string { made++; return fmt.Sprint(prefix, "_", made) }
	s := batch.NewSQLite(file, turn, id, time.Now)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	commit := func(ctx context.Context, op ledger.Op) error {
		op.Account, op.Nonce, op.Deadline = "acct_1", "n", time.Hour
		outs, err := s.Commit(ctx, store.Replica{ID: "rep_1", Fence: 7}, []ledger.Op{op})
		if err == nil {
			require.NoError(t, outs[0].Err)
		}
		return err
	}
	limits := []ledger.Limit{{Scope: "key_1", Monthly: 1000}}
	story := func() {
		t.Helper()
		first, second := id("req"), id("req")
		for _, op := range []ledger.Op{
			{Kind: ledger.OpHold, Request: first, Amount: 10, Limits: limits},
			{Kind: ledger.OpExtend, Request: first, Amount: 20, Limits: limits},
			{Kind: ledger.OpMark, Request: first},
			{Kind: ledger.OpSettle, Request: first, Amount: 15, Limits: limits},
			{Kind: ledger.OpHold, Request: second, Amount: 10},
			{Kind: ledger.OpRelease, Request: second},
			{Kind: ledger.OpSpend, Request: id("req"), Amount: 10, Cost: 5},
		} {
			require.NoError(t, commit(t.Context(), op))
		}
	}
	reads := func(why string) {
		t.Helper()
		require.Panics(t, func() { _ = commit(t.Context(), ledger.Op{Kind: ledger.OpSpend, Request: id("req"), Amount: 1}) }, why)
		require.NoError(t, s.Close())
		require.NoError(t, commit(t.Context(), ledger.Op{Kind: ledger.OpSpend, Request: id("req"), Amount: 1, Limits: limits}))
		story()
		s.Blind()
		story()
	}
	require.NoError(t, commit(t.Context(), ledger.Op{Kind: ledger.OpGrant, Lot: "lot_1", Source: ledger.SourceOperator, Amount: 1000}))
	story()
	s.Blind()
	story()
	exec("UPDATE replicas SET lease_until = 1")
	reads("another connection wrote")
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	require.Error(t, s.Undone(canceled, ledger.Op{Kind: ledger.OpSpend, Account: "acct_1", Request: id("req"), Nonce: "n", Amount: 1}))
	reads("a batch was undone")
	require.Panics(t, func() { _ = commit(t.Context(), ledger.Op{Kind: ledger.OpSettle, Request: "req_unheard", Amount: 1}) }, "not what it has never seen")
}
