package admit_test

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/ports/store"
)

var (
	near = netip.MustParseAddr("192.0.2.7")
	far  = netip.MustParseAddr("::ffff:198.51.100.7")
)

// gated lets queries wait for their replies until the gate is opened.
func (e *edge) gated() (open func()) {
	reply := make(chan struct{})
	e.set(func(e *edge) { e.read = func(context.Context) { <-reply } })
	return func() {
		e.set(func(e *edge) { e.read = nil })
		close(reply)
	}
}

// flood sends the keys from first on from an address, each once, and returns a
// channel on which their errors come.
func (r *replica) flood(a netip.Addr, first, n int) <-chan error {
	errs := make(chan error, n)
	for i := range n {
		go func() { errs <- r.enterFrom(a, first+i) }()
	}
	synctest.Wait()
	return errs
}

func TestLoads_batched(t *testing.T) { // HOTPATH 20
	inBubble(t, func(t *testing.T, h *house) {
		h.add(31)
		r := h.replica(0)
		require.NoError(t, r.enter(0))
		require.Equal(t, 1, r.edge.queries, "the first goes at once, alone")
		r.edge.queries = 0

		open := r.edge.gated()
		first := r.flood(near, 1, 1)
		require.Equal(t, 1, r.edge.queries)
		rest := r.flood(near, 2, 29)
		unknown := r.flood(near, 500, 2)
		require.Equal(t, 1, r.edge.queries, "while it is under way they gather")
		open()
		require.NoError(t, <-first)
		for range 29 {
			require.NoError(t, <-rest)
		}
		for range 2 {
			require.Equal(t, fault.Unauthenticated, fault.KindOf(<-unknown))
		}
		require.Equal(t, 2, r.edge.queries, "and leave together")
		require.Equal(t, 1, r.edge.most)
	})
}

// More than a query's worth of keys go in several at a time, and never in many.
func TestLoads_full(t *testing.T) {
	const n = 200
	inBubble(t, func(t *testing.T, h *house) {
		h.add(n)
		r := h.replica(0)
		open := r.edge.gated()
		all := r.flood(near, 0, n)
		require.Equal(t, 4, r.edge.queries, "32 keys under two peppers fill one")
		open()
		for range n {
			require.NoError(t, <-all)
		}
		require.Equal(t, n, r.edge.count())
		require.LessOrEqual(t, r.edge.queries, 9)
	})
}

// A query that got lost does not keep those waiting who come later.
func TestLoads_lostQuery(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.add(2)
		r := h.replica(0)
		r.edge.set(func(e *edge) { e.cutKeys = true })
		stuck := r.flood(near, 0, 1)
		r.edge.set(func(e *edge) { e.cutKeys = false })
		time.Sleep(60 * time.Millisecond)
		began := time.Now()
		require.NoError(t, r.enter(1))
		require.Zero(t, time.Since(began))
		require.NoError(t, <-stuck, "nor does it cost those their answer who were in it")
		require.Equal(t, time.Second+20*time.Millisecond, time.Since(began)+60*time.Millisecond)
	})
}

// What a query brought is of no use once it is as old as a snapshot may be, though
// its deadline was seen late: the server itself stood still.
func TestLoads_lateReply(t *testing.T) { // G7
	inBubble(t, func(t *testing.T, h *house) {
		h.add(1)
		r := h.replica(0)
		asked := 0
		r.edge.set(func(e *edge) {
			e.read = func(context.Context) {
				if asked++; asked == 1 {
					time.Sleep(1100 * time.Millisecond)
				}
			}
		})
		entered := r.flood(near, 0, 1)
		h.revoke(0)
		require.Equal(t, fault.Unauthenticated, fault.KindOf(<-entered))
		require.Equal(t, 2, r.edge.queries)
	})
}

