//go:build engines

package scale_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/sqlstore"
	"github.com/archibot/archibotchat/adapters/system"
	"github.com/archibot/archibotchat/core/app/credits"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/e2e/engine/localpg"
	"github.com/archibot/archibotchat/e2e/scale"
)

func TestMain(m *testing.M) { localpg.Main(m) }

// open returns a migrated database and its URL.
func open(t *testing.T) (*sqlstore.Store, string) {
	t.Helper()
	url := localpg.URL(t)
	s, err := sqlstore.Open(t.Context(), sqlstore.Config{URL: url, NewID: system.NewIDs(system.Now).New})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	require.NoError(t, s.Migrate(t.Context()))
	return s, url
}

// year is the time that a fill covers.
func year(accounts, requests, share int) scale.Spec {
	now := system.Now()
	return scale.Spec{Accounts: accounts, Requests: requests, Share: share, Since: now.AddDate(-1, 0, 0), Until: now}
}

func count(t *testing.T, c *pgx.Conn, query string) (n int) {
	t.Helper()
	require.NoError(t, c.QueryRow(t.Context(), query).Scan(&n), query)
	return n
}

// What is filled in adds up (L5), and IDs and dates go the same way.
func TestFill(t *testing.T) {
	t.Parallel()
	for _, spec := range []scale.Spec{year(1, 1200, 0), year(7, 1200, 0), year(7, 1300, 60), year(1, 120, 100), year(3, 0, 0)} {
		t.Run(fmt.Sprint(spec.Accounts, spec.Requests, spec.Share), func(t *testing.T) {
			t.Parallel()
			s, url := open(t)
			require.NoError(t, scale.Fill(t.Context(), url, spec))
			svc := credits.New(credits.Deps{Store: s, Now: system.Now})
			accounts, entries, err := svc.Verify(t.Context(), func(d ledger.Difference) error { return fmt.Errorf("%+v", d) })
			require.NoError(t, err)
			require.Equal(t, spec.Accounts, accounts)
			require.EqualValues(t, spec.Requests+spec.Accounts, entries)

			c, err := pgx.Connect(t.Context(), url)
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, c.Close(context.Background())) })
			require.Equal(t, spec.Requests, count(t, c, "SELECT count(*) FROM holds WHERE request_id ~ '^req_[0-9a-v]{26}$'"))
			require.Equal(t, spec.Requests+spec.Accounts, count(t, c, "SELECT count(*) FROM all_events"))
			require.Zero(t, count(t, c, "SELECT count(*) FROM (SELECT at < lag(at) OVER (ORDER BY request_id) AS back FROM all_entries WHERE kind = 'debit') AS x WHERE back"))
			if spec.Requests > 0 {
				first := system.NewIDs(func() time.Time { return spec.Since }).New("req")
				last := system.NewIDs(func() time.Time { return spec.Until }).New("req")
				require.Equal(t, spec.Requests, count(t, c, fmt.Sprintf(`SELECT count(*) FROM holds WHERE left(request_id, 14) BETWEEN '%s' AND '%s'`, first[:14], last[:14])))
			}
			if spec.Share > 0 {
				require.Equal(t, spec.Requests*spec.Share/100, count(t, c, "SELECT count(*) FROM holds WHERE account_id = (SELECT min(id) FROM accounts)"))
			}
		})
	}
}

func TestSpec_Validate(t *testing.T) {
	t.Parallel()
	require.NoError(t, year(2, 0, 50).Validate())
	for name, spec := range map[string]scale.Spec{
		"no account": year(0, 1, 0), "negative": year(1, -1, 0), "share": year(2, 1, 101), "nobody's": year(1, 1, 50),
		"time": {Accounts: 1},
	} {
		require.Error(t, spec.Validate(), name)
	}
}
