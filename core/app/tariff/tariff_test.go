package tariff_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/system"
	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/tariff"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/pricing"
	"github.com/archibot/archibotchat/ports/store"
)

func TestService_first(t *testing.T) { // HOTPATH 24
	inBubble(t, func(t *testing.T, s *site) {
		v := s.start(at(1), 0)
		require.True(t, v.Ready())
		require.EqualValues(t, 1, v.asks(), "the first of all holds at once")
		require.Contains(t, v.log.String(), "prices published")
		require.Contains(t, v.log.String(), "prices are in force")

		es, err := s.db.Events().Unowned(t.Context(), store.Page{})
		require.NoError(t, err)
		require.Len(t, es, 1)
		require.Equal(t, audit.PricesPublished, es[0].Kind)
		require.Equal(t, at(1).Hash(), es[0].Subject)
		require.Equal(t, audit.Actor{Kind: audit.ActorService, ID: "prices"}, es[0].Actor)

		v.stop()
		again := s.start(at(1), 0)
		pass(time.Hour)
		require.EqualValues(t, 1, again.asks())
		require.Len(t, s.published(), 1, "and once")
		require.NotContains(t, again.log.String(), "WARN")
	})
}

func TestService_hotReload(t *testing.T) {
	inBubble(t, func(t *testing.T, s *site) {
		a, b := s.start(at(1), 0), s.start(at(1), 0)
		a.file.write(at(2), nil)
		pass(5 * time.Second)
		require.Len(t, s.published(), 1, "a change is to be seen twice")
		pass(5 * time.Second)
		list := s.published()
		require.Len(t, list, 2)
		require.Equal(t, store.PriceNotice, list[0].Effective.Sub(list[0].Added))

		b.file.write(at(2), nil) // the other server's file follows
		pass(time.Until(list[0].Effective) - time.Microsecond)
		require.EqualValues(t, 1, a.asks())
		require.EqualValues(t, 1, b.asks())
		pass(time.Microsecond)
		require.EqualValues(t, 2, a.asks())
		require.EqualValues(t, 2, b.asks(), "at the same instant")
		pass(time.Minute)
		require.Len(t, s.published(), 2, "one publication for both files")

		a.file.write(at(1), nil) // back again
		a.Reload()
		synctest.Wait()
		require.Len(t, s.published(), 3, "at once where an operator says so")
		pass(store.PriceNotice)
		require.EqualValues(t, 1, a.asks())
		require.EqualValues(t, 1, b.asks(), "although its own file still has the other")
		pass(time.Hour)
		require.Len(t, s.published(), 3, "files that differ do not take turns")
	})
}

// What one server's clock says does not count: the database's does.
func TestService_skewedClocks(t *testing.T) {
	inBubble(t, func(t *testing.T, s *site) {
		servers := []*server{s.start(at(1), 0), s.start(at(1), 24*time.Hour), s.start(at(1), -24*time.Hour)}
		servers[0].file.write(at(2), nil)
		servers[0].Reload()
		synctest.Wait()
		for want, wait := range []time.Duration{1: store.PriceNotice - time.Microsecond, 2: time.Microsecond} {
			pass(wait)
			for i, v := range servers {
				if want > 0 {
					require.EqualValues(t, want, v.asks(), i)
				}
			}
		}
	})
}

func TestService_badFile(t *testing.T) {
	inBubble(t, func(t *testing.T, s *site) {
		v := s.start(at(1), 0)
		bad := errors.New("line 3: no price")
		v.file.write(pricing.Book{}, bad)
		pass(time.Minute)
		require.EqualValues(t, 1, v.asks())
		require.Equal(t, 1, strings.Count(v.log.String(), "the price book was refused; the prices in force stay"), "one complaint, not one every five seconds")
		require.Contains(t, v.log.String(), "line 3: no price")
		v.file.write(at(1), nil) // mended: as it was
		pass(time.Minute)
		v.file.write(pricing.Book{}, bad)
		pass(time.Minute)
		require.Equal(t, 2, strings.Count(v.log.String(), "was refused"))
		v.file.write(at(2), nil)
		pass(2 * time.Minute)
		require.EqualValues(t, 2, v.asks())
		require.Len(t, s.published(), 2)
	})
}

