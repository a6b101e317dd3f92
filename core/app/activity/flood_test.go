package activity_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/app/activity"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/ports/store"
)

// HOTPATH 22: 10,000 refusals a second of each kind, for as long as a window
// lasts, are two events each: the first one, and at the window's end one that
// counts the rest. Of nothing else there is any.
func TestFolder_flood(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		f, stop := run(t, s)
		const perTick, ticks = 10, 9_900 // 10 a millisecond, for 9.9 s
		kinds := map[string]func(){}
		add := func(e audit.Event, from string) {
			e.Request = "req_1"
			kinds[e.Reason+" "+e.Account+e.Key] = func() { f.RefusedFrom(e, netip.MustParseAddr(from)) }
		}
		for _, reason := range []string{"key_malformed", "key_unknown"} {
			add(audit.Event{Kind: audit.KeyRefused, Reason: reason, Actor: audit.Actor{Kind: audit.ActorUnknown}}, "192.0.2.1")
		}
		for _, reason := range []string{
			"account_pending", "account_suspended", "account_closed", "no_product_group", "area_disabled", "billing_incomplete", "payment_review",
			"boundary_unacknowledged", "credits_exhausted", "budget_reached", "key_expired", "key_revoked", "rate_limited", "insufficient_scope",
		} {
			add(refusal("acct_1", "key_1", reason), "192.0.2.1")
			add(refusal("acct_1", "key_2", reason), "192.0.2.1")
		}
		for range ticks {
			for _, refuse := range kinds {
				for range perTick {
					refuse()
				}
			}
			pass(time.Millisecond)
		}
		pass(2 * activity.Window)
		stop()
		counts := map[string][]int64{}
		for _, e := range s.take() {
			counts[e.Reason+" "+e.Account+e.Key] = append(counts[e.Reason+" "+e.Account+e.Key], e.Count)
		}
		require.Len(t, counts, len(kinds))
		for kind, n := range counts {
			require.Equal(t, []int64{1, perTick*ticks - 1}, n, kind)
		}
	})
}

// Strangers are told apart by network; the network is not written down.
func TestFolder_networks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		f, stop := run(t, s)
		unknown := audit.Event{Kind: audit.KeyRefused, Reason: "key_unknown"}
		for _, alike := range [][]string{
			{"192.0.2.1", "192.0.2.200", "::ffff:192.0.2.9"},
			{"198.51.100.1"},
			{"2001:db8:1::1", "2001:db8:1:ffff::1"},
			{"2001:db8:2::1"},
			{"fe80::1%eth0", "fe80::2%eth1"},
		} {
			for _, from := range alike {
				f.RefusedFrom(unknown, netip.MustParseAddr(from))
			}
			synctest.Wait()
			require.Len(t, s.take(), 1, alike)
		}
		f.Refused(unknown) // from nobody knows where
		f.RefusedFrom(unknown, netip.Addr{})
		synctest.Wait()
		require.Len(t, s.take(), 1)
		for _, from := range []string{"192.0.2.1", "198.51.100.1"} { // an account's keys are its own, wherever they are used
			f.RefusedFrom(refusal("acct_1", "key_1", "key_revoked"), netip.MustParseAddr(from))
		}
		synctest.Wait()
		require.Len(t, s.take(), 1)
		pass(2 * activity.Window)
		for _, e := range s.take() {
			require.NotContains(t, fmt.Sprintf("%+v", e), "192.0.2")
		}
		f.RefusedFrom(unknown, netip.MustParseAddr("192.0.2.1")) // a new window
		synctest.Wait()
		require.Len(t, s.take(), 1)
		stop()
	})
}

// A flood from many networks is counted, but cannot fill the database.
func TestFolder_manyNetworks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		f, stop := run(t, s)
		const windows, each = 3, 50_000
		for range windows {
			for i := range each {
				f.RefusedFrom(audit.Event{Kind: audit.KeyRefused, Reason: "key_unknown"}, netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 1}))
			}
			f.Refused(refusal("acct_1", "key_1", "payment_review")) // others' are written as ever
			pass(activity.Window + 2*time.Second)
		}
		stop()
		var sum int64
		owned := 0
		es := s.take()
		for _, e := range es {
			if e.Account != "" {
				owned++
				continue
			}
			sum += e.Count
		}
		require.Equal(t, windows, owned)
		require.EqualValues(t, windows*each, sum)
		require.LessOrEqual(t, len(es)-owned, windows*(2*activity.MaxNetworks+1))
	})
}

// What a window's one event says is true of all that it counts.
func TestFolder_whatDiffers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		f, stop := run(t, s)
		e := refusal("acct_1", "key_1", "credits_exhausted")
		e.Area, e.Model, e.Subject = "api", "one", "thing"
		for range 3 {
			f.Refused(e)
		}
		e.Reason = "rate_limited"
		f.Refused(e)
		e.Model, e.Subject = "two", ""
		f.Refused(e)
		f.Refused(e)
		e.Actor.ID = "user_2"
		f.Refused(e) // somebody else
		synctest.Wait()
		require.Len(t, s.take(), 3)
		pass(2 * activity.Window)
		ends := s.take()
		require.Len(t, ends, 2)
		require.Equal(t, []string{"api", "one", "thing"}, []string{ends[0].Area, ends[0].Model, ends[0].Subject})
		require.Equal(t, []string{"api", "", ""}, []string{ends[1].Area, ends[1].Model, ends[1].Subject})
		require.EqualValues(t, 2, ends[0].Count)
		require.EqualValues(t, 2, ends[1].Count)
		stop()
	})
}

// What could not be written by the end is in the log, with its count.
func TestFolder_lost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s := &shelf{}
		s.set(func([]audit.Event) error { return store.ErrUnavailable })
		f := activity.NewFolder(activity.Deps{Store: s, Now: time.Now, NewID: func(p string) string { return p }}, slog.New(slog.NewTextHandler(&log, nil)))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- f.Run(ctx) }()
		for range 5 {
			f.Refused(refusal("acct_1", "key_1", "payment_review"))
			f.Refused(refusal("acct_1", "key_2", "payment_review"))
			f.Refused(refusal("acct_1", "key_2", "rate_limited"))
		}
		pass(time.Second)
		cancel()
		require.NoError(t, <-done)
		require.Empty(t, s.take())
		require.Contains(t, log.String(), `level=ERROR msg="refusals were not recorded: the database could not be reached" kind=gate.denied reason=payment_review count=10`)
		require.Contains(t, log.String(), "reason=rate_limited count=5")
	})
}

// BenchmarkFolder measures what a refusal costs its caller.
func BenchmarkFolder(b *testing.B) {
	for name, refuse := range map[string]func(f *activity.Folder, i int){
		"alike": func(f *activity.Folder, _ int) { f.Refused(refusal("acct_1", "key_1", "credits_exhausted")) },
		"networks": func(f *activity.Folder, i int) {
			f.RefusedFrom(audit.Event{Kind: audit.KeyRefused, Reason: "key_unknown"}, netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 1}))
		},
	} {
		b.Run(name, func(b *testing.B) {
			f := activity.NewFolder(activity.Deps{Store: &shelf{}, Now: time.Now, NewID: func(p string) string { return p }}, slog.New(slog.DiscardHandler))
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				i++
				refuse(f, i)
			}
		})
	}
}
