package signin_test

import (
	"bytes"
	"context"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/sessions"
	"github.com/archibot/archibotchat/core/app/signin"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/ports/identity"
	"github.com/archibot/archibotchat/ports/identity/identitytest"
	"github.com/archibot/archibotchat/ports/store"
)

func TestNew(t *testing.T) {
	t.Parallel()
	a := identitytest.NewFake(identity.Description{ID: "a", Issuer: "https://one.example"})
	for _, b := range []identity.Description{{ID: "a", Issuer: "https://two.example"}, {ID: "b", Issuer: "https://one.example"}} {
		_, err := signin.New(signin.Deps{Providers: []identity.Provider{a, identitytest.NewFake(b)}})
		require.Error(t, err)
	}
}

func TestService_Finish(t *testing.T) { // A1, A5
	t.Parallel()
	onEach(t, func(t *testing.T, h *house) {
		h.acme.Put(person("ann", access.GroupAPI))
		require.Len(t, h.Providers(), 2)

		first := h.signIn(t, "ann", signin.Start{ReturnTo: "/keys?new=1"}, "")
		require.Equal(t, "/keys?new=1", first.ReturnTo)
		c := h.alive(t, first.Token)
		require.NotNil(t, c)
		require.Empty(t, c.Account.ID, "a member of nothing is signed in to nothing")
		require.Equal(t, "required", c.Session.UserRule)
		require.True(t, c.Session.Groups.Has(access.GroupAPI))
		require.Zero(t, c.Session.FreshAt, "the provider did not say when they proved themselves")
		require.Equal(t, []string{"signin.succeeded new_user"}, h.events(t, ""))

		u, err := h.store.Users().Get(t.Context(), c.Session.User)
		require.NoError(t, err)
		require.Equal(t, []string{"https://id.acme.example", "ann", "acme", "ann@acme.example", "P. ann"}, []string{u.Issuer, u.Subject, u.Provider, u.Email, u.Name})

		h.belong(t, first, "acct_1")
		h.belong(t, first, "acct_2")
		second := h.signIn(t, "ann", signin.Start{}, "")
		require.Equal(t, "acct_1", second.Session.Account, "the first of theirs")
		require.Equal(t, access.RoleAdmin, h.alive(t, second.Token).Session.Role)
		require.NotEqual(t, first.Token.Reveal(), second.Token.Reveal())
		require.NotNil(t, h.alive(t, first.Token), "another browser's session stays")
		h.clock.add(time.Second)
		_, _, err = h.sessions.SwitchAccount(h.as(t, second), "acct_2")
		require.NoError(t, err)
		require.NoError(t, h.store.Sessions().Seen(t.Context(), second.Session.ID, h.clock.now()))
		require.Equal(t, "acct_2", h.signIn(t, "ann", signin.Start{}, "").Session.Account, "the one used last")
		require.Equal(t, "acct_2", h.signIn(t, "ann", signin.Start{Session: second.Session.ID}, "").Session.Account)
	})
}

func TestService_Finish_identity(t *testing.T) { // A1: issuer and subject, never e-mail
	t.Parallel()
	onEach(t, func(t *testing.T, h *house) {
		p := person("ann")
		h.acme.Put(p)
		ann := h.signIn(t, "ann", signin.Start{}, "")
		h.belong(t, ann, "acct_1")
		p.Email, p.Groups = "other@acme.example", access.NewGroups(access.GroupChat)
		h.acme.Put(p)
		again := h.signIn(t, "ann", signin.Start{}, "")
		require.Equal(t, ann.Session.User, again.Session.User)
		require.Equal(t, []string{"signin.succeeded ", "user.changed groups,email"}, h.events(t, "acct_1"), "the evidence has no address")

		p.Subject = "bob" // the same address
		h.acme.Put(p)
		require.NotEqual(t, ann.Session.User, h.signIn(t, "bob", signin.Start{}, "").Session.User)
		p.Subject = "ann" // the same subject elsewhere
		h.other.Put(p)
		require.NotEqual(t, ann.Session.User, h.signIn(t, "ann", signin.Start{Provider: "other"}, "").Session.User)
	})
}

