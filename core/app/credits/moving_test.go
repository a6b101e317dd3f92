package credits_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/app/credits"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

// moving is a store in which something happens before each page that is read
// outside a transaction.
type moving struct {
	store.Store
	happens func()
}

func (m moving) Ledger() store.Ledger { return movingLedger{m.Store.Ledger(), m.happens} }

type movingLedger struct {
	store.Ledger
	happens func()
}

func (l movingLedger) Entries(ctx context.Context, account string, after int64, limit int) ([]ledger.Entry, error) {
	l.happens()
	return l.Ledger.Entries(ctx, account, after, limit)
}

func (l movingLedger) Holds(ctx context.Context, p store.Page) ([]store.HeldDebit, error) {
	l.happens()
	return l.Ledger.Holds(ctx, p)
}

func (l movingLedger) Unheld(ctx context.Context, account string, after, until int64) ([]ledger.Entry, error) {
	l.happens()
	return l.Ledger.Unheld(ctx, account, after, until)
}

// stir does of everything a little, each time it is called: it opens holds,
// ends some that were open before, spends in one step, and grants.
func stir(t *testing.T, s store.Store, account string) func() {
	n := 0
	return func() {
		n++
		request := func(what string, n int) string { return fmt.Sprintf("req_%s_%04d", what, n) }
		ops := []ledger.Op{
			{Kind: ledger.OpGrant, Account: account, Amount: 50, Lot: fmt.Sprintf("lot_later_%d", n), Source: ledger.SourceDemo},
			{Kind: ledger.OpHold, Account: account, Request: request("a", n), Nonce: "n", Amount: 7, Deadline: time.Hour},
			{Kind: ledger.OpSettle, Account: account, Request: request("zz", n), Nonce: "n", Amount: 3},
		}
		if n > 1 {
			ops = append(ops, ledger.Op{Kind: ledger.OpSettle, Account: account, Request: request("a", n-1), Nonce: "n", Amount: int64(n % 5)})
		}
		out, err := s.Commit(t.Context(), store.Replica{}, ops)
		require.NoError(t, err)
		for _, o := range out {
			require.NoError(t, o.Err)
		}
	}
}

// fill gives an account so many grants and debits that they take pages.
func fill(t *testing.T, s store.Store, account string, n int) {
	t.Helper()
	ops := []ledger.Op{{Kind: ledger.OpGrant, Account: account, Amount: int64(n) * 10, Lot: "lot_first_" + account, Source: ledger.SourceDemo}}
	for i := range n {
		ops = append(ops, ledger.Op{Kind: ledger.OpSettle, Account: account, Request: fmt.Sprintf("req_%s_m_%05d", account, i), Nonce: "n", Amount: 2})
	}
	out, err := s.Commit(t.Context(), store.Replica{}, ops)
	require.NoError(t, err)
	for _, o := range out {
		require.NoError(t, o.Err)
	}
}

// HOTPATH 24: between any two pages the ledger may change; what is read is as
// of one moment all the same.
func TestService_Verify_moving(t *testing.T) {
	t.Parallel()
	h := build(t)
	fill(t, h.store, "acct_1", 1050)
	move := stir(t, h.store, "acct_1")
	move()
	svc := credits.New(credits.Deps{Store: moving{h.store, move}, Now: func() time.Time { return h.now }})
	var found []ledger.Difference
	accounts, entries, err := svc.Verify(t.Context(), func(d ledger.Difference) error { found = append(found, d); return nil })
	require.NoError(t, err)
	require.Empty(t, found)
	require.Equal(t, 2, accounts)
	require.EqualValues(t, 1053, entries, "up to the moment it began: two grants, and the debits")
	found = nil
	_, entries, err = h.Verify(t.Context(), func(d ledger.Difference) error { found = append(found, d); return nil })
	require.NoError(t, err)
	require.Empty(t, found)
	require.Greater(t, entries, int64(1060))
}
