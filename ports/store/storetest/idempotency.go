package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

// named is a client's own name of a request: who names it, under which secret,
// and what it is sent with.
func named(who, secret, sent byte) ledger.Name {
	return ledger.Name{ID: [32]byte{who, secret, 31: 0xff}, Print: [32]byte{sent, secret, 31: 0xee}}
}

func once(op ledger.Op, k ledger.Kept, names ...ledger.Name) ledger.Op {
	op.Once = &ledger.Once{Names: names, Kept: k}
	return op
}

// find returns the account's reservation of a name, which must be there.
func find(t *testing.T, s store.Store, account string, n ledger.Name) ledger.Reservation {
	t.Helper()
	rs, err := s.Idempotency().Find(t.Context(), account, []ledger.Name{n})
	require.NoError(t, err)
	require.Len(t, rs, 1)
	return rs[0]
}

func free(t *testing.T, s store.Store, account string, ns ...ledger.Name) {
	t.Helper()
	rs, err := s.Idempotency().Find(t.Context(), account, ns)
	require.NoError(t, err)
	require.Empty(t, rs)
}

func idempotencyCases() []testCase {
	a, b := named(1, 1, 1), named(2, 1, 1)
	return []testCase{
		{"idempotency/reserved_with_the_hold", []string{"Idempotency.Find"}, func(t *testing.T, h harness) { // HOTPATH 18
			s, clock := h.clocked(t)
			funded(t, s, "acct_1", 1000)
			funded(t, s, "acct_2", 1000)
			free(t, s, "acct_1")
			free(t, s, "acct_1", a, b)
			refused := once(hold("acct_1", "req_0", 1001), "", a)
			require.ErrorIs(t, commit(t, s, refused)[0].Err, ledger.ErrExhausted)
			free(t, s, "acct_1", a)

			first := once(hold("acct_1", "req_1", 100), "", a)
			apply(t, s, first)
			want := ledger.Reservation{Name: a, Request: "req_1", At: clock.Now(), Hold: ledger.HoldOpen}
			require.Equal(t, want, find(t, s, "acct_1", a))
			clock.Add(time.Second)
			require.True(t, apply(t, s, first)[0].Replayed)
			outs := commit(t, s, once(hold("acct_1", "req_2", 100), "", a), once(hold("acct_1", "req_3", 100), "", named(1, 1, 2)),
				once(hold("acct_2", "req_4", 100), "", a), once(hold("acct_1", "req_5", 100), "", b), once(hold("acct_1", "req_6", 100), "", b), hold("acct_1", "req_7", 1))
			for i, want := range []error{ledger.ErrNameInUse, ledger.ErrNameReused, nil, nil, ledger.ErrNameInUse, nil} {
				require.ErrorIs(t, outs[i].Err, want, i)
			}
			require.Equal(t, want, find(t, s, "acct_1", a), "the refused have changed nothing")
			require.Equal(t, "req_4", find(t, s, "acct_2", a).Request, "a name is an account's own")
			rs, err := s.Idempotency().Find(t.Context(), "acct_1", []ledger.Name{b, named(9, 9, 9), a})
			require.NoError(t, err)
			require.Len(t, rs, 2)
			require.Len(t, verified(t, s, "acct_1").Holds, 3)
		}},
		{"idempotency/ends", nil, func(t *testing.T, h harness) { // HOTPATH 18
			s, clock := h.clocked(t)
			funded(t, s, "acct_1", 1000)
			me := join(t, s, "rep_1")
			try := func(sent byte) error {
				outs, err := s.TryCommit(t.Context(), me, ops(once(hold("acct_1", "req_again", 1), "", named(1, 1, sent))), 0)
				require.NoError(t, err)
				return outs[0].Err
			}
			settle := func(request string) ledger.Op { return settle("acct_1", request, 60) }
			for i, c := range []struct {
				end  func(request string) ledger.Op
				want error
			}{
				{func(r string) ledger.Op { return once(settle(r), ledger.KeptWhole, a) }, ledger.ErrNameDone},
				{func(r string) ledger.Op { return once(settle(r), ledger.KeptTooBig, a) }, ledger.ErrNameTooBig},
				{func(r string) ledger.Op { return once(settle(r), ledger.KeptNothing, a) }, ledger.ErrNameUnknown},
				{settle, ledger.ErrNameUnknown}, // as recovery does
			} {
				request := id("req", i)
				opened := clock.Now()
				apply(t, s, once(hold("acct_1", request, 100), "", a))
				clock.Add(time.Minute)
				require.ErrorIs(t, try(1), ledger.ErrNameInUse)
				end := c.end(request)
				outs, err := s.TryCommit(t.Context(), me, ops(end), 0)
				require.NoError(t, err)
				require.NoError(t, outs[0].Err)
				want := ledger.Reservation{Name: a, Request: request, At: opened, Hold: ledger.HoldSettled}
				if end.Once != nil {
					want.Kept, want.Debited, want.Remaining = end.Once.Kept, 60, outs[0].Available
				}
				require.Equal(t, want, find(t, s, "acct_1", a))
				require.True(t, apply(t, s, end)[0].Replayed)
				require.Equal(t, want, find(t, s, "acct_1", a))
				clock.Set(opened.Add(ledger.OnceFor - time.Microsecond))
				require.ErrorIs(t, try(1), c.want)
				require.ErrorIs(t, try(2), ledger.ErrNameReused)
				clock.Add(time.Microsecond)
			}
			apply(t, s, once(hold("acct_1", "req_r", 100), "", named(1, 1, 2)))
			require.Equal(t, "req_r", find(t, s, "acct_1", a).Request, "a day later the name is free")
			apply(t, s, release("acct_1", "req_r", "upstream_refused"))
			require.Equal(t, ledger.HoldReleased, find(t, s, "acct_1", a).Hold)
			require.NoError(t, try(1), "what cost nothing frees its name at once")
			require.Equal(t, ledger.Reservation{Name: a, Request: "req_again", At: clock.Now(), Hold: ledger.HoldOpen}, find(t, s, "acct_1", a))
			verified(t, s, "acct_1")
		}},
		{"idempotency/in_one_batch", nil, func(t *testing.T, h harness) {
			s := h.store(t)
			funded(t, s, "acct_1", 1000)
			outs := commit(t, s, once(hold("acct_1", "req_1", 1), "", a), once(hold("acct_1", "req_2", 1), "", a), release("acct_1", "req_1", ""),
				once(hold("acct_1", "req_3", 1), "", a), once(settle("acct_1", "req_3", 1), ledger.KeptWhole, a), once(hold("acct_1", "req_4", 1), "", a))
			for i, want := range []error{nil, ledger.ErrNameInUse, nil, nil, nil, ledger.ErrNameDone} {
				require.ErrorIs(t, outs[i].Err, want, i)
			}
			r := find(t, s, "acct_1", a)
			require.Equal(t, "req_3", r.Request)
			require.Equal(t, ledger.KeptWhole, r.Kept)
			verified(t, s, "acct_1")
		}},
		{"idempotency/several_forms_of_a_name", nil, func(t *testing.T, h harness) { // K2: while peppers rotate
			s := h.store(t)
			funded(t, s, "acct_1", 1000)
			old, now := named(1, 1, 1), named(1, 2, 1)
			apply(t, s, once(hold("acct_1", "req_1", 1), "", old))
			require.ErrorIs(t, commit(t, s, once(hold("acct_1", "req_2", 1), "", now, old))[0].Err, ledger.ErrNameInUse)
			apply(t, s, once(settle("acct_1", "req_1", 1), ledger.KeptWhole, old))
			require.ErrorIs(t, commit(t, s, once(hold("acct_1", "req_2", 1), "", now, old))[0].Err, ledger.ErrNameDone)
			free(t, s, "acct_1", now)
		}},
		{"idempotency/a_settle_carries_its_name", nil, func(t *testing.T, h harness) { // HOTPATH 6
			s, clock := h.clocked(t)
			funded(t, s, "acct_1", 1000)
			apply(t, s, once(settle("acct_1", "req_1", 9), ledger.KeptWhole, a))
			require.Equal(t, ledger.Reservation{Name: a, Request: "req_1", At: clock.Now(), Kept: ledger.KeptWhole, Debited: 9, Remaining: 991, Hold: ledger.HoldSettled},
				find(t, s, "acct_1", a))
		}},
		{"idempotency/a_hundred_at_once", nil, func(t *testing.T, h harness) { // HOTPATH 18
			s := h.store(t)
			funded(t, s, "acct_1", 1000)
			var won, lost atomic.Int64
			for i, err := range each(100, func(i int) error {
				outs, err := s.Commit(t.Context(), store.Replica{}, ops(once(hold("acct_1", id("req", i), 1), "", a)))
				switch {
				case err != nil:
					return err
				case outs[0].Err == nil:
					won.Add(1)
				case errors.Is(outs[0].Err, ledger.ErrNameInUse):
					lost.Add(1)
				default:
					return outs[0].Err
				}
				return nil
			}) {
				require.NoError(t, err, i)
			}
			require.Equal(t, int64(1), won.Load())
			require.Equal(t, int64(99), lost.Load())
			require.Len(t, verified(t, s, "acct_1").Holds, 1)
		}},
		{"idempotency/outcomes", []string{"Idempotency.Record", "Idempotency.Outcome"}, outcomes},
		{"idempotency/expire", []string{"Idempotency.Expire"}, expire},
	}
}

