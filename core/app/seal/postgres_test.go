//go:build engines

package seal_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/sqlstore/blank"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/e2e/engine/localpg"
	"github.com/archibot/archibotchat/ports/store"
)

func TestMain(m *testing.M) { localpg.Main(m) }

func TestPostgres(t *testing.T) {
	t.Parallel()
	run(t, func(t testing.TB) string { return localpg.Copy(t, blank.Migrate) })
}

// HOTPATH 21: an event of a transaction that was open across a seal becomes a
// leaf once it is committed; no leaf is lost, and none gets another number.
func TestPostgres_TransactionOpenAcrossASeal(t *testing.T) {
	t.Parallel()
	h := newHouse(t, localpg.Copy(t, blank.Migrate))
	for _, account := range []string{"acct_1", "acct_2", "acct_3"} {
		h.account(t, account)
	}
	h.write(t, 10, "acct_1", "acct_3")
	before := h.sealTo(t, 10)
	numbers := func() map[string]int64 {
		leaves, err := h.store.SealLog().Leaves(t.Context(), 0, 1000)
		require.NoError(t, err)
		out := map[string]int64{}
		for _, l := range leaves {
			out[l.Event] = l.Number
		}
		return out
	}
	first := numbers()
	undo := errors.New("undo")
	for _, end := range []error{nil, undo} {
		err := h.store.Do(t.Context(), func(ctx context.Context, tx store.Stores) error {
			if err := tx.Events().Append(ctx, h.event("acct_2")); err != nil {
				return err
			}
			h.write(t, 5, "acct_1", "acct_3") // written later, committed first
			r, err := h.Seal(t.Context())
			require.NoError(t, err)
			require.Zero(t, r.Sealed, "it may still add events before these")
			sum := h.clean(t)
			require.EqualValues(t, 5, sum.Pending)
			return end
		})
		require.ErrorIs(t, err, end)
		size := before.Size + 5
		if end == nil {
			size++
		}
		before = h.sealTo(t, size)
	}
	require.Zero(t, h.clean(t).Pending)
	last := numbers()
	require.Len(t, last, 21)
	for event, number := range first {
		require.Equal(t, number, last[event])
	}
	es, err := h.store.Events().List(t.Context(), store.EventQuery{Account: "acct_2", Kinds: []audit.Kind{audit.UsageDebited}})
	require.NoError(t, err)
	require.Len(t, es, 1)
	require.Contains(t, last, es[0].ID)
}
