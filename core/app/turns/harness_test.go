package turns_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/sqlstore"
	"github.com/archibot/archibotchat/adapters/sqlstore/blank"
	"github.com/archibot/archibotchat/adapters/system"
	"github.com/archibot/archibotchat/core"
	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/billing"
	"github.com/archibot/archibotchat/core/gates"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/core/pricing"
	"github.com/archibot/archibotchat/ports/store"
)

const (
	account = "acct_1"
	granted = 10_000_000
	model   = "m-1"
)

// house is a store with an account and two members, and servers on it, in a
// bubble of fake time.
type house struct {
	t       *testing.T
	db      *sqlstore.Store
	ids     *system.IDs
	up      *upstream
	servers []*server
}

// server is a whole core at work, which the test may cut from its store.
type server struct {
	*core.App
	edge *edge
	stop func()
}

// inBubble runs a test with one server. When it is over no goroutine may be left,
// nothing may be held, and no memory be taken.
func inBubble(t *testing.T, test func(h *house, s *server)) {
	t.Helper()
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		h := &house{t: t, ids: system.NewIDs(system.Now), up: &upstream{t: t}}
		db, err := sqlstore.Open(t.Context(), sqlstore.Config{URL: blank.SQLite(t, filepath.Join(dir, "test.db")), NewID: h.ids.New, Now: system.Now})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, db.Close()) })
		require.NoError(t, db.Migrate(t.Context()))
		h.db = db
		h.account(account)
		defer func() { // also of a test that gave up
			for _, s := range h.servers {
				s.stop()
			}
		}()
		test(h, h.server())
		for _, s := range h.servers {
			s.stop()
			require.Zero(t, s.Memory.Used(), "memory that was never given back")
		}
		require.Zero(t, h.balance().Held, "credits left aside") // L4
	})
}

func (h *house) account(id string) {
	now := system.Now()
	require.NoError(h.t, h.db.Accounts().Create(h.t.Context(), store.Account{Billing: billing.Active, Account: access.Account{
		ID: id, Name: "Test", Status: access.StatusActive, Groups: access.NewGroups(access.GroupChat), CreatedAt: now, UpdatedAt: now,
	}}))
	_, err := h.db.Commit(h.t.Context(), store.Replica{}, []ledger.Op{{Kind: ledger.OpGrant, Account: id, Lot: "lot_" + id, Amount: granted, Source: ledger.SourceOperator}})
	require.NoError(h.t, err)
}

// book is a price book: a token of input costs 1, one of output 2.
type book struct{}

func (book) Book(context.Context) (pricing.Book, error) {
	return pricing.NewBook([]pricing.Edition{{Effective: time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC), Models: []pricing.Model{
		{ID: model, Price: pricing.Price{PerInput: 1_000_000, PerCachedInput: 1_000_000, PerOutput: 2_000_000, MaxOutputTokens: 1000}},
		{ID: "m-2", Price: pricing.Price{PerInput: 1_000_000, PerCachedInput: 1_000_000, PerOutput: 2_000_000, MaxOutputTokens: 1000}},
		{ID: "m-dear", Price: pricing.Price{PerInput: 1_000_000_000_000, PerCachedInput: 1_000_000, PerOutput: 2_000_000, MaxOutputTokens: 1000}},
	}}})
}

// server starts another server on the store.
func (h *house) server() *server {
	h.t.Helper()
	peppers, err := keys.ParsePeppers("v1:" + strings.Repeat("p", 32))
	require.NoError(h.t, err)
	s := &server{edge: &edge{Store: h.db}}
	s.App, err = core.New(h.t.Context(), core.Deps{
		Store: s.edge, Upstream: h.up, Prices: book{}, Peppers: peppers, Areas: access.NewGroups(access.GroupChat), Boundary: gates.BoundaryNotRequired,
		Environment: "test", Sign: func(text string) ([]byte, error) { return []byte(text + "\n— test AAAAAA==\n"), nil },
		Now: system.Now, NewID: h.ids.New, Entropy: system.Entropy, Log: slog.New(slog.DiscardHandler),
	})
	require.NoError(h.t, err)
	ctx, cancel := context.WithCancel(h.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	s.stop = sync.OnceFunc(func() {
		s.edge.on(nil)
		cancel()
		require.NoError(h.t, <-ended)
	})
	for tries := 0; s.Ready(h.t.Context()) != nil; tries++ {
		select {
		case err := <-ended:
			require.NoError(h.t, err, "the server ended by itself")
		default:
		}
		require.Less(h.t, tries, 5000, "the server does not get ready")
		time.Sleep(time.Millisecond)
	}
	h.servers = append(h.servers, s)
	return s
}

func (h *house) events(kinds ...audit.Kind) []audit.Event {
	h.t.Helper()
	es, err := h.db.Events().List(h.t.Context(), store.EventQuery{Account: account, Kinds: kinds})
	require.NoError(h.t, err)
	return es
}

func (h *house) balance() ledger.Balance {
	h.t.Helper()
	lots, err := h.db.Ledger().Lots(h.t.Context(), account)
	require.NoError(h.t, err)
	return ledger.Sum(lots, system.Now())
}

func sleep(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
