package spend_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/sqlstore"
	"github.com/archibot/archibotchat/adapters/sqlstore/blank"
	"github.com/archibot/archibotchat/adapters/system"
	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/spend"
	"github.com/archibot/archibotchat/core/billing"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

// The account of the tests, and what it begins with.
const (
	account = "acct_test"
	granted = 1_000_000
)

// edge is the way from a replica to its database, which a test can cut. Behind
// it is a real store.
type edge struct {
	store.Store
	mu      sync.Mutex
	commits int
	ops     int
	cut     bool // nothing gets through
	asleep  bool // renewals are believed in, but do not happen
	before  func(ctx context.Context, ops []ledger.Op) error
	after   func(ops []ledger.Op) error // its error replaces the reply
	busy    func(account string, patience time.Duration) bool
}

func (e *edge) set(change func(e *edge)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	change(e)
}

func (e *edge) reach() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.cut {
		return store.ErrUnavailable
	}
	return nil
}

func (e *edge) Commit(ctx context.Context, by store.Replica, ops []ledger.Op) ([]ledger.Outcome, error) {
	return e.commit(ctx, ops, func() ([]ledger.Outcome, error) { return e.Store.Commit(ctx, by, ops) })
}

func (e *edge) TryCommit(ctx context.Context, by store.Replica, ops []ledger.Op, patience time.Duration) ([]ledger.Outcome, error) {
	return e.commit(ctx, ops, func() ([]ledger.Outcome, error) { return e.try(ctx, by, ops, patience) })
}

// try commits the ops of the accounts that are not busy.
func (e *edge) try(ctx context.Context, by store.Replica, ops []ledger.Op, patience time.Duration) ([]ledger.Outcome, error) {
	e.mu.Lock()
	busy := e.busy
	e.mu.Unlock()
	if busy == nil {
		return e.Store.TryCommit(ctx, by, ops, patience)
	}
	outcomes := make([]ledger.Outcome, len(ops))
	var free []ledger.Op
	var at []int
	locked := map[string]bool{}
	for _, op := range ops {
		if _, asked := locked[op.Account]; !asked {
			locked[op.Account] = busy(op.Account, patience)
		}
	}
	for i, op := range ops {
		if locked[op.Account] {
			outcomes[i].Err = store.ErrBusyAccount
			continue
		}
		free, at = append(free, op), append(at, i)
	}
	got, err := e.Store.TryCommit(ctx, by, free, patience)
	for k, o := range got {
		outcomes[at[k]] = o
	}
	return outcomes, err
}

func (e *edge) commit(ctx context.Context, ops []ledger.Op, store func() ([]ledger.Outcome, error)) ([]ledger.Outcome, error) {
	if err := e.reach(); err != nil {
		return nil, err
	}
	e.mu.Lock()
	before, after := e.before, e.after
	e.mu.Unlock()
	if before != nil {
		if err := before(ctx, ops); err != nil {
			return nil, err
		}
	}
	outcomes, err := store()
	if err != nil {
		return nil, err
	}
	e.set(func(e *edge) { e.commits, e.ops = e.commits+1, e.ops+len(ops) })
	if after != nil {
		if err := after(ops); err != nil {
			return nil, err
		}
	}
	return outcomes, nil
}

func (e *edge) Replicas() store.Replicas { return replicas{e.Store.Replicas(), e} }

// replicas lets several servers share the file, as they may share Postgres.
type replicas struct {
	store.Replicas
	edge *edge
}

func (replicas) Sole(context.Context) (func() error, bool, error) {
	return func() error { return nil }, true, nil
}

func (r replicas) Join(ctx context.Context, id string, lease time.Duration) (store.Replica, error) {
	if err := r.edge.reach(); err != nil {
		return store.Replica{}, err
	}
	return r.Replicas.Join(ctx, id, lease)
}

func (r replicas) Renew(ctx context.Context, me store.Replica, lease time.Duration) error {
	if err := r.edge.reach(); err != nil {
		return err
	}
	asleep := false
	r.edge.set(func(e *edge) { asleep = e.asleep })
	if asleep {
		return nil
	}
	return r.Replicas.Renew(ctx, me, lease)
}

