package sqlstore_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/sqlstore"
	"github.com/archibot/archibotchat/adapters/sqlstore/blank"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

func TestSQLite_Spends(t *testing.T) {
	t.Parallel()
	oneRowTellsAsThree(t, func(clock func() time.Time) *sqlstore.Store {
		return open(t, blank.SQLite(t, filepath.Join(t.TempDir(), "store.db")), clock)
	})
}

// oneRowTellsAsThree writes the same history for two accounts. Most requests of one are a
// row each; those of the other, by their IDs, cannot be. Nobody who reads may
// see a difference.
func oneRowTellsAsThree(t *testing.T, open func(clock func() time.Time) *sqlstore.Store) {
	began := time.Date(2026, 3, 1, 22, 0, 0, 0, time.UTC)
	at := began
	s := open(func() time.Time { return at })
	one, three := "acct_one", "acct_three"
	spendHistory(t, s, one, "req_", &at)
	at = began
	spendHistory(t, s, three, "rex_", &at)

	count := func(statement string, args ...any) int64 {
		n, err := s.Count(t.Context(), fmt.Sprintf(statement, args...))
		require.NoError(t, err)
		return n
	}
	require.EqualValues(t, 40, count("SELECT count(*) FROM holds WHERE account_id = '%s' AND event_seq IS NOT NULL", one))
	require.Zero(t, count("SELECT count(*) FROM holds WHERE account_id = '%s' AND event_seq IS NOT NULL", three))
	require.Zero(t, count("SELECT count(*) FROM holds WHERE event_seq IS NOT NULL AND (debited = 0 OR request_id LIKE 'req_both%%' OR request_id LIKE 'req_held%%')"))
	for _, table := range []string{"entries", "events"} {
		require.EqualValues(t, 40, count("SELECT count(*) FROM %s WHERE account_id = '%s'", table, three)-count("SELECT count(*) FROM %s WHERE account_id = '%s'", table, one), table)
	}
	for _, statement := range []string{"UPDATE holds SET debited = 1 WHERE event_seq IS NOT NULL", "DELETE FROM holds WHERE event_seq IS NOT NULL"} {
		require.ErrorContains(t, s.Exec(t.Context(), statement), "append-only", statement)
	}

	for name, read := range spendReads(t, s, began) {
		got, want := read(one, "req_"), read(three, "rex_")
		require.NotEmpty(t, want, name)
		require.Equal(t, want, got, name)
	}
	for _, account := range []string{one, three} { // as added up, too
		for more := true; more; {
			var err error
			more, err = s.KeyDays().Add(t.Context(), account, 7)
			require.NoError(t, err)
		}
	}
	days := spendReads(t, s, began)["days of a key"]
	require.Equal(t, days(three, "rex_"), days(one, "req_"))

	commit := func(op ledger.Op) error {
		op.Nonce = "n"
		outs, err := s.Commit(t.Context(), store.Replica{}, []ledger.Op{op})
		require.NoError(t, err)
		return outs[0].Err
	}
	require.ErrorIs(t, commit(ledger.Op{Kind: ledger.OpSpend, Account: three, Request: "req_s05", Amount: 1, Cost: 1}), ledger.ErrConflict, "another account's")
	require.NoError(t, commit(ledger.Op{Kind: ledger.OpSpend, Account: one, Request: "req_s05", Amount: 9, Cost: 3, Work: spendWork(5)}), "again")
	require.EqualValues(t, 40, count("SELECT count(*) FROM holds WHERE account_id = '%s' AND event_seq IS NOT NULL", one), "nothing twice")
}

func spendWork(i int) ledger.Work {
	w := ledger.Work{Key: fmt.Sprint("key_", i%3), Area: "api", Route: "/v1/responses", Model: "vendor/model", PriceVersion: "p1"}
	if i%3 == 0 {
		w.Key, w.User = "", "user_1"
	}
	return w
}

// spendHistory is requests of all sorts, and what comes between them.
func spendHistory(t *testing.T, s *sqlstore.Store, account, prefix string, at *time.Time) {
	t.Helper()
	create(t, s, account)
	step := func(op ledger.Op) {
		op.Account, op.Nonce, op.Replica = account, "n", "rep_1"
		if op.Request != "" {
			op.Request = prefix + op.Request
		}
		commit(t, s, op)
		*at = at.Add(11 * time.Minute)
	}
	step(grant(account, "lot_"+account+"_1", 100))
	for i := range 40 {
		work := spendWork(i)
		switch i {
		case 7:
			step(ledger.Op{Kind: ledger.OpHold, Request: "held", Amount: 9, Deadline: time.Hour, Work: work})
		case 9:
			step(ledger.Op{Kind: ledger.OpSettle, Request: "held", Amount: 4, Usage: ledger.Usage{Input: 2}, Work: work})
		case 11:
			step(ledger.Op{Kind: ledger.OpSpend, Request: "free", Amount: 9, Work: work})
		case 13:
			require.NoError(t, s.Events().Append(t.Context(), audit.Event{ID: newID("evt"), Account: account, At: *at, Kind: audit.KeyCreated, Key: "key_1", Subject: "x"}))
		case 21:
			step(grant(account, "lot_"+account+"_2", 1000))
			step(ledger.Op{Kind: ledger.OpSpend, Request: "both", Amount: 60, Cost: 55, Work: work})
		}
		step(ledger.Op{
			Kind: ledger.OpSpend, Request: fmt.Sprintf("s%02d", i), Amount: 9, Cost: int64(2 + i%2), Usage: ledger.Usage{Input: int64(i), Cached: 1, Output: 3}, Work: work,
		})
	}
}

