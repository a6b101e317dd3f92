package responses_test

import (
	"context"
	"errors"
	"io"
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
	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/relay"
	"github.com/archibot/archibotchat/core/app/responses"
	"github.com/archibot/archibotchat/core/billing"
	port "github.com/archibot/archibotchat/ports/inference"
	"github.com/archibot/archibotchat/ports/store"
)

var _ relay.Owner = (*responses.Service)(nil)

const account = "acct_test"

// edge is the database as the service reaches it. before sees each write's size,
// may wait, and may fail it.
type edge struct {
	store.Store
	mu     sync.Mutex
	before func(claims []store.Response, ends []store.ResponseEnd) error
	writes int
}

func (e *edge) Responses() store.Responses { return edgeResponses{e.Store.Responses(), e} }

type edgeResponses struct {
	store.Responses
	of *edge
}

func (e *edge) write(claims []store.Response, ends []store.ResponseEnd) error {
	e.mu.Lock()
	e.writes++
	before := e.before
	e.mu.Unlock()
	if before != nil {
		return before(claims, ends)
	}
	return nil
}

func (r edgeResponses) Claim(ctx context.Context, rs []store.Response) ([]error, error) {
	if err := r.of.write(rs, nil); err != nil {
		return nil, err
	}
	return r.Responses.Claim(ctx, rs)
}

func (r edgeResponses) End(ctx context.Context, ends []store.ResponseEnd) error {
	if err := r.of.write(nil, ends); err != nil {
		return err
	}
	return r.Responses.End(ctx, ends)
}

func (e *edge) on(before func(claims []store.Response, ends []store.ResponseEnd) error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.before = before
}

// upstream is the far side: it notes calls and answers as it is told.
type upstream struct {
	port.Upstream
	calls  []port.ObjectCall
	answer func(ctx context.Context, o *port.ObjectCall) (*port.Response, error)
}

func (u *upstream) Object(ctx context.Context, o *port.ObjectCall) (*port.Response, error) {
	u.calls = append(u.calls, *o)
	return u.answer(ctx, o)
}

// says answers with a body.
func says(body string) func(context.Context, *port.ObjectCall) (*port.Response, error) {
	return func(context.Context, *port.ObjectCall) (*port.Response, error) {
		return &port.Response{Upstream: "test", Headers: []port.Header{{Name: "Openai-Version", Value: "1"}}, Body: io.NopCloser(strings.NewReader(body))}, nil
	}
}

func fails(err error) func(context.Context, *port.ObjectCall) (*port.Response, error) {
	return func(context.Context, *port.ObjectCall) (*port.Response, error) { return nil, err }
}

// bench is a service over a real store, in a bubble of fake time.
type bench struct {
	*responses.Service
	t      *testing.T
	db     *edge
	up     *upstream
	memory *relay.Memory
	ids    *system.IDs
	stop   func()
}

func inBubble(t *testing.T, test func(b *bench)) {
	t.Helper()
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		b := &bench{t: t, up: &upstream{}, memory: relay.NewMemory(1 << 20), ids: system.NewIDs(system.Now)}
		db, err := sqlstore.Open(t.Context(), sqlstore.Config{URL: blank.SQLite(t, filepath.Join(dir, "test.db")), NewID: b.ids.New, Now: system.Now})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, db.Close()) })
		require.NoError(t, db.Migrate(t.Context()))
		for _, id := range []string{account, "acct_2"} {
			require.NoError(t, db.Accounts().Create(t.Context(), store.Account{
				Billing: billing.Active, Account: access.Account{ID: id, Name: "Test", Status: access.StatusActive, CreatedAt: system.Now(), UpdatedAt: system.Now()},
			}))
		}
		b.db = &edge{Store: db}
		b.Service = responses.New(responses.Deps{
			Store: b.db, Upstream: b.up, Memory: b.memory, Now: system.Now, NewID: b.ids.New, Log: slog.New(slog.DiscardHandler), Answer: 64 << 10,
		})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- b.Run(ctx) }()
		b.stop = sync.OnceFunc(func() {
			cancel()
			require.NoError(t, <-ended)
		})
		test(b)
		b.stop()
		require.Zero(t, b.memory.Used(), "the memory budget") // W10
	})
}

func response(id string) store.Response {
	return store.Response{ID: id, Account: account, Request: "req_" + id, Key: "key_1", Model: "m", Upstream: "test"}
}

// claimed claims a response that has ended.
func (b *bench) claimed(id string, tokens int64) {
	b.t.Helper()
	r := response(id)
	r.Ended, r.Tokens = true, tokens
	require.NoError(b.t, b.Claim(b.t.Context(), r))
}

// there reports whether the store has a response of the account.
func (b *bench) there(id string) bool {
	b.t.Helper()
	_, err := b.db.Store.Responses().Get(b.t.Context(), account, id)
	if err != nil {
		require.ErrorIs(b.t, err, store.ErrNotFound)
	}
	return err == nil
}

// by is a context in which a key of the account acts.
func (b *bench) by(account string) context.Context {
	ctx := access.WithPrincipal(b.t.Context(), access.Principal{Kind: access.PrincipalKey, ID: "key_1", Account: account})
	return access.WithRequest(ctx, "req_asks")
}

var errDown = errors.Join(store.ErrUnavailable, errors.New("connection refused"))

func elapsed(fn func()) time.Duration {
	start := time.Now()
	fn()
	return time.Since(start)
}