func (r replicas) Lapsed(ctx context.Context, except string, limit int) ([]store.Replica, error) {
	if err := r.edge.reach(); err != nil {
		return nil, err
	}
	return r.Replicas.Lapsed(ctx, except, limit)
}

// bench is a database with replicas on it, in a bubble of fake time.
type bench struct {
	t   *testing.T
	db  *sqlstore.Store
	ids *system.IDs
	n   int
}

// inBubble runs a test on a new database. The bubble fails it if a goroutine
// stays behind, and its time passes only while everything waits.
func inBubble(t *testing.T, test func(b *bench)) {
	t.Helper()
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		b := &bench{t: t, ids: system.NewIDs(system.Now)}
		var err error
		b.db, err = sqlstore.Open(t.Context(), sqlstore.Config{URL: blank.SQLite(t, filepath.Join(dir, "test.db")), NewID: b.ids.New, Now: system.Now})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, b.db.Close()) })
		require.NoError(t, b.db.Migrate(t.Context()))
		now := system.Now()
		require.NoError(t, b.db.Accounts().Create(t.Context(), store.Account{
			Billing: billing.Active,
			Account: access.Account{ID: account, Name: "Test", Status: access.StatusActive, CreatedAt: now, UpdatedAt: now},
		}))
		b.commit(ledger.Op{Kind: ledger.OpGrant, Account: account, Lot: "lot_1", Amount: granted, Source: ledger.SourceOperator})
		test(b)
	})
}

// commit applies ops beside every replica.
func (b *bench) commit(ops ...ledger.Op) []ledger.Outcome {
	b.t.Helper()
	outs, err := b.db.Commit(b.t.Context(), store.Replica{}, ops)
	require.NoError(b.t, err)
	for _, o := range outs {
		require.NoError(b.t, o.Err)
	}
	return outs
}

// replica is a running Spend.
type replica struct {
	*spend.Spend
	edge *edge
	log  *safeBuffer
	stop func() // returns when Run has
}

func (b *bench) start() *replica {
	b.t.Helper()
	r := &replica{edge: &edge{Store: b.db}, log: &safeBuffer{}}
	r.Spend = spend.New(spend.Deps{Store: r.edge, NewID: b.ids.New, Now: system.Now, Log: slog.New(slog.NewTextHandler(r.log, nil))})
	ctx, cancel := context.WithCancel(b.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(b.t, <-ended)
	})
	b.t.Cleanup(r.stop)
	synctest.Wait()
	require.True(b.t, r.Ready())
	return r
}

// op returns a hold to ask for.
func (b *bench) op(amount int64) ledger.Op {
	b.n++
	return ledger.Op{
		Account: account, Request: fmt.Sprintf("req_%06d", b.n), Amount: amount, Deadline: 16 * time.Minute,
		Work: ledger.Work{Key: "key_1", Area: "api", Route: "chat.completions", Model: "m", PriceVersion: "p"},
	}
}

func (b *bench) hold(r *replica) ledger.Hold {
	b.t.Helper()
	o, err := r.Hold(b.op(100))
	require.NoError(b.t, err)
	return o.Hold
}

func (b *bench) stored(request string) ledger.Hold {
	b.t.Helper()
	h, err := b.db.Ledger().Hold(b.t.Context(), account, request)
	require.NoError(b.t, err)
	return h
}

func (b *bench) balance() ledger.Balance {
	b.t.Helper()
	lots, err := b.db.Ledger().Lots(b.t.Context(), account)
	require.NoError(b.t, err)
	return ledger.Sum(lots, system.Now())
}

// verify proves that the books add up and that nothing is set aside.
func (b *bench) verify(debited int64) {
	b.t.Helper()
	require.Equal(b.t, ledger.Balance{Balance: granted - debited, Available: granted - debited}, b.balance())
	entries, err := b.db.Ledger().Entries(b.t.Context(), account, 0, 100_000)
	require.NoError(b.t, err)
	var sum int64
	for _, e := range entries {
		sum += e.Amount
	}
	require.Equal(b.t, granted-debited, sum, "the entries' sum") // L5
}

// safeBuffer is a log that may be read while it is written.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
