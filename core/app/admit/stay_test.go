package admit_test

import (
	"context"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/admit"
	"github.com/archibot/archibotchat/core/billing"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/ports/store"
)

func (k edgeKeys) Holders(ctx context.Context, account string, ids []string) ([]store.KeyHolder, error) {
	cut := false
	k.of.set(func(e *edge) { cut = e.cutKeys })
	if cut {
		return nil, lost(ctx)
	}
	return k.Keys.Holders(ctx, account, ids)
}

// work is a request under way.
type work struct {
	admit.Stay
	mu   sync.Mutex
	cuts []error
}

func (w *work) cut(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cuts = append(w.cuts, err)
}

// reason returns the code that the work was cut with, "" if it goes on.
func (w *work) reason(t *testing.T) string {
	t.Helper()
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.cuts) == 0 {
		return ""
	}
	require.Len(t, w.cuts, 1, "cut once")
	return fault.CodeOf(w.cuts[0])
}

func (r *replica) begin(n int) *work {
	r.h.t.Helper()
	g, err := r.Key(r.h.t.Context(), admit.Visit{Token: token(n).Reveal(), Scope: keys.ScopeModels})
	require.NoError(r.h.t, err)
	w := &work{}
	r.Stay(&w.Stay, g, keys.ScopeModels)
	w.Watch(w.cut)
	return w
}

// Whatever closes the gate ends what is under way behind it, on every replica,
// and nobody else's.
func TestStay_cut(t *testing.T) { // K5, G7
	for name, change := range map[string]func(h *house){
		"no_product_group of the user": func(h *house) { h.says(func(u *store.User) { u.Groups = access.Groups{} }) },
		"no_product_group for a stranger": func(h *house) {
			require.NoError(h.t, h.db.Members().Remove(h.t.Context(), acct(0), "user_0"))
		},
		"key_revoked": func(h *house) { h.revoke(0) },
		"network_not_allowed": func(h *house) {
			require.NoError(h.t, h.db.Keys().Narrow(h.t.Context(), acct(0), keyID(0), nil, []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}))
		},
		"account_closed":    func(h *house) { h.set(func(a *store.Account) { a.Status = access.StatusClosed }) },
		"account_suspended": func(h *house) { h.set(func(a *store.Account) { a.Status = access.StatusSuspended }) },
		"no_product_group":  func(h *house) { h.set(func(a *store.Account) { a.Groups = access.Groups{} }) },
		"payment_review":    func(h *house) { h.set(func(a *store.Account) { a.Billing = billing.Review }) },
		"billing_incomplete": func(h *house) {
			h.set(func(a *store.Account) { a.Billing = billing.Cancelled })
		},
		"key_expired": func(h *house) {
			require.NoError(h.t, h.db.Keys().Succeed(h.t.Context(), acct(0), keyID(0), "key_next", time.Now()))
		},
	} {
		t.Run(name, func(t *testing.T) {
			reason, _, _ := strings.Cut(name, " ")
			inBubble(t, func(t *testing.T, h *house) {
				h.add(2)
				near, far := h.replica(0), h.replica(0)
				var hit []*work
				for _, r := range []*replica{near, far, far} {
					hit = append(hit, r.begin(0))
				}
				other, over := near.begin(1), near.begin(0)
				over.End()
				change(h)
				time.Sleep(250 * time.Millisecond)
				for _, w := range hit {
					require.Equal(t, reason, w.reason(t))
					w.End()
				}
				require.Empty(t, other.reason(t))
				require.Empty(t, over.reason(t), "it had ended")
			})
		})
	}
}

func TestStay_goesOn(t *testing.T) { // K5
	for name, change := range map[string]func(h *house){
		"renamed": func(h *house) { h.set(func(a *store.Account) { a.Name = "Other" }) },
		"rehashed": func(h *house) {
			require.NoError(h.t, h.db.Keys().Rehash(h.t.Context(), keyID(0), h.ps[1].Digest(token(0)), h.ps[1].Version))
		},
		"another key revoked": func(h *house) {
			k := h.key(0)
			k.ID, k.Digest = "key_more", h.ps[0].Digest(token(9))
			require.NoError(h.t, h.db.Keys().Create(h.t.Context(), k))
			_, err := h.db.Keys().Revoke(h.t.Context(), acct(0), k.ID, time.Now(), "pat")
			require.NoError(h.t, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, h *house) {
				h.add(1)
				r := h.replica(0)
				w := r.begin(0)
				change(h)
				time.Sleep(3 * time.Second)
				require.Empty(t, w.reason(t))
				h.revoke(0)
				time.Sleep(250 * time.Millisecond)
				require.Equal(t, "key_revoked", w.reason(t))
			})
		})
	}
}

