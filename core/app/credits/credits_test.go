package credits_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/sqlstore"
	"github.com/archibot/archibotchat/adapters/sqlstore/blank"
	"github.com/archibot/archibotchat/adapters/system"
	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/credits"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/billing"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

// house is a store with two accounts, a service and a clock.
type house struct {
	*credits.Service
	store *sqlstore.Store
	file  string
	now   time.Time
}

func build(t *testing.T) *house {
	t.Helper()
	h := &house{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), file: filepath.Join(t.TempDir(), "test.db")}
	ids := system.NewIDs(system.Now)
	clock := func() time.Time { return h.now }
	s, err := sqlstore.Open(t.Context(), sqlstore.Config{URL: blank.SQLite(t, h.file), NewID: ids.New, Now: clock})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	require.NoError(t, s.Migrate(t.Context()))
	for _, id := range []string{"acct_1", "acct_2"} {
		require.NoError(t, s.Accounts().Create(t.Context(), store.Account{Account: access.Account{
			ID: id, Name: id, Status: access.StatusActive,
			CreatedAt: h.now, UpdatedAt: h.now,
		}, Billing: billing.Active}))
	}
	h.store, h.Service = s, credits.New(credits.Deps{Store: s, Now: clock, NewID: ids.New})
	return h
}

func operator(t *testing.T) context.Context {
	return access.WithPrincipal(t.Context(), access.Principal{Kind: access.PrincipalOperator, ID: "cli"})
}

func (h *house) grant(t *testing.T, amount int64) ledger.Lot {
	t.Helper()
	lot, err := h.Grant(operator(t), credits.Grant{Account: "acct_1", Amount: amount, Reason: "test"})
	require.NoError(t, err)
	return lot
}

// spend debits amount for a request.
func (h *house) spend(t *testing.T, request string, amount int64) {
	t.Helper()
	out, err := h.store.Commit(t.Context(), store.Replica{}, []ledger.Op{
		{Kind: ledger.OpHold, Account: "acct_1", Request: request, Nonce: "n", Amount: amount, Deadline: time.Hour},
		{Kind: ledger.OpSettle, Account: "acct_1", Request: request, Nonce: "n", Amount: amount},
	})
	require.NoError(t, err)
	require.NoError(t, out[0].Err)
	require.NoError(t, out[1].Err)
	require.Equal(t, amount, out[1].Debited)
}

// exec changes rows by hand.
func (h *house) exec(t *testing.T, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", h.file)
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), statement)
	require.NoError(t, err)
	require.NoError(t, db.Close())
}

func TestService_Grant(t *testing.T) {
	t.Parallel()
	h := build(t)
	lot := h.grant(t, 5*ledger.Credit)
	require.Equal(t, ledger.SourceOperator, lot.Source)
	require.Equal(t, ledger.Expiry(h.now), lot.ExpiresAt)
	b, err := h.Balance(t.Context(), "acct_1")
	require.NoError(t, err)
	require.Equal(t, ledger.Balance{Balance: 5 * ledger.Credit, Available: 5 * ledger.Credit}, b)
	lots, err := h.Lots(t.Context(), "acct_1")
	require.NoError(t, err)
	require.Equal(t, []ledger.Lot{lot}, lots)

	es, err := h.store.Events().List(t.Context(), store.EventQuery{Account: "acct_1"})
	require.NoError(t, err)
	require.Len(t, es, 1)
	require.Equal(t, audit.Actor{Kind: audit.ActorOperator, ID: "cli"}, es[0].Actor)
	require.Equal(t, lot.ID, es[0].Subject)

	for name, c := range map[string]struct {
		ctx   context.Context
		grant credits.Grant
		code  string
	}{
		"by nobody":       {t.Context(), credits.Grant{Account: "acct_1", Amount: 1, Reason: "r"}, "operators_only"},
		"unknown account": {operator(t), credits.Grant{Account: "acct_9", Amount: 1, Reason: "r"}, "not_found"},
		"nothing":         {operator(t), credits.Grant{Account: "acct_1", Reason: "r"}, "invalid_amount"},
		"negative":        {operator(t), credits.Grant{Account: "acct_1", Amount: -1, Reason: "r"}, "invalid_amount"},
		"too much":        {operator(t), credits.Grant{Account: "acct_1", Amount: ledger.MaxAmount + 1, Reason: "r"}, "invalid_amount"},
		"over the bound":  {operator(t), credits.Grant{Account: "acct_1", Amount: ledger.MaxAmount, Reason: "r"}, "amount_overflow"}, // L1
		"without reason":  {operator(t), credits.Grant{Account: "acct_1", Amount: 1}, "invalid_name"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := h.Grant(c.ctx, c.grant)
			require.Equal(t, c.code, fault.CodeOf(err))
		})
	}
	_, err = h.Balance(t.Context(), "acct_9")
	require.ErrorIs(t, err, store.ErrNotFound)
}