// spendReads are all ways to read entries, events and holds, each as a function of the
// account that leaves out what differs between accounts.
func spendReads(t *testing.T, s *sqlstore.Store, began time.Time) map[string]func(account, prefix string) []any {
	entries := func(list []ledger.Entry, err error) (out []any) {
		require.NoError(t, err)
		for _, e := range list {
			e.Lot = strings.TrimPrefix(e.Lot, "lot_"+e.Account)
			if e.Account = ""; e.Request != "" {
				e.Request = e.Request[4:]
			}
			out = append(out, e)
		}
		return out
	}
	events := func(q store.EventQuery) []any {
		var out []any
		for q.Limit = 7; ; {
			list, err := s.Events().List(t.Context(), q)
			require.NoError(t, err)
			for _, e := range list {
				q.Before = e.Seq
				require.NotEmpty(t, e.ID)
				e.Subject = strings.TrimPrefix(e.Subject, "lot_"+e.Account)
				if e.ID, e.Account = "", ""; e.Request != "" {
					e.Request = e.Request[4:]
				}
				out = append(out, e)
			}
			if len(list) < 7 {
				return out
			}
		}
	}
	later := func(h int) time.Time { return began.Add(time.Duration(h) * time.Hour) }
	return map[string]func(account, prefix string) []any{
		"entries": func(account, _ string) (out []any) {
			for after := int64(0); ; {
				page := entries(s.Ledger().Entries(t.Context(), account, after, 7))
				if out = append(out, page...); len(page) < 7 {
					return out
				}
				after = page[6].(ledger.Entry).Seq
			}
		},
		"entries backwards": func(account, _ string) (out []any) {
			for before := int64(0); ; {
				page := entries(s.Ledger().EntriesBefore(t.Context(), account, before, 7))
				if out = append(out, page...); len(page) < 7 {
					return out
				}
				before = page[6].(ledger.Entry).Seq
			}
		},
		"sums": func(account, _ string) (out []any) {
			for _, until := range []int64{10, 30, 100} {
				sums, err := s.Ledger().Sums(t.Context(), account, until/2, until, later(1), later(5))
				require.NoError(t, err)
				out = append(out, sums)
			}
			return out
		},
		"dates": func(account, _ string) (out []any) {
			for h := range 12 {
				first, err := s.Ledger().FirstSince(t.Context(), account, later(h))
				require.NoError(t, err)
				after, before, err := s.Events().Span(t.Context(), account, later(h), later(h+1))
				require.NoError(t, err)
				out = append(out, first, after, before)
			}
			return out
		},
		"sequence": func(account, _ string) (out []any) {
			seqs, last, err := s.SealLog().Sequence(t.Context(), account, 3, 100)
			require.NoError(t, err)
			return append(out, seqs, last)
		},
		"events": func(account, _ string) []any { return events(store.EventQuery{Account: account}) },
		"events of a key": func(account, _ string) []any {
			return events(store.EventQuery{Account: account, Key: "key_1", Since: later(1), Until: later(4)})
		},
		"events of kinds": func(account, _ string) []any {
			return append(events(store.EventQuery{Account: account, Kinds: []audit.Kind{audit.UsageDebited}, After: 9}),
				events(store.EventQuery{Account: account, Kinds: []audit.Kind{audit.KeyCreated, audit.CreditsGranted}})...)
		},
		"events of a request": func(account, prefix string) (out []any) {
			for _, request := range []string{"s05", "held", "both", "free"} {
				list := events(store.EventQuery{Account: account, Request: prefix + request})
				require.Len(t, list, 1, request)
				out = append(out, list...)
			}
			return out
		},
		"holds": func(account, prefix string) (out []any) {
			list, err := s.Ledger().Holds(t.Context(), store.Page{Limit: 200})
			require.NoError(t, err)
			for _, held := range list {
				h := held.Hold
				if h.Account != account {
					continue
				}
				single, err := s.Ledger().Hold(t.Context(), account, h.Request)
				require.NoError(t, err)
				require.Equal(t, h, single)
				h.Request, h.Account = strings.TrimPrefix(h.Request, prefix), ""
				for i := range h.Parts {
					h.Parts[i].Lot = strings.TrimPrefix(h.Parts[i].Lot, "lot_"+account)
				}
				out = append(out, h, held.Debits)
			}
			return out
		},
		"days of a key": func(account, _ string) (out []any) {
			days, err := s.KeyDays().Of(t.Context(), account, "key_1", began.Truncate(24*time.Hour), began.AddDate(0, 0, 5).Truncate(24*time.Hour))
			require.NoError(t, err)
			require.Len(t, days, 2)
			return append(out, days)
		},
	}
}
