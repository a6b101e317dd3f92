//go:build engines

package batch_test

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/sqlstore"
	"github.com/archibot/archibotchat/adapters/sqlstore/batch"
	"github.com/archibot/archibotchat/adapters/sqlstore/blank"
	"github.com/archibot/archibotchat/e2e/engine/localpg"
)

func TestMain(m *testing.M) { localpg.Main(m) }

// allKeys are the indexes by which each statement may look rows up, and must.
var allKeys = map[string][]string{
	"fence": {"replicas_pkey"}, "accounts": {"accounts_pkey", "replicas_pkey"}, "free_accounts": {"accounts_pkey", "replicas_pkey"},
	"known": {"accounts_pkey"}, "lots": {"lots_account"}, "lots_by_id": {"lots_pkey"}, "holds": {"holds_pkey"}, "counters": {"counters_pkey"},
	"names":       {"idempotency_pkey", "holds_pkey"},
	"corrections": {"entries_correction"},
	"set_lots":    {"lots_pkey"}, "set_live": {"lots_pkey"}, "set_holds": {"holds_pkey"}, "settled": {"holds_pkey"}, "closed": {"open_holds_pkey"},
	"heads": {"accounts_pkey"}, "heads_apart": {"accounts_pkey"},
}

var parameter = regexp.MustCompile(`\$\d+`)

// HOTPATH 5: a plan is made once and kept, so it must be right whatever the
// tables held when it was made.
func TestStatements_PlansHoldAtAnySize(t *testing.T) {
	t.Parallel()
	url := localpg.Copy(t, blank.Migrate)
	s, err := sqlstore.Open(t.Context(), sqlstore.Config{URL: url, NewID: func(prefix string) string { return prefix }})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	require.NoError(t, s.Migrate(t.Context()))
	c, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close(context.Background())) })
	run := func(statement string) {
		_, err := c.Exec(t.Context(), statement)
		require.NoError(t, err, statement)
	}
	for name, value := range batch.Settings {
		run("SET " + name + " = " + value)
	}
	from := 0
	for _, rows := range []int{0, 1, 5, 50, 500, 20_000} {
		for _, fill := range []string{
			`INSERT INTO accounts SELECT 'acct_' || i, '', 'active', '', 'active', 0, 0, 0, 0, 0, 0 FROM generate_series(%d, %d) AS i`,
			`INSERT INTO lots SELECT 'lot_' || i, 'acct_' || i, 'pack', 'live', 9, 9, 0, 1, 2 FROM generate_series(%d, %d) AS i`,
			`INSERT INTO holds SELECT 'req_' || i, 'acct_' || i %% 20, 'rep_1', 'n', 'open', 1, '[]', 'key_1', '', 'api', '/v1/responses', 'm', 'p', 1, 2,
				0, false, false, 0, 0, 0, 0, false, 0, '', 0, 0, 0, false, 0, 0, 0, 0, '', 0 FROM generate_series(%d, %d) AS i`,
			`INSERT INTO open_holds SELECT 'req_' || i, 'rep_1' FROM generate_series(%d, %d) AS i`,
			`INSERT INTO counters SELECT 'acct_' || i, 'key_' || i, 0, 0, 0, 0, 0 FROM generate_series(%d, %d) AS i`,
			`INSERT INTO idempotency SELECT 'acct_' || i %% 20, sha256(i::text::bytea), sha256('p'), 'req_' || i, i, '', 0, 0 FROM generate_series(%d, %d) AS i`,
			`INSERT INTO entries SELECT 'acct_' || i %% 20, i, 'lot_' || i, CASE WHEN i %% 9 = 0 THEN 'correction' ELSE 'debit' END, 1, 'req_' || i, '', '', 1 FROM generate_series(%d, %d) AS i`,
			`INSERT INTO replicas SELECT 'rep_' || i, 1, 0, 0 FROM generate_series(%d, %d) AS i`,
		} {
			run(fmt.Sprintf(fill, from+1, rows))
		}
		if from = rows; rows > 0 {
			for _, table := range []string{"accounts", "lots", "holds", "open_holds", "counters", "idempotency", "entries", "replicas"} {
				run("VACUUM ANALYZE " + table)
			}
		}
		for name, text := range batch.Statements() {
			if verb := text[:strings.IndexByte(text+" ", ' ')]; verb != "SELECT" && verb != "INSERT" && verb != "UPDATE" && verb != "DELETE" && verb != "WITH" {
				continue // BEGIN and the like have no plan
			}
			plan := explain(t, c, name, text)
			keys := allKeys[name]
			if part, ok := strings.CutPrefix(name, "stands_"); ok {
				keys = append([]string{"accounts_pkey", "replicas_pkey"}, allKeys[strings.TrimPrefix(part, "lone_")]...)
			}
			require.NotContains(t, plan, "Seq Scan", "%s on %d rows:\n%s", name, rows, plan)
			for _, used := range regexp.MustCompile(`Index (?:Only )?Scan (?:using|on) (\w+)`).FindAllStringSubmatch(plan, -1) {
				require.Contains(t, keys, used[1], "%s on %d rows:\n%s", name, rows, plan)
				require.Contains(t, plan, "Index Cond", "%s on %d rows:\n%s", name, rows, plan)
			}
			for _, key := range keys {
				require.Contains(t, plan, key, "%s on %d rows:\n%s", name, rows, plan)
			}
		}
	}
}

func explain(t *testing.T, c *pgx.Conn, name, text string) string {
	t.Helper()
	distinct := map[string]bool{}
	for _, p := range parameter.FindAllString(text, -1) {
		distinct[p] = true
	}
	_, err := c.Prepare(t.Context(), name, text)
	require.NoError(t, err)
	arguments := ""
	if n := len(distinct); n > 0 {
		arguments = "(NULL" + strings.Repeat(", NULL", n-1) + ")"
	}
	rows, err := c.Query(t.Context(), "EXPLAIN EXECUTE "+name+arguments, pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err)
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.NoError(t, c.Deallocate(t.Context(), name))
	return strings.Join(lines, "\n")
}