// deaf is a store that loses the reply of its first commit.
type deaf struct {
	store.Store
	calls int
}

func (d *deaf) Commit(ctx context.Context, by store.Replica, ops []ledger.Op) ([]ledger.Outcome, error) {
	out, err := d.Store.Commit(ctx, by, ops)
	if d.calls++; err == nil && d.calls == 1 {
		return nil, store.ErrUnavailable
	}
	return out, err
}

func TestService_Grant_lostReply(t *testing.T) {
	t.Parallel()
	h := build(t)
	d := &deaf{Store: h.store}
	svc := credits.New(credits.Deps{Store: d, Now: func() time.Time { return h.now }, NewID: system.NewIDs(system.Now).New})
	_, err := svc.Grant(operator(t), credits.Grant{Account: "acct_1", Amount: 7, Reason: "test"})
	require.NoError(t, err)
	require.Equal(t, 2, d.calls)
	b, err := h.Balance(t.Context(), "acct_1")
	require.NoError(t, err)
	require.EqualValues(t, 7, b.Balance)
}

func TestService_Lines(t *testing.T) {
	t.Parallel()
	h := build(t)
	h.grant(t, 100)
	for i := range 5 {
		h.spend(t, fmt.Sprintf("req_%d", i), 1)
	}
	var seqs []int64
	for before := int64(0); ; {
		es, err := h.Lines(t.Context(), "acct_1", before, 4)
		require.NoError(t, err)
		for _, e := range es {
			seqs = append(seqs, e.Seq)
		}
		if len(es) < 4 {
			break
		}
		before = es[len(es)-1].Seq
	}
	require.Equal(t, []int64{6, 5, 4, 3, 2, 1}, seqs)
}

// L16: sums of every period check, and a sweep changes no statement (L10).
func TestService_Statement(t *testing.T) {
	t.Parallel()
	h := build(t)
	start := h.now
	h.grant(t, 1000)
	h.now = start.AddDate(0, 1, 0)
	h.spend(t, "req_1", 300)
	h.now = start.AddDate(0, 2, 0)
	h.grant(t, 50)
	h.spend(t, "req_2", 200)
	expiry := start.AddDate(1, 0, 0)
	h.now = expiry.Add(time.Hour)
	h.spend(t, "req_3", 10)

	sum := func(from, to time.Time) credits.Statement {
		t.Helper()
		st, err := h.Statement(t.Context(), "acct_1", from, to)
		require.NoError(t, err)
		require.Equal(t, st.Closing, st.Opening+st.Grants+st.Debits+st.Expiries+st.Other)
		var sum, lines int64
		require.NoError(t, h.StatementLines(t.Context(), st, func(e ledger.Entry) error { sum += e.Amount; lines++; return nil }))
		require.Equal(t, st.Closing-st.Opening, sum)
		require.Equal(t, st.Lines, lines)
		return st
	}
	figures := func(st credits.Statement) []int64 {
		return []int64{st.Opening, st.Grants, st.Debits, st.Expiries, st.Other, st.Closing, st.Lines}
	}
	check := func(t *testing.T) {
		t.Helper()
		require.Equal(t, []int64{0, 1050, -510, -500, 0, 40, 6}, figures(sum(start, h.now.Add(time.Second))))
		require.Equal(t, []int64{0, 0, 0, 0, 0, 0, 0}, figures(sum(start.AddDate(-1, 0, 0), start)))
		require.Equal(t, []int64{700, 50, -200, 0, 0, 550, 2}, figures(sum(start.AddDate(0, 1, 1), expiry)))
		require.Equal(t, []int64{550, 0, 0, -500, 0, 50, 1}, figures(sum(expiry, expiry.Add(time.Microsecond)))) // dated at its instant
		require.Equal(t, []int64{50, 0, -10, 0, 0, 40, 1}, figures(sum(expiry.Add(time.Microsecond), h.now.Add(time.Second))))
	}
	check(t)
	n, err := h.Sweep(operator(t))
	require.NoError(t, err)
	require.Equal(t, 1, n)
	check(t)
	b, err := h.Balance(t.Context(), "acct_1")
	require.NoError(t, err)
	require.Equal(t, ledger.Balance{Balance: 40, Available: 40}, b)

	_, err = h.Statement(t.Context(), "acct_1", h.now, h.now)
	require.Equal(t, "invalid_period", fault.CodeOf(err))
	_, err = h.Statement(t.Context(), "acct_9", start, h.now)
	require.ErrorIs(t, err, store.ErrNotFound)
}

