//go:build e2e

package crash_test

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/e2e/harness"
)

// steps are the places of a server built with the tag faultpoints that the
// load of these tests passes.
var steps = []string{
	"upstream.before", "upstream.after", "upstream.body", "hold.before", "hold.after", "spend.before", "spend.after", "mark.before", "mark.after",
	"settle.before", "settle.after", "release.before", "release.after", "extend.before", "extend.after", "renew.before", "renew.after",
}

// A server is killed at every named step, and loses the reply of each kind of
// commit (HOTPATH 6, 7, L9).
func TestCrash_Steps(t *testing.T) {
	harness.Each(t, func(t *testing.T, db harness.Database) {
		site := harness.NewSite(t, db, harness.Options{Tags: []string{"faultpoints"}})
		account := site.Account(t, harness.NewAccount{Credits: grant})
		key := site.Key(t, account.ID).Key
		rows := db.Open(t)
		l := startLoad(t, nil, workers, varied)
		var served *harness.Replica
		for _, step := range steps {
			victim := site.StartWith(t, map[string]string{"ARCHIBOT_FAULT": step + ":3:kill"})
			l.retarget(harness.NewClient(victim.BaseURL(), key))
			harness.Eventually(t, progress, "the server dies at "+step, func() error {
				if victim.Alive() {
					return errors.New("it lives")
				}
				return nil
			})
		}
		for _, step := range []string{"hold.after", "spend.after", "mark.after", "settle.after", "release.after", "extend.after"} {
			if served != nil {
				served.Kill()
			}
			served = site.StartWith(t, map[string]string{"ARCHIBOT_FAULT": step + ":3:lose"})
			l.retarget(harness.NewClient(served.BaseURL(), key))
			harness.Eventually(t, progress, "a reply is lost at "+step, func() error {
				if !strings.Contains(served.Log(t), "fault point "+step) {
					return errors.New("not yet")
				}
				return nil
			})
		}
		l.awaitMore(t, workers)
		acknowledged := l.stop(t, len(steps))
		awaitResolved(t, rows, nil)
		audit(t, site, rows, account.ID, acknowledged)
		served.Stop(t)
		audit(t, site, rows, account.ID, acknowledged)
	})
}

// A server that stands still at a step for longer than its lease, and then goes
// on, changes nothing that was resolved for it: each hold has one outcome, and
// no stream of its ends cleanly afterwards unless its debit stands (HOTPATH 7).
func TestCrash_Paused(t *testing.T) {
	db := harness.NewPostgres(t)
	site := harness.NewSite(t, db, harness.Options{Tags: []string{"faultpoints"}})
	account := site.Account(t, harness.NewAccount{Credits: grant})
	key := site.Key(t, account.ID).Key
	rows := db.Open(t)
	healthy := site.Start(t)
	all := map[string]int64{}
	var paused []*harness.Replica
	var loads []*load
	for _, step := range []string{"upstream.after", "hold.before", "hold.after", "spend.before", "settle.before", "settle.after", "mark.before"} {
		victim := site.StartWith(t, map[string]string{"ARCHIBOT_FAULT": step + ":3:stop"})
		l := startLoad(t, harness.NewClient(victim.BaseURL(), key), 4, varied, stays)
		harness.Eventually(t, progress, "the server stands still at "+step, func() error {
			if !strings.Contains(victim.Log(t), "fault point "+step) {
				return errors.New("it goes on")
			}
			return nil
		})
		paused, loads = append(paused, victim), append(loads, l)
	}
	harness.Eventually(t, recovery, "the holds of those who stand still are resolved", func() error {
		if n := harness.Count(t, rows, "replicas", ""); n != 1 {
			return fmt.Errorf("%d replicas are known", n)
		}
		return nil
	})
	require.Empty(t, harness.OpenHolds(t, rows))
	for _, victim := range paused {
		require.NoError(t, syscall.Kill(victim.PID(), syscall.SIGCONT))
	}
	var wg sync.WaitGroup
	for i, l := range loads {
		wg.Go(func() { l.awaitMore(t, 5) }) // they serve again, under new identities
		_ = i
	}
	wg.Wait()
	for _, l := range loads {
		for request, cost := range l.stop(t, 0) {
			all[request] = cost
		}
	}
	awaitResolved(t, rows, nil)
	audit(t, site, rows, account.ID, all)
	for _, victim := range paused {
		victim.Stop(t)
	}
	healthy.Stop(t)
	audit(t, site, rows, account.ID, all)
}

// varied has a load ask for all that passes the steps, and bear 503.
func varied(l *load) { l.varied, l.tolerant = true, true }

// stays says that the load's server is not to die.
func stays(l *load) { l.stays = true }

// awaitResolved waits until no hold is open but those of the requests given.
func awaitResolved(t *testing.T, rows *sql.DB, except map[string]hold) {
	t.Helper()
	harness.Eventually(t, recovery+time.Duration(len(steps))*time.Second, "the holds of the dead are resolved", func() error {
		open := harness.OpenHolds(t, rows)
		for request := range except {
			delete(open, request)
		}
		if len(open) > 0 {
			return fmt.Errorf("%d are open", len(open))
		}
		return nil
	})
}
