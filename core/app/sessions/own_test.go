package sessions_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/sessions"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/gates"
	"github.com/archibot/archibotchat/ports/store"
)

// user keeps a user who is a member of the accounts.
func (h *house) user(t *testing.T, n int, rule string, groups []access.Group, accounts ...string) store.User {
	t.Helper()
	u, _, err := h.store.Users().SignedIn(t.Context(), store.User{
		ID: fmt.Sprintf("user_%d", n), Issuer: "https://id.example", Subject: fmt.Sprint("sub", n), Provider: "acme", Rule: rule, Groups: access.NewGroups(groups...),
	})
	require.NoError(t, err)
	for _, a := range accounts {
		require.NoError(t, h.store.Members().Add(t.Context(), store.Member{Account: a, User: u.ID, Role: access.RoleMember}))
	}
	return u
}

// open makes a session as a sign-in does, and returns a context it acts in.
func (h *house) open(t *testing.T, s store.Session) (context.Context, string) {
	t.Helper()
	s.Provider, s.Issuer = "acme", "https://id.example"
	var token sessions.Token
	require.NoError(t, h.store.Do(t.Context(), func(ctx context.Context, tx store.Stores) error {
		var err error
		token, _, err = h.Open(ctx, tx, s)
		return err
	}))
	return h.acting(t, token.Reveal()), token.Reveal()
}

func (h *house) acting(t *testing.T, token string) context.Context {
	t.Helper()
	s, a, err := h.Resolve(t.Context(), token)
	require.NoError(t, err)
	return sessions.With(t.Context(), sessions.Current{Session: s, Account: a})
}

func current(t *testing.T, ctx context.Context) sessions.Current {
	t.Helper()
	c, ok := sessions.From(ctx)
	require.True(t, ok)
	return c
}

func TestService_Own(t *testing.T) { // A5: a user sees and ends their own sessions
	t.Parallel()
	h := build(t)
	ann, bob := h.user(t, 1, "none", nil, "acct_1"), h.user(t, 2, "none", nil, "acct_1")
	mine, _ := h.open(t, store.Session{Account: "acct_1", User: ann.ID})
	second, secondToken := h.open(t, store.Session{User: ann.ID})
	foreign, _ := h.open(t, store.Session{Account: "acct_1", User: bob.ID})
	token, _, err := h.Mint(operator(t), sessions.Draft{Account: "acct_1"})
	require.NoError(t, err)
	minted := h.acting(t, token.Reveal())
	list := func(ctx context.Context, p store.Page) []string {
		own, next, err := h.Own(ctx, p)
		require.NoError(t, err)
		out := []string{}
		for _, s := range own {
			out = append(out, s.ID)
		}
		return append(out, next)
	}
	a, b := current(t, mine).Session.ID, current(t, second).Session.ID
	require.Equal(t, []string{b, a, ""}, list(mine, store.Page{}))
	require.Equal(t, []string{b, b}, list(mine, store.Page{Limit: 1}))
	require.Equal(t, []string{a, a}, list(mine, store.Page{Limit: 1, After: b}))
	require.Equal(t, []string{current(t, minted).Session.ID, ""}, list(minted, store.Page{}), "nobody's sessions are not one another's")

	for _, ctx := range []context.Context{foreign, minted} {
		require.ErrorIs(t, h.EndOther(ctx, b), store.ErrNotFound)
	}
	require.ErrorIs(t, h.EndOther(mine, "ses_none"), store.ErrNotFound)
	require.NoError(t, h.EndOther(mine, b))
	require.ErrorIs(t, h.EndOther(mine, b), store.ErrNotFound, "ended already")
	_, _, err = h.Resolve(t.Context(), secondToken)
	require.ErrorIs(t, err, sessions.ErrNotSignedIn)
	require.Equal(t, []string{a, ""}, list(mine, store.Page{}))
	h.now = h.now.Add(sessions.Idle)
	require.Equal(t, []string{""}, list(mine, store.Page{}), "one that rests too long is none")

	_, _, err = h.Own(t.Context(), store.Page{})
	require.ErrorIs(t, err, sessions.ErrNotSignedIn)
	require.ErrorIs(t, h.EndOther(t.Context(), a), sessions.ErrNotSignedIn)
}

func TestService_SwitchAccount(t *testing.T) {
	t.Parallel()
	h := build(t)
	for _, id := range []string{"acct_2", "acct_3"} {
		a := account(h.now)
		a.ID = id
		if id == "acct_3" {
			a.Status = access.StatusClosed
		}
		require.NoError(t, h.store.Accounts().Create(t.Context(), a))
	}
	u := h.user(t, 1, "none", nil, "acct_2", "acct_3")
	ctx, token := h.open(t, store.Session{User: u.ID})
	require.Empty(t, current(t, ctx).Account.ID)
	for account, code := range map[string]string{"acct_1": "not_found", "acct_none": "not_found", "": "not_found", "acct_3": "account_closed"} {
		_, _, err := h.SwitchAccount(ctx, account)
		require.Equal(t, code, fault.CodeOf(err), account)
	}
	for range 2 { // the second changes nothing
		s, a, err := h.SwitchAccount(h.acting(t, token), "acct_2")
		require.NoError(t, err)
		require.Equal(t, "acct_2", a.ID)
		require.Equal(t, access.RoleMember, s.Role)
	}
	require.Equal(t, "acct_2", current(t, h.acting(t, token)).Account.ID)
	es, err := h.store.Events().List(t.Context(), store.EventQuery{Account: "acct_2"})
	require.NoError(t, err)
	require.Len(t, es, 1)
	require.Equal(t, "session.switched", string(es[0].Kind))

	minted, _, err := h.Mint(operator(t), sessions.Draft{Account: "acct_1"})
	require.NoError(t, err)
	_, _, err = h.SwitchAccount(h.acting(t, minted.Reveal()), "acct_2")
	require.ErrorIs(t, err, store.ErrNotFound)
	_, _, err = h.SwitchAccount(t.Context(), "acct_2")
	require.ErrorIs(t, err, sessions.ErrNotSignedIn)
	require.NoError(t, h.EndOther(ctx, current(t, ctx).Session.ID))
	_, _, err = h.SwitchAccount(ctx, "acct_2")
	require.ErrorIs(t, err, sessions.ErrNotSignedIn, "ended meanwhile")
}

