//go:build e2e

package crash_test

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/e2e/harness"
)

const (
	halfDay = 12 * time.Hour
	// overLease is longer than a replica's lease of 15 s.
	overLease = 20 * time.Second
)

// clocked starts a server whose clock is wrong by so much.
func clocked(t *testing.T, site *harness.Site, skew string) *harness.Replica {
	t.Helper()
	return site.StartWith(t, map[string]string{"ARCHIBOT_CLOCK": skew})
}

// Two of three servers on one Postgres have clocks that are a day wrong, in
// either direction. None of that is money's time (HOTPATH 4): a lot that ends in
// twelve hours is spent by the server for which it ended twelve hours ago, and
// one that ended twelve hours ago is not spent by the server for which it has as
// long to go; nobody takes another's lease for over; and the servers that are
// left, with the wrong clocks, resolve what the dead ones held.
func TestCrash_Clocks(t *testing.T) {
	db := harness.NewPostgres(t)
	site := harness.NewSite(t, db, harness.Options{Tags: []string{"faultpoints"}})
	account := site.Account(t, harness.NewAccount{Credits: grant})
	key := site.Key(t, account.ID).Key
	rows := db.Open(t)
	later := lotIDs(t, rows)[0]
	dead := moveLot(t, site, rows, account.ID, -halfDay)
	soon := moveLot(t, site, rows, account.ID, halfDay)
	begun := storeTime(t, rows)

	right, ahead, behind := site.Start(t), clocked(t, site, "24h"), clocked(t, site, "-24h")
	acknowledged := map[string]int64{}
	serve := func(kill *harness.Replica, alive ...*harness.Replica) {
		t.Helper()
		var loads []*load
		for _, r := range alive {
			loads = append(loads, startLoad(t, harness.NewClient(r.BaseURL(), key), workers/2))
		}
		cuts := make([]int, len(loads))
		for _, l := range loads {
			l.awaitMore(t, 60)
		}
		for i, r := range alive {
			if r == kill {
				r.Kill()
				cuts[i] = 1
			}
		}
		for i, l := range loads {
			if cuts[i] == 0 {
				l.awaitMore(t, 20)
			}
		}
		for i, l := range loads {
			for request, cost := range l.stop(t, cuts[i]) {
				acknowledged[request] = cost
			}
		}
	}
	stay := make(chan error, 3) // streams on all three that outlast a lease
	for _, r := range []*harness.Replica{right, ahead, behind} {
		go func() {
			a, err := harness.NewClient(r.BaseURL(), key).Ask(t.Context(), harness.Shape{Stream: true}, fmt.Sprintf("tok-in40-out90-chunks%d-gap100", overLease/(100*time.Millisecond)))
			if err == nil && !a.Complete {
				err = errAnswer
			}
			stay <- err
		}()
	}
	serve(nil, right, ahead, behind)
	for range cap(stay) {
		require.NoError(t, <-stay)
	}
	harness.AwaitNoHolds(t, rows, recovery)
	require.Zero(t, harness.Count(t, rows, "holds", "reason IN ('replica_lost', 'hold_deadline')"), "nobody's work was taken for lost")
	require.EqualValues(t, 3, harness.Count(t, rows, "replicas", ""))

	serve(right, right, ahead, behind) // failover to servers with wrong clocks
	harness.AwaitNoHolds(t, rows, recovery)
	serve(ahead, ahead, behind)
	harness.AwaitNoHolds(t, rows, recovery)
	serve(nil, behind)
	harness.AwaitNoHolds(t, rows, recovery)
	require.Positive(t, harness.Count(t, rows, "holds", "reason = 'replica_lost'"))

	requireDebits(t, rows, acknowledged)
	require.Zero(t, harness.Count(t, rows, "all_entries", "kind = 'debit' AND lot_id = $1", dead), "it had ended")
	require.Zero(t, harness.Count(t, rows, "all_entries", "kind = 'expiry' AND lot_id <> $1", dead), "no other had")
	require.Positive(t, harness.Count(t, rows, "all_entries", "kind = 'debit' AND lot_id = $1", soon), "it ends first of those that live")
	require.Zero(t, harness.Count(t, rows, "all_entries", "kind = 'debit' AND lot_id = $1", later))
	require.EqualValues(t, 1, harness.Count(t, rows, "lots", "id = $1 AND state = 'live'", soon))
	now := storeTime(t, rows)
	require.Zero(t, harness.Count(t, rows, "all_entries", "kind = 'debit' AND (at < $1 OR at > $2)", begun, now), "money's time is the database's")
	require.Zero(t, harness.Count(t, rows, "holds", "opened_at < $1 OR closed_at > $2", begun, now))
	site.Verify(t)
	behind.Stop(t)
	site.Verify(t)
}