func outcomes(t *testing.T, h harness) {
	s, clock := h.clocked(t)
	kept := s.Idempotency()
	sealed := bytes.Repeat([]byte{0, 0xff, '\'', '\\', '?', 7}, 200_000)
	at := clock.Now()
	o := store.SealedOutcome{Account: "acct_1", Request: "req_1", Opened: at, Sealed: sealed}
	require.NoError(t, kept.Record(t.Context(), o))
	for range 2 {
		got, err := kept.Outcome(t.Context(), "acct_1", "req_1", at)
		require.NoError(t, err)
		require.True(t, bytes.Equal(o.Sealed, got))
		o.Sealed = []byte{1, 2, 3} // by another attempt to record it
		require.NoError(t, kept.Record(t.Context(), o))
	}
	for day := range 5 { // each day has its own
		other := store.SealedOutcome{Account: "acct_1", Request: "req_2", Opened: at.AddDate(0, 0, day), Sealed: []byte{byte(day)}}
		require.NoError(t, kept.Record(t.Context(), other))
	}
	for day := range 5 {
		got, err := kept.Outcome(t.Context(), "acct_1", "req_2", at.AddDate(0, 0, day))
		require.NoError(t, err)
		require.Equal(t, []byte{byte(day)}, got)
	}
	for _, w := range []store.SealedOutcome{
		{Account: "acct_2", Request: "req_1", Opened: at},
		{Account: "acct_1", Request: "req_9", Opened: at},
		{Account: "acct_1", Request: "req_1", Opened: at.AddDate(0, 0, 1)},
		{Account: "acct_1", Request: "req_1", Opened: at.AddDate(0, 0, 4)},
	} {
		_, err := kept.Outcome(t.Context(), w.Account, w.Request, w.Opened)
		require.ErrorIs(t, err, store.ErrNotFound, "%+v", w)
	}
	o.Request = "a\x00b"
	require.Equal(t, fault.Invalid, fault.KindOf(kept.Record(t.Context(), o)))
	require.NoError(t, s.Do(t.Context(), func(ctx context.Context, _ store.Stores) error {
		_, err := kept.Outcome(ctx, "acct_1", "req_1", at)
		require.ErrorIs(t, err, store.ErrOuterStore)
		return nil
	}))
}