func TestService_Finish_rotates(t *testing.T) { // A5: fixation
	t.Parallel()
	onEach(t, func(t *testing.T, h *house) {
		h.acme.Put(person("ann"))
		h.acme.Put(person("eve"))
		planted := h.signIn(t, "eve", signin.Start{}, "")
		d := h.signIn(t, "ann", signin.Start{}, planted.Token.Reveal())
		require.Nil(t, h.alive(t, planted.Token), "the browser's old session has ended")
		require.NotEqual(t, planted.Token.Reveal(), d.Token.Reveal())
		old, err := h.store.Sessions().Get(t.Context(), planted.Session.ID)
		require.NoError(t, err)
		require.Equal(t, signin.EndReplaced, old.EndReason)
		require.Contains(t, h.events(t, ""), "session.ended replaced")
		for _, odd := range []string{"", "x", strings.Repeat("A", 43), strings.Repeat("\x00", 43)} {
			h.signIn(t, "ann", signin.Start{}, odd)
		}
	})
}

func TestService_Finish_refused(t *testing.T) { // A1, SECURITY: sign-in
	t.Parallel()
	onEach(t, func(t *testing.T, h *house) {
		h.acme.Put(person("ann"))
		for name, c := range map[string]struct {
			bend   func(r *signin.Return)
			code   string
			reason string
		}{
			"no state":             {func(r *signin.Return) { r.Values.Del("state") }, "sign_in_failed", "state"},
			"two states":           {func(r *signin.Return) { r.Values.Add("state", r.Values.Get("state")) }, "sign_in_failed", "state"},
			"another state":        {func(r *signin.Return) { r.Values.Set("state", strings.Repeat("A", 43)) }, "sign_in_failed", "state"},
			"short state":          {func(r *signin.Return) { r.Values.Set("state", r.Values.Get("state")[1:]) }, "sign_in_failed", "state"},
			"another browser":      {func(r *signin.Return) { r.Binding = "" }, "sign_in_failed", "state"},
			"another's cookie":     {func(r *signin.Return) { r.Binding = strings.Repeat("A", 43) }, "sign_in_failed", "state"},
			"the state as cookie":  {func(r *signin.Return) { r.Binding = r.Values.Get("state") }, "sign_in_failed", "state"},
			"another provider":     {func(r *signin.Return) { r.Provider = "other" }, "sign_in_failed", "state"},
			"too late":             {func(*signin.Return) { h.clock.add(signin.FlowLife) }, "sign_in_failed", "state"},
			"no such provider":     {func(r *signin.Return) { r.Provider = "none" }, "no_such_provider", ""},
			"a code that is none":  {func(r *signin.Return) { r.Values.Set("code", "nobody") }, "sign_in_failed", "code"},
			"the person said no":   {func(r *signin.Return) { r.Values = url.Values{"state": r.Values["state"], "error": {"access_denied"}} }, "sign_in_refused", "sign_in_refused"},
			"the provider is down": {func(*signin.Return) { h.acme.SetDown(true) }, "provider_unavailable", "provider_unavailable"},
		} {
			b, state := h.begin(t, signin.Start{})
			r := back(b, state, "ann")
			c.bend(&r)
			_, err := h.Finish(t.Context(), r)
			require.Equal(t, c.code, fault.CodeOf(err), name)
			if c.reason != "" {
				require.Equal(t, []string{c.reason}, h.refused.reasons(), name)
			}
			h.acme.SetDown(false)
			if c.code == "no_such_provider" || len(r.Values["state"]) != 1 || r.Values.Get("state") != state {
				continue
			}
			_, err = h.Finish(t.Context(), back(b, state, "ann")) // what failed once is used up
			require.ErrorIs(t, err, identity.ErrFailed, name)
			h.refused.reasons()
		}
		users, err := h.store.Users().Find(t.Context(), "https://id.acme.example", "ann")
		require.ErrorIs(t, err, store.ErrNotFound, "%v", users)
	})
}

