//go:build engines

package sqlstore_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/sqlstore/batch"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/e2e/engine/localpg"
	"github.com/archibot/archibotchat/e2e/scale"
	"github.com/archibot/archibotchat/ports/store"
)

// plan is a node of what EXPLAIN says.
type plan struct {
	Type    string  `json:"Node Type"`
	Table   string  `json:"Relation Name"`
	Rows    float64 `json:"Actual Rows"`
	Loops   float64 `json:"Actual Loops"`
	Removed float64 `json:"Rows Removed by Filter"`
	Missed  float64 `json:"Rows Removed by Index Recheck"`
	Hit     float64 `json:"Shared Hit Blocks"`
	Read    float64 `json:"Shared Read Blocks"`
	Plans   []plan  `json:"Plans"`
}

// looked is how many rows of tables were looked at.
func (p plan) looked() (rows float64) {
	if p.Table != "" {
		rows = (p.Rows + p.Removed + p.Missed) * p.Loops
	}
	for _, below := range p.Plans {
		rows += below.looked()
	}
	return rows
}

// explain runs a statement and returns how it went.
func explain(t *testing.T, c *pgx.Conn, statement string) plan {
	t.Helper()
	var text []byte
	require.NoError(t, c.QueryRow(t.Context(), "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) "+statement, pgx.QueryExecModeSimpleProtocol).Scan(&text), statement)
	var said []struct{ Plan plan }
	require.NoError(t, json.Unmarshal(text, &said))
	return said[0].Plan
}

