package gateway_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/archibot/archibotchat/adapters/openaiupstream"
	"github.com/archibot/archibotchat/adapters/sqlstore"
	"github.com/archibot/archibotchat/adapters/sqlstore/blank"
	"github.com/archibot/archibotchat/adapters/system"
	"github.com/archibot/archibotchat/core"
	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/billing"
	"github.com/archibot/archibotchat/core/gates"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/core/pricing"
	"github.com/archibot/archibotchat/e2e/upstream"
	"github.com/archibot/archibotchat/hosts/gateway"
	"github.com/archibot/archibotchat/hosts/internal/gather"
	"github.com/archibot/archibotchat/ports/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	account     = "acct_test"
	granted     = 1_000_000
	upstreamKey = "sk-upstream-0123456789abcdef"
)

// away is a store that can be out of reach.
type away struct {
	store.Store
	down      atomic.Bool                   // for keys
	ownerless atomic.Bool                   // for claims of responses
	debits    atomic.Pointer[chan struct{}] // that must be closed before any is committed
}

func (a *away) TryCommit(ctx context.Context, by store.Replica, ops []ledger.Op, patience time.Duration) ([]ledger.Outcome, error) {
	gate := a.debits.Load()
	if gate != nil && slices.ContainsFunc(ops, func(op ledger.Op) bool { return op.Kind == ledger.OpSettle }) {
		select {
		case <-*gate:
		case <-ctx.Done():
			return nil, store.ErrUnavailable
		}
	}
	return a.Store.TryCommit(ctx, by, ops, patience)
}

func (a *away) Responses() store.Responses { return awayResponses{a.Store.Responses(), a} }

type awayResponses struct {
	store.Responses
	of *away
}

func (r awayResponses) Claim(ctx context.Context, rs []store.Response) ([]error, error) {
	if r.of.ownerless.Load() {
		return nil, store.ErrUnavailable
	}
	return r.Responses.Claim(ctx, rs)
}

func (a *away) Keys() store.Keys { return awayKeys{a.Store.Keys(), a} }

type awayKeys struct {
	store.Keys
	of *away
}

func (k awayKeys) ByDigests(ctx context.Context, ds []keys.Digest) ([]store.KeyHolder, error) {
	if k.of.down.Load() {
		return nil, store.ErrUnavailable
	}
	return k.Keys.ByDigests(ctx, ds)
}

type book pricing.Book

func (b book) Book(context.Context) (pricing.Book, error) { return pricing.Book(b), nil }

// options change a site before it starts.
type options struct {
	deps    func(d *core.Deps)
	gateway func(c *gateway.Config)
	now     func() time.Time // of the store and the core; nil: the system's
}

// site is the whole of /v1: a real server, a real store and an upstream over TCP.
type site struct {
	t     *testing.T
	db    *away
	app   *core.App
	up    *upstream.Server
	conns atomic.Int64 // that were made to the upstream
	srv   *httptest.Server
	token string
	log   *lockedBuffer
	peps  keys.Peppers
	deps  core.Deps
	file  string // of the database
	n     byte
}

