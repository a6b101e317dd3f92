package admit_test

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/sqlstore"
	"github.com/archibot/archibotchat/adapters/sqlstore/blank"
	"github.com/archibot/archibotchat/adapters/system"
	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/admit"
	"github.com/archibot/archibotchat/core/billing"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/gates"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/ports/store"
)

func TestSnapshots_warm(t *testing.T) { // HOTPATH 19: no query
	inBubble(t, func(t *testing.T, h *house) {
		h.add(1)
		r := h.replica(0)
		for range 100 {
			require.NoError(t, r.enter(0))
		}
		time.Sleep(time.Minute)
		require.NoError(t, r.enter(0))
		require.Equal(t, 1, r.edge.count())
	})
}

// Every change that a gate may see is in force on every replica within a
// second, with polls and without (G7, K5, HOTPATH 19).
func TestSnapshots_changes(t *testing.T) {
	for name, c := range map[string]struct {
		change func(h *house)
		kind   fault.Kind
	}{
		"revoked": {func(h *house) { h.revoke(0) }, fault.Unauthenticated},
		"replaced": {func(h *house) {
			require.NoError(h.t, h.db.Keys().Succeed(h.t.Context(), acct(0), keyID(0), "key_next", system.Now()))
		}, fault.Unauthenticated},
		"closed":        {func(h *house) { h.set(func(a *store.Account) { a.Status = access.StatusClosed }) }, fault.Unauthenticated},
		"suspended":     {func(h *house) { h.set(func(a *store.Account) { a.Status = access.StatusSuspended }) }, fault.Forbidden},
		"no group":      {func(h *house) { h.set(func(a *store.Account) { a.Groups = access.Groups{} }) }, fault.Forbidden},
		"user's groups": {func(h *house) { h.says(func(u *store.User) { u.Groups = access.Groups{} }) }, fault.Forbidden},
		"user's rule":   {func(h *house) { h.says(func(u *store.User) { u.Rule = "odd" }) }, fault.Forbidden},
		"no member":     {func(h *house) { require.NoError(h.t, h.db.Members().Remove(h.t.Context(), acct(0), "user_0")) }, fault.Forbidden},
		"past due":      {func(h *house) { h.set(func(a *store.Account) { a.Billing = billing.PastDue }) }, fault.Forbidden},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, h *house) {
				h.add(2)
				near, far, deaf := h.replica(0), h.replica(0), h.replica(0)
				for _, r := range []*replica{near, far, deaf} {
					require.NoError(t, r.enter(0))
					require.NoError(t, r.enter(1))
				}
				deaf.edge.set(func(e *edge) { e.cutPolls = true })
				c.change(h)
				time.Sleep(250 * time.Millisecond)
				synctest.Wait()
				for _, r := range []*replica{near, far} {
					require.Equal(t, c.kind, fault.KindOf(r.enter(0)))
					require.NoError(t, r.enter(1))
					require.Equal(t, 3, r.edge.count(), "only what changed was read again")
				}
				time.Sleep(750 * time.Millisecond)
				synctest.Wait()
				require.Equal(t, c.kind, fault.KindOf(deaf.enter(0)))
				require.NoError(t, deaf.enter(1), "a lost poll shuts nobody out")
			})
		})
	}
}

func TestSnapshots_reopened(t *testing.T) { // G7: a refusal is as short-lived as an admission
	inBubble(t, func(t *testing.T, h *house) {
		h.add(1)
		h.set(func(a *store.Account) { a.Status = access.StatusSuspended })
		r := h.replica(0)
		require.Equal(t, fault.Forbidden, fault.KindOf(r.enter(0)))
		h.set(func(*store.Account) {})
		time.Sleep(250 * time.Millisecond)
		synctest.Wait()
		require.NoError(t, r.enter(0))
	})
}

func TestSnapshots_newKey(t *testing.T) { // a miss is not remembered
	inBubble(t, func(t *testing.T, h *house) {
		h.add(1)
		r := h.replica(0)
		require.Equal(t, fault.Unauthenticated, fault.KindOf(r.enter(7)))
		require.NoError(t, h.db.Accounts().Create(t.Context(), usable(7)))
		require.NoError(t, h.db.Keys().Create(t.Context(), h.key(7)))
		require.NoError(t, r.enter(7))
	})
}

func TestSnapshots_expiry(t *testing.T) { // K4: judged by the clock, not remembered
	inBubble(t, func(t *testing.T, h *house) {
		require.NoError(t, h.db.Accounts().Create(t.Context(), usable(0)))
		h.people()
		k := h.key(0)
		k.ExpiresAt = k.CreatedAt.Add(time.Minute)
		require.NoError(t, h.db.Keys().Create(t.Context(), k))
		r := h.replica(0)
		require.NoError(t, r.enter(0))
		time.Sleep(time.Minute - time.Second)
		require.NoError(t, r.enter(0))
		time.Sleep(time.Second)
		require.Equal(t, fault.Unauthenticated, fault.KindOf(r.enter(0)))
		require.Equal(t, 1, r.edge.count())
	})
}

