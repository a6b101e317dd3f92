package seal_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"

	"github.com/archibot/archibotchat/adapters/sqlstore"
	"github.com/archibot/archibotchat/adapters/sqlstore/blank"
	"github.com/archibot/archibotchat/adapters/system"
	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/seal"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/billing"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

// notary has a key.
type notary struct {
	sign note.Signer
	know note.Verifiers
}

func newNotary(t testing.TB) notary {
	t.Helper()
	private, public, err := note.GenerateKey(rand.Reader, "test")
	require.NoError(t, err)
	s, err := note.NewSigner(private)
	require.NoError(t, err)
	v, err := note.NewVerifier(public)
	require.NoError(t, err)
	return notary{s, note.VerifierList(v)}
}

func (n notary) Sign(text string) ([]byte, error) { return note.Sign(&note.Note{Text: text}, n.sign) }

func (n notary) Open(msg []byte) (string, error) {
	opened, err := note.Open(msg, n.know)
	if err != nil {
		return "", err
	}
	return opened.Text, nil
}

// house is a database with a sealer on it.
type house struct {
	*seal.Service
	notary notary
	url    string
	store  *sqlstore.Store
	raw    *sql.DB // past every rule
	now    time.Time
	last   string // ID
}

// newID makes IDs that sort as they are made, across all tests.
var newID = system.NewIDs(system.Now).New

func sqliteURL(t testing.TB) string {
	t.Helper()
	return blank.SQLite(t, filepath.Join(t.TempDir(), "seal.db"))
}

func newHouse(t testing.TB, at string) *house {
	t.Helper()
	h := &house{notary: newNotary(t), url: at, now: time.Now().UTC()}
	h.store = open(t, at)
	require.NoError(t, h.store.Migrate(t.Context()))
	driver, source := "pgx", at
	if u, err := url.Parse(at); err == nil && u.Scheme == "sqlite" {
		driver, source = "sqlite", "file:"+u.Opaque+u.Path+"?_pragma=busy_timeout(10000)&_txlock=immediate"
	}
	raw, err := sql.Open(driver, source)
	require.NoError(t, err)
	raw.SetMaxOpenConns(1) // what it sets for a session stays set
	t.Cleanup(func() { require.NoError(t, raw.Close()) })
	h.raw = raw
	h.Service = h.service(h.store)
	return h
}

func open(t testing.TB, at string) *sqlstore.Store {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), sqlstore.Config{URL: at, NewID: newID, Now: system.Now})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func (h *house) service(s store.Store) *seal.Service {
	return seal.New(seal.Deps{
		Store: s, Now: func() time.Time { return h.now }, Log: slog.New(slog.DiscardHandler), Origin: seal.Origin("test"), Sign: h.notary.Sign,
	})
}

// settled waits until one round can seal all that was written: transactions of
// other tests on the same server may stand in its way.
func (h *house) settled(t testing.TB) {
	t.Helper()
	if !h.postgres() {
		return
	}
	require.Eventually(t, func() bool {
		over := false
		err := h.raw.QueryRowContext(t.Context(), "SELECT coalesce(max(xact) < pg_snapshot_xmin(pg_current_snapshot()), TRUE) FROM all_events").Scan(&over)
		return err == nil && over
	}, 30*time.Second, 5*time.Millisecond)
}

// postgres reports which database this is.
func (h *house) postgres() bool { return strings.HasPrefix(h.url, "postgres") }

func (h *house) account(t testing.TB, id string) {
	t.Helper()
	require.NoError(t, h.store.Accounts().Create(t.Context(), store.Account{
		Account: access.Account{ID: id, Name: id, Status: access.StatusActive, CreatedAt: h.now, UpdatedAt: h.now}, Billing: billing.Active,
	}))
}

// event returns the next event; of no account if that is empty.
func (h *house) event(account string) audit.Event {
	h.last = newID("evt")
	return audit.Event{
		ID: h.last, Account: account, At: h.now, Kind: audit.UsageDebited, Actor: audit.Actor{Kind: audit.ActorKey, ID: "key_1"}, Area: "api",
		Request: "req_" + h.last, Key: "key_1", Amount: -700, Reason: "why", Subject: "lot_1", Model: "vendor/model", Count: 1,
	}
}

