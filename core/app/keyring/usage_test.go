package keyring_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/system"
	"github.com/archibot/archibotchat/core/app/keyring"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

func TestService_Usage(t *testing.T) {
	t.Parallel()
	h := build(t)
	k, _, err := h.Create(member(t, "user_1"), keyring.Draft{Account: "acct_1", User: "user_1", Name: "x"})
	require.NoError(t, err)
	commit := func(op ledger.Op) {
		outs, err := h.store.Commit(t.Context(), store.Replica{}, []ledger.Op{op})
		require.NoError(t, err)
		require.NoError(t, outs[0].Err)
	}
	commit(ledger.Op{Kind: ledger.OpGrant, Account: "acct_1", Lot: "lot_1", Amount: 1000, Source: ledger.SourceOperator, Reason: "x", Actor: "pat", ActorKind: string(audit.ActorOperator)})
	ids := system.NewIDs(func() time.Time { return h.now })
	begin := h.now
	for n := range 40 { // one a day
		h.now = begin.Add(time.Duration(n) * day)
		commit(ledger.Op{
			Kind: ledger.OpSettle, Account: "acct_1", Request: ids.New("req"), Amount: int64(1 + n), Nonce: "n", Replica: "rep_1",
			Work: ledger.Work{Key: k.ID, Area: "api", Route: "/v1/responses", Model: "m", PriceVersion: "p"}, Deadline: time.Minute,
			Usage: ledger.Usage{Input: 3, Cached: 2, Output: 1},
		})
	}
	for range 2 {
		u, err := h.Usage(member(t, "user_1"), "acct_1", k.ID, time.Time{}, time.Time{})
		require.NoError(t, err)
		require.Len(t, u.Days, 30)
		require.Equal(t, time.Date(2026, 3, 11, 0, 0, 0, 0, time.UTC), u.From)
		require.Equal(t, time.Date(2026, 4, 10, 0, 0, 0, 0, time.UTC), u.To)
		require.Equal(t, store.KeyDay{Day: u.From, Requests: 30, Input: 90, Cached: 60, Output: 30, Debited: 40*41/2 - 10*11/2}, u.Total)
		require.NoError(t, h.AddUp(service(t)), "which changes no figure")
	}
	for name, c := range map[string]struct {
		first, last time.Time
		days        int // 0: refused
	}{
		"one day":     {begin, begin, 1},
		"92 days":     {begin, begin.Add(91 * day), 40},
		"93 days":     {begin, begin.Add(92 * day), 0},
		"backwards":   {begin.Add(day), begin, 0},
		"first alone": {begin, time.Time{}, 40},
		"last alone":  {time.Time{}, begin.Add(day), 2},
	} {
		u, err := h.Usage(admin(t), "acct_1", k.ID, c.first, c.last)
		if c.days == 0 {
			require.Equal(t, "invalid_period", fault.CodeOf(err), name)
			continue
		}
		require.NoError(t, err, name)
		require.Len(t, u.Days, c.days, name)
	}
	_, err = h.Usage(member(t, "user_2"), "acct_1", k.ID, begin, begin)
	require.ErrorIs(t, err, keyring.ErrAdminRequired)
	_, err = h.Usage(operator(t), "acct_2", k.ID, begin, begin)
	require.ErrorIs(t, err, store.ErrNotFound)
	u, err := h.Usage(operator(t), "", k.ID, begin, begin)
	require.NoError(t, err)
	require.Len(t, u.Days, 1)
}
