//go:build engines

package sqlstore_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/sqlstore/blank"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/e2e/engine/localpg"
	"github.com/archibot/archibotchat/e2e/scale"
	"github.com/archibot/archibotchat/ports/store"
)

// Balance, preflight, statements and Activity look at what they show and not at
// what there is: 60,000 of 100,000 requests are the account's. Rows and buffers
// are counted, not time.
func TestPostgres_ReadsStayShort(t *testing.T) {
	t.Parallel()
	url := localpg.Copy(t, blank.Migrate)
	s := open(t, url, nil)
	until := now()
	since := until.AddDate(-1, 0, 0)
	require.NoError(t, scale.Fill(t.Context(), url, scale.Spec{Accounts: 500, Requests: 100_000, Share: 60, Since: since, Until: until}))
	l := newLooker(t, s, url)
	text := func(query string) (id string) {
		require.NoError(t, l.conn.QueryRow(t.Context(), query).Scan(&id))
		return id
	}
	big := text("SELECT min(id) FROM accounts")
	request := text("SELECT max(request_id) FROM holds WHERE account_id = '" + big + "'")
	first := text("SELECT min(request_id) FROM holds WHERE account_id = '" + big + "'")
	key := text("SELECT key_id FROM holds WHERE request_id = '" + request + "'")
	events := func(q store.EventQuery) func() (int, error) {
		return func() (int, error) {
			q.Account = big
			es, err := s.Events().List(t.Context(), q)
			return len(es), err
		}
	}
	day := func(n int) time.Time { return since.AddDate(0, 0, n) }
	used := func(n int) func() (int, error) {
		date := day(n).UTC().Truncate(24 * time.Hour)
		return func() (int, error) {
			days, err := s.KeyDays().Of(t.Context(), big, key, date, date.AddDate(0, 0, 1))
			return len(days), err
		}
	}
	for name, want := range map[string]shortRead{
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
		l.look(name, want)
	}
	l.look("adding up what keys used", shortRead{func() (int, error) { _, err := s.KeyDays().Add(t.Context(), big, 1000); return 1, err }, 1, 2010, 7500})
	for more := true; more; { // and leave some
		var err error
		more, err = s.KeyDays().Add(t.Context(), big, 700)
		require.NoError(t, err)
	}
	l.look("a key's day, added up", shortRead{used(100), 1, 710, 100})
	l.look("a key's last whole day", shortRead{used(364), 1, 900, 1500})
}