func TestSnapshots_lastUsed(t *testing.T) { // HOTPATH 22: at most once a minute, also from a snapshot
	inBubble(t, func(t *testing.T, h *house) {
		h.add(1)
		r := h.replica(0)
		var seen []time.Time
		for range 3 * 60 {
			require.NoError(t, r.enter(0))
			synctest.Wait()
			k, err := h.db.Keys().Find(t.Context(), keyID(0))
			require.NoError(t, err)
			if len(seen) == 0 || !seen[len(seen)-1].Equal(k.LastUsedAt) {
				seen = append(seen, k.LastUsedAt)
			}
			time.Sleep(time.Second)
		}
		require.Len(t, seen, 3)
		require.Equal(t, 1, r.edge.count())
	})
}

// HOTPATH 19: a store that swallows everything, for 3 s, which turns nobody away,
// and for longer.
func TestSnapshots_blackhole(t *testing.T) {
	const n, each = 200, 5
	inBubble(t, func(t *testing.T, h *house) {
		h.add(n)
		r := h.replica(0)
		together := func() []error { // every key, each times over
			errs := make([]error, n*each)
			var wg sync.WaitGroup
			for i := range errs {
				wg.Go(func() { errs[i] = r.enter(i % n) })
			}
			wg.Wait()
			return errs
		}
		for _, err := range together() {
			require.NoError(t, err)
		}
		require.Equal(t, n, r.edge.count(), "one query a key")

		r.edge.cut(true)
		time.Sleep(700 * time.Millisecond)
		for _, err := range together() {
			require.NoError(t, err, "the lease still runs")
		}
		require.Equal(t, n, r.edge.count())
		time.Sleep(300 * time.Millisecond)
		time.AfterFunc(2*time.Second, func() { r.edge.cut(false) })
		for _, err := range together() {
			require.NoError(t, err, "the store is back before anybody has waited for long")
		}
		const second = 4 * 32 // keys in the queries that may be lost in one
		require.LessOrEqual(t, r.edge.count(), n+n+3*second, "those who wait share queries")
		r.edge.cut(true)
		time.Sleep(time.Second)
		asked := r.edge.count()
		for range 2 {
			began := time.Now()
			for _, err := range together() {
				require.Equal(t, fault.Unavailable, fault.KindOf(err), "never a 401") // G3
			}
			require.Equal(t, 5*time.Second, time.Since(began))
		}
		require.LessOrEqual(t, r.edge.count(), asked+2*5*second, "those who wait share queries")
		require.LessOrEqual(t, r.edge.most, 4)
		asked = r.edge.count()
		require.Empty(t, r.events)

		reply, ended := make(chan struct{}), make(chan []error)
		r.edge.cut(false)
		r.edge.set(func(e *edge) { e.read = func(context.Context) { <-reply } })
		go func() { ended <- together() }()
		synctest.Wait()
		close(reply)
		for _, err := range <-ended {
			require.NoError(t, err)
		}
		require.Equal(t, asked+n, r.edge.count(), "no herd: one query a key")
		time.Sleep(750 * time.Millisecond) // a poll that was lost ends, and the next one begins
		synctest.Wait()
		before := r.edge.count()
		for _, err := range together() {
			require.NoError(t, err)
		}
		require.Equal(t, before, r.edge.count(), "what was read meanwhile is used again")
	})
}

func TestSnapshots_leaderLeaves(t *testing.T) { // HOTPATH 20: a shared load is nobody's own
	inBubble(t, func(t *testing.T, h *house) {
		h.add(1)
		r := h.replica(0)
		reply := make(chan struct{})
		r.edge.set(func(e *edge) { e.read = func(context.Context) { <-reply } })
		ctx, leave := context.WithCancel(t.Context())
		leader, follower, other := make(chan error, 1), make(chan error, 1), make(chan error, 1)
		go func() {
			_, err := r.Key(ctx, admit.Visit{Token: token(0).Reveal(), Scope: keys.ScopeModels})
			leader <- err
		}()
		synctest.Wait()
		go func() { follower <- r.enter(0) }()
		gone, end := context.WithCancel(t.Context())
		go func() {
			_, err := r.Key(gone, admit.Visit{Token: token(0).Reveal(), Scope: keys.ScopeModels})
			other <- err
		}()
		synctest.Wait()
		leave()
		end()
		require.Equal(t, fault.Canceled, fault.KindOf(<-other))
		close(reply)
		require.Equal(t, fault.Canceled, fault.KindOf(<-leader))
		require.NoError(t, <-follower)
		require.Equal(t, 1, r.edge.count())
	})
}

// HOTPATH 19: what was read before a change was polled must not come in after it.
func TestSnapshots_loadOvertakenByAChange(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.add(1)
		r := h.replica(0)
		reply := make(chan struct{})
		r.edge.set(func(e *edge) { e.read = func(context.Context) { <-reply } })
		slow := make(chan error, 1)
		go func() { slow <- r.enter(0) }()
		synctest.Wait()
		r.edge.set(func(e *edge) { e.read = nil })
		h.revoke(0)
		time.Sleep(300 * time.Millisecond)
		synctest.Wait()
		require.Equal(t, fault.Unauthenticated, fault.KindOf(r.enter(0)), "whoever comes after it does not wait for what is older")
		close(reply)
		require.NoError(t, <-slow, "it came before the change")
		require.Equal(t, fault.Unauthenticated, fault.KindOf(r.enter(0)))
	})
}

