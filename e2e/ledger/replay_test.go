//go:build e2e

package ledger_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/sqlstore"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/e2e/harness"
	"github.com/archibot/archibotchat/ports/store"
)

// What was recorded of each account, played once more in the order of the
// account's own sequence, ends where the account ended; and the same seed ends
// alike on both databases.
func TestReplay(t *testing.T) {
	ends := map[harness.Kind][]string{}
	harness.Each(t, func(t *testing.T, db harness.Database) {
		site := harness.NewSite(t, db, harness.Options{})
		server := site.Start(t)
		var accounts []string
		var done sync.WaitGroup
		for seed := range uint64(2) {
			account := site.Account(t, harness.NewAccount{Credits: 300_000}).ID
			client := harness.NewClient(server.BaseURL(), site.Key(t, account).Key)
			accounts = append(accounts, account)
			done.Go(func() { live(t, site, client, account, rand.New(rand.NewPCG(seed, 3))) })
		}
		crowd := site.Account(t, harness.NewAccount{Credits: 100 * harness.Credit}).ID // many at once
		accounts = append(accounts, crowd)
		client := harness.NewClient(server.BaseURL(), site.Key(t, crowd).Key)
		harness.Parallel(300, 24, func(i int) {
			u := harness.Usage{Input: int64(50 + i%70), Cached: int64(i % 50), Output: int64(1 + i%100)}
			_, err := client.Ask(t.Context(), harness.Shapes[i%len(harness.Shapes)], model(u))
			if err != nil {
				t.Errorf("call %d: %v", i, err)
			}
		})
		done.Wait()
		server.Stop(t)
		site.Verify(t)
		require.False(t, t.Failed())

		s := site.Desk(t).Store
		holds := allHolds(t, s)
		for _, account := range accounts {
			state := replay(t, s, account, holds)
			if account != crowd {
				ends[db.Kind] = append(ends[db.Kind], told(t, s, account, state))
			}
		}
		for _, text := range ends[db.Kind] {
			for _, what := range []string{"debit", "grant", "correction -", "of lot 1"} {
				require.Contains(t, text, what, "a history without it proves little")
			}
		}
	})
	if !t.Failed() {
		require.Equal(t, ends[harness.SQLite], ends[harness.Postgres])
	}
}

// live leads an account through one thing after the other.
func live(t *testing.T, site *harness.Site, client *harness.Client, account string, r *rand.Rand) {
	for range 60 {
		shape := harness.Shapes[r.IntN(len(harness.Shapes))]
		u := harness.Usage{Input: 50 + r.Int64N(500), Output: 1 + r.Int64N(900)}
		u.Cached = r.Int64N(u.Input)
		switch amount := r.Int64N(200_000); r.IntN(12) {
		case 0:
			site.Grant(t, account, amount+1)
		case 1, 2: // one that is not covered changes nothing
			_, _, _ = site.Run(t, "admin", "credits", "correct", account, fmt.Sprintf("--credits=%.6f", float64(amount-100_000)/float64(harness.Credit)), "--reason", "e2e")
		case 3:
			_, _ = client.Ask(t.Context(), shape, "tok-err500")
		case 4: // outgrows what is held for it at first
			_, _ = client.Ask(t.Context(), harness.Shape{Stream: true}, "tok-in40-out3000-chunks300")
		default: // may be refused: then nothing is written
			_, _ = client.Ask(t.Context(), shape, model(u))
		}
	}
}

func allHolds(t *testing.T, s *sqlstore.Store) map[string]ledger.Hold {
	t.Helper()
	all := map[string]ledger.Hold{}
	for p := (store.Page{Limit: store.MaxPage}); ; {
		hs, err := s.Ledger().Holds(t.Context(), p)
		require.NoError(t, err)
		for _, h := range hs {
			all[h.Hold.Request] = h.Hold
			p.After = h.Hold.Request
		}
		if len(hs) < store.MaxPage {
			return all
		}
	}
}

// history is what is recorded of one account.
type history struct {
	account store.Account
	lots    map[string]ledger.Lot
	entries []ledger.Entry
	events  []audit.Event
	holds   []ledger.Hold // by when they were opened
}

func recorded(t *testing.T, s *sqlstore.Store, account string, holds map[string]ledger.Hold) history {
	t.Helper()
	h := history{lots: map[string]ledger.Lot{}}
	var err error
	h.account, err = s.Accounts().Get(t.Context(), account)
	require.NoError(t, err)
	lots, err := s.Ledger().Lots(t.Context(), account)
	require.NoError(t, err)
	for _, l := range lots {
		h.lots[l.ID] = l
	}
	h.entries, err = s.Ledger().Entries(t.Context(), account, 0, store.MaxPage)
	require.NoError(t, err)
	require.Len(t, h.entries, int(h.account.Entries))
	h.events, err = s.Events().List(t.Context(), store.EventQuery{Account: account, Limit: store.MaxPage})
	require.NoError(t, err)
	require.Less(t, len(h.events), store.MaxPage)
	slices.Reverse(h.events)
	for _, x := range holds {
		if x.Account == account {
			h.holds = append(h.holds, x)
		}
	}
	slices.SortFunc(h.holds, func(a, b ledger.Hold) int { return a.OpenedAt.Compare(b.OpenedAt) })
	return h
}

