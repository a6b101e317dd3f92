//go:build engines

package credits_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/sqlstore"
	"github.com/archibot/archibotchat/adapters/sqlstore/blank"
	"github.com/archibot/archibotchat/adapters/system"
	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/credits"
	"github.com/archibot/archibotchat/core/billing"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/e2e/engine/localpg"
	"github.com/archibot/archibotchat/ports/store"
)

func TestMain(m *testing.M) { localpg.Main(m) }

// HOTPATH 24: an audit and a statement beside a load of spends report no false
// difference, and between their pages they have no transaction open, so that
// no snapshot of theirs grows old.
func TestService_Verify_besideSpends(t *testing.T) {
	t.Parallel()
	url := localpg.Copy(t, blank.Migrate)
	ids := system.NewIDs(system.Now)
	open := func(url string) *sqlstore.Store {
		s, err := sqlstore.Open(t.Context(), sqlstore.Config{URL: url, NewID: ids.New})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, s.Close()) })
		return s
	}
	s := open(url)
	require.NoError(t, s.Migrate(t.Context()))
	accounts := []string{"acct_1", "acct_2", "acct_3"}
	for _, id := range accounts {
		require.NoError(t, s.Accounts().Create(t.Context(), store.Account{Account: access.Account{ID: id, Name: id, Status: access.StatusActive}, Billing: billing.Active}))
		fill(t, s, id, 1050)
	}

	watcher, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, watcher.Close(context.Background())) })
	age := func() (seconds float64) {
		require.NoError(t, watcher.QueryRow(t.Context(),
			"SELECT coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0) FROM pg_stat_activity WHERE application_name = 'auditor'").Scan(&seconds))
		return seconds
	}
	pages := 0
	between := func() {
		pages++
		require.Zero(t, age(), "no transaction is open between two pages")
	}
	auditor := open(url + "&application_name=auditor")
	svc := credits.New(credits.Deps{Store: moving{auditor, between}, Now: system.Now, NewID: ids.New})

	ctx, stop := context.WithCancel(t.Context())
	var load sync.WaitGroup
	t.Cleanup(load.Wait)
	t.Cleanup(stop)
	spent := make([]int, len(accounts))
	for i, id := range accounts {
		load.Go(func() { spent[i] = spend(ctx, t, s, ids, id) })
	}
	for range 3 {
		n, entries, err := svc.Verify(t.Context(), func(d ledger.Difference) error { return fmt.Errorf("%+v", d) })
		require.NoError(t, err)
		require.Equal(t, len(accounts), n)
		require.Greater(t, entries, int64(3*1050))
		st, err := svc.Statement(t.Context(), "acct_1", time.Unix(0, 0), system.Now().Add(time.Hour))
		require.NoError(t, err)
		require.NoError(t, svc.StatementLines(t.Context(), st, func(ledger.Entry) error { return nil }))
	}
	stop()
	load.Wait()
	for i := range accounts {
		require.Positive(t, spent[i], "the load was there")
	}
	require.GreaterOrEqual(t, pages, 3*3*(2+2), "at least two pages of entries and of holds for each account")
}

// spend sends holds and their ends, of which some come much later, until ctx
// ends, and returns how many ops were committed.
func spend(ctx context.Context, t *testing.T, s *sqlstore.Store, ids *system.IDs, account string) (n int) {
	var open []ledger.Op
	for ctx.Err() == nil {
		hold := ledger.Op{Kind: ledger.OpHold, Account: account, Request: ids.New("req"), Nonce: "n", Amount: 4, Deadline: time.Hour}
		end := hold
		end.Kind, end.Amount = ledger.OpSettle, int64(n%4)
		open = append(open, end)
		ops := []ledger.Op{hold}
		if len(open) > 20 {
			ops, open = append(ops, open[0], open[20]), open[1:20]
		}
		out, err := s.Commit(context.WithoutCancel(ctx), store.Replica{}, ops)
		if err != nil {
			t.Errorf("commit: %v", err)
			return n
		}
		for _, o := range out {
			if o.Err != nil {
				t.Errorf("commit: %v", o.Err)
				return n
			}
		}
		n += len(ops)
	}
	return n
}
