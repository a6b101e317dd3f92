package sqlstore_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/sqlstore"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/ports/store"
)

func TestSQLite_LogIsAppendOnly(t *testing.T) {
	t.Parallel()
	logAppendOnly(t, open(t, "sqlite:"+filepath.Join(t.TempDir(), "store.db"), nil))
}

// logAppendOnly tries to change the log with all the rights of the service.
func logAppendOnly(t *testing.T, s *sqlstore.Store) {
	create(t, s, "acct_1")
	note(t, s, "evt_1")
	require.Equal(t, []string{"evt_1"}, sealed(t, s, 1))
	require.NoError(t, s.Exec(t.Context(), "INSERT INTO audit_nodes (level, number, hash) SELECT 8, number, hash FROM audit_leaves"))
	require.NoError(t, s.Do(t.Context(), func(ctx context.Context, tx store.Stores) error {
		_, err := tx.Seals().Take(ctx)
		return errors.Join(err, tx.Seals().Sign(ctx, store.Checkpoint{Size: 1, Note: "n", At: time.Unix(1, 0)}))
	}))
	for _, statement := range []string{
		"UPDATE audit_leaves SET event_id = 'evt_2'", "DELETE FROM audit_leaves",
		"UPDATE audit_nodes SET number = 7", "DELETE FROM audit_nodes",
		"UPDATE audit_checkpoints SET note = 'other'", "DELETE FROM audit_checkpoints",
	} {
		require.ErrorContains(t, s.Exec(t.Context(), statement), "append-only", statement)
	}
}

// note appends an event.
func note(t *testing.T, s store.Stores, id string) {
	t.Helper()
	require.NoError(t, s.Events().Append(t.Context(), event(id)))
}

func event(id string) audit.Event {
	return audit.Event{ID: id, Account: "acct_1", At: time.Unix(1, 0), Kind: audit.KeyCreated, Count: 1}
}

// step seals one batch and returns the events in it.
func step(t *testing.T, s *sqlstore.Store) (ids []string) {
	t.Helper()
	require.NoError(t, s.Do(t.Context(), func(ctx context.Context, tx store.Stores) error {
		ids = nil
		head, err := tx.Seals().Take(ctx)
		if err != nil {
			return err
		}
		events, _, err := tx.Seals().Next(ctx, 100)
		var leaves []store.Leaf
		for i, e := range events {
			ids = append(ids, e.ID)
			leaves = append(leaves, store.Leaf{Number: head.Size + int64(i), Event: e.ID, Hash: e.Leaf()})
		}
		return errors.Join(err, tx.Seals().Add(ctx, leaves, nil))
	}))
	return ids
}

// sealed seals until n events have leaves, and returns them. Other tests write
// on the same server, which can hold a database up for a while.
func sealed(t *testing.T, s *sqlstore.Store, n int) (ids []string) {
	t.Helper()
	require.Eventually(t, func() bool { ids = append(ids, step(t, s)...); return len(ids) >= n }, 30*time.Second, 5*time.Millisecond)
	return ids
}