// A store that fails at once, as one that is being restarted, is asked again, by
// and by, for as long as somebody waits; then they are told why.
func TestLoads_down(t *testing.T) { // HOTPATH 20: only an unreachable database is 503; G3: never a 401, and no event: it is not the caller's doing
	why := errors.New("connection refused")
	for name, c := range map[string]struct {
		fail error
		down time.Duration
		want func(t *testing.T, err error)
		took time.Duration
		most int // queries
	}{
		"for a while": {
			fault.Wrap(why, fault.Unavailable, "store_unavailable", "Away."), 2 * time.Second,
			func(t *testing.T, err error) { require.NoError(t, err) }, 2250 * time.Millisecond, 13,
		},
		"for longer": {
			fault.Wrap(why, fault.Unavailable, "store_unavailable", "Away."), time.Minute,
			func(t *testing.T, err error) {
				require.ErrorIs(t, err, store.ErrUnavailable)
				require.ErrorContains(t, err, "connection refused")
			}, 5 * time.Second, 25,
		},
		"in another way": {
			why, time.Minute,
			func(t *testing.T, err error) {
				require.ErrorIs(t, err, why)
				require.Equal(t, fault.Internal, fault.KindOf(err))
			}, 0, 2,
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, h *house) {
				h.add(2)
				r := h.replica(0)
				r.edge.set(func(e *edge) { e.keysFail = c.fail })
				began := time.Now()
				all := r.flood(near, 0, 2)
				time.AfterFunc(c.down, func() { r.edge.set(func(e *edge) { e.keysFail = nil }) })
				for range 2 {
					c.want(t, <-all)
				}
				require.LessOrEqual(t, time.Since(began), c.took)
				require.LessOrEqual(t, r.edge.queries, c.most)
				require.Empty(t, r.events)
				time.Sleep(c.down)
				synctest.Wait()
				require.NoError(t, r.enter(0), "nothing of it stays")
			})
		})
	}
}

func TestLoads_tooMany(t *testing.T) { // HOTPATH 20: 503, never 401, and never for keys that are known
	const n, most = 1100, 1024
	inBubble(t, func(t *testing.T, h *house) {
		h.add(1)
		r := h.replica(0)
		require.NoError(t, r.enter(0))
		r.edge.set(func(e *edge) { e.cutKeys = true })
		var floods []<-chan error
		for i := range 5 { // of five networks
			floods = append(floods, r.flood(netip.AddrFrom4([4]byte{10, byte(i), 0, 1}), 1+i*n/5, n/5))
		}
		require.NoError(t, r.enter(0))
		require.Equal(t, 4, r.edge.most)
		err := r.enterFrom(far, n+1)
		require.Equal(t, fault.Unavailable, fault.KindOf(err))
		require.Equal(t, "overloaded", fault.CodeOf(err))
		require.Positive(t, fault.From(err).RetryAfter)
		busy := 0
		for _, errs := range floods {
			for range n / 5 {
				err := <-errs
				require.Equal(t, fault.Unavailable, fault.KindOf(err))
				if fault.CodeOf(err) == "overloaded" {
					busy++
				}
			}
		}
		require.Equal(t, n-most, busy)
		require.Empty(t, r.events, "it is not the caller's doing")
		r.edge.set(func(e *edge) { e.cutKeys, e.queries = false, 0 })
		synctest.Wait()
		require.Equal(t, fault.Unauthenticated, fault.KindOf(r.enter(n+2)), "places come back")
		require.LessOrEqual(t, r.edge.queries, 1, "what nobody waits for is not asked")
	})
}

// A flood of well-formed keys that nobody has seen, from one network, leaves
// the others their places and their turns.
func TestLoads_flood(t *testing.T) { // HOTPATH 20, K1
	inBubble(t, func(t *testing.T, h *house) {
		h.add(3)
		r := h.replica(0)
		open := r.edge.gated()
		flood := r.flood(near, 1000, 2000)
		refused := 0
		for len(flood) > 0 {
			require.Equal(t, "overloaded", fault.CodeOf(<-flood))
			refused++
		}
		require.Equal(t, 2000-256, refused, "its own places are all that it can take")
		require.Equal(t, "overloaded", fault.CodeOf(r.enterFrom(near, 0)))
		order := make(chan string, 300)
		known := make(chan error, 1)
		go func() { known <- r.enterFrom(far, 0); order <- "known" }()
		synctest.Wait()
		require.Equal(t, 4, r.edge.queries)
		require.LessOrEqual(t, r.edge.count(), 128)
		go func() {
			for range 256 {
				require.Equal(t, fault.Unauthenticated, fault.KindOf(<-flood))
			}
			order <- "flood"
		}()
		open()
		require.NoError(t, <-known)
		require.Equal(t, "known", <-order, "its turn is the next but one at most")
		require.Equal(t, "flood", <-order)
	})
}
