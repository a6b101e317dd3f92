package signin_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/sessions"
	"github.com/archibot/archibotchat/core/app/signin"
	"github.com/archibot/archibotchat/ports/identity"
)

func (h *house) reason(t *testing.T, d signin.Done) string {
	t.Helper()
	s, err := h.store.Sessions().Get(t.Context(), d.Session.ID)
	require.NoError(t, err)
	return s.EndReason
}

func TestService_Check(t *testing.T) { // A5
	t.Parallel()
	onEach(t, func(t *testing.T, h *house) {
		h.acme.Put(person("ann", access.GroupAPI, access.GroupChat))
		d := h.signIn(t, "ann", signin.Start{}, "")
		h.belong(t, d, "acct_1")
		require.NoError(t, h.Check(t.Context()))
		before, err := h.store.Sessions().Get(t.Context(), d.Session.ID)
		require.NoError(t, err)
		require.Equal(t, d.Session.CheckAt, before.CheckAt, "not due yet")

		t.Run("groups that went close the gate at once", func(t *testing.T) { // G7
			head, err := h.store.Changes().Head(t.Context())
			require.NoError(t, err)
			h.acme.Put(person("ann", access.GroupChat))
			h.clock.add(sessions.Recheck)
			require.True(t, h.alive(t, d.Token).Session.Groups.Has(access.GroupAPI))
			require.NoError(t, h.Check(t.Context()))
			require.False(t, h.alive(t, d.Token).Session.Groups.Has(access.GroupAPI))
			after, err := h.store.Sessions().Get(t.Context(), d.Session.ID)
			require.NoError(t, err)
			require.Equal(t, h.clock.now(), after.CheckedAt)
			require.Equal(t, h.clock.now().Add(sessions.Recheck), after.CheckAt)
			require.NotEqual(t, before.Grant, after.Grant, "the new refresh token is kept")
			require.Equal(t, []string{"user.changed groups"}, h.events(t, "acct_1"))
			changes, err := h.store.Changes().Since(t.Context(), head, 10)
			require.NoError(t, err)
			require.Equal(t, "acct_1", changes[0].Account, "every server hears of it")
		})
		t.Run("a refusal ends it", func(t *testing.T) {
			h.acme.Block("ann")
			h.clock.add(sessions.Recheck)
			require.NotNil(t, h.alive(t, d.Token))
			require.NoError(t, h.Check(t.Context()))
			require.Nil(t, h.alive(t, d.Token))
			require.Equal(t, signin.EndRefused, h.reason(t, d))
			require.Equal(t, "session.ended provider_refused", h.events(t, "")[0])
		})
	})
}

func TestService_Check_unreachable(t *testing.T) { // G3
	t.Parallel()
	onEach(t, func(t *testing.T, h *house) {
		h.acme.Put(person("ann"))
		h.other.Put(person("ann"))
		d := h.signIn(t, "ann", signin.Start{}, "")
		spared := h.signIn(t, "ann", signin.Start{Provider: "other"}, "")
		h.acme.SetDown(true)
		use := func(d time.Duration) {
			h.clock.add(d)
			require.NotNil(t, h.alive(t, spared.Token))
			require.NoError(t, h.Check(t.Context()))
		}
		use(sessions.Recheck)
		require.NotNil(t, h.alive(t, d.Token), "once is no reason")
		use(sessions.Recheck / 5)
		h.acme.SetDown(false)
		require.NotNil(t, h.alive(t, d.Token))
		use(sessions.Recheck / 5)
		got, err := h.store.Sessions().Get(t.Context(), d.Session.ID)
		require.NoError(t, err)
		require.Equal(t, h.clock.now(), got.CheckedAt, "it was tried again, and worked")

		h.acme.SetDown(true)
		for range 2 {
			use(sessions.Recheck - time.Second)
			require.NotNil(t, h.alive(t, d.Token))
		}
		h.clock.add(2 * time.Second)
		require.Nil(t, h.alive(t, d.Token), "closed even before anybody has written it down")
		require.NoError(t, h.Check(t.Context()))
		require.Equal(t, signin.EndUnreachable, h.reason(t, d))
		require.NotNil(t, h.alive(t, spared.Token))
	})
}

func TestService_Check_lapsed(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, h *house) {
		h.acme.Put(person("ann"))
		d := h.signIn(t, "ann", signin.Start{}, "")
		h.clock.add(sessions.Idle)
		h.acme.SetDown(true)
		require.NoError(t, h.Check(t.Context()))
		require.Equal(t, signin.EndLapsed, h.reason(t, d), "nobody is asked about who has left")
	})
}