// write appends n events, turn by turn to accounts.
func (h *house) write(t testing.TB, n int, accounts ...string) {
	t.Helper()
	var events []audit.Event
	for i := range n {
		events = append(events, h.event(accounts[i%len(accounts)]))
		if len(events) == 7 || i == n-1 {
			require.NoError(t, h.store.Events().Append(t.Context(), events...))
			events = nil
		}
	}
}

// spend appends n events of requests that are one row, turn by turn to accounts,
// each in a transaction of its own.
func (h *house) spend(t testing.TB, n int, accounts ...string) {
	t.Helper()
	for i := range n {
		request := newID("req")
		outs, err := h.store.Commit(t.Context(), store.Replica{}, []ledger.Op{{
			Kind: ledger.OpSpend, Account: accounts[i%len(accounts)], Request: request, Nonce: "n", Amount: 900, Cost: 700,
			Work: ledger.Work{Key: "key_1", Area: "api", Route: "/v1/responses", Model: "vendor/model", PriceVersion: "p1"},
		}})
		require.NoError(t, err)
		require.NoError(t, outs[0].Err)
		h.last = "evt_" + strings.TrimPrefix(request, "req_")
	}
}

// rich makes an account that can spend; that is an event, too.
func (h *house) rich(t testing.TB, id string) {
	t.Helper()
	h.account(t, id)
	outs, err := h.store.Commit(t.Context(), store.Replica{}, []ledger.Op{{
		Kind: ledger.OpGrant, Account: id, Lot: "lot_" + id, Amount: ledger.Credit, Source: ledger.SourceOperator,
	}})
	require.NoError(t, err)
	require.NoError(t, outs[0].Err)
}

// sealTo seals until the log has a size. Other databases of the same server
// may hold it up.
func (h *house) sealTo(t *testing.T, size int64) seal.Result {
	t.Helper()
	var r seal.Result
	require.Eventually(t, func() bool {
		var err error
		r, err = h.Seal(t.Context())
		require.NoError(t, err)
		return r.Size >= size
	}, 30*time.Second, 5*time.Millisecond)
	require.Equal(t, size, r.Size)
	require.Equal(t, size, r.Checkpoint.Size)
	return r
}

// verify returns what a verification finds.
func (h *house) verify(t *testing.T, since string) (seal.Summary, []seal.Finding) {
	t.Helper()
	var found []seal.Finding
	sum, err := h.Verify(t.Context(), seal.Proof{Open: h.notary.Open, Since: since}, func(f seal.Finding) error {
		found = append(found, f)
		return nil
	})
	require.NoError(t, err)
	return sum, found
}

// clean verifies and wants nothing found.
func (h *house) clean(t *testing.T) seal.Summary {
	t.Helper()
	sum, found := h.verify(t, "")
	require.Empty(t, found)
	return sum
}

// exec runs a statement past every rule.
func (h *house) exec(t testing.TB, statement string, args ...any) {
	t.Helper()
	_, err := h.raw.ExecContext(t.Context(), statement, args...)
	require.NoError(t, err, statement)
}

// disarm takes the triggers out of the vandal's way.
func (h *house) disarm(t *testing.T) {
	t.Helper()
	if h.postgres() {
		h.exec(t, "SET session_replication_role = replica")
		h.exec(t, "SET synchronous_commit = off")
		return
	}
	h.exec(t, "PRAGMA synchronous = OFF")
	rows, err := h.raw.QueryContext(t.Context(), "SELECT name FROM sqlite_master WHERE type = 'trigger'")
	require.NoError(t, err)
	defer func() { _ = rows.Close() }()
	var names []string
	for rows.Next() {
		var name string
		require.NoError(t, rows.Scan(&name))
		names = append(names, name)
	}
	require.NoError(t, errors.Join(rows.Err(), rows.Close()))
	for _, name := range names {
		h.exec(t, fmt.Sprintf("DROP TRIGGER %q", name))
	}
}

// failing is a store whose transactions fail when told to: before they commit,
// or, as a lost reply looks, after.
type failing struct {
	store.Store
	before, after func() error
}

func (f *failing) Do(ctx context.Context, fn func(context.Context, store.Stores) error) error {
	err := f.Store.Do(ctx, func(ctx context.Context, tx store.Stores) error {
		if err := fn(ctx, tx); err != nil || f.before == nil {
			return err
		}
		return f.before()
	})
	if err != nil || f.after == nil {
		return err
	}
	return f.after()
}