func newSite(t *testing.T, o options) *site {
	t.Helper()
	t.Parallel()
	s := &site{t: t, log: &lockedBuffer{}}
	if o.now == nil {
		o.now = system.Now
	}
	ids := system.NewIDs(system.Now)
	s.file = filepath.Join(t.TempDir(), "test.db")
	db, err := sqlstore.Open(t.Context(), sqlstore.Config{URL: blank.SQLite(t, s.file), NewID: ids.New, Now: o.now})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	require.NoError(t, db.Migrate(t.Context()))
	s.db = &away{Store: db}

	s.up = upstream.New(upstream.Options{Key: upstreamKey, Record: 100})
	far := httptest.NewUnstartedServer(s.up)
	far.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			s.conns.Add(1)
		}
	}
	far.Start()
	t.Cleanup(far.Close)
	up, err := openaiupstream.New(openaiupstream.Config{Name: "scripted", BaseURL: far.URL + "/v1", Key: upstreamKey, FirstByte: 5 * time.Second, IdleChunk: 5 * time.Second})
	require.NoError(t, err)
	t.Cleanup(up.Close)

	price := pricing.Price{PerInput: 1_000_000, PerOutput: 2_000_000, MaxOutputTokens: 1000}
	prices, err := pricing.NewBook([]pricing.Edition{{Effective: time.Unix(1, 0), Models: []pricing.Model{{ID: "test", Price: price}, {ID: "test-*", Price: price}}}})
	require.NoError(t, err)
	s.peps, err = keys.ParsePeppers("v1:" + strings.Repeat("p", 32))
	require.NoError(t, err)
	log := slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	deps := core.Deps{
		Store: s.db, Upstream: up, Prices: book(prices), Peppers: s.peps, Areas: access.NewGroups(access.GroupAPI),
		Boundary: gates.BoundaryNotRequired, Environment: "test", Sign: func(text string) ([]byte, error) { return []byte(text), nil },
		Now: o.now, NewID: ids.New, Entropy: system.Entropy, Log: log,
	}
	if o.deps != nil {
		o.deps(&deps)
	}
	s.deps = deps
	s.app, err = core.New(t.Context(), deps)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.app.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		assert.NoError(t, <-ended)
		assert.Zero(t, s.app.Memory.Used(), "the memory budget") // W10
		assert.NotContains(t, s.log.String(), s.token, "a key in the log")
		assert.NotContains(t, s.log.String(), upstreamKey, "the upstream's key in the log")
	})

	config := gateway.Config{Admit: s.app.Admit, Models: s.app.Models, Responses: s.app.Responses, Relay: s.app.Relay, Memory: s.app.Memory, NewID: ids.New, Log: log}
	if o.gateway != nil {
		o.gateway(&config)
	}
	s.srv = httptest.NewUnstartedServer(gateway.New(config))
	s.srv.Listener = gather.On(s.srv.Config, s.srv.Listener) // as hosts do
	s.srv.Start()
	t.Cleanup(s.srv.Close)

	s.account(account, func(*store.Account) {})
	s.token = s.key(account, func(*keys.Key) {})
	_, err = s.db.Commit(t.Context(), store.Replica{}, []ledger.Op{{Kind: ledger.OpGrant, Account: account, Lot: "lot_1", Amount: granted, Source: ledger.SourceOperator}})
	require.NoError(t, err)
	require.Eventually(t, func() bool { return s.app.Ready(t.Context()) == nil }, 10*time.Second, time.Millisecond)
	return s
}

func (s *site) account(id string, change func(a *store.Account)) {
	s.t.Helper()
	a := store.Account{Billing: billing.Active, Account: access.Account{
		ID: id, Name: "Test", Status: access.StatusActive,
		Groups: access.NewGroups(access.GroupAPI), CreatedAt: system.Now(), UpdatedAt: system.Now(),
	}}
	change(&a)
	require.NoError(s.t, s.db.Accounts().Create(s.t.Context(), a))
}

// key stores a key of an account and returns its token.
func (s *site) key(account string, change func(k *keys.Key)) string {
	s.t.Helper()
	s.n++
	token := keys.Mint([32]byte{1, s.n})
	now := system.Now()
	k := keys.Key{
		ID: fmt.Sprintf("key_%03d", s.n), Account: account, Name: "test", Digest: s.peps[0].Digest(token), Pepper: "v1",
		Scopes: keys.AllScopes, CreatedAt: now, ExpiresAt: now.Add(time.Hour),
	}
	change(&k)
	require.NoError(s.t, s.db.Keys().Create(s.t.Context(), k))
	return token.Reveal()
}

// reply is an answer, read to its end.
type reply struct {
	t      *testing.T
	status int
	header http.Header
	body   string
	err    error // of reading the body
}

