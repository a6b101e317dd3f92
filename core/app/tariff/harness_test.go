package tariff_test

import (
	"bytes"
	"context"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/archibot/archibotchat/adapters/sqlstore"
	"github.com/archibot/archibotchat/adapters/sqlstore/blank"
	"github.com/archibot/archibotchat/adapters/system"
	"github.com/archibot/archibotchat/core/app/tariff"
	"github.com/archibot/archibotchat/core/pricing"
	"github.com/archibot/archibotchat/ports/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// file is a source that the test writes.
type file struct {
	mu   sync.Mutex
	book pricing.Book
	err  error
}

func (f *file) Book(context.Context) (pricing.Book, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.book, f.err
}

func (f *file) write(book pricing.Book, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.book, f.err = book, err
}

// at returns a book that asks for so much a request.
func at(rate pricing.Rate) pricing.Book {
	book, err := pricing.NewBook([]pricing.Edition{{
		Effective: time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC), // bubbles begin in 2000
		Models:    []pricing.Model{{ID: "m", Price: pricing.Price{PerRequest: rate, MaxOutputTokens: 1}}},
	}})
	if err != nil {
		panic(err)
	}
	return book
}

// edge is the database as one server reaches it.
type edge struct {
	store.Store
	mu   sync.Mutex
	down error
}

func (e *edge) set(down error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.down = down
}

func (e *edge) broken() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.down
}

func (e *edge) PriceBooks() store.PriceBooks { return reads{e.Store.PriceBooks(), e} }

func (e *edge) Do(ctx context.Context, fn func(ctx context.Context, s store.Stores) error) error {
	if err := e.broken(); err != nil {
		return err
	}
	return e.Store.Do(ctx, fn)
}

type reads struct {
	store.PriceBooks
	of *edge
}

func (r reads) Current(ctx context.Context) (time.Time, []store.PriceBook, error) {
	if err := r.of.broken(); err != nil {
		return time.Time{}, nil, err
	}
	return r.PriceBooks.Current(ctx)
}

func (r reads) Content(ctx context.Context, hash string) ([]byte, error) {
	if err := r.of.broken(); err != nil {
		return nil, err
	}
	return r.PriceBooks.Content(ctx, hash)
}

// server is one server on the database, and its file.
type server struct {
	*tariff.Service
	t    *testing.T
	edge *edge
	file *file
	log  *bytes.Buffer
	stop func()
}

// site is a database in a bubble of fake time.
type site struct {
	t   *testing.T
	db  *sqlstore.Store
	ids *system.IDs
}

func inBubble(t *testing.T, test func(t *testing.T, s *site)) {
	t.Helper()
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := &site{t: t, ids: system.NewIDs(system.Now)}
		var err error
		s.db, err = sqlstore.Open(t.Context(), sqlstore.Config{URL: blank.SQLite(t, filepath.Join(dir, "test.db")), NewID: s.ids.New, Now: system.Now})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, s.db.Close()) })
		require.NoError(t, s.db.Migrate(t.Context()))
		test(t, s)
	})
}

// start starts a server whose file holds book and whose clock is ahead of the
// database's, and waits for its first look.
func (s *site) start(book pricing.Book, ahead time.Duration) *server {
	s.t.Helper()
	v := &server{t: s.t, edge: &edge{Store: s.db}, file: &file{book: book}, log: &bytes.Buffer{}}
	v.Service = tariff.New(tariff.Deps{
		Store: v.edge, Source: v.file, NewID: s.ids.New, Log: slog.New(slog.NewTextHandler(v.log, nil)),
		Now: func() time.Time { return system.Now().Add(ahead) },
	})
	_, err := v.InForce()
	require.ErrorIs(s.t, err, tariff.ErrUnknown, "nothing is known before the first look")
	require.Zero(s.t, v.Known())
	ctx, cancel := context.WithCancel(s.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- v.Run(ctx) }()
	v.stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(s.t, <-ended)
	})
	s.t.Cleanup(v.stop)
	synctest.Wait()
	return v
}

// asks returns what a request costs now; 0: nothing is in force.
func (v *server) asks() pricing.Rate {
	v.t.Helper()
	e, err := v.InForce()
	require.NoError(v.t, err)
	q, _ := e.Find("m")
	return q.Price.PerRequest
}

func (s *site) published() []store.PriceBook {
	s.t.Helper()
	list, err := s.db.PriceBooks().List(s.t.Context(), store.Page{})
	require.NoError(s.t, err)
	return list
}

func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