// Balance, preflight, statements and Activity look at what they show and not at
// what there is: 60,000 of 100,000 requests are the account's. Rows and buffers
// are counted, not time.
func TestPostgres_ReadsStayShort(t *testing.T) {
	t.Parallel()
	url := localpg.URL(t)
	s := open(t, url, nil)
	until := now()
	since := until.AddDate(-1, 0, 0)
	require.NoError(t, scale.Fill(t.Context(), url, scale.Spec{Accounts: 500, Requests: 100_000, Share: 60, Since: since, Until: until}))
	c, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close(context.Background())) })
	for name, value := range batch.Settings {
		_, err := c.Exec(t.Context(), "SET "+name+" = "+value)
		require.NoError(t, err)
	}
	text := func(query string) (id string) {
		require.NoError(t, c.QueryRow(t.Context(), query).Scan(&id))
		return id
	}
	big := text("SELECT min(id) FROM accounts")
	request := text("SELECT max(request_id) FROM holds WHERE account_id = '" + big + "'")
	first := text("SELECT min(request_id) FROM holds WHERE account_id = '" + big + "'")
	key := text("SELECT key_id FROM holds WHERE request_id = '" + request + "'")
	var statements []string
	s.Watch(func(statement string) { statements = append(statements, statement) })
	events := func(q store.EventQuery) func() (int, error) {
		return func() (int, error) {
			q.Account = big
			es, err := s.Events().List(t.Context(), q)
			return len(es), err
		}
	}
	day := func(n int) time.Time { return since.AddDate(0, 0, n) }
	type short struct {
		read        func() (int, error)
		found       int
		rows, pages float64 // at most
	}
	look := func(name string, want short) {
		statements = nil
		found, err := want.read()
		require.NoError(t, err, name)
		require.Equal(t, want.found, found, name)
		require.NotEmpty(t, statements, name)
		var rows, pages float64
		for _, statement := range statements {
			p := explain(t, c, statement)
			rows, pages = rows+p.looked(), pages+p.Hit+p.Read
		}
		t.Logf("%s: %v rows, %v pages", name, rows, pages)
		require.LessOrEqual(t, rows, want.rows, "%s looks at too many rows:\n%s", name, strings.Join(statements, "\n"))
		require.LessOrEqual(t, pages, want.pages, "%s reads too many pages:\n%s", name, strings.Join(statements, "\n"))
	}
	used := func(n int) func() (int, error) {
		date := day(n).UTC().Truncate(24 * time.Hour)
		return func() (int, error) {
			days, err := s.KeyDays().Of(t.Context(), big, key, date, date.AddDate(0, 0, 1))
			return len(days), err
		}
	}
	for name, want := range map[string]short{
		"lots":    {func() (int, error) { l, err := s.Ledger().Lots(t.Context(), big); return len(l), err }, 1, 2, 10},
		"account": {func() (int, error) { _, err := s.Accounts().Get(t.Context(), big); return 1, err }, 1, 2, 10},
		"hold":    {func() (int, error) { _, err := s.Ledger().Hold(t.Context(), big, request); return 1, err }, 1, 2, 20},
		"newest lines": {func() (int, error) {
			es, err := s.Ledger().EntriesBefore(t.Context(), big, 0, 50)
			return len(es), err
		}, 50, 60, 200},
		"lines deep down": {func() (int, error) {
			es, err := s.Ledger().EntriesBefore(t.Context(), big, 100, 50)
			return len(es), err
		}, 50, 60, 200},
		"entries from the middle": {func() (int, error) {
			es, err := s.Ledger().Entries(t.Context(), big, 30_000, 1000)
			return len(es), err
		}, 1000, 1100, 2500},
		"a date's first entry": {func() (int, error) { _, err := s.Ledger().FirstSince(t.Context(), big, day(100)); return 1, err }, 1, 100, 500},
		"sums": {func() (int, error) {
			sums, err := s.Ledger().Sums(t.Context(), big, 20_000, 21_000, day(1), day(300))
			return len(sums), err
		}, 1, 1100, 2500},
		"holds": {func() (int, error) {
			hs, err := s.Ledger().Holds(t.Context(), store.Page{After: first, Limit: 100})
			return len(hs), err
		}, 100, 500, 2500},
		"debits without a hold": {func() (int, error) {
			es, err := s.Ledger().Unheld(t.Context(), big, 30_000, 30_100)
			return len(es), err
		}, 0, 300, 1500},
		"open holds": {func() (int, error) {
			hs, err := s.Ledger().OpenHoldsOf(t.Context(), big, store.Page{})
			return len(hs), err
		}, 0, 1, 20},
		"a key's day, not added up": {used(100), 1, 550, 2000},
		"key notices":               {func() (int, error) { ks, err := s.Keys().Notices(t.Context(), 10); return len(ks), err }, 0, 1, 20},
		"expired":                   {func() (int, error) { l, err := s.Ledger().Expired(t.Context(), 10); return len(l), err }, 0, 1, 20},
		"first page":                {events(store.EventQuery{Limit: 50}), 50, 60, 200},
		"page deep down":            {events(store.EventQuery{Limit: 50, Before: 200}), 50, 60, 200},
		"a request's":               {events(store.EventQuery{Request: request}), 1, 4, 40},
		"no request's":              {events(store.EventQuery{Request: "req_none"}), 0, 1, 20},
		"seldom kind":               {events(store.EventQuery{Kinds: []audit.Kind{audit.GateDenied}}), 12, 20, 100},
		"seldom kinds":              {events(store.EventQuery{Kinds: []audit.Kind{audit.GateDenied, audit.CreditsGranted, audit.KeyCreated}}), 13, 20, 150},
		"common kind":               {events(store.EventQuery{Limit: 50, Kinds: []audit.Kind{audit.UsageDebited}}), 50, 60, 200},
		"busy key":                  {events(store.EventQuery{Limit: 50, Key: key}), 50, 60, 200},
		"seldom key, one step":      {events(store.EventQuery{Key: "key_seldom", After: 20_000, Before: 25_001}), 1, 5100, 11_000},
		"between dates": {func() (int, error) {
			_, _, err := s.Events().Span(t.Context(), big, day(100), day(101))
			return 1, err
		}, 1, 250, 1000},
	} {
		look(name, want)
	}
	look("adding up what keys used", short{func() (int, error) { _, err := s.KeyDays().Add(t.Context(), big, 1000); return 1, err }, 1, 2010, 7500})
	for more := true; more; { // and leave some
		more, err = s.KeyDays().Add(t.Context(), big, 700)
		require.NoError(t, err)
	}
	look("a key's day, added up", short{used(100), 1, 710, 100})
	look("a key's last whole day", short{used(364), 1, 900, 1500})
}