func TestService_Finish_once(t *testing.T) { // A1: one use, also at the same time
	t.Parallel()
	onEach(t, func(t *testing.T, h *house) {
		h.acme.Put(person("ann"))
		b, state := h.begin(t, signin.Start{})
		var mu sync.Mutex
		wins := 0
		var tries sync.WaitGroup
		for range 10 {
			tries.Go(func() {
				if _, err := h.Finish(t.Context(), back(b, state, "ann")); err == nil {
					mu.Lock()
					wins++
					mu.Unlock()
				}
			})
		}
		tries.Wait()
		require.Equal(t, 1, wins)

		tab1, state1 := h.begin(t, signin.Start{})
		tab2, state2 := h.begin(t, signin.Start{})
		require.NotEqual(t, tab1.Name, tab2.Name)
		for _, r := range []signin.Return{back(tab2, state2, "ann"), back(tab1, state1, "ann")} {
			_, err := h.Finish(t.Context(), r)
			require.NoError(t, err, "two tabs do not disturb each other")
		}
	})
}

func TestService_Begin(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, h *house) {
		_, err := h.Begin(t.Context(), signin.Start{Provider: "none"})
		require.ErrorIs(t, err, signin.ErrNoProvider)
		h.acme.SetDown(true)
		_, err = h.Begin(t.Context(), signin.Start{Provider: "acme"})
		require.Equal(t, "provider_unavailable", fault.CodeOf(err))
	})
}

func TestService_Finish_fresh(t *testing.T) { // step-up
	t.Parallel()
	onEach(t, func(t *testing.T, h *house) {
		h.acme.Put(person("ann"))
		d := h.signIn(t, "ann", signin.Start{}, "")
		require.ErrorIs(t, h.sessions.Fresh(h.as(t, d)), sessions.ErrNotFresh)
		b, _ := h.begin(t, signin.Start{Fresh: true})
		require.Contains(t, b.URL, "prompt=login")
		d = h.signIn(t, "ann", signin.Start{Fresh: true}, d.Token.Reveal())
		require.NoError(t, h.sessions.Fresh(h.as(t, d)))
		h.clock.add(sessions.FreshFor - time.Microsecond)
		require.NoError(t, h.sessions.Fresh(h.as(t, d)))
		h.clock.add(time.Microsecond)
		require.ErrorIs(t, h.sessions.Fresh(h.as(t, d)), sessions.ErrNotFresh)
		require.ErrorIs(t, h.sessions.Fresh(t.Context()), sessions.ErrNotSignedIn)

		p := person("ann")
		p.AuthAt = h.clock.now().Add(time.Hour) // a clock that is ahead makes nobody fresh for longer
		h.acme.Put(p)
		d = h.signIn(t, "ann", signin.Start{}, "")
		require.Equal(t, h.clock.now(), d.Session.FreshAt)
	})
}

func TestService_SignOut(t *testing.T) { // A5
	t.Parallel()
	onEach(t, func(t *testing.T, h *house) {
		h.acme.Put(person("ann"))
		d := h.signIn(t, "ann", signin.Start{}, "")
		ctx := h.as(t, d)
		kept, err := h.store.Sessions().Get(t.Context(), d.Session.ID)
		require.NoError(t, err)
		require.NotEmpty(t, kept.Grant)
		require.False(t, bytes.Contains(kept.Grant, []byte("refresh")) || bytes.Contains(kept.Grant, []byte("ann")), "sealed")

		to, err := h.SignOut(ctx, "https://chat.example/")
		require.NoError(t, err)
		require.Equal(t, "https://id.acme.example/logout?id_token_hint=id-token-of-ann&post_logout_redirect_uri=https%3A%2F%2Fchat.example%2F", to)
		require.Nil(t, h.alive(t, d.Token), "the old cookie is dead")
		kept, err = h.store.Sessions().Get(t.Context(), d.Session.ID)
		require.NoError(t, err)
		require.Empty(t, kept.Grant)
		require.Equal(t, "session.ended signed_out", h.events(t, "")[0])
		to, err = h.SignOut(ctx, "https://chat.example/")
		require.NoError(t, err)
		require.NotContains(t, to, "id_token_hint=id-token-of-ann", "nothing is left to say")
		_, err = h.SignOut(t.Context(), "")
		require.Equal(t, "not_signed_in", fault.CodeOf(err))

		token, _, err := h.sessions.Mint(access.WithPrincipal(t.Context(), access.Principal{Kind: access.PrincipalOperator, ID: "cli"}), sessions.Draft{Account: "acct_1"})
		require.NoError(t, err)
		to, err = h.SignOut(h.as(t, signin.Done{Token: token}), "https://chat.example/")
		require.NoError(t, err)
		require.Empty(t, to, "nobody signed a minted session in")
		require.Nil(t, h.alive(t, token))
	})
}

