//go:build e2e

// Package crash_test kills servers with SIGKILL in the middle of mixed load and
// then audits the books (L9): every answer that a client received whole was
// debited, exactly once; nothing was debited twice; and no hold is left behind
// by the dead.
package crash_test

import (
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/e2e/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

// A longer run than CI's: go test -tags e2e ./e2e/crash -kills 500 -restarts 100
var (
	kills    = flag.Int("kills", 8, "how often TestCrash kills a server, on each database")
	restarts = flag.Int("restarts", 6, "how often TestCrash_Restarts crashes PostgreSQL")
)

const (
	workers = 16
	grant   = 1_000 * harness.Credit
	// recovery bounds how long the dead may keep their holds: the lease of
	// 15 s, a round of recovery, and a busy machine.
	recovery = 60 * time.Second
	progress = 60 * time.Second // for some answers to come in
)

// The long streams run on a replica that lives. They must outlast the kills and
// the recovery after the last one, or other streams take their place.
const (
	longStreams = 6
	longModel   = "tok-in40-out900-chunks600-gap100"
	longTime    = 60 * time.Second // that they take
	longRest    = 30 * time.Second // in which no other kill begins
)

func TestCrash(t *testing.T) {
	harness.Each(t, func(t *testing.T, db harness.Database) {
		site := harness.NewSite(t, db, harness.Options{})
		account := site.Account(t, harness.NewAccount{Credits: grant})
		key := site.Key(t, account.ID).Key
		rows := db.Open(t)

		var streams *long
		if db.Kind == harness.Postgres { // the one on which servers share a database
			streams = startLong(t, rows, harness.NewClient(site.Start(t).BaseURL(), key))
		}
		victim := site.Start(t)
		l := startLoad(t, harness.NewClient(victim.BaseURL(), key), workers)
		costs := map[string]int64{}
		for range *kills {
			streams = streams.renewed(t, costs)
			l.awaitMore(t, 20+rand.IntN(60))
			victim.Kill()
			streams.requireUntouched(t)
			victim = site.Start(t)
			l.retarget(harness.NewClient(victim.BaseURL(), key))
		}
		l.awaitMore(t, workers)
		acknowledged := l.stop(t, *kills)

		awaitResolved(t, rows, streams.requests())
		streams.requireUntouched(t)
		maps.Copy(acknowledged, costs)
		maps.Copy(acknowledged, streams.await(t))
		audit(t, site, rows, account.ID, acknowledged)
		requireOnlyTheLiving(t, rows, db.Kind)
		victim.Stop(t)
		audit(t, site, rows, account.ID, acknowledged)
	})
}

// audit compares the books with what the clients received.
func audit(t *testing.T, site *harness.Site, rows *sql.DB, account string, acknowledged map[string]int64) {
	t.Helper()
	site.Verify(t)
	debits := harness.Debits(t, rows)
	for request, cost := range acknowledged {
		require.Equal(t, harness.Debit{Request: request, Entries: 1, Amount: cost}, debits[request], "acknowledged")
	}
	var total int64
	for request, d := range debits {
		require.EqualValues(t, 1, d.Entries, request)
		total += d.Amount
	}
	require.Empty(t, harness.OpenHolds(t, rows))
	left := site.Show(t, account)
	require.Zero(t, left.Credits.Held)
	require.Equal(t, grant, total+left.Credits.Available)

	lost := harness.Count(t, rows, "holds", "reason = 'replica_lost'")
	require.Positive(t, lost, "the crashes hit work in flight")
	t.Logf("%d acknowledged, %d debits, %d holds resolved for the dead", len(acknowledged), len(debits), lost)
}

// requireOnlyTheLiving waits until the dead replicas are forgotten.
func requireOnlyTheLiving(t *testing.T, rows *sql.DB, kind harness.Kind) {
	t.Helper()
	living := map[harness.Kind]int64{harness.SQLite: 1, harness.Postgres: 2}[kind]
	harness.Eventually(t, recovery, "the dead replicas are forgotten", func() error {
		if n := harness.Count(t, rows, "replicas", ""); n != living {
			return fmt.Errorf("%d replicas are known", n)
		}
		return nil
	})
}

// errAnswer is an answer that a live server must not give under this load.
var errAnswer = errors.New("an answer that no crash explains")
