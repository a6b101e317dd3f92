//go:build engines && unix

package spend_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/sqlstore"
	"github.com/archibot/archibotchat/adapters/sqlstore/blank"
	"github.com/archibot/archibotchat/adapters/system"
	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/spend"
	"github.com/archibot/archibotchat/core/billing"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/e2e/engine/localpg"
	"github.com/archibot/archibotchat/ports/store"
)

func TestMain(m *testing.M) { localpg.Main(m) }

// opened returns a migrated store on a database, and IDs for it.
func opened(t testing.TB, url string) *sqlstore.Store {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), sqlstore.Config{URL: url, NewID: system.NewIDs(system.Now).New})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	require.NoError(t, s.Migrate(t.Context()))
	return s
}

func fund(t testing.TB, s store.Store, accounts ...string) {
	t.Helper()
	for _, id := range accounts {
		require.NoError(t, s.Accounts().Create(t.Context(), store.Account{Account: access.Account{ID: id, Name: "Test", Status: access.StatusActive}, Billing: billing.Active}))
		outs, err := s.Commit(t.Context(), store.Replica{}, []ledger.Op{{Kind: ledger.OpGrant, Account: id, Lot: "lot_" + id, Amount: 1_000_000 * ledger.Credit, Source: ledger.SourceOperator}})
		require.NoError(t, err)
		require.NoError(t, outs[0].Err)
	}
}

// running returns a Spend that runs until the test's cleanup.
func running(t testing.TB, s store.Store) *spend.Spend {
	t.Helper()
	sp := spend.New(spend.Deps{Store: s, NewID: system.NewIDs(system.Now).New, Now: system.Now, Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- sp.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	require.Eventually(t, sp.Ready, 10*time.Second, time.Millisecond)
	return sp
}

// stopsWithin names the database of the process that TestHelper_stops is.
const stopsWithin = "SPEND_TEST_STOPS_WITHIN"

// TestHelper_stops is no test but the other process of the next one: a server
// that comes to a halt in the midst of a batch, after it has locked acct_a.
func TestHelper_stops(t *testing.T) {
	url := os.Getenv(stopsWithin)
	if url == "" {
		t.Skip("a helper process of TestSpend_stoppedProcess")
	}
	s, err := sqlstore.Open(t.Context(), sqlstore.Config{URL: url, NewID: system.NewIDs(system.Now).New, TestClock: func() time.Time {
		fmt.Println("locked") // the clock is read after the lock
		select {}
	}})
	require.NoError(t, err)
	_, err = s.Commit(t.Context(), store.Replica{}, []ledger.Op{{Kind: ledger.OpHold, Account: "acct_a", Request: "req_stopped", Amount: 1}})
	require.NoError(t, err)
}

// HOTPATH 2: a process that is stopped inside its transaction stops its own
// accounts for two seconds at most, and the others not at all.
func TestSpend_stoppedProcess(t *testing.T) {
	t.Parallel()
	url := localpg.Copy(t, blank.Migrate)
	s := opened(t, url)
	fund(t, s, "acct_a", "acct_b")
	r := running(t, s)
	hold := func(account string, n int) error {
		_, err := r.Hold(ledger.Op{Account: account, Request: fmt.Sprint("req_", account, n), Amount: 1, Deadline: time.Hour})
		return err
	}
	require.NoError(t, hold("acct_a", 0))
	require.NoError(t, hold("acct_b", 0))

	helper := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestHelper_stops$", "-test.v")
	helper.Env = append(os.Environ(), stopsWithin+"="+url)
	out, err := helper.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, helper.Start())
	t.Cleanup(func() {
		_ = helper.Process.Kill()
		_ = helper.Wait() // by our own signal
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.Contains(lines.Text(), "locked") {
	}
	require.Contains(t, lines.Text(), "locked", "the other process has its lock")
	require.NoError(t, helper.Process.Signal(syscall.SIGSTOP))
	start := time.Now()

	back := make(chan error, 1)
	go func() { back <- hold("acct_a", 1) }()
	var slowest time.Duration
	meanwhile := 0
	for waiting := true; waiting; {
		began := time.Now()
		require.NoError(t, hold("acct_b", 1+meanwhile))
		slowest = max(slowest, time.Since(began))
		meanwhile++
		select {
		case err := <-back:
			require.NoError(t, err)
			waiting = false
		default:
		}
	}
	took := time.Since(start)
	t.Logf("the stopped account was back after %v; meanwhile %d holds of the other, the slowest in %v", took, meanwhile, slowest)
	require.Less(t, took, 2*time.Second)
	require.Greater(t, meanwhile, 20, "others go on")
	require.Less(t, slowest, took/2, "and none waits for it")
}
