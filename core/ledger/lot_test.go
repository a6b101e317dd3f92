package ledger_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/ledger"
)

// at reads an instant.
func at(t testing.TB, text string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339Nano, text)
	require.NoError(t, err)
	return v
}

func TestExpiry(t *testing.T) { // L2
	t.Parallel()
	for granted, want := range map[string]string{
		"2025-03-01T12:00:00.123457Z": "2026-03-01T12:00:00.123457Z",
		"2024-02-29T00:00:00Z":        "2025-02-28T00:00:00Z",
		"2024-02-29T23:59:59.999999Z": "2025-02-28T23:59:59.999999Z",
		"2023-02-28T10:00:00Z":        "2024-02-28T10:00:00Z", // not the 29th
		"2024-02-28T10:00:00Z":        "2025-02-28T10:00:00Z",
		"2024-03-01T00:00:00Z":        "2025-03-01T00:00:00Z",
		"2096-02-29T01:00:00Z":        "2097-02-28T01:00:00Z",
		"2025-01-31T10:00:00Z":        "2026-01-31T10:00:00Z",
		"2025-04-30T10:00:00Z":        "2026-04-30T10:00:00Z",
		"2025-12-31T23:59:59Z":        "2026-12-31T23:59:59Z",
		"2024-03-01T03:30:00+05:30":   "2025-02-28T22:00:00Z", // still 29 February in UTC
		"2024-02-28T22:00:00-04:00":   "2025-02-28T02:00:00Z", // already 29 February in UTC
	} {
		got := ledger.Expiry(at(t, granted))
		require.Equal(t, at(t, want), got, granted)
		require.Equal(t, time.UTC, got.Location())
	}
}

func TestLot_Live(t *testing.T) { // L10
	t.Parallel()
	born, dies := at(t, "2025-03-01T00:00:00Z"), at(t, "2026-03-01T00:00:00Z")
	l := ledger.Lot{State: ledger.LotLive, Granted: 10, Remaining: 10, Held: 4, GrantedAt: born, ExpiresAt: dies}
	require.Equal(t, int64(6), l.Free())
	for now, want := range map[time.Time]bool{
		born: true, dies.Add(-time.Microsecond): true, dies: false, dies.Add(time.Hour): false, born.Add(-time.Microsecond): false,
	} {
		require.Equal(t, want, l.Live(now), now)
	}
	for _, s := range []ledger.LotState{ledger.LotExpired, ledger.LotClawedBack, ledger.LotClosed, "", "unknown"} {
		l.State = s
		require.False(t, l.Live(born), s)
	}
}

func TestSum(t *testing.T) {
	t.Parallel()
	now := at(t, "2026-03-01T00:00:00Z")
	lots := []ledger.Lot{
		{State: ledger.LotLive, Remaining: 100, Held: 30, GrantedAt: now.Add(-time.Hour), ExpiresAt: now.Add(time.Hour)},
		{State: ledger.LotLive, Remaining: 50, Held: 20, GrantedAt: now.AddDate(-1, 0, 0), ExpiresAt: now}, // past, unswept
		{State: ledger.LotClawedBack, Remaining: 5, Held: 5},
	}
	require.Equal(t, ledger.Balance{Balance: 155, Held: 55, Expired: 30, Available: 70}, ledger.Sum(lots, now))
	require.Zero(t, ledger.Sum(nil, now))
}

func TestOpKind(t *testing.T) {
	t.Parallel()
	names := map[ledger.OpKind]string{
		ledger.OpGrant: "grant", ledger.OpHold: "hold", ledger.OpMark: "mark", ledger.OpSettle: "settle", ledger.OpRelease: "release",
		ledger.OpSweep: "sweep", ledger.OpClawback: "clawback", ledger.OpClose: "close", 0: "", 99: "unknown",
	}
	for k, want := range names {
		require.Equal(t, want, k.String())
		require.Equal(t, k == ledger.OpSettle || k == ledger.OpRelease, k.Terminal(), want)
	}
}

func TestHold_Resolution(t *testing.T) { // L9
	t.Parallel()
	h := ledger.Hold{Request: "req_1", Account: "acct_1", Replica: "rep_1", Nonce: "n", Amount: 50, Work: ledger.Work{Key: "key_1"}}
	usage := ledger.Usage{Input: 3, Output: 4}
	base := ledger.Op{Kind: ledger.OpRelease, Account: "acct_1", Request: "req_1", Replica: "rep_1", Nonce: "n", Work: h.Work, Reason: ledger.ReasonRecovered}
	settled := base
	settled.Kind, settled.Amount, settled.Usage = ledger.OpSettle, 20, ledger.Usage{Input: 3, Output: 4, Estimated: true}
	now := at(t, "2025-03-01T00:00:00Z")
	for name, c := range map[string]struct {
		mark ledger.Mark
		want ledger.Op
	}{
		"no mark":                  {ledger.Mark{}, base},
		"marked in no time":        {ledger.Mark{Accepted: true, Delivered: true, Cost: 20, Usage: usage}, base},
		"not accepted":             {ledger.Mark{At: now, Delivered: true, Cost: 20, Usage: usage}, base},
		"accepted, none delivered": {ledger.Mark{At: now, Accepted: true, Cost: 20, Usage: usage}, base},
		"delivered":                {ledger.Mark{At: now, Accepted: true, Delivered: true, Cost: 20, Usage: usage}, settled},
	} {
		h.Mark = c.mark
		require.Equal(t, c.want, h.Resolution(), name)
	}
}
