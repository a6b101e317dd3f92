package models_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/app/models"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/core/pricing"
	port "github.com/archibot/archibotchat/ports/inference"
)

// upstream lists models after a while, and knows their prices.
type upstream struct {
	prices   pricing.Edition
	unpriced error  // why no price is sure
	unserved string // a model that nobody serves
	down     error

	mu    sync.Mutex
	list  []port.Model
	err   error
	takes time.Duration
	asked int
}

func (u *upstream) InForce() (pricing.Edition, error) { return u.prices, u.unpriced }

func (u *upstream) Known() pricing.Edition { return u.prices }

func (u *upstream) Foresee(r *port.Request) error {
	if r.Model == u.unserved {
		return models.ErrUnknown
	}
	return u.down
}

func (u *upstream) Name() string { return "test" }

func (u *upstream) Do(context.Context, *port.Request) (*port.Response, error) {
	return nil, errors.ErrUnsupported
}

func (u *upstream) Object(context.Context, *port.ObjectCall) (*port.Response, error) {
	return nil, errors.ErrUnsupported
}

func (u *upstream) Models(ctx context.Context) ([]port.Model, error) {
	u.mu.Lock()
	u.asked++
	list, err, takes := u.list, u.err, u.takes
	u.mu.Unlock()
	select {
	case <-time.After(takes):
		return list, err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (u *upstream) set(change func()) {
	u.mu.Lock()
	defer u.mu.Unlock()
	change()
}

func (u *upstream) count() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.asked
}

// inBubble runs a test on a service whose book prices exact, vendor/exact and vendor/*.
func inBubble(t *testing.T, test func(t *testing.T, s *models.Service, u *upstream)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		price := pricing.Price{PerOutput: 1, MaxOutputTokens: 10}
		dear := pricing.Price{PerOutput: 2, MaxOutputTokens: 10}
		book, err := pricing.NewBook([]pricing.Edition{{Effective: time.Now().Add(-time.Hour), Models: []pricing.Model{
			{ID: "exact", Price: price}, {ID: "vendor/exact", Price: dear}, {ID: "vendor/*", Price: price},
		}}})
		require.NoError(t, err)
		u := &upstream{list: []port.Model{{ID: "vendor/b", Created: 7, OwnedBy: "them"}, {ID: "unpriced"}, {ID: "exact", Created: 9, OwnedBy: "them"}, {ID: "vendor/a"}}}
		u.prices = book.Editions()[0]
		test(t, models.New(models.Deps{Upstream: u, Prices: u, Now: time.Now, Log: slog.New(slog.DiscardHandler)}), u)
	})
}

func ids(t *testing.T, s *models.Service, k keys.Key) (out []string) {
	t.Helper()
	list, err := s.List(t.Context(), k)
	require.NoError(t, err)
	for _, m := range list {
		out = append(out, m.ID)
	}
	return out
}

func TestService_List(t *testing.T) { // W1, L13
	inBubble(t, func(t *testing.T, s *models.Service, _ *upstream) {
		require.Equal(t, []string{"exact", "vendor/a", "vendor/b", "vendor/exact"}, ids(t, s, keys.Key{}))
		require.Equal(t, []string{"vendor/b"}, ids(t, s, keys.Key{Models: []string{"vendor/b"}}), "only those of the key (K7)")
		require.Equal(t, []string{"vendor/a", "vendor/b", "vendor/exact"}, ids(t, s, keys.Key{Models: []string{"vendor/*"}}))
		require.Empty(t, ids(t, s, keys.Key{Models: []string{"none"}}))
	})
}

func TestService_Quote(t *testing.T) { // L13
	inBubble(t, func(t *testing.T, s *models.Service, u *upstream) {
		q, err := s.Quote(keys.Key{}, "vendor/exact")
		require.NoError(t, err)
		require.EqualValues(t, 2, q.Price.PerOutput, "an exact ID beats a prefix")
		_, err = s.Quote(keys.Key{}, "vendor/unlisted")
		require.NoError(t, err, "a priced model may be used though unlisted")
		for _, id := range []string{"", "unpriced", "vendor/*", "*", "Exact", "exact "} {
			_, err = s.Quote(keys.Key{}, id)
			require.ErrorIs(t, err, models.ErrUnknown, id)
		}
		_, err = s.Quote(keys.Key{Models: []string{"exact"}}, "vendor/a")
		require.ErrorIs(t, err, models.ErrUnknown, "not allowed looks like not there")
		require.Zero(t, u.count(), "a call does not wait for the upstream's list")
	})
}

func TestService_Find(t *testing.T) { // W1
	inBubble(t, func(t *testing.T, s *models.Service, _ *upstream) {
		m, err := s.Find(t.Context(), keys.Key{}, "vendor/b")
		require.NoError(t, err)
		require.Equal(t, port.Model{ID: "vendor/b", Created: 7, OwnedBy: "them"}, m)
		m, err = s.Find(t.Context(), keys.Key{}, "vendor/exact")
		require.NoError(t, err)
		require.Equal(t, "test", m.OwnedBy)
		_, err = s.Find(t.Context(), keys.Key{}, "unpriced")
		require.ErrorIs(t, err, models.ErrUnknown)
	})
}