// do sends a request with the site's key.
func (s *site) do(method, path, body string) reply {
	s.t.Helper()
	return s.send(method, path, body, http.Header{"Authorization": {"Bearer " + s.token}})
}

func (s *site) send(method, path, body string, header http.Header) reply {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.srv.URL+path, strings.NewReader(body))
	require.NoError(s.t, err)
	r.Header = header
	res, err := s.srv.Client().Do(r)
	require.NoError(s.t, err)
	return s.read(res)
}

func (s *site) read(res *http.Response) reply {
	s.t.Helper()
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	require.Regexp(s.t, "^req_[0-9a-v]{26}$", res.Header.Get("X-Request-Id"), "on every answer")
	return reply{s.t, res.StatusCode, res.Header, string(b), err}
}

// raw sends bytes as they are and reads one answer.
func (s *site) raw(text string) reply {
	s.t.Helper()
	conn := s.dial()
	_, err := io.WriteString(conn, text)
	require.NoError(s.t, err)
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(s.t, err)
	return s.read(res)
}

// dial opens a connection on which nothing may take for ever.
func (s *site) dial() net.Conn {
	s.t.Helper()
	conn, err := new(net.Dialer).DialContext(s.t.Context(), "tcp", s.srv.Listener.Addr().String())
	require.NoError(s.t, err)
	s.t.Cleanup(func() { _ = conn.Close() })
	require.NoError(s.t, conn.SetDeadline(time.Now().Add(20*time.Second)))
	return conn
}

// occupy sends a request whose body does not come, and returns once the handler
// is waiting for it: that is when net/http asks for the body.
func (s *site) occupy() net.Conn {
	s.t.Helper()
	conn := s.dial()
	_, err := conn.Write([]byte("POST " + completions + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + s.token + "\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n"))
	require.NoError(s.t, err)
	line, err := bufio.NewReader(conn).ReadString('\n')
	require.NoError(s.t, err)
	require.Equal(s.t, "HTTP/1.1 100 Continue\r\n", line)
	return conn
}

// refused checks that the answer is an error in OpenAI's shape.
func (r reply) refused(status int, code string) {
	r.t.Helper()
	require.Equal(r.t, status, r.status, r.body)
	var e struct {
		Error map[string]any `json:"error"`
	}
	d := json.NewDecoder(strings.NewReader(r.body))
	d.DisallowUnknownFields()
	require.NoError(r.t, d.Decode(&e), r.body)
	for _, name := range []string{"message", "type", "param", "code"} {
		require.Contains(r.t, e.Error, name)
	}
	require.Len(r.t, e.Error, 4)
	require.NotEmpty(r.t, e.Error["message"])
	require.Equal(r.t, code, e.Error["code"])
	require.Equal(r.t, "application/json", r.header.Get("Content-Type"))
	require.NotContains(r.t, r.body, upstreamKey)
}

func (s *site) holds() []store.HeldDebit {
	s.t.Helper()
	hs, err := s.db.Ledger().Holds(s.t.Context(), store.Page{Limit: store.MaxPage})
	require.NoError(s.t, err)
	return slices.DeleteFunc(hs, func(h store.HeldDebit) bool { return h.Hold.Account != account })
}

func (s *site) balance() ledger.Balance {
	s.t.Helper()
	lots, err := s.db.Ledger().Lots(s.t.Context(), account)
	require.NoError(s.t, err)
	return ledger.Sum(lots, system.Now())
}

// untouched checks that nothing was held, debited or sent upstream (L6).
func (s *site) untouched() {
	s.t.Helper()
	require.Empty(s.t, s.holds())
	require.EqualValues(s.t, granted, s.balance().Available)
	require.Zero(s.t, s.up.Stats().Requests)
}

func chat(model, more string) string {
	return `{"model":"` + model + `","messages":[{"role":"user","content":"hi"}],"max_tokens":100` + more + `}`
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
