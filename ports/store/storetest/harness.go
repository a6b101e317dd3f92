package storetest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/billing"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

// start is the first instant of injected clocks. Its microseconds are odd on
// purpose.
var start = time.Date(2025, 3, 1, 12, 0, 0, 123_457_000, time.UTC)

// prompt bounds calls that must return although something else is stuck.
const prompt = 10 * time.Second

type harness struct{ open Open }

// store opens a store that runs on its own clock.
func (h harness) store(t *testing.T) store.Store {
	t.Helper()
	return h.open(t, nil)
}

// clocked opens a store whose clock the test moves.
func (h harness) clocked(t *testing.T) (store.Store, *clock) {
	t.Helper()
	c := &clock{now: start}
	return h.open(t, c.Now), c
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Set(to time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = to
}

func (c *clock) Add(d time.Duration) { c.Set(c.Now().Add(d)) }

func id(prefix string, n int) string { return fmt.Sprintf("%s_%06d", prefix, n) }

// account returns a usable account, not yet stored.
func account(id string) store.Account {
	return store.Account{
		Account: access.Account{
			ID: id, Name: "Example of " + id, Status: access.StatusActive,
			Groups: access.NewGroups(access.GroupAPI, access.GroupChat), CreatedAt: start, UpdatedAt: start,
		},
		Billing: billing.Active,
	}
}

// addAccounts stores accounts with these IDs.
func addAccounts(t *testing.T, s store.Store, ids ...string) {
	t.Helper()
	for _, id := range ids {
		require.NoError(t, s.Accounts().Create(t.Context(), account(id)))
	}
}

// key returns the n-th key of an account, not yet stored.
func key(account string, n int) keys.Key {
	d := keys.Digest{0: byte(n), 1: byte(n >> 8), 31: 0xff}
	at := start.Add(time.Duration(n) * time.Second)
	return keys.Key{
		ID: id("key", n), Account: account, Name: fmt.Sprint("key ", n), Start: "abk_ab12", Last4: "wxyz", Digest: d, Pepper: "v1",
		Scopes: slices.Clone(keys.AllScopes), CreatedAt: at, ExpiresAt: keys.MaxLife(at),
	}
}

func sameAccount(t *testing.T, want, got store.Account) {
	t.Helper()
	require.Equal(t, want.Groups.String(), got.Groups.String())
	got.Groups = want.Groups
	require.Equal(t, want, got)
}

func sameKey(t *testing.T, want, got keys.Key) {
	t.Helper()
	if len(got.Models) == 0 && len(want.Models) == 0 {
		got.Models = want.Models
	}
	require.Equal(t, want, got)
}

var work = ledger.Work{Key: "key_000001", User: "user_1", Area: "api", Route: "/v1/responses", Model: "vendor/model-1", PriceVersion: "p1"}

func grant(account, lot string, amount int64) ledger.Op {
	return ledger.Op{
		Kind: ledger.OpGrant, Account: account, Lot: lot, Amount: amount, Source: ledger.SourceOperator, Reason: "welcome",
		Actor: "pat", ActorKind: string(audit.ActorOperator),
	}
}

func hold(account, request string, amount int64) ledger.Op {
	return ledger.Op{
		Kind: ledger.OpHold, Account: account, Request: request, Amount: amount, Nonce: "of-" + request, Replica: "rep_1",
		Work: work, Deadline: 10 * time.Minute,
	}
}

func settle(account, request string, amount int64) ledger.Op {
	op := hold(account, request, amount)
	op.Kind, op.Usage = ledger.OpSettle, ledger.Usage{Input: 30, Cached: 10, Output: 20, Estimated: true}
	return op
}

func release(account, request, reason string) ledger.Op {
	op := hold(account, request, 0)
	op.Kind, op.Reason = ledger.OpRelease, reason
	return op
}

func extend(account, request string, amount int64) ledger.Op {
	op := hold(account, request, amount)
	op.Kind = ledger.OpExtend
	return op
}

func mark(account, request string, m ledger.Mark) ledger.Op {
	op := hold(account, request, 0)
	op.Kind, op.Mark = ledger.OpMark, m
	return op
}

func clawback(account, lot string) ledger.Op {
	return ledger.Op{Kind: ledger.OpClawback, Account: account, Lot: lot, Reason: "refund", Actor: "pat", ActorKind: string(audit.ActorOperator)}
}

// correct is a correction that may make the lot_<request>.
func correct(account, request string, amount int64) ledger.Op {
	return ledger.Op{
		Kind: ledger.OpCorrect, Account: account, Request: request, Amount: amount, Spare: "lot_" + request, Reason: "double charge",
		Actor: "pat", ActorKind: string(audit.ActorOperator),
	}
}

// commit commits ops as an operator's command does and returns the outcomes,
// refusals among them.
func commit(t *testing.T, s store.Store, ops ...ledger.Op) []ledger.Outcome {
	t.Helper()
	outs, err := s.Commit(t.Context(), store.Replica{}, ops)
	require.NoError(t, err)
	require.Len(t, outs, len(ops))
	return outs
}

// apply is commit for ops of which none may be refused.
func apply(t *testing.T, s store.Store, ops ...ledger.Op) []ledger.Outcome {
	t.Helper()
	outs := commit(t, s, ops...)
	for i, o := range outs {
		require.NoError(t, o.Err, "op %d, %s", i, ops[i].Kind)
	}
	return outs
}

// funded stores an account with one lot, lot_<id>.
func funded(t *testing.T, s store.Store, account string, amount int64) {
	t.Helper()
	addAccounts(t, s, account)
	apply(t, s, grant(account, "lot_"+account, amount))
}

// rows is all that the store shows of an account.
type rows struct {
	Account store.Account
	Lots    []ledger.Lot
	Entries []ledger.Entry
	Holds   []store.HeldDebit
	Events  []audit.Event // oldest first
}

// read pages through everything of an account.
func read(t *testing.T, s store.Store, account string) rows {
	t.Helper()
	ctx := t.Context()
	a, err := s.Accounts().Get(ctx, account)
	require.NoError(t, err)
	r := rows{Account: a}
	r.Lots, err = s.Ledger().Lots(ctx, account)
	require.NoError(t, err)
	for {
		es, err := s.Ledger().Entries(ctx, account, int64(len(r.Entries)), 100)
		require.NoError(t, err)
		if len(es) == 0 {
			break
		}
		require.Equal(t, int64(len(r.Entries)+1), es[0].Seq, "a page begins where the last one ended")
		r.Entries = append(r.Entries, es...)
	}
	page := store.Page{Limit: 100}
	for {
		hs, err := s.Ledger().Holds(ctx, page)
		require.NoError(t, err)
		if len(hs) == 0 {
			break
		}
		require.Greater(t, hs[0].Hold.Request, page.After, "a page begins where the last one ended")
		for _, h := range hs {
			if h.Hold.Account == account {
				r.Holds = append(r.Holds, h)
			}
		}
		page.After = hs[len(hs)-1].Hold.Request
	}
	for i := range r.Holds {
		r.Holds[i].Hold = plain(r.Holds[i].Hold)
	}
	q := store.EventQuery{Account: account, Limit: 100}
	for {
		es, err := s.Events().List(ctx, q)
		require.NoError(t, err)
		if len(es) == 0 {
			break
		}
		require.True(t, q.Before == 0 || es[0].Seq < q.Before, "a page begins where the last one ended")
		r.Events = append(r.Events, es...)
		q.Before = es[len(es)-1].Seq
	}
	slices.Reverse(r.Events)
	return r
}

// plain makes holds comparable: no parts and nil parts mean the same, and of
// limits a store keeps the scopes.
func plain(h ledger.Hold) ledger.Hold {
	h.Tokens = 0
	var scopes []ledger.Limit
	for _, l := range h.Limits {
		scopes = append(scopes, ledger.Limit{Scope: l.Scope})
	}
	h.Limits = scopes
	if len(h.Parts) == 0 {
		h.Parts = nil
	}
	return h
}

// verified reads an account and proves its books: entries explain every lot
// and every request, and neither sequence has a gap (L5, L11).
func verified(t *testing.T, s store.Store, account string) rows {
	t.Helper()
	r := read(t, s, account)
	a := ledger.NewAuditor(account)
	for i, e := range r.Entries {
		require.Equal(t, int64(i+1), e.Seq, "entries are numbered 1, 2, 3, …")
		a.Entry(e)
	}
	reserves := ledger.NewReserves(account)
	for _, h := range r.Holds {
		require.Empty(t, ledger.AuditHold(h.Hold, h.Debits))
		if h.Hold.State == ledger.HoldOpen {
			reserves.Hold(h.Hold)
		}
	}
	for _, l := range r.Lots {
		a.Lot(l)
	}
	require.Empty(t, a.Differences(r.Account.Entries))
	unheld, err := s.Ledger().Unheld(t.Context(), account, 0, r.Account.Entries)
	require.NoError(t, err)
	require.Empty(t, unheld)
	require.Empty(t, reserves.Differences(r.Lots))
	ids := map[string]bool{}
	for i, e := range r.Events {
		require.Equal(t, int64(i+1), e.Seq, "events are numbered 1, 2, 3, …")
		require.NotEmpty(t, e.ID)
		require.False(t, ids[e.ID], "event ID %s twice", e.ID)
		ids[e.ID] = true
	}
	return r
}

// balance sums an account's lots at an instant.
func (r rows) balance(now time.Time) ledger.Balance { return ledger.Sum(r.Lots, now) }

// each runs fn n times at once and returns the errors by index.
func each(n int, fn func(i int) error) []error {
	errs := make([]error, n)
	var ready, done sync.WaitGroup
	ready.Add(n)
	for i := range n {
		done.Go(func() {
			ready.Done()
			ready.Wait()
			errs[i] = fn(i)
		})
	}
	done.Wait()
	return errs
}

// returns fails the test if fn does not return soon, and yields its error.
func returns(ctx context.Context, t *testing.T, fn func(ctx context.Context) error) error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- fn(ctx) }()
	select {
	case err := <-done:
		return err
	case <-time.After(prompt):
		require.FailNow(t, "the call did not return")
		return nil
	}
}