// A statement of more than a page of entries.
func TestService_Statement_pages(t *testing.T) {
	t.Parallel()
	h := build(t)
	var ops []ledger.Op
	for i := range 1100 {
		ops = append(ops, ledger.Op{Kind: ledger.OpGrant, Account: "acct_1", Amount: 2, Lot: fmt.Sprintf("lot_%04d", i), Source: ledger.SourceDemo})
	}
	_, err := h.store.Commit(t.Context(), store.Replica{}, ops)
	require.NoError(t, err)
	st, err := h.Statement(t.Context(), "acct_1", h.now, h.now.Add(time.Second))
	require.NoError(t, err)
	require.EqualValues(t, 2200, st.Grants)
	require.EqualValues(t, 1100, st.Lines)
	accounts, entries, err := h.Verify(t.Context(), func(d ledger.Difference) error { return fmt.Errorf("%+v", d) })
	require.NoError(t, err)
	require.Equal(t, 2, accounts)
	require.EqualValues(t, 1100, entries)
}

func TestService_Sweep(t *testing.T) {
	t.Parallel()
	h := build(t)
	h.grant(t, 100)
	h.now = h.now.AddDate(1, 0, 0)
	b, err := h.Balance(t.Context(), "acct_1")
	require.NoError(t, err)
	require.Equal(t, ledger.Balance{Balance: 100, Expired: 100}, b) // L10
	n, err := h.Sweep(operator(t))
	require.NoError(t, err)
	require.Equal(t, 1, n)
	n, err = h.Sweep(operator(t))
	require.NoError(t, err)
	require.Zero(t, n)
	es, err := h.store.Events().List(t.Context(), store.EventQuery{Account: "acct_1", Kinds: []audit.Kind{audit.CreditsExpired}})
	require.NoError(t, err)
	require.Len(t, es, 1)
	require.Equal(t, audit.ActorService, es[0].Actor.Kind)
}

// L5: verify finds any edit by hand, and names account and lot.
func TestService_Verify(t *testing.T) {
	t.Parallel()
	for name, statement := range map[string]string{
		"nothing":                   "",
		"a lot's remainder":         "UPDATE lots SET remaining = remaining + 1",
		"a lot's grant":             "UPDATE lots SET granted = granted + 1",
		"an entry's amount":         "DROP TRIGGER entries_no_update; UPDATE entries SET amount = amount - 1 WHERE seq = 2",
		"an entry's lot":            "DROP TRIGGER entries_no_update; UPDATE entries SET lot_id = 'lot_other' WHERE seq = 2",
		"a deleted entry":           "DROP TRIGGER entries_no_delete; DELETE FROM entries WHERE seq = 2",
		"the last entry deleted":    "DROP TRIGGER entries_no_delete; DELETE FROM entries WHERE seq = 3",
		"a debit of a closed hold":  "UPDATE holds SET debited = debited + 1",
		"a hold deleted altogether": "DELETE FROM holds",
		"an account's count":        "UPDATE accounts SET entry_seq = entry_seq - 1 WHERE id = 'acct_1'",
		"what a lot holds":          "UPDATE lots SET held = held + 1",
		"what an open hold holds":   "UPDATE holds SET state = 'open', parts = '[{\"lot\":\"' || (SELECT id FROM lots) || '\",\"amount\":5}]' WHERE request_id = 'req_1'",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := build(t)
			lot := h.grant(t, 100)
			h.spend(t, "req_1", 10)
			h.spend(t, "req_2", 20)
			if statement != "" {
				h.exec(t, statement)
			}
			var found []ledger.Difference
			accounts, _, err := h.Verify(t.Context(), func(d ledger.Difference) error { found = append(found, d); return nil })
			require.NoError(t, err)
			require.Equal(t, 2, accounts)
			if statement == "" {
				require.Empty(t, found)
				return
			}
			named := name == "a hold deleted altogether" // no lot is at fault
			require.NotEmpty(t, found)
			for _, d := range found {
				require.Equal(t, "acct_1", d.Account)
				named = named || d.Lot == lot.ID
			}
			require.True(t, named, "%+v", found)
		})
	}
	t.Run("report stops it", func(t *testing.T) {
		t.Parallel()
		h := build(t)
		h.grant(t, 100)
		h.spend(t, "req_1", 10)
		h.exec(t, "UPDATE lots SET remaining = remaining + 1")
		_, _, err := h.Verify(t.Context(), func(ledger.Difference) error { return sql.ErrTxDone })
		require.ErrorIs(t, err, sql.ErrTxDone)
	})
}
