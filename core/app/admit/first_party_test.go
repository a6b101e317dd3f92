package admit_test

import (
	"context"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/system"
	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/admit"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

// chat makes account 0 with a member who may chat, and their hidden credential.
// It has the digest of token 0, which nobody has outside of tests.
func (h *house) chat() keys.FirstParty {
	h.t.Helper()
	both := access.NewGroups(access.GroupAPI, access.GroupChat)
	a := usable(0)
	a.Groups = both
	require.NoError(h.t, h.db.Accounts().Create(h.t.Context(), a))
	h.people()
	h.says(func(u *store.User) { u.Groups = both })
	c := store.FirstParty{
		ID: "fpc_0", Account: acct(0), User: "user_0", Digest: h.ps[0].Digest(token(0)), Pepper: h.ps[0].Version,
		CreatedAt: system.Now(), ExpiresAt: system.Now().Add(time.Hour),
	}
	require.NoError(h.t, h.db.FirstParties().Put(h.t.Context(), c, keys.Digest{}))
	return keys.Handle(c.Account, c.Digest)
}

func (r *replica) chat(c keys.FirstParty) (admit.Grant, error) {
	return r.FirstParty(access.WithRequest(r.h.t.Context(), "req_1"), c, netip.Addr{})
}

// A store that is away for a moment turns nobody away who chats, either.
func TestService_FirstParty_down(t *testing.T) { // HOTPATH 20
	inBubble(t, func(t *testing.T, h *house) {
		c := h.chat()
		r := h.replica(0)
		r.edge.set(func(e *edge) { e.cutKeys = true })
		time.AfterFunc(1500*time.Millisecond, func() {
			r.edge.set(func(e *edge) { e.cutKeys, e.keysFail = false, store.ErrUnavailable })
		})
		time.AfterFunc(2*time.Second, func() { r.edge.set(func(e *edge) { e.keysFail = nil }) })
		began := time.Now()
		_, err := r.chat(c)
		require.NoError(t, err)
		require.LessOrEqual(t, time.Since(began), 2250*time.Millisecond)

		r.edge.set(func(e *edge) { e.cutKeys, e.cutPolls, e.queries = true, true, 0 })
		time.Sleep(time.Second)
		began = time.Now()
		_, err = r.chat(c)
		require.ErrorIs(t, err, store.ErrUnavailable)
		require.LessOrEqual(t, time.Since(began), 5*time.Second)
		require.LessOrEqual(t, r.edge.queries, 6)

		gone, leave := context.WithCancel(t.Context())
		time.AfterFunc(time.Millisecond, leave)
		r.edge.set(func(e *edge) { e.cutKeys, e.keysFail = false, store.ErrUnavailable })
		_, err = r.FirstParty(gone, c, netip.Addr{})
		require.Equal(t, fault.Canceled, fault.KindOf(err))
	})
}

func TestService_FirstParty(t *testing.T) { // K8, L12
	inBubble(t, func(t *testing.T, h *house) {
		c := h.chat()
		limit := ledger.Limit{Scope: "user_0", Monthly: 5}
		require.NoError(t, h.db.Limits().Set(t.Context(), acct(0), limit, system.Now()))
		r := h.replica(0)
		for range 2 {
			g, err := r.chat(c)
			require.NoError(t, err)
			require.Equal(t, access.Principal{Kind: access.PrincipalUser, ID: "user_0", User: "user_0", Account: acct(0)}, g.Principal())
			require.Equal(t, access.AreaChat, g.Area)
			require.Equal(t, []ledger.Limit{limit}, g.Limits)
			require.True(t, g.Current)
		}
		require.Empty(t, r.events)
		_, err := r.chat(keys.FirstParty{})
		require.Equal(t, fault.Unauthenticated, fault.From(err).Kind)
	})
}

// A hidden credential is not let in as a key, whether it is known in memory or
// not, and looks like one that does not exist.
func TestService_Key_hidden(t *testing.T) { // K8
	inBubble(t, func(t *testing.T, h *house) {
		c := h.chat()
		r := h.replica(0)
		for _, warm := range []bool{false, true} {
			if warm {
				_, err := r.chat(c)
				require.NoError(t, err)
			}
			r.events = nil
			err := r.enter(0)
			unknown := r.enter(7)
			require.Equal(t, unknown, err)
			require.Equal(t, fault.Unauthenticated, fault.From(err).Kind)
			require.Len(t, r.events, 2)
			require.Equal(t, r.events[1].Reason, r.events[0].Reason)
			require.Empty(t, r.events[0].Key+r.events[0].Account)
		}
	})
}

func TestService_FirstParty_closed(t *testing.T) { // G6, G7: within a second, with its reason, and without its ID
	for reason, change := range map[string]func(h *house){
		"account_suspended": func(h *house) { h.set(func(a *store.Account) { a.Status = access.StatusSuspended }) },
		"credential_ended":  func(h *house) { h.set(func(a *store.Account) { a.Status = access.StatusClosed }) },
		"no_product_group":  func(h *house) { h.says(func(u *store.User) { u.Groups = access.NewGroups(access.GroupAPI) }) },
		"credential_ended by removal": func(h *house) {
			require.NoError(h.t, h.db.Members().Remove(h.t.Context(), acct(0), "user_0"))
		},
		"credential_ended by rotation": func(h *house) {
			next := store.FirstParty{ID: "fpc_1", Account: acct(0), User: "user_0", Digest: keys.Digest{9}, Pepper: "v2", ExpiresAt: system.Now().Add(time.Hour)}
			require.NoError(h.t, h.db.FirstParties().Put(h.t.Context(), next, h.ps[0].Digest(token(0))))
		},
	} {
		t.Run(reason, func(t *testing.T) {
			inBubble(t, func(t *testing.T, h *house) {
				c := h.chat()
				near, far := h.replica(0), h.replica(0)
				var works []*work
				for _, r := range []*replica{near, far} {
					g, err := r.chat(c)
					require.NoError(t, err)
					w := &work{}
					r.Stay(&w.Stay, g, keys.ScopeChatCompletions)
					w.Watch(w.cut)
					works = append(works, w)
				}
				change(h)
				time.Sleep(300 * time.Millisecond)
				synctest.Wait()
				for i, r := range []*replica{near, far} {
					_, err := r.chat(c)
					require.Error(t, err)
					require.Len(t, r.events, 1)
					e := r.events[0]
					require.Contains(t, reason, e.Reason)
					require.Equal(t, audit.GateDenied, e.Kind)
					require.Equal(t, acct(0), e.Account)
					require.Equal(t, "chat", e.Area)
					require.Empty(t, e.Key)
					require.NotContains(t, e.Actor.ID+e.Subject, "fpc_")
					if reason == "credential_ended by rotation" {
						require.Empty(t, works[i].reason(t), "what goes on under it goes on")
					} else {
						require.NotEmpty(t, works[i].reason(t), "what goes on is cut")
					}
					works[i].End()
				}
			})
		})
	}
}

func TestService_AgainFirstParty(t *testing.T) { // HOTPATH 20
	inBubble(t, func(t *testing.T, h *house) {
		c := h.chat()
		r := h.replica(0)
		g, err := r.chat(c)
		require.NoError(t, err)
		h.set(func(a *store.Account) {
			a.Name = "Other"
			a.Groups = access.NewGroups(access.GroupAPI, access.GroupChat)
		})
		again, err := r.AgainFirstParty(t.Context(), c, netip.Addr{}, g.Account.Epoch)
		require.NoError(t, err)
		require.Greater(t, again.Account.Epoch, g.Account.Epoch)
	})
}