func TestService_Check_unasked(t *testing.T) { // providers that cannot be asked again are left alone
	t.Parallel()
	onEach(t, func(t *testing.T, h *house) {
		h.acme.Put(person("ann"))
		acme := &counted{Provider: h.acme, mute: true}
		h.deps.Providers = []identity.Provider{acme}
		s, err := signin.New(h.deps)
		require.NoError(t, err)
		d := h.signIn(t, "ann", signin.Start{}, "")
		token, minted, err := h.sessions.Mint(access.WithPrincipal(t.Context(), access.Principal{Kind: access.PrincipalOperator, ID: "cli"}), sessions.Draft{Account: "acct_1"})
		require.NoError(t, err)
		for range 4 {
			h.clock.add(sessions.Recheck)
			require.NotNil(t, h.alive(t, token))
			require.NotNil(t, h.alive(t, d.Token))
			require.NoError(t, s.Check(t.Context()))
		}
		require.EqualValues(t, 1, acme.asked.Load())
		for _, id := range []string{minted.ID, d.Session.ID} {
			got, err := h.store.Sessions().Get(t.Context(), id)
			require.NoError(t, err)
			require.Zero(t, got.CheckAt)
		}
	})
}

// counted counts how often a provider was asked again.
type counted struct {
	identity.Provider
	asked atomic.Int32
	mute  bool // it cannot say
}

func (c *counted) Recheck(ctx context.Context, g identity.Grant) (identity.Identity, identity.Grant, error) {
	c.asked.Add(1)
	if c.mute {
		return identity.Identity{}, identity.Grant{}, identity.ErrNoRecheck
	}
	return c.Provider.Recheck(ctx, g)
}

// Two servers share the work: each session is asked about once, for a provider
// may take the old refresh token back each time.
func TestService_Check_shared(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, h *house) {
		acme := &counted{Provider: h.acme}
		h.deps.Providers = []identity.Provider{acme}
		h.acme.Put(person("ann"))
		var all []signin.Done
		for range 20 {
			all = append(all, h.signIn(t, "ann", signin.Start{}, ""))
		}
		h.clock.add(sessions.Recheck)
		var both sync.WaitGroup
		errs := make([]error, 2)
		for i := range errs {
			s, err := signin.New(h.deps)
			require.NoError(t, err)
			both.Go(func() { errs[i] = s.Check(t.Context()) })
		}
		both.Wait()
		require.Equal(t, []error{nil, nil}, errs)
		require.EqualValues(t, 20, acme.asked.Load())
		for _, d := range all {
			got, err := h.store.Sessions().Get(t.Context(), d.Session.ID)
			require.NoError(t, err)
			require.Equal(t, h.clock.now(), got.CheckedAt)
		}
	})
}

// A replica whose settings lack the provider, as in the middle of a rollout,
// does not end its sessions at once.
func TestService_Check_unknownProvider(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, h *house) {
		h.acme.Put(person("ann"))
		d := h.signIn(t, "ann", signin.Start{}, "")
		h.deps.Providers = nil
		bare, err := signin.New(h.deps)
		require.NoError(t, err)
		h.clock.add(sessions.Recheck)
		require.NotNil(t, h.alive(t, d.Token))
		require.NoError(t, bare.Check(t.Context()))
		require.NotNil(t, h.alive(t, d.Token))
		h.clock.add(sessions.Recheck)
		require.NoError(t, bare.Check(t.Context()))
		require.Equal(t, signin.EndUnreachable, h.reason(t, d))
	})
}

func TestService_Run(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, h *house) {
		h.acme.Put(person("ann"))
		d := h.signIn(t, "ann", signin.Start{}, "")
		require.NoError(t, h.store.Flows().Once(t.Context(), [32]byte{1}, h.clock.now().Add(time.Minute)))
		h.deps.Recheck = time.Second // asks 20 times a second
		s, err := signin.New(h.deps)
		require.NoError(t, err)
		h.clock.add(sessions.Recheck)
		h.acme.Block("ann")
		stop := start(t, s)
		require.Eventually(t, func() bool { return h.reason(t, d) == signin.EndRefused }, 10*time.Second, 5*time.Millisecond)
		require.Eventually(t, func() bool { return h.store.Flows().Once(t.Context(), [32]byte{1}, h.clock.now()) == nil },
			10*time.Second, 5*time.Millisecond, "what is over was swept")
		stop()
	})
}
