package storetest

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

func mirrorCases() []testCase {
	return []testCase{
		{"mirror/random_batches_equal_apply", nil, func(t *testing.T, h harness) { // HOTPATH 1: ledger.Apply decides, the store only keeps
			for seed := range uint64(3) {
				t.Run(fmt.Sprint("seed_", seed), func(t *testing.T) {
					mirror(t, h, rand.New(rand.NewPCG(seed, 7)), random{rounds: 40, ops: 12, requests: 60})
				})
			}
		}},
		{"mirror/lone_ops_equal_apply", []string{"Store.TryCommit"}, func(t *testing.T, h harness) { // HOTPATH 1: by whichever way an op alone takes
			for seed := range uint64(3) {
				t.Run(fmt.Sprint("seed_", seed), func(t *testing.T) {
					mirror(t, h, rand.New(rand.NewPCG(seed, 8)), random{rounds: 250, ops: 1, requests: 12})
				})
			}
		}},
	}
}

// random says how much a mirror sends: rounds of up to so many ops, on so many
// requests per account.
type random struct{ rounds, ops, requests int }

// mirror sends random batches to a store and to ledger.Apply in memory, and
// compares every outcome and in the end every row.
func mirror(t *testing.T, h harness, r *rand.Rand, size random) {
	s, clock := h.clocked(t)
	me := join(t, s, "rep_mirror")
	ways := []func(list []ledger.Op) ([]ledger.Outcome, error){
		func(list []ledger.Op) ([]ledger.Outcome, error) { return s.Commit(t.Context(), store.Replica{}, list) },
		func(list []ledger.Op) ([]ledger.Outcome, error) { return s.Commit(t.Context(), me, list) },
		func(list []ledger.Op) ([]ledger.Outcome, error) { return s.TryCommit(t.Context(), me, list, 0) },
		func(list []ledger.Op) ([]ledger.Outcome, error) {
			return s.TryCommit(t.Context(), me, list, time.Minute)
		},
	}
	accounts := []string{"acct_1", "acct_2", "acct_3"}
	addAccounts(t, s, accounts...)
	states := map[string]*ledger.State{}
	for _, a := range accounts {
		states[a] = ledger.NewState(a, 0, time.Time{}, nil, nil)
	}
	for _, a := range accounts {
		for _, l := range counting(a, 2) {
			limit(t, s, a, l) // so that what it counts can be read
		}
	}
	for range size.rounds {
		var list []ledger.Op
		for range 1 + r.IntN(size.ops) {
			list = append(list, randomOp(r, accounts[r.IntN(len(accounts))], size.requests))
		}
		outs, err := ways[r.IntN(len(ways))](list)
		require.NoError(t, err)
		for i, op := range list {
			want := ledger.Apply(states[op.Account], ops(op), clock.Now())[0]
			got := outs[i]
			require.ErrorIs(t, got.Err, want.Err, "%+v", op)
			got.Err, want.Err = nil, nil
			got.Hold, want.Hold = plain(got.Hold), plain(want.Hold)
			if want.Lot.State == ledger.LotClosed { // may have been closed after it died another way
				got.Lot.State = want.Lot.State
			}
			require.Equal(t, want, got, "%+v", op)
		}
		clock.Add(time.Duration(r.Int64N(int64(4000 * 24 * time.Hour / time.Duration(size.rounds)))).Truncate(time.Microsecond))
	}
	for _, a := range accounts {
		got := verified(t, s, a)
		require.Equal(t, states[a].Lots(), got.Lots)
		for _, hd := range got.Holds {
			want, ok := states[a].Hold(hd.Hold.Request)
			require.True(t, ok)
			require.Equal(t, plain(want), hd.Hold)
		}
		for _, l := range counting(a, 2) {
			kept, err := s.Limits().Get(t.Context(), a, l.Scope)
			require.NoError(t, err)
			require.Equal(t, states[a].Counter(l.Scope).In(clock.Now()), kept.Counter.In(clock.Now()))
		}
		for i := range byte(16) {
			n := named(i/4, i%4, 0)
			want, ok := states[a].Reservation(n.ID)
			if !ok {
				free(t, s, a, n)
				continue
			}
			require.Equal(t, want, find(t, s, a, n))
		}
		changes, _ := states[a].Changes()
		require.Equal(t, changes.Entries, got.Entries)
		require.Len(t, got.Holds, len(changes.Holds))
	}
}

// counting is what every third request of an account counts against, by n.
func counting(account string, n int) []ledger.Limit {
	all := []ledger.Limit{
		{Scope: account, Monthly: 150, Requests: 7},
		{Scope: "user_1", Monthly: 90, Tokens: 300},
		{Scope: "key_000001", Requests: 3, Tokens: 1 << 40},
	}
	return all[:3*(n%3)/2]
}

func randomOp(r *rand.Rand, account string, requests int) ledger.Op {
	n := r.IntN(requests)
	op := randomStep(r, account, fmt.Sprintf("req_%s_%d", account, n))
	if op.Request != "" && op.Kind != ledger.OpCorrect {
		op.Limits, op.Tokens = counting(account, n), int64(40+n)
	}
	return op
}

func randomStep(r *rand.Rand, account, request string) ledger.Op {
	lot := fmt.Sprintf("lot_%s_%d", account, r.IntN(12))
	amount := r.Int64N(60)
	name := named(byte(r.IntN(4)), 1+byte(r.IntN(2)), byte(r.IntN(2)))
	switch r.IntN(18) {
	case 12:
		return once(hold(account, request, amount), "", name)
	case 13:
		return once(settle(account, request, amount), ledger.KeptWhole, name)
	case 14, 15:
		op := hold(account, request, 30+amount)
		op.Kind = ledger.OpExtend
		return op
	case 16:
		op := settle(account, request, 30+amount)
		op.Kind, op.Cost = ledger.OpSpend, 2*amount
		return op
	case 17:
		op := correct(account, fmt.Sprintf("cor_%s_%d", account, r.IntN(12)), amount-30)
		if r.IntN(4) == 0 {
			op.Lot = lot
		}
		return op
	case 0, 1:
		return grant(account, lot, 1+100*r.Int64N(2))
	case 2, 3, 4, 5:
		return hold(account, request, amount)
	case 6, 7, 8:
		return settle(account, request, amount)
	case 9:
		return release(account, request, "refused")
	case 10:
		return mark(account, request, ledger.Mark{Accepted: true, Delivered: amount%2 == 0, Cost: amount, Usage: ledger.Usage{Input: amount}})
	default:
		if r.IntN(4) == 0 {
			return clawback(account, lot)
		}
		return ledger.Op{Kind: ledger.OpSweep, Account: account}
	}
}