func TestService_cache(t *testing.T) {
	inBubble(t, func(t *testing.T, s *models.Service, u *upstream) {
		u.set(func() { u.takes = time.Second })
		var wg sync.WaitGroup
		start := time.Now()
		for range 50 {
			wg.Go(func() { _, _ = s.List(t.Context(), keys.Key{}) })
		}
		wg.Wait()
		require.Equal(t, 1, u.count(), "one question for all")
		require.Equal(t, time.Second, time.Since(start))
		time.Sleep(50 * time.Second)
		ids(t, s, keys.Key{})
		require.Equal(t, 1, u.count(), "fresh for a minute")

		time.Sleep(20 * time.Second)
		u.set(func() { u.list, u.takes = []port.Model{{ID: "vendor/new"}}, 4*time.Second })
		wg.Go(func() { _, _ = s.List(t.Context(), keys.Key{}) })
		synctest.Wait()
		start = time.Now()
		require.Contains(t, ids(t, s, keys.Key{}), "vendor/a", "meanwhile the others have the last list")
		require.Zero(t, time.Since(start), "and do not wait")
		wg.Wait()
		require.Contains(t, ids(t, s, keys.Key{}), "vendor/new")
		require.Equal(t, 2, u.count())
	})
}

func TestService_upstreamDown(t *testing.T) {
	inBubble(t, func(t *testing.T, s *models.Service, u *upstream) {
		u.set(func() { u.err = errors.New("down") })
		require.Equal(t, []string{"exact", "vendor/exact"}, ids(t, s, keys.Key{}), "what has an exact price works")
		u.set(func() { u.err = nil })
		require.NotContains(t, ids(t, s, keys.Key{}), "vendor/a", "not asked again at once")
		time.Sleep(61 * time.Second)
		require.Contains(t, ids(t, s, keys.Key{}), "vendor/a")
		u.set(func() { u.err = errors.New("down again") })
		time.Sleep(61 * time.Second)
		require.Contains(t, ids(t, s, keys.Key{}), "vendor/a", "the last good list is kept")

		u.set(func() { u.err, u.takes = nil, time.Hour })
		time.Sleep(61 * time.Second)
		start := time.Now()
		ids(t, s, keys.Key{})
		require.Equal(t, 5*time.Second, time.Since(start), "an upstream that hangs holds one caller for a moment")
	})
}

func TestService_callerLeaves(t *testing.T) {
	inBubble(t, func(t *testing.T, s *models.Service, u *upstream) {
		u.set(func() { u.takes = time.Second })
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := s.List(ctx, keys.Key{})
		require.NoError(t, err)
		require.Contains(t, ids(t, s, keys.Key{}), "vendor/a", "the list of one who left is everybody's")
	})
}

func TestService_unsurePrices(t *testing.T) { // L13, HOTPATH 24
	inBubble(t, func(t *testing.T, s *models.Service, u *upstream) {
		u.unpriced = fault.New(fault.Unavailable, "prices_unknown", "x")
		_, err := s.Quote(keys.Key{}, "exact")
		require.Equal(t, u.unpriced, err, "nothing is sold at a price that may be over")
		require.Len(t, ids(t, s, keys.Key{}), 4, "lists need not be so sure")
		_, err = s.Find(t.Context(), keys.Key{}, "exact")
		require.NoError(t, err)
		u.prices = pricing.Edition{}
		require.Empty(t, ids(t, s, keys.Key{}))
	})
}

func TestService_unserved(t *testing.T) { // W8
	inBubble(t, func(t *testing.T, s *models.Service, u *upstream) {
		u.unserved, u.down = "vendor/exact", fault.New(fault.Unavailable, "upstream_unavailable", "x")
		require.Equal(t, []string{"exact", "vendor/a", "vendor/b"}, ids(t, s, keys.Key{}), "one that is down for a moment is listed")
		_, err := s.Find(t.Context(), keys.Key{}, "vendor/exact")
		require.ErrorIs(t, err, models.ErrUnknown)
	})
}

func TestService_Offers(t *testing.T) { // C2
	inBubble(t, func(t *testing.T, s *models.Service, u *upstream) {
		price := func(input, output pricing.Rate) pricing.Price {
			return pricing.Price{PerRequest: 1, PerInput: input, PerOutput: output, MaxOutputTokens: 10}
		}
		book, err := pricing.NewBook([]pricing.Edition{{Effective: u.prices.Effective, Models: []pricing.Model{
			{ID: "b", Price: price(1, 2)}, {ID: "embed", Price: price(1, 0)}, {ID: "flat", Price: price(0, 0)}, {ID: "a*", Price: price(1, 3)}, {ID: "away", Price: price(1, 2)},
		}}})
		require.NoError(t, err)
		u.prices, u.unserved, u.list = book.Editions()[0], "away", []port.Model{{ID: "a1", OwnedBy: "them"}, {ID: "b"}, {ID: "unpriced"}}
		shown := func() (out []string) {
			offers, err := s.Offers(t.Context(), keys.Key{})
			require.NoError(t, err)
			for _, o := range offers {
				text := o.ID
				if o.Default {
					text += " default"
				}
				out = append(out, text)
			}
			return out
		}
		require.Equal(t, []string{"a1", "b default", "flat"}, shown(), "a price of its own comes before a prefix's; what makes no text is none")
		id, err := s.Default(t.Context(), keys.Key{})
		require.NoError(t, err)
		require.Equal(t, "b", id)

		book, err = pricing.NewBook([]pricing.Edition{{Effective: u.prices.Effective, Models: []pricing.Model{{ID: "a*", Price: price(1, 3)}}}})
		require.NoError(t, err)
		u.prices = book.Editions()[0]
		require.Equal(t, []string{"a1 default"}, shown())
		u.prices = pricing.Edition{}
		_, err = s.Default(t.Context(), keys.Key{})
		require.ErrorIs(t, err, models.ErrUnknown)
		u.unpriced = fault.New(fault.Unavailable, "prices_unknown", "Not sure.")
		_, err = s.Offers(t.Context(), keys.Key{})
		require.ErrorIs(t, err, u.unpriced)
	})
}