func TestSnapshots_fallsBehind(t *testing.T) { // HOTPATH 19
	for name, get := range map[string]func(h *house, r *replica){
		"pruned": func(h *house, r *replica) {
			r.edge.set(func(e *edge) { e.cutPolls = true })
			h.revoke(0)
			n, err := h.db.Changes().Prune(h.t.Context(), -100*365*24*time.Hour, 100) // the database is not in the bubble
			require.NoError(h.t, err)
			require.Positive(h.t, n)
			r.edge.set(func(e *edge) { e.cutPolls = false })
		},
		"too many": func(h *house, r *replica) {
			r.edge.set(func(e *edge) { e.flood = true })
			h.revoke(0)
		},
		"several pages": func(h *house, _ *replica) {
			require.NoError(h.t, h.db.Do(h.t.Context(), func(ctx context.Context, s store.Stores) error {
				for range store.MaxPage {
					if err := s.Accounts().Set(ctx, usable(1)); err != nil {
						return err
					}
				}
				_, err := s.Keys().Revoke(ctx, acct(0), keyID(0), system.Now(), "pat")
				return err
			}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, h *house) {
				h.add(2)
				r := h.replica(0)
				require.NoError(t, r.enter(0))
				get(h, r)
				time.Sleep(250 * time.Millisecond)
				synctest.Wait()
				require.Equal(t, fault.Unauthenticated, fault.KindOf(r.enter(0)))
				before := r.edge.count()
				require.Equal(t, fault.Unauthenticated, fault.KindOf(r.enter(0)))
				require.Equal(t, before, r.edge.count(), "it goes on with snapshots")
			})
		})
	}
}

func TestSnapshots_clockStepsBack(t *testing.T) { // HOTPATH 20: a lease is not made longer by it
	inBubble(t, func(t *testing.T, h *house) {
		h.add(1)
		r := h.replica(0)
		require.NoError(t, r.enter(0))
		r.edge.set(func(e *edge) { e.cutPolls = true })
		r.mu.Lock()
		r.behind = time.Hour
		r.mu.Unlock()
		h.revoke(0)
		require.Equal(t, fault.Unauthenticated, fault.KindOf(r.enter(0)))
	})
}

func TestSnapshots_bounded(t *testing.T) { // the oldest go, and come back when they are asked for
	const n, most = 200, 64
	inBubble(t, func(t *testing.T, h *house) {
		h.add(n)
		r := h.replica(most)
		for range 2 {
			before := r.edge.count()
			for i := range n {
				require.NoError(t, r.enter(i))
			}
			require.GreaterOrEqual(t, r.edge.count()-before, n-most)
		}
		for i := range n { // also those that were put out are forgotten in good order
			h.revoke(i)
		}
		time.Sleep(250 * time.Millisecond)
		synctest.Wait()
		for i := range n {
			require.Equal(t, fault.Unauthenticated, fault.KindOf(r.enter(i)))
		}
	})
}

func TestService_Run_prunes(t *testing.T) { // the list of changes does not grow for ever
	inBubble(t, func(t *testing.T, h *house) {
		r := h.replica(0)
		time.Sleep(11 * time.Minute)
		synctest.Wait()
		require.Equal(t, []time.Duration{time.Hour, time.Hour}, r.edge.pruned)
	})
}

func BenchmarkService_Key(b *testing.B) {
	for name, warm := range map[string]bool{"snapshot": true, "store": false} {
		b.Run(name, func(b *testing.B) {
			ids := system.NewIDs(system.Now)
			db, err := sqlstore.Open(b.Context(), sqlstore.Config{URL: blank.SQLite(b, filepath.Join(b.TempDir(), "test.db")), NewID: ids.New, Now: system.Now})
			require.NoError(b, err)
			defer func() { require.NoError(b, db.Close()) }()
			require.NoError(b, db.Migrate(b.Context()))
			ps, err := keys.ParsePeppers(peppers)
			require.NoError(b, err)
			h := &house{t: b, db: db, ps: ps}
			require.NoError(b, db.Accounts().Create(b.Context(), usable(0)))
			h.people()
			require.NoError(b, db.Keys().Create(b.Context(), h.key(0)))
			s := admit.New(admit.Deps{
				Store: db, Peppers: ps, Enabled: access.NewGroups(access.GroupAPI), Boundary: gates.BoundaryNotRequired, Recorder: &replica{}, Now: system.Now,
			})
			if warm {
				ctx, cancel := context.WithCancel(b.Context())
				ended := make(chan error, 1)
				go func() { ended <- s.Run(ctx, nil) }()
				defer func() {
					cancel()
					require.NoError(b, <-ended)
				}()
				time.Sleep(100 * time.Millisecond) // until the first poll
			}
			text := token(0).Reveal()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.Key(b.Context(), admit.Visit{Token: text, Scope: keys.ScopeModels}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