// A file that is being written does not count before it stays the same.
func TestService_halfWritten(t *testing.T) {
	inBubble(t, func(t *testing.T, s *site) {
		v := s.start(at(1), 0)
		for rate := range pricing.Rate(10) {
			v.file.write(at(rate+2), nil)
			pass(5 * time.Second)
		}
		require.Len(t, s.published(), 1)
		pass(5 * time.Second)
		list := s.published()
		require.Len(t, list, 2)
		require.Equal(t, at(11).Hash(), list[0].Hash)
	})
}

func TestService_restart(t *testing.T) {
	t.Run("a change nobody saw is published", func(t *testing.T) {
		inBubble(t, func(t *testing.T, s *site) {
			v := s.start(at(1), 0)
			v.file.write(at(2), nil)
			v.stop() // as kill -9 would
			v = s.start(at(2), 0)
			require.EqualValues(t, 1, v.asks(), "others must learn of it first")
			pass(store.PriceNotice)
			require.EqualValues(t, 2, v.asks())
		})
	})
	t.Run("an old file does not bring old prices back", func(t *testing.T) {
		inBubble(t, func(t *testing.T, s *site) {
			v := s.start(at(1), 0)
			v.file.write(at(2), nil)
			v.Reload()
			pass(2 * time.Minute)
			v.stop()
			v = s.start(at(1), 0)
			pass(2 * time.Minute)
			require.EqualValues(t, 2, v.asks())
			require.Contains(t, v.log.String(), "the configured prices were in force before and are not any more")
			v.file.write(at(3), nil)
			pass(2 * time.Minute)
			require.EqualValues(t, 3, v.asks())
		})
	})
}

func TestService_databaseAway(t *testing.T) {
	t.Run("at the start", func(t *testing.T) {
		inBubble(t, func(t *testing.T, s *site) {
			v := &server{t: t, edge: &edge{Store: s.db, down: store.ErrUnavailable}, file: &file{book: at(1)}, log: &bytes.Buffer{}}
			v.Service = tariff.New(tariff.Deps{Store: v.edge, Source: v.file, NewID: s.ids.New, Now: system.Now, Log: slog.New(slog.NewTextHandler(v.log, nil))})
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- v.Run(ctx) }()
			pass(time.Minute)
			require.False(t, v.Ready())
			v.edge.set(nil)
			pass(time.Second)
			require.EqualValues(t, 1, v.asks())
			cancel()
			require.NoError(t, <-ended)
		})
	})
	t.Run("later", func(t *testing.T) { // a book cannot come into force unseen
		inBubble(t, func(t *testing.T, s *site) {
			v, other := s.start(at(1), 0), s.start(at(1), 0)
			v.edge.set(store.ErrUnavailable)
			other.file.write(at(2), nil)
			other.Reload()
			synctest.Wait()
			effective := s.published()[0].Effective
			pass(tariff.Stale)
			require.EqualValues(t, 1, v.asks(), "what is known holds")
			pass(time.Microsecond)
			_, err := v.InForce()
			require.ErrorIs(t, err, tariff.ErrUnknown)
			require.Equal(t, fault.Unavailable, fault.KindOf(err))
			require.True(t, time.Now().Before(effective), "it was given up in time")
			require.False(t, v.Ready())
			require.NotZero(t, v.Known())
			pass(time.Until(effective))
			v.edge.set(nil)
			pass(5 * time.Second)
			require.EqualValues(t, 2, v.asks())
		})
	})
	t.Run("while a change is published", func(t *testing.T) {
		inBubble(t, func(t *testing.T, s *site) {
			v := s.start(at(1), 0)
			v.edge.set(store.ErrUnavailable)
			v.file.write(at(2), nil)
			pass(30 * time.Second)
			require.Contains(t, v.log.String(), "publishing prices failed, will retry")
			v.edge.set(nil)
			pass(10*time.Second + store.PriceNotice)
			require.EqualValues(t, 2, v.asks())
			require.Len(t, s.published(), 2)
		})
	})
}

