package sqlstore_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/sqlstore"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

// holderFile makes this test's program take the right to serve a file and keep
// it until it is killed.
const holderFile = "SQLSTORE_TEST_HOLDER"

// HOTPATH 23: the right to serve ends with its process, however that ends, and
// what was committed is there.
func TestSQLite_ServedOnce_killed(t *testing.T) {
	if file := os.Getenv(holderFile); file != "" {
		s := open(t, "sqlite:"+file, nil)
		release, _, err := s.Replicas().Sole(t.Context())
		require.NoError(t, err)
		defer func() { _ = release() }() // never, but it keeps the lock
		create(t, s, "acct_1")
		fmt.Println("holds")
		select {}
	}
	t.Parallel()
	file := filepath.Join(t.TempDir(), "store.db")
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSQLite_ServedOnce_killed$")
	cmd.Env = append(os.Environ(), holderFile+"="+file)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "holds\n", line)

	s := open(t, "sqlite:"+file, nil)
	_, _, err = s.Replicas().Sole(t.Context())
	require.Equal(t, "already_served", fault.CodeOf(err))
	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait() // says that it was killed
	release, _, err := s.Replicas().Sole(t.Context())
	require.NoError(t, err)
	_, err = s.Accounts().Get(t.Context(), "acct_1")
	require.NoError(t, err)
	require.NoError(t, release())
}

// HOTPATH 23: a server's commits never move the log; a command's do, because
// there may be no server.
func TestSQLite_WhoMovesTheLog(t *testing.T) {
	t.Parallel()
	s := open(t, "sqlite:"+filepath.Join(t.TempDir(), "store.db"), nil)
	pages := func() int64 {
		n, err := s.Count(t.Context(), "PRAGMA wal_autocheckpoint")
		require.NoError(t, err)
		return n
	}
	require.EqualValues(t, 1000, pages())
	release, _, err := s.Replicas().Sole(t.Context())
	require.NoError(t, err)
	require.Zero(t, pages())
	require.NoError(t, release())
	require.EqualValues(t, 1000, pages())
}

// HOTPATH 23: so do the batches, which have a connection of their own.
func TestSQLite_WhoMovesTheLog_batches(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "store.db")
	s := open(t, "sqlite:"+file, nil)
	require.NoError(t, s.AutoCheckpoint(t.Context(), 0))
	create(t, s, "acct_1")
	commit(t, s, grant("acct_1", "lot_1", 1_000_000))
	size := func() int64 {
		info, err := os.Stat(file)
		require.NoError(t, err)
		return info.Size()
	}
	before := size()
	for range 20 {
		spends(t, s, 100)
	}
	require.Equal(t, before, size())
	require.NoError(t, s.AutoCheckpoint(t.Context(), 10))
	spends(t, s, 100)
	require.Greater(t, size(), before)
}

// A batch waits for another process that writes, but no longer than anybody
// waits for the batch, and leaves nothing behind then.
func TestSQLite_CommitBesideAnotherWriter(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "store.db")
	s := open(t, "sqlite:"+file, nil)
	create(t, s, "acct_1")
	commit(t, s, grant("acct_1", "lot_1", 1_000_000))
	other := open(t, "sqlite:"+file, nil)
	held, free := make(chan struct{}), make(chan struct{})
	var command sync.WaitGroup
	command.Go(func() {
		assert.NoError(t, other.Do(t.Context(), func(context.Context, store.Stores) error {
			close(held)
			<-free
			return nil
		}))
	})
	<-held
	op := ledger.Op{Kind: ledger.OpSettle, Account: "acct_1", Request: newID("req"), Nonce: "n", Amount: 1}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, err := s.Commit(ctx, store.Replica{}, []ledger.Op{op})
	require.Equal(t, store.ErrUnavailable.Code, fault.CodeOf(err), "%v", err)

	var batch sync.WaitGroup
	batch.Go(func() {
		_, err := s.Commit(t.Context(), store.Replica{}, []ledger.Op{op})
		assert.NoError(t, err)
	})
	close(free)
	command.Wait()
	batch.Wait()
	h, err := s.Ledger().Hold(t.Context(), "acct_1", op.Request)
	require.NoError(t, err)
	require.EqualValues(t, 1, h.Debited)
}

// A batch that panics leaves neither a transaction nor its turn behind.
func TestSQLite_CommitThatPanics(t *testing.T) {
	t.Parallel()
	clock := now
	s := open(t, "sqlite:"+filepath.Join(t.TempDir(), "store.db"), func() time.Time { return clock() })
	create(t, s, "acct_1")
	clock = func() time.Time { panic("no time") }
	require.Panics(t, func() { _, _ = s.Commit(t.Context(), store.Replica{}, []ledger.Op{grant("acct_1", "lot_1", 1)}) })
	clock = now
	commit(t, s, grant("acct_1", "lot_1", 1))
	create(t, s, "acct_2")
}