func TestService_Logout(t *testing.T) { // A5: back-channel logout
	t.Parallel()
	onEach(t, func(t *testing.T, h *house) {
		h.acme.Put(person("ann"))
		h.acme.Put(person("bob"))
		h.other.Put(person("ann"))
		token := func(l identity.Logout) string { l.At = h.clock.now(); return h.acme.LogoutToken(l) }
		ann, bob := h.signIn(t, "ann", signin.Start{}, ""), h.signIn(t, "bob", signin.Start{}, "")
		elsewhere := h.signIn(t, "ann", signin.Start{Provider: "other"}, "")

		first := token(identity.Logout{SID: "sid-ann", ID: "jti-1"})
		require.NoError(t, h.Logout(t.Context(), "acme", first))
		require.Nil(t, h.alive(t, ann.Token))
		require.NotNil(t, h.alive(t, bob.Token))
		require.NotNil(t, h.alive(t, elsewhere.Token), "another issuer's")
		require.Equal(t, "session.ended provider_signed_out", h.events(t, "")[0])

		again := h.signIn(t, "ann", signin.Start{}, "")
		require.ErrorIs(t, h.Logout(t.Context(), "acme", first), identity.ErrFailed, "a token that came before")
		require.Equal(t, []string{"logout_token"}, h.refused.reasons())
		require.NotNil(t, h.alive(t, again.Token))
		require.NoError(t, h.Logout(t.Context(), "acme", token(identity.Logout{Subject: "ann", ID: "jti-2"})))
		require.Nil(t, h.alive(t, again.Token))
		require.NoError(t, h.Logout(t.Context(), "acme", token(identity.Logout{Subject: "nobody", ID: "jti-3"})), "nobody to sign out is no failure")

		for name, bad := range map[string]string{
			"no ID": token(identity.Logout{Subject: "bob"}), "nobody": token(identity.Logout{ID: "jti-4"}), "garbage": "%zz",
			"another issuer's": h.other.LogoutToken(identity.Logout{Subject: "bob", ID: "jti-5", At: h.clock.now()}),
		} {
			require.ErrorIs(t, h.Logout(t.Context(), "acme", bad), identity.ErrFailed, name)
		}
		require.NotNil(t, h.alive(t, bob.Token))
		require.ErrorIs(t, h.Logout(t.Context(), "none", first), signin.ErrNoProvider)
	})
}

func TestService_grantsAreBound(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, h *house) {
		h.acme.Put(person("ann"))
		h.acme.Put(person("bob"))
		ann, bob := h.signIn(t, "ann", signin.Start{}, ""), h.signIn(t, "bob", signin.Start{}, "")
		moved := ann.Session
		moved.Grant = bob.Session.Grant // as somebody with the database at hand might
		require.NoError(t, h.store.Sessions().Checked(t.Context(), moved))
		h.clock.add(sessions.Recheck)
		require.NoError(t, h.Check(context.Background()))
		got, err := h.store.Sessions().Get(t.Context(), ann.Session.ID)
		require.NoError(t, err)
		require.Equal(t, signin.EndGrant, got.EndReason)
		require.NotNil(t, h.alive(t, bob.Token))
	})
}
