//go:build engines

package sqlstore_test

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/sqlstore"
	"github.com/archibot/archibotchat/adapters/sqlstore/blank"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/e2e/engine/localpg"
	"github.com/archibot/archibotchat/ports/store"
	"github.com/archibot/archibotchat/ports/store/storetest"
)

func TestMain(m *testing.M) { localpg.Main(m) }

func TestPostgres_Conformance(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t testing.TB, clock func() time.Time) store.Store {
		return open(t, localpg.Copy(t, blank.Migrate), clock)
	})
}

func TestPostgres_Migrate(t *testing.T) {
	t.Parallel()
	migrates(t, localpg.URL(t))
}

func TestPostgres_AppendOnly(t *testing.T) {
	t.Parallel()
	s := open(t, localpg.Copy(t, blank.Migrate), nil)
	appendOnly(t, s)
	require.Error(t, s.Exec(t.Context(), "TRUNCATE entries"))
	require.Error(t, s.Exec(t.Context(), "TRUNCATE events"))
	require.Error(t, s.Exec(t.Context(), "TRUNCATE price_books, price_schedule"))
	require.Error(t, s.Exec(t.Context(), "TRUNCATE price_schedule"))
}

func TestPostgres_HoldsThroughSeveralHandles(t *testing.T) {
	t.Parallel()
	takers(t, localpg.Copy(t, blank.Migrate))
}

func TestPostgres_TamperedHold(t *testing.T) {
	t.Parallel()
	tampered(t, open(t, localpg.Copy(t, blank.Migrate), nil))
}

func TestPostgres_PasswordIsNotShown(t *testing.T) {
	t.Parallel()
	for name, host := range map[string]string{"nobody there": "127.0.0.1:1", "wrong password": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u, err := url.Parse(localpg.Copy(t, blank.Migrate))
			require.NoError(t, err)
			u.User = url.UserPassword("postgres", "s3cret")
			if host != "" {
				u.Host = host
			}
			s := unmigrated(t, u.String(), nil)
			for what, err := range map[string]error{"ping": s.Ping(t.Context()), "migrate": s.Migrate(t.Context()), "commit": func() error {
				_, err := s.Commit(t.Context(), store.Replica{}, []ledger.Op{grant("acct_1", "lot_1", 1)})
				return err
			}()} {
				require.ErrorIs(t, err, store.ErrUnavailable, what)
				require.NotContains(t, err.Error(), "s3cret", what)
			}
		})
	}
}

func TestPostgres_ChangesByHand(t *testing.T) {
	t.Parallel()
	changesByHand(t, open(t, localpg.Copy(t, blank.Migrate), nil))
}

// HOTPATH 19: a change made before another and committed after it has the
// higher number, so that a reader who is past the other one still comes to it.
func TestPostgres_ChangesOfALateCommitter(t *testing.T) {
	t.Parallel()
	s := open(t, localpg.Copy(t, blank.Migrate), nil)
	create(t, s, "acct_1")
	create(t, s, "acct_2")
	set := func(ctx context.Context, in store.Stores, id string) error {
		a, err := in.Accounts().Get(ctx, id)
		if err != nil {
			return err
		}
		return in.Accounts().Set(ctx, a)
	}
	require.NoError(t, s.Do(t.Context(), func(ctx context.Context, tx store.Stores) error {
		if err := set(ctx, tx, "acct_1"); err != nil {
			return err
		}
		if err := set(t.Context(), s, "acct_2"); err != nil { // begins later, commits first, and is not kept waiting
			return err
		}
		list, err := s.Changes().Since(t.Context(), 0, 10)
		require.Equal(t, []store.Change{{Seq: 1, Account: "acct_2"}}, list)
		return err
	}))
	list, err := s.Changes().Since(t.Context(), 1, 10)
	require.NoError(t, err)
	require.Equal(t, []store.Change{{Seq: 2, Account: "acct_1"}}, list)
}