func expire(t *testing.T, h harness) {
	s, clock := h.clocked(t)
	clock.Set(time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC))
	funded(t, s, "acct_1", 1000)
	const daily = 3
	names, opened := map[string]ledger.Name{}, map[string]time.Time{}
	for day := range 6 {
		for i := range daily { // at midnight, at eight, at four
			request := fmt.Sprintf("req_%d_%d", day, i)
			n := named(byte(10*day+i), 1, 1)
			names[request], opened[request] = n, clock.Now()
			apply(t, s, once(hold("acct_1", request, 1), "", n))
			require.NoError(t, s.Idempotency().Record(t.Context(), store.SealedOutcome{Account: "acct_1", Request: request, Opened: clock.Now(), Sealed: []byte{1}}))
			if i > 0 {
				apply(t, s, once(settle("acct_1", request, 1), ledger.KeptWhole, n))
			}
			clock.Add(8 * time.Hour)
		}
		for more := true; more; {
			var err error
			more, err = s.Idempotency().Expire(t.Context(), 2)
			require.NoError(t, err)
		}
		for request, at := range opened {
			young := clock.Now().Sub(at) < ledger.OnceFor
			_, err := s.Idempotency().Outcome(t.Context(), "acct_1", request, at)
			rs, failed := s.Idempotency().Find(t.Context(), "acct_1", []ledger.Name{names[request]})
			require.NoError(t, failed)
			switch {
			case young:
				require.NoError(t, err, "%s at %s", request, clock.Now())
				require.Len(t, rs, 1)
			case clock.Now().Sub(at) >= 2*ledger.OnceFor:
				require.ErrorIs(t, err, store.ErrNotFound, "%s at %s", request, clock.Now())
			}
			if !young {
				require.Equal(t, request[len(request)-1] == '0', len(rs) == 1, "%s at %s: names of open holds stay", request, clock.Now())
			}
		}
	}
	more, err := s.Idempotency().Expire(t.Context(), 2)
	require.NoError(t, err)
	require.False(t, more)
}
