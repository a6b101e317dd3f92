package storetest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/ports/store"
)

var publisher = audit.Actor{Kind: audit.ActorOperator, ID: "pat"}

// publish publishes a book that must be new.
func publish(t *testing.T, s store.Store, content string, effective time.Time) store.PriceBook {
	t.Helper()
	b, added, err := s.PriceBooks().Publish(t.Context(), store.Publication{Content: []byte(content), Effective: effective, By: publisher})
	require.NoError(t, err)
	require.True(t, added)
	return b
}

// schedule returns the time, what holds, and what is to come.
func schedule(t *testing.T, s store.Store) (now time.Time, list []store.PriceBook) {
	t.Helper()
	now, list, err := s.PriceBooks().Current(t.Context())
	require.NoError(t, err)
	return now, list
}

func priceCases() []testCase {
	return []testCase{
		{"prices/publish", []string{"PriceBooks.Publish", "PriceBooks.Current", "PriceBooks.Content"}, func(t *testing.T, h harness) { // HOTPATH 24
			s, clock := h.clocked(t)
			now, list := schedule(t, s)
			require.Equal(t, start, now)
			require.Empty(t, list)

			first := publish(t, s, "one", time.Time{})
			sum := sha256.Sum256([]byte("one"))
			require.Equal(t, store.PriceBook{Seq: 1, Hash: hex.EncodeToString(sum[:]), Effective: start, Added: start, AddedBy: publisher}, first, "the very first holds at once")

			clock.Add(time.Hour)
			second := publish(t, s, "two", time.Time{})
			require.Equal(t, clock.Now().Add(store.PriceNotice), second.Effective)
			require.Equal(t, clock.Now(), second.Added)
			require.Equal(t, int64(2), second.Seq)
			for _, b := range []store.PriceBook{first, second} {
				content, err := s.PriceBooks().Content(t.Context(), b.Hash)
				require.NoError(t, err)
				require.Equal(t, map[string]string{first.Hash: "one", second.Hash: "two"}[b.Hash], string(content))
			}
			_, err := s.PriceBooks().Content(t.Context(), strings.Repeat("0", 64))
			require.ErrorIs(t, err, store.ErrNotFound)

			now, list = schedule(t, s)
			require.Equal(t, clock.Now(), now)
			require.Equal(t, []store.PriceBook{first, second}, list)
			clock.Set(second.Effective.Add(-time.Microsecond))
			_, list = schedule(t, s)
			require.Equal(t, []store.PriceBook{first, second}, list)
			clock.Set(second.Effective)
			_, list = schedule(t, s)
			require.Equal(t, []store.PriceBook{second}, list)
			clock.Add(-time.Hour) // a database that failed over to another clock
			_, list = schedule(t, s)
			require.Equal(t, []store.PriceBook{first, second}, list)
		}},
		{"prices/notice", nil, func(t *testing.T, h harness) { // HOTPATH 24
			s, clock := h.clocked(t)
			try := func(content string, effective time.Time) error {
				_, _, err := s.PriceBooks().Publish(t.Context(), store.Publication{Content: []byte(content), Effective: effective, By: publisher})
				return err
			}
			require.ErrorIs(t, try("one", start.Add(-time.Microsecond)), store.ErrPriceNotice, "not even the first holds in the past")
			publish(t, s, "one", start.Add(time.Hour))
			_, list := schedule(t, s)
			require.Len(t, list, 1, "to come")
			require.ErrorIs(t, try("two", start), store.ErrPriceNotice, "the first was already")
			require.ErrorIs(t, try("two", start.Add(store.PriceNotice-time.Microsecond)), store.ErrPriceNotice)
			_, err := s.PriceBooks().Content(t.Context(), hex.EncodeToString(sha256.New().Sum(nil)))
			require.ErrorIs(t, err, store.ErrNotFound)
			exact := publish(t, s, "two", start.Add(store.PriceNotice))
			require.Equal(t, int64(2), exact.Seq, "refusals take no number")
			clock.Add(time.Microsecond)
			require.ErrorIs(t, try("three", exact.Effective), store.ErrPriceNotice)
			require.ErrorIs(t, try(strings.Repeat("x", store.MaxPriceBook+1), time.Time{}), store.ErrPriceSize)
		}},
		{"prices/order", nil, func(t *testing.T, h harness) {
			s, clock := h.clocked(t)
			publish(t, s, "one", time.Time{})
			late := publish(t, s, "late", start.Add(3*time.Hour))
			publish(t, s, "soon", start.Add(2*time.Hour))
			again := publish(t, s, "one", start.Add(2*time.Hour)) // takes "soon" back
			_, list := schedule(t, s)
			require.Equal(t, []int64{1, 3, 4, 2}, numbers(list))
			clock.Set(start.Add(2 * time.Hour))
			_, list = schedule(t, s)
			require.Equal(t, []store.PriceBook{again, late}, list, "of two for one instant the last published holds")
		}},
		{"prices/again", nil, func(t *testing.T, h harness) {
			s, clock := h.clocked(t)
			asap := func(content string) (store.PriceBook, bool) {
				b, added, err := s.PriceBooks().Publish(t.Context(), store.Publication{Content: []byte(content), By: publisher})
				require.NoError(t, err)
				return b, added
			}
			one := publish(t, s, "one", time.Time{})
			got, added := asap("one")
			require.False(t, added)
			require.Equal(t, one, got)
			two := publish(t, s, "two", time.Time{})
			clock.Add(time.Second)
			got, added = asap("two")
			require.False(t, added, "it takes effect sooner than a new one would")
			require.Equal(t, two, got)
			back, added := asap("one")
			require.True(t, added, "another was published since")
			require.Equal(t, one.Hash, back.Hash)
			later := publish(t, s, "one", clock.Now().Add(time.Hour))
			got, added = asap("one")
			require.True(t, added, "that one would come too late")
			require.Equal(t, later.Seq+1, got.Seq)
			publish(t, s, "one", clock.Now().Add(2*time.Hour))
		}},
		{"prices/race", nil, func(t *testing.T, h harness) {
			s := h.store(t)
			var firsts [8]bool
			for i, err := range each(len(firsts), func(i int) (err error) { // as when servers start together
				_, firsts[i], err = s.PriceBooks().Publish(t.Context(), store.Publication{Content: []byte("one"), By: publisher})
				return err
			}) {
				require.NoError(t, err, i)
			}
			n := 0
			for _, first := range firsts {
				if first {
					n++
				}
			}
			require.Equal(t, 1, n)
			for i, err := range each(8, func(i int) error {
				_, added, err := s.PriceBooks().Publish(t.Context(), store.Publication{Content: fmt.Append(nil, "book ", i), By: publisher})
				if err == nil && !added {
					err = errors.New("not added")
				}
				return err
			}) {
				require.NoError(t, err, i)
			}
			_, list := schedule(t, s)
			require.Equal(t, []int64{1, 2, 3, 4, 5, 6, 7, 8, 9}, numbers(list), "later numbers take effect later")
		}},
		{"prices/transaction", nil, func(t *testing.T, h harness) { // U1
			s := h.store(t)
			stop := errors.New("stop")
			work := func(end error) error {
				return s.Do(t.Context(), func(ctx context.Context, tx store.Stores) error {
					if _, _, err := tx.PriceBooks().Publish(ctx, store.Publication{Content: []byte("one"), By: publisher}); err != nil {
						return err
					}
					if _, list, err := tx.PriceBooks().Current(ctx); err != nil || len(list) != 1 {
						return fmt.Errorf("a transaction sees its own writes: %d, %w", len(list), err)
					}
					return end
				})
			}
			require.ErrorIs(t, work(stop), stop)
			_, list := schedule(t, s)
			require.Empty(t, list)
			require.NoError(t, work(nil))
			_, list = schedule(t, s)
			require.Equal(t, []int64{1}, numbers(list), "no number was lost")
		}},
		{"prices/list", []string{"PriceBooks.List"}, func(t *testing.T, h harness) {
			s, _ := h.clocked(t)
			var all []store.PriceBook
			for i := range 5 {
				all = append([]store.PriceBook{publish(t, s, strconv.Itoa(i), start.Add(time.Duration(5-i)*time.Hour))}, all...)
			}
			list, err := s.PriceBooks().List(t.Context(), store.Page{Limit: 2})
			require.NoError(t, err)
			require.Equal(t, all[:2], list)
			list, err = s.PriceBooks().List(t.Context(), store.Page{After: strconv.FormatInt(list[1].Seq, 10)})
			require.NoError(t, err)
			require.Equal(t, all[2:], list)
			list, err = s.PriceBooks().List(t.Context(), store.Page{After: "x"})
			require.NoError(t, err)
			require.Empty(t, list)
		}},
		{"prices/bounded", nil, func(t *testing.T, h harness) {
			s, clock := h.clocked(t)
			publish(t, s, "first", time.Time{})
			for i := range store.MaxPriceBooksAhead {
				publish(t, s, "x", start.Add(time.Hour+time.Duration(i)*time.Minute))
			}
			_, _, err := s.PriceBooks().Publish(t.Context(), store.Publication{Content: []byte("y"), By: publisher})
			require.ErrorIs(t, err, store.ErrPricesAhead)
			clock.Add(time.Hour)
			publish(t, s, "y", time.Time{})
		}},
	}
}

func numbers(list []store.PriceBook) (out []int64) {
	for _, b := range list {
		out = append(out, b.Seq)
	}
	return out
}