// HOTPATH 1: one round trip for accounts that are known, two for others, however
// many ops.
func TestPostgres_RoundTrips(t *testing.T) {
	t.Parallel()
	u, err := url.Parse(localpg.Copy(t, blank.Migrate))
	require.NoError(t, err)
	wire := tap(t, u.Host)
	u.Host = wire.listener.Addr().String()
	s, err := sqlstore.Open(t.Context(), sqlstore.Config{URL: u.String(), MaxConns: 1, NewID: newID})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	require.NoError(t, s.Migrate(t.Context()))
	create(t, s, "acct_1")
	commit(t, s, grant("acct_1", "lot_1", 1000)) // names the statements
	create(t, s, "acct_2")
	commit(t, s, grant("acct_2", "lot_2", 1000))
	trips := func(want int, why string, ops ...ledger.Op) {
		t.Helper()
		before := wire.trips()
		commit(t, s, ops...)
		require.Equal(t, want, wire.trips()-before, why)
	}
	ends := func(ops []ledger.Op) []ledger.Op {
		for i := range ops {
			ops[i].Kind = ledger.OpSettle
		}
		return ops
	}
	for range 2 { // names the other statements
		for _, accounts := range [][]string{{"acct_1"}, {"acct_1", "acct_2"}} {
			ops := holds(accounts...)
			commit(t, s, ops...)
			commit(t, s, ends(ops)...)
		}
	}
	for _, accounts := range [][]string{{"acct_1"}, {"acct_1", "acct_2"}} {
		ops := holds(accounts...)
		trips(1, "holds of known accounts", ops...)
		trips(1, "settles", ends(ops)...)
	}
	for _, n := range []int{10, 100} {
		trips(1, "one account", holds(slices.Repeat([]string{"acct_1"}, n)...)...)
	}
	trips(2, "a grant reads", grant("acct_2", "lot_3", 1000))
	trips(1, "and is known", holds("acct_2", "acct_1")...)
	require.NoError(t, s.Exec(t.Context(), "UPDATE accounts SET name = 'x' WHERE id = 'acct_2'"))
	commit(t, s, holds("acct_2", "acct_1")...) // names what writes without a guard
	trips(2, "others write it, too", holds("acct_2", "acct_1")...)
	trips(1, "but not this one", holds("acct_1")...)
	require.Eventually(t, func() bool { // a second later
		before := wire.trips()
		commit(t, s, holds("acct_2", "acct_1")...)
		return wire.trips()-before == 1
	}, 30*time.Second, 50*time.Millisecond)
}

// holds is a hold for each of some accounts.
func holds(accounts ...string) (ops []ledger.Op) {
	for _, account := range accounts {
		ops = append(ops, ledger.Op{Kind: ledger.OpHold, Account: account, Request: newID("req"), Nonce: "n", Amount: 1, Deadline: time.Hour})
	}
	return ops
}

// HOTPATH 5: what a request changes stands in no index.
func TestPostgres_UpdatesAreHeapOnly(t *testing.T) {
	t.Parallel()
	s := open(t, localpg.Copy(t, blank.Migrate), nil)
	create(t, s, "acct_1")
	commit(t, s, grant("acct_1", "lot_1", 100_000))
	for n := range 50 {
		for _, kind := range []ledger.OpKind{ledger.OpHold, ledger.OpMark, ledger.OpSettle} {
			var ops []ledger.Op
			for i := range 8 { // and both their updates fit a page: transactions elsewhere may keep what is dead from being cleared
				ops = append(ops, ledger.Op{Kind: kind, Account: "acct_1", Request: fmt.Sprint("req_", n, "_", i), Replica: "rep_1", Nonce: "n", Amount: 3})
			}
			commit(t, s, ops...)
		}
	}
	require.NoError(t, s.Exec(t.Context(), "SELECT pg_stat_force_next_flush()"))
	for _, table := range []string{"accounts", "lots", "holds"} {
		of := func(column string) int64 {
			n, err := s.Count(t.Context(), "SELECT sum("+column+")::bigint FROM pg_stat_user_tables WHERE relname = '"+table+"'")
			require.NoError(t, err)
			return n
		}
		require.Eventually(t, func() bool { return of("n_tup_upd") >= 100 }, 20*time.Second, 50*time.Millisecond, table)
		updates, hot := of("n_tup_upd"), of("n_tup_hot_upd")
		require.GreaterOrEqual(t, hot*100, updates*95, "%s: %d of %d", table, hot, updates)
	}
	left, err := s.Count(t.Context(), "SELECT count(*) FROM open_holds")
	require.NoError(t, err)
	require.Zero(t, left)
}

// wiretap counts how often a client speaks after the server has.
type wiretap struct {
	listener net.Listener
	mu       sync.Mutex
	heard    bool // the server spoke last
	count    int
}

func (w *wiretap) trips() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.count
}

func (w *wiretap) spoke(server bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !server && w.heard {
		w.count++
	}
	w.heard = server
}

// tap listens and passes everything on to the server at address.
func tap(t *testing.T, address string) *wiretap {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	w := &wiretap{listener: l}
	var wg sync.WaitGroup
	t.Cleanup(wg.Wait)
	t.Cleanup(func() { _ = l.Close() })
	pass := func(from, to net.Conn, server bool) {
		defer func() { _, _ = from.Close(), to.Close() }()
		buffer := make([]byte, 1<<20)
		for {
			n, err := from.Read(buffer)
			if err != nil {
				return
			}
			w.spoke(server)
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
	}
	wg.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", address)
			if err != nil {
				_ = client.Close()
				continue
			}
			wg.Go(func() { pass(client, server, false) })
			wg.Go(func() { pass(server, client, true) })
		}
	})
	return w
}

func BenchmarkPostgres_Commit(b *testing.B) {
	s := open(b, localpg.Copy(b, blank.Migrate), nil)
	benchmarkCommit(b, s)
}

func BenchmarkThreads_Postgres(b *testing.B) {
	benchmarkThreads(b, open(b, localpg.Copy(b, blank.Migrate), nil))
}