// replay plays what is recorded of an account and compares each step.
func replay(t *testing.T, s *sqlstore.Store, account string, holds map[string]ledger.Hold) *ledger.State {
	t.Helper()
	h := recorded(t, s, account, holds)
	state := ledger.NewState(account, 0, time.Time{}, nil, nil)
	entries := h.entries
	do := func(op ledger.Op, at time.Time) {
		op.Account = account
		o := ledger.Apply(state, []ledger.Op{op}, at)[0]
		require.NoError(t, o.Err, "%+v", op)
		require.True(t, o.At.Equal(at), "time ran back at %+v", op)
		require.Equal(t, entries[:len(o.Entries)], append([]ledger.Entry{}, o.Entries...), "%+v", op)
		entries = entries[len(o.Entries):]
	}
	opened := 0
	open := func(until time.Time, request string) { // all before, and of that instant the request's own
		for i := opened; i < len(h.holds) && !h.holds[i].OpenedAt.After(until); i++ {
			x := h.holds[i]
			if x.OpenedAt.Equal(until) && x.Request != request {
				continue
			}
			h.holds[i], h.holds[opened] = h.holds[opened], x
			opened++
			op := stepOf(x, ledger.OpHold)
			op.Amount, op.Deadline = x.Amount, x.Deadline.Sub(x.OpenedAt)
			state.Epoch = x.Epoch
			do(op, x.OpenedAt)
		}
	}
	for _, e := range h.events {
		x := holds[e.Request]
		open(e.At, e.Request)
		switch e.Kind {
		case audit.CreditsGranted:
			do(ledger.Op{Kind: ledger.OpGrant, Lot: e.Subject, Amount: e.Amount, Source: h.lots[e.Subject].Source, Reason: e.Reason, Actor: e.Actor.ID}, e.At)
		case audit.CreditsCorrected:
			do(ledger.Op{Kind: ledger.OpCorrect, Request: e.Request, Spare: e.Subject + spareOf(h.lots[e.Subject], e), Amount: e.Amount, Reason: e.Reason, Actor: e.Actor.ID}, e.At)
		case audit.UsageDebited:
			op := stepOf(x, ledger.OpSettle)
			op.Amount, op.Usage, op.Reason = x.Debited+x.Uncollected, x.Usage, x.Reason
			do(op, e.At)
		case audit.UsageReleased:
			op := stepOf(x, ledger.OpRelease)
			op.Reason = x.Reason
			do(op, e.At)
		case audit.CreditsExpired, audit.CreditsClawedBack, audit.CreditsClosed:
			require.Fail(t, "this history has more than can be played", "%+v", e)
		default: // no step of the ledger
		}
	}
	require.Empty(t, entries, "each entry was written by a step")
	require.Equal(t, len(h.holds), opened)
	require.Equal(t, h.account.Entries, state.Seq)
	for _, l := range state.Lots() {
		require.Equal(t, h.lots[l.ID], l)
	}
	require.Len(t, state.Lots(), len(h.lots))
	for _, want := range h.holds {
		got, ok := state.Hold(want.Request)
		require.True(t, ok)
		got.Mark = want.Mark // a note by the way
		require.Equal(t, want, got)
	}
	return state
}

// spareOf tells a lot that was made for a correction from one that was there.
func spareOf(l ledger.Lot, e audit.Event) string {
	if l.Source == ledger.SourceCorrection && l.GrantedAt.Equal(e.At) {
		return ""
	}
	return "_unused"
}

// stepOf is a step of a hold.
func stepOf(h ledger.Hold, kind ledger.OpKind) ledger.Op {
	return ledger.Op{Kind: kind, Request: h.Request, Nonce: h.Nonce, Replica: h.Replica, Work: h.Work, Limits: h.Limits, Epoch: h.Epoch}
}

// told tells how an account ended without what differs by nature: IDs, times.
func told(t *testing.T, s *sqlstore.Store, account string, state *ledger.State) (text string) {
	t.Helper()
	ordinal := map[string]int{}
	entries, err := s.Ledger().Entries(t.Context(), account, 0, store.MaxPage)
	require.NoError(t, err)
	for _, e := range entries {
		if _, ok := ordinal[e.Lot]; !ok {
			ordinal[e.Lot] = len(ordinal)
		}
		text += fmt.Sprintf("%d %s %d of lot %d\n", e.Seq, e.Kind, e.Amount, ordinal[e.Lot])
	}
	for _, l := range state.Lots() {
		text += fmt.Sprintf("lot %d: %s %s %d of %d, %d held\n", ordinal[l.ID], l.Source, l.State, l.Remaining, l.Granted, l.Held)
	}
	return text
}
