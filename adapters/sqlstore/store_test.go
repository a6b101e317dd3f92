package sqlstore_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/sqlstore"
	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/billing"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

func TestMigrations_SameNames(t *testing.T) {
	t.Parallel()
	names := func(dir string) (out []string) {
		entries, err := fs.ReadDir(os.DirFS("migrations"), dir)
		require.NoError(t, err)
		for _, e := range entries {
			require.True(t, strings.HasSuffix(e.Name(), ".tx.up.sql") || strings.HasSuffix(e.Name(), ".up.sql"), e.Name())
			out = append(out, e.Name())
		}
		return out
	}
	require.NotEmpty(t, names("postgres"))
	require.Equal(t, names("postgres"), names("sqlite"))
}

func TestConfig_Validate(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{
		"empty":       "",
		"memory":      "sqlite::memory:",
		"folder":      "sqlite:/tmp/",
		"options":     "sqlite:/tmp/a.db?mode=memory",
		"other":       "mysql://user:s3cret@host/db",
		"unreadable":  "postgres://user:s3cret@host:port/db",
		"not escaped": "postgres://user:s3cret%zz@host/db",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := sqlstore.Open(t.Context(), sqlstore.Config{URL: url, NewID: newID, Now: now})
			require.Error(t, err)
			require.NotContains(t, err.Error(), "s3cret")
		})
	}
	t.Run("all at once", func(t *testing.T) {
		t.Parallel()
		err := sqlstore.Config{URL: "sqlite:/tmp/a.db", MaxConns: -1}.Validate()
		require.ErrorContains(t, err, "connections")
		require.ErrorContains(t, err, "IDs")
		require.ErrorContains(t, err, "clock")
	})
}

// HOTPATH 3: what may pass is tried again whole; what lies in the data is not.
func TestPostgres_Faults(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"08006", "08P01", "40001", "40P01", "53100", "53300", "55P03", "55006", "57014", "57P01", "57P03", "25P03", "58030"} {
		require.ErrorIs(t, sqlstore.PostgresFault(code), store.ErrUnavailable, code)
	}
	for _, code := range []string{"22001", "22003", "22021", "22P02", "23502", "23503", "23505", "23514", "23001"} {
		require.NotEqual(t, fault.Unavailable, fault.KindOf(sqlstore.PostgresFault(code)), code)
	}
}

func TestSQLite_FileIsPrivate(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "made", "here")
	file := filepath.Join(dir, "with space%.db")
	s := open(t, "sqlite:"+strings.ReplaceAll(strings.ReplaceAll(file, "%", "%25"), " ", "%20"), nil)
	create(t, s, "acct_1")
	for path, mode := range map[string]fs.FileMode{dir: 0o700, file: 0o600, file + "-wal": 0o600, file + "-shm": 0o600} {
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, mode, info.Mode().Perm(), path)
	}
}

func TestSQLite_ServedOnce(t *testing.T) {
	t.Parallel()
	url := "sqlite:" + filepath.Join(t.TempDir(), "store.db")
	a, b := open(t, url, nil), open(t, url, nil)
	release, others, err := a.Replicas().Sole(t.Context())
	require.NoError(t, err)
	require.False(t, others)
	_, _, err = b.Replicas().Sole(t.Context())
	require.Equal(t, "already_served", fault.CodeOf(err))
	create(t, b, "acct_1") // the command line works beside a server
	require.NoError(t, release())
	release, _, err = b.Replicas().Sole(t.Context())
	require.NoError(t, err)
	require.NoError(t, release())
}

func TestSQLite_Migrate(t *testing.T) {
	t.Parallel()
	migrates(t, "sqlite:"+filepath.Join(t.TempDir(), "store.db"))
}

func TestSQLite_AppendOnly(t *testing.T) {
	t.Parallel()
	appendOnly(t, open(t, "sqlite:"+filepath.Join(t.TempDir(), "store.db"), nil))
}

func TestSQLite_HoldsThroughSeveralHandles(t *testing.T) {
	t.Parallel()
	takers(t, "sqlite:"+filepath.Join(t.TempDir(), "store.db"))
}

func TestSQLite_TamperedHold(t *testing.T) {
	t.Parallel()
	tampered(t, open(t, "sqlite:"+filepath.Join(t.TempDir(), "store.db"), nil))
}