// On SQLite the server's clock is the database's. It is a day slow after one
// crash and a day fast after the next, then right again: money's time never runs
// back, and what was held and debited is what it would have been.
func TestCrash_ClockJumps(t *testing.T) {
	db := harness.NewSQLite(t)
	site := harness.NewSite(t, db, harness.Options{Tags: []string{"faultpoints"}})
	account := site.Account(t, harness.NewAccount{Credits: grant})
	key := site.Key(t, account.ID).Key
	rows := db.Open(t)
	acknowledged := map[string]int64{}
	for _, skew := range []string{"0s", "-24h", "24h", "-24h", "0s"} {
		server := clocked(t, site, skew)
		if len(acknowledged) == 0 { // the prices are older than the jumps
			_, err := rows.ExecContext(t.Context(), "INSERT INTO price_schedule SELECT 1000000, hash, effective_at - 172800000000, added_at, actor_kind, actor_id FROM price_schedule")
			require.NoError(t, err)
		}
		harness.AwaitNoHolds(t, rows, recovery) // the dead one's
		l := startLoad(t, harness.NewClient(server.BaseURL(), key), workers)
		l.awaitMore(t, 60)
		server.Kill()
		for request, cost := range l.stop(t, 0) { // it may end the load before that notices
			acknowledged[request] = cost
		}
	}
	site.Start(t)
	harness.AwaitNoHolds(t, rows, recovery)
	requireDebits(t, rows, acknowledged)
	require.Zero(t, harness.Count(t, rows, "all_entries", "kind = 'expiry'"))
	require.Zero(t, harness.Count(t, rows, "all_entries AS e JOIN all_entries AS f ON f.account_id = e.account_id AND f.seq = e.seq + 1", "f.at < e.at"), "time never runs back")
	left := site.Show(t, account.ID)
	require.Zero(t, left.Credits.Held)
	site.Verify(t)
}

// requireDebits demands that what was acknowledged was debited, and nothing
// twice.
func requireDebits(t *testing.T, rows *sql.DB, acknowledged map[string]int64) {
	t.Helper()
	debits := harness.Debits(t, rows)
	for request, cost := range acknowledged {
		require.Equal(t, cost, debits[request].Amount, request)
	}
	for request, d := range debits {
		require.EqualValues(t, 1, d.Entries, request)
	}
	require.NotEmpty(t, acknowledged)
}

// moveLot grants a lot that ends so much from now. No command makes one, so it
// edits the row.
func moveLot(t *testing.T, site *harness.Site, rows *sql.DB, account string, ends time.Duration) string {
	t.Helper()
	known := map[string]bool{}
	for _, id := range lotIDs(t, rows) {
		known[id] = true
	}
	site.Grant(t, account, grant)
	for _, id := range lotIDs(t, rows) {
		if known[id] {
			continue
		}
		end := time.UnixMicro(storeTime(t, rows)).Add(ends)
		_, err := rows.ExecContext(t.Context(), "UPDATE lots SET granted_at = $1, expires_at = $2 WHERE id = $3", end.AddDate(-1, 0, 0).UnixMicro(), end.UnixMicro(), id)
		require.NoError(t, err)
		return id
	}
	require.Fail(t, "no lot was granted")
	return ""
}

func lotIDs(t *testing.T, rows *sql.DB) (ids []string) {
	t.Helper()
	found, err := rows.QueryContext(t.Context(), "SELECT id FROM lots ORDER BY granted_at")
	require.NoError(t, err)
	defer func() { _ = found.Close() }()
	for found.Next() {
		var id string
		require.NoError(t, found.Scan(&id))
		ids = append(ids, id)
	}
	require.NoError(t, found.Err())
	return ids
}

// storeTime is the time of Postgres, in microseconds.
func storeTime(t *testing.T, rows *sql.DB) (µ int64) {
	t.Helper()
	err := rows.QueryRowContext(context.WithoutCancel(t.Context()), "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint").Scan(&µ)
	require.NoError(t, err)
	return µ
}