func TestStay_expiry(t *testing.T) { // K4, K5
	inBubble(t, func(t *testing.T, h *house) {
		require.NoError(t, h.db.Accounts().Create(t.Context(), usable(0)))
		h.people()
		k := h.key(0)
		k.ExpiresAt = k.CreatedAt.Add(time.Minute)
		require.NoError(t, h.db.Keys().Create(t.Context(), k))
		r := h.replica(0)
		w := r.begin(0)
		time.Sleep(59 * time.Second)
		require.Empty(t, w.reason(t))
		time.Sleep(2 * time.Second)
		require.Equal(t, "key_expired", w.reason(t))
	})
}

// A key that is rotated gets another end, which counts for what is under way.
func TestStay_expiry_rotated(t *testing.T) { // K6
	inBubble(t, func(t *testing.T, h *house) {
		h.add(1)
		r := h.replica(0)
		w := r.begin(0)
		require.NoError(t, h.db.Keys().Succeed(t.Context(), acct(0), keyID(0), "key_next", time.Now().Add(time.Minute)))
		time.Sleep(59 * time.Second)
		require.Empty(t, w.reason(t))
		time.Sleep(2 * time.Second)
		require.Equal(t, "key_expired", w.reason(t))
	})
}

// A store that cannot be reached says nothing against those who are in; what
// happened meanwhile counts once it is back.
func TestStay_storeAway(t *testing.T) { // K5, HOTPATH 19
	inBubble(t, func(t *testing.T, h *house) {
		h.add(1)
		r := h.replica(0)
		w := r.begin(0)
		r.edge.cut(true)
		h.revoke(0)
		time.Sleep(time.Minute)
		require.Empty(t, w.reason(t))
		r.edge.set(func(e *edge) { e.cutPolls = false })
		time.Sleep(10 * time.Second)
		require.Empty(t, w.reason(t), "it is known that something changed, not what")
		r.edge.cut(false)
		time.Sleep(2 * time.Second)
		require.Equal(t, "key_revoked", w.reason(t))
	})
}

// Where the list of changes has a hole, everybody is looked at again.
func TestStay_missedChanges(t *testing.T) { // K5
	inBubble(t, func(t *testing.T, h *house) {
		h.add(2)
		r := h.replica(0)
		gone, stays := r.begin(0), r.begin(1)
		r.edge.cut(true)
		h.revoke(0)
		_, err := h.db.Changes().Prune(t.Context(), -time.Hour, 1000)
		require.NoError(t, err)
		h.set(func(a *store.Account) { a.Name = "Other" })
		r.edge.cut(false)
		time.Sleep(3 * time.Second)
		require.Equal(t, "key_revoked", gone.reason(t))
		require.Empty(t, stays.reason(t))
	})
}

// A gate that closed before the work could be cut cuts it as it begins.
func TestStay_Watch_late(t *testing.T) { // K5
	inBubble(t, func(t *testing.T, h *house) {
		h.add(1)
		r := h.replica(0)
		g, err := r.Key(t.Context(), admit.Visit{Token: token(0).Reveal(), Scope: keys.ScopeModels})
		require.NoError(t, err)
		w := &work{}
		r.Stay(&w.Stay, g, keys.ScopeModels)
		h.revoke(0)
		time.Sleep(250 * time.Millisecond)
		synctest.Wait()
		w.Watch(w.cut)
		require.Equal(t, "key_revoked", w.reason(t))
		time.Sleep(2 * time.Minute)
		require.Equal(t, "key_revoked", w.reason(t))
		w.End()
	})
}

func TestStay_many(t *testing.T) { // K5: thousands of requests under way, all replaced and cut in time
	inBubble(t, func(t *testing.T, h *house) {
		const accounts = 300
		h.add(accounts)
		r := h.replica(0)
		all := map[int][]*work{}
		for i := range 4 * accounts {
			all[i%accounts] = append(all[i%accounts], r.begin(i%accounts))
		}
		for n, works := range all {
			works[n%4].End()
		}
		require.NoError(t, h.db.Do(t.Context(), func(ctx context.Context, s store.Stores) error {
			for n := range accounts {
				if _, err := s.Keys().Revoke(ctx, acct(n), keyID(n), time.Now(), "pat"); err != nil {
					return err
				}
			}
			return nil
		}))
		time.Sleep(5 * time.Second)
		for n, works := range all {
			for i, w := range works {
				if i == n%4 {
					require.Empty(t, w.reason(t))
					continue
				}
				require.Equal(t, "key_revoked", w.reason(t))
				w.End()
			}
		}
	})
}

func BenchmarkStay(b *testing.B) {
	s := admit.New(admit.Deps{})
	g := admit.Grant{}
	g.Account.ID, g.Key.ID = "acct_06h09l8ad9o01fdd7bbcct310g", "key_06h09l8asto0127cbpk4ir0f6c"
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		var in admit.Stay
		cut := func(error) {}
		for pb.Next() {
			s.Stay(&in, g, keys.ScopeModels)
			in.Watch(cut)
			in.End()
		}
	})
}