// migrates opens one database several times at once and migrates each.
func migrates(t *testing.T, url string) {
	stores := make([]*sqlstore.Store, 5)
	for i := range stores {
		stores[i] = unmigrated(t, url, nil)
	}
	pending, err := stores[0].Pending(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, pending)
	errs := make([]error, len(stores))
	var wg sync.WaitGroup
	for i, s := range stores {
		wg.Go(func() { errs[i] = s.Migrate(t.Context()) })
	}
	wg.Wait()
	for i, s := range stores {
		require.NoError(t, errs[i])
		pending, err := s.Pending(t.Context())
		require.NoError(t, err)
		require.Empty(t, pending)
	}
	create(t, stores[0], "acct_1")
	_, err = stores[1].Accounts().Get(t.Context(), "acct_1")
	require.NoError(t, err)
}

// appendOnly tries to change the evidence with all the rights of the service.
func appendOnly(t *testing.T, s *sqlstore.Store) {
	create(t, s, "acct_1")
	commit(t, s, grant("acct_1", "lot_1", 50))
	_, _, err := s.PriceBooks().Publish(t.Context(), store.Publication{Content: []byte("prices")})
	require.NoError(t, err)
	for _, statement := range []string{
		"UPDATE entries SET amount = 51", "DELETE FROM entries", "UPDATE events SET reason = 'other'", "DELETE FROM events",
		"UPDATE price_books SET content = content", "DELETE FROM price_books", "UPDATE price_schedule SET effective_at = 1", "DELETE FROM price_schedule",
	} {
		require.Error(t, s.Exec(t.Context(), statement), statement)
	}
	entries, err := s.Ledger().Entries(t.Context(), "acct_1", 0, 10)
	require.NoError(t, err)
	require.Len(t, entries, 1)
	require.Equal(t, int64(50), entries[0].Amount)
}

// takers lets 200 requests ask for one credit of 50 through four handles.
func takers(t *testing.T, url string) {
	stores := make([]*sqlstore.Store, 4)
	for i := range stores {
		stores[i] = open(t, url, nil)
	}
	create(t, stores[0], "acct_1")
	commit(t, stores[0], grant("acct_1", "lot_1", 50))
	var won, lost atomic.Int64
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			op := ledger.Op{Kind: ledger.OpHold, Account: "acct_1", Request: newID("req"), Replica: "rep_1", Nonce: "n", Amount: 1}
			for {
				outs, err := stores[i%len(stores)].Commit(t.Context(), store.Replica{}, []ledger.Op{op})
				if errors.Is(err, store.ErrUnavailable) {
					continue // the crowd is larger than a lock's patience
				}
				switch {
				case err != nil:
					t.Error(err)
				case outs[0].Err == nil:
					won.Add(1)
				default:
					lost.Add(1)
				}
				return
			}
		})
	}
	wg.Wait()
	require.Equal(t, int64(50), won.Load())
	require.Equal(t, int64(150), lost.Load())
	lots, err := stores[0].Ledger().Lots(t.Context(), "acct_1")
	require.NoError(t, err)
	require.Equal(t, int64(50), lots[0].Held)
}

// tampered takes away by hand what an open hold rests on.
func tampered(t *testing.T, s *sqlstore.Store) {
	create(t, s, "acct_1")
	create(t, s, "acct_2")
	commit(t, s, grant("acct_1", "lot_1", 50), grant("acct_2", "lot_2", 50),
		ledger.Op{Kind: ledger.OpHold, Account: "acct_1", Request: "req_1", Replica: "rep_1", Nonce: "n", Amount: 5})
	require.NoError(t, s.Exec(t.Context(), "UPDATE lots SET held = 4 WHERE id = 'lot_1'"))
	outs, err := s.Commit(t.Context(), store.Replica{}, []ledger.Op{
		{Kind: ledger.OpSettle, Account: "acct_1", Request: "req_1", Nonce: "n", Amount: 5},
		{Kind: ledger.OpSettle, Account: "acct_2", Request: "req_2", Nonce: "n", Amount: 5},
	})
	require.NoError(t, err)
	require.Equal(t, "ledger_inconsistent", fault.CodeOf(outs[0].Err))
	require.NoError(t, outs[1].Err, "others go on")
}

func create(t testing.TB, s *sqlstore.Store, id string) {
	t.Helper()
	require.NoError(t, s.Accounts().Create(t.Context(), store.Account{
		Account: access.Account{ID: id, Name: "Example", Status: access.StatusActive, Groups: access.NewGroups(access.GroupAPI)}, Billing: billing.Active,
	}))
}

func grant(account, lot string, amount int64) ledger.Op {
	return ledger.Op{Kind: ledger.OpGrant, Account: account, Lot: lot, Amount: amount, Source: ledger.SourceOperator}
}

func commit(t testing.TB, s *sqlstore.Store, ops ...ledger.Op) {
	t.Helper()
	outs, err := s.Commit(t.Context(), store.Replica{}, ops)
	require.NoError(t, err)
	for _, o := range outs {
		require.NoError(t, o.Err)
	}
}