// A4, A5: what a session may do follows its user at once.
func TestService_Resolve_followsTheUser(t *testing.T) {
	t.Parallel()
	h := build(t)
	u := h.user(t, 1, "required", []access.Group{access.GroupAPI}, "acct_1")
	gate := &sessions.Gate{Store: h.store, Enabled: access.NewGroups(access.AllGroups...), Boundary: gates.BoundaryNotRequired}
	_, token := h.open(t, store.Session{Account: "acct_1", User: u.ID})
	may := func(area access.Area) gates.Decision {
		ctx := h.acting(t, token)
		d, err := gate.Decide(ctx, current(t, ctx).Account, area)
		require.NoError(t, err)
		return d[0]
	}
	require.Equal(t, []gates.Reason{gates.CreditsExhausted}, may(access.AreaAPI).Reasons)
	require.Equal(t, []gates.Reason{gates.NoProductGroup}, may(access.AreaOperator).Reasons)

	h.user(t, 1, "required", []access.Group{access.GroupOperator})
	require.Equal(t, gates.NoProductGroup, may(access.AreaAPI).First())
	require.True(t, may(access.AreaOperator).Allowed)
	s := current(t, h.acting(t, token)).Session
	require.True(t, sessions.Staff(s))
	require.Equal(t, s.CreatedAt.Add(sessions.OperatorAbsolute), sessions.ExpiresAt(s), "whoever becomes staff has staff's limits")
	h.now = h.now.Add(sessions.OperatorIdle)
	_, _, err := h.Resolve(t.Context(), token)
	require.ErrorIs(t, err, sessions.ErrNotSignedIn)

	h.user(t, 1, "none", []access.Group{access.GroupOperator})
	require.Equal(t, gates.NoProductGroup, may(access.AreaOperator).First(), "a provider that sends no groups makes no operators")

	require.NoError(t, h.store.Members().Remove(t.Context(), "acct_1", u.ID))
	ctx := h.acting(t, token)
	require.Empty(t, current(t, ctx).Session.Account, "no member, no account")
	require.Empty(t, access.By(ctx).Account)
	require.Equal(t, gates.AccountPending, may(access.AreaAPI).First())
}

// G3: a provider that should have answered twice by now closes the session,
// also where nobody has come to ask it.
func TestService_Resolve_stale(t *testing.T) {
	t.Parallel()
	h := build(t)
	u := h.user(t, 1, "none", nil, "acct_1")
	_, asked := h.open(t, store.Session{Account: "acct_1", User: u.ID, CheckedAt: h.now, CheckAt: h.now.Add(sessions.Recheck)})
	_, never := h.open(t, store.Session{Account: "acct_1", User: u.ID})
	for range 2 {
		h.now = h.now.Add(sessions.Recheck - time.Second)
		h.acting(t, asked)
		h.acting(t, never)
	}
	h.now = h.now.Add(2 * time.Second)
	_, _, err := h.Resolve(t.Context(), asked)
	require.ErrorIs(t, err, sessions.ErrNotSignedIn)
	h.acting(t, never)
}

func TestGate_Admit_fresh(t *testing.T) { // step-up
	t.Parallel()
	h := build(t)
	gate := &sessions.Gate{Store: h.store, Enabled: access.NewGroups(access.GroupAPI), Boundary: gates.BoundaryNotRequired, Fresh: h.Fresh}
	h.grant(t)
	u := h.user(t, 1, "none", nil, "acct_1")
	ctx, token := h.open(t, store.Session{Account: "acct_1", User: u.ID, Role: access.RoleMember})
	a := current(t, ctx).Account
	require.NoError(t, gate.Admit(ctx, a, access.By(ctx)), "members make their own keys without")
	require.NoError(t, h.store.Members().SetRole(t.Context(), "acct_1", u.ID, access.RoleAdmin))
	ctx = h.acting(t, token)
	require.ErrorIs(t, gate.Admit(ctx, a, access.By(ctx)), sessions.ErrNotFresh)
	ctx, _ = h.open(t, store.Session{Account: "acct_1", User: u.ID, FreshAt: h.now})
	require.NoError(t, gate.Admit(ctx, a, access.By(ctx)))
	minted, _, err := h.Mint(operator(t), sessions.Draft{Account: "acct_1", Role: access.RoleAdmin})
	require.NoError(t, err)
	ctx = h.acting(t, minted.Reveal())
	require.NoError(t, gate.Admit(ctx, a, access.By(ctx)), "an operator has just made it")
	h.now = h.now.Add(sessions.FreshFor)
	require.ErrorIs(t, gate.Admit(ctx, a, access.By(ctx)), sessions.ErrNotFresh)
}