// spends commits a batch of debits of acct_1.
func spends(t testing.TB, s *sqlstore.Store, n int) {
	t.Helper()
	ops := make([]ledger.Op, n)
	for i := range ops {
		ops[i] = ledger.Op{Kind: ledger.OpSettle, Account: "acct_1", Request: newID("req"), Nonce: "n", Amount: 1}
	}
	commit(t, s, ops...)
}

// HOTPATH 23: the log stays short under writes that never pause, grows while
// somebody reads an old state, and gives the disk back when all is quiet.
func TestSQLite_LogIsBounded(t *testing.T) {
	t.Parallel()
	const bound = 256 << 10
	file := filepath.Join(t.TempDir(), "store.db")
	s := open(t, "sqlite:"+file, nil)
	create(t, s, "acct_1")
	commit(t, s, grant("acct_1", "lot_1", 1_000_000))
	require.NoError(t, s.AutoCheckpoint(t.Context(), 0))
	require.NoError(t, s.Exec(t.Context(), "PRAGMA wal_checkpoint(TRUNCATE)")) // what the migrations wrote
	round := sqlstore.Checkpointer(t, s, bound)
	size := func() int64 {
		info, err := os.Stat(file + "-wal")
		require.NoError(t, err)
		return info.Size()
	}
	for range 30 { // each round writes a part of the bound
		spends(t, s, 12)
		require.NoError(t, round())
		require.Less(t, size(), int64(3*bound))
	}
	view := func(during func()) {
		require.NoError(t, s.View(t.Context(), func(ctx context.Context, in store.Stores) error {
			_, err := in.Accounts().Get(ctx, "acct_1")
			during()
			return err
		}))
	}
	view(func() {
		for range 20 {
			spends(t, s, 12)
			require.NoError(t, round(), "writers are not kept waiting for a reader")
		}
	})
	require.Greater(t, size(), int64(3*bound))
	for range 3 {
		require.NoError(t, round())
	}
	require.Zero(t, size())
}

// HOTPATH 23: a backup beside a writer that never pauses comes to an end, is as
// of one moment, and keeps no answer of a request.
func TestSQLite_Backup(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "store.db")
	s := open(t, "sqlite:"+file, nil)
	release, _, err := s.Replicas().Sole(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, release()) })
	create(t, s, "acct_1")
	commit(t, s, grant("acct_1", "lot_1", 1_000_000))
	for range 10 {
		spends(t, s, 100)
	}
	require.NoError(t, s.Exec(t.Context(), "INSERT INTO idempotency_outcomes (slot, day, request_id, account_id, sealed) VALUES (1, 1, 'req_1', 'acct_1', x'abad1dea')"))

	var stop atomic.Bool
	var load sync.WaitGroup
	written := 0
	load.Go(func() {
		for !stop.Load() {
			spends(t, s, 10)
			written++
		}
	})
	to := filepath.Join(dir, "copy.db")
	command := open(t, "sqlite:"+file, nil)
	size, err := command.Backup(t.Context(), to)
	stop.Store(true)
	load.Wait()
	require.NoError(t, err)
	require.Positive(t, written)

	info, err := os.Stat(to)
	require.NoError(t, err)
	require.Equal(t, size, info.Size())
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	left, err := filepath.Glob(filepath.Join(dir, "copy.db*"))
	require.NoError(t, err)
	require.Equal(t, []string{to}, left, "one file")

	replica := open(t, "sqlite:"+to, nil)
	sound, err := replica.Text(t.Context(), "PRAGMA integrity_check")
	require.NoError(t, err)
	require.Equal(t, "ok", sound)
	a, err := replica.Accounts().Get(t.Context(), "acct_1")
	require.NoError(t, err)
	require.GreaterOrEqual(t, a.Entries, int64(1001))
	sum, err := replica.Count(t.Context(), "SELECT SUM(amount) FROM entries")
	require.NoError(t, err)
	require.Equal(t, 1_000_000-(a.Entries-1), sum, "as of one moment")
	kept, err := replica.Count(t.Context(), "SELECT COUNT(*) FROM idempotency_outcomes")
	require.NoError(t, err)
	require.Zero(t, kept) // HOTPATH 18

	_, err = command.Backup(t.Context(), to)
	require.ErrorIs(t, err, sqlstore.ErrBackupExists)
	_, err = command.Backup(t.Context(), filepath.Join(dir, "not", "there.db"))
	require.Error(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = command.Backup(ctx, filepath.Join(dir, "other.db"))
	require.Error(t, err)
	left, err = filepath.Glob(filepath.Join(dir, "*.part*"))
	require.NoError(t, err)
	require.Empty(t, left)
}