// A book of a form that this program does not know is not guessed at.
func TestService_unreadableBook(t *testing.T) {
	inBubble(t, func(t *testing.T, s *site) {
		v := s.start(at(1), 0)
		_, _, err := s.db.PriceBooks().Publish(t.Context(), store.Publication{Content: []byte(`{"form":"archibotchat/prices/9"}`)})
		require.NoError(t, err)
		pass(30 * time.Second)
		require.EqualValues(t, 1, v.asks())
		pass(30 * time.Second)
		_, err = v.InForce()
		require.ErrorIs(t, err, tariff.ErrUnknown)
		require.Contains(t, v.log.String(), "reading the schedule of prices failed")
	})
}

func TestService_Publish(t *testing.T) {
	inBubble(t, func(t *testing.T, s *site) {
		desk := tariff.New(tariff.Deps{Store: s.db, NewID: s.ids.New, Now: system.Now, Log: slog.New(slog.DiscardHandler)})
		ctx := access.WithPrincipal(access.WithRequest(t.Context(), "req_1"), access.Principal{Kind: access.PrincipalOperator, ID: "pat"})
		v := s.start(at(1), 0)
		_, _, err := desk.Publish(ctx, at(2), time.Now().Add(time.Second))
		require.ErrorIs(t, err, store.ErrPriceNotice)
		later := time.Now().Add(time.Hour)
		b, added, err := desk.Publish(ctx, at(2), later)
		require.NoError(t, err)
		require.True(t, added)
		require.True(t, later.Equal(b.Effective))
		_, added, err = desk.Publish(ctx, at(3), time.Time{})
		require.NoError(t, err)
		require.True(t, added)
		_, added, err = desk.Publish(ctx, at(3), time.Time{})
		require.NoError(t, err)
		require.False(t, added)
		es, err := s.db.Events().Unowned(t.Context(), store.Page{})
		require.NoError(t, err)
		require.Len(t, es, 3, "nothing happened at the refused one, nor at the repetition")
		require.Equal(t, audit.Actor{Kind: audit.ActorOperator, ID: "pat"}, es[0].Actor)
		require.Equal(t, "req_1", es[0].Request)

		states := func() (out []tariff.State) {
			list, err := desk.List(ctx, store.Page{})
			require.NoError(t, err)
			for _, e := range list {
				out = append(out, e.State)
			}
			return out
		}
		require.Equal(t, []tariff.State{tariff.StateToCome, tariff.StateToCome, tariff.StateInForce}, states())
		pass(store.PriceNotice)
		require.EqualValues(t, 3, v.asks())
		require.Equal(t, []tariff.State{tariff.StateInForce, tariff.StateToCome, tariff.StatePast}, states())
		pass(time.Until(later))
		require.EqualValues(t, 2, v.asks())
		require.Equal(t, []tariff.State{tariff.StatePast, tariff.StateInForce, tariff.StatePast}, states())
	})
}

func TestService_Find(t *testing.T) {
	inBubble(t, func(t *testing.T, s *site) {
		s.start(at(1), 0)
		v := s.start(at(2), 0)
		for rate := range pricing.Rate(2) {
			want := at(rate + 1)
			for _, name := range []string{want.Hash(), want.Hash()[:8], strings.ToUpper(want.Hash()), want.Editions()[0].Version, want.Editions()[0].Version[:8]} {
				hash, book, err := v.Find(t.Context(), name)
				require.NoError(t, err, name)
				require.Equal(t, want, book)
				require.Equal(t, want.Hash(), hash)
			}
		}
		for name, code := range map[string]string{
			"": "invalid_price_name", "abcdef0": "invalid_price_name", "not a hash at all": "invalid_price_name",
			strings.Repeat("0", 65): "invalid_price_name", strings.Repeat("0", 64): "unknown_prices", at(3).Hash(): "unknown_prices",
		} {
			_, _, err := v.Find(t.Context(), name)
			require.Equal(t, code, fault.CodeOf(err), name)
		}
	})
}
