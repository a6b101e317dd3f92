// Package identitytest is the conformance suite of package ports/identity,
// and a [Fake] of the port for the tests of what stands on it.
//
// An adapter's test is a harness and a call of [Run].
package identitytest

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/ports/identity"
)

// Harness is one provider under test, with one person who may sign in. Hooks
// are nil where the provider has no such thing.
type Harness struct {
	Provider identity.Provider
	Subject  string // of the person
	// Approve plays the browser and the person, from the address that Begin
	// returned to what comes back to the callback.
	Approve func(t *testing.T, address string) url.Values
	// SetGroups changes the groups of the person, in our names.
	SetGroups func(g access.Groups)
	// Block lets the person in no more.
	Block func()
	// SetDown stops the provider from answering, or lets it answer again.
	SetDown func(down bool)
	// LogoutToken makes a back-channel logout token for the person.
	LogoutToken func(id string) string
	Now         func() time.Time
}

// Run tries the provider that start returns, a new one for each case. What
// start opens it must close by t.Cleanup.
func Run(t *testing.T, start func(t *testing.T) Harness) {
	t.Helper()
	cases := map[string]func(*testing.T, Harness){
		"describe":       testDescribe,
		"sign-in":        testSignIn,
		"used twice":     testTwice,
		"nothing":        testNothing,
		"another state":  testState,
		"fresh":          testFresh,
		"canceled":       testCanceled,
		"many at once":   testMany,
		"no grant":       testNoGrant,
		"re-check":       testRecheck,
		"blocked":        testBlocked,
		"down":           testDown,
		"logout URL":     testLogoutURL,
		"logout token":   testLogoutToken,
		"logout garbage": testLogoutGarbage,
	}
	for name, run := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, start(t))
		})
	}
}

// NewFlow returns a flow with chance in it.
func NewFlow(now time.Time) identity.Flow {
	return identity.Flow{
		State: rand.Text() + rand.Text(), Nonce: rand.Text() + rand.Text(), Verifier: rand.Text() + rand.Text(),
		Redirect: "http://127.0.0.1:8080/auth/main/callback", Began: now,
	}
}

func (h Harness) signIn(t *testing.T) identity.Identity {
	f := NewFlow(h.Now())
	got, err := h.Provider.Finish(t.Context(), f, h.begin(t, f))
	require.NoError(t, err)
	return got
}

func (h Harness) begin(t *testing.T, f identity.Flow) url.Values {
	address, err := h.Provider.Begin(t.Context(), f)
	require.NoError(t, err)
	return h.Approve(t, address)
}

// requireFailed holds a failure to what the port promises of all.
func requireFailed(t *testing.T, err error) {
	t.Helper()
	require.ErrorIs(t, err, identity.ErrFailed)
	require.NotEmpty(t, identity.ReasonOf(err))
	require.Equal(t, identity.ErrFailed.Message, fault.From(err).Message)
}

func testDescribe(t *testing.T, h Harness) {
	d := h.Provider.Describe()
	require.Regexp(t, `^[a-z0-9-]{1,32}$`, d.ID, "it stands in paths")
	require.NotEmpty(t, d.Name)
	require.NotEmpty(t, d.Issuer)
	require.Contains(t, []string{identity.RuleRequired, identity.RuleNone}, d.Rule)
}

// A1, A2: who it is, and where that comes from.
func testSignIn(t *testing.T, h Harness) {
	f := NewFlow(h.Now())
	address, err := h.Provider.Begin(t.Context(), f)
	require.NoError(t, err)
	u, err := url.Parse(address)
	require.NoError(t, err)
	require.True(t, u.IsAbs(), address)
	require.NotContains(t, address, f.Verifier, "PKCE's verifier goes to the token endpoint only")
	got, err := h.Provider.Finish(t.Context(), f, h.Approve(t, address))
	require.NoError(t, err)
	require.Equal(t, h.Provider.Describe().Issuer, got.Issuer)
	require.Equal(t, h.Subject, got.Subject)
	require.Equal(t, h.Provider.Describe().Rule, got.Rule)
	if got.Rule == identity.RuleNone {
		require.True(t, got.Groups.Empty(), "A3")
	} else {
		require.False(t, got.Groups.Empty())
	}
	text, err := json.Marshal(got)
	require.NoError(t, err)
	for _, secret := range []string{got.Grant.Refresh, got.Grant.IDToken, got.Grant.Access} {
		if secret != "" {
			require.NotContains(t, string(text)+fmt.Sprintf("%+v %#v", got, got), secret)
		}
	}
	require.Equal(t, h.Subject, h.signIn(t).Subject, "again, as the same person")
}

func testTwice(t *testing.T, h Harness) {
	f := NewFlow(h.Now())
	back := h.begin(t, f)
	_, err := h.Provider.Finish(t.Context(), f, back)
	require.NoError(t, err)
	_, err = h.Provider.Finish(t.Context(), f, back)
	requireFailed(t, err)
}

func testNothing(t *testing.T, h Harness) {
	for _, back := range []url.Values{nil, {}, {"code": {""}}, {"ticket": {""}}, {"state": {"s"}, "code": {"c"}, "ticket": {"t"}}} {
		_, err := h.Provider.Finish(t.Context(), NewFlow(h.Now()), back)
		requireFailed(t, err)
	}
}

func testState(t *testing.T, h Harness) {
	f := NewFlow(h.Now())
	back := h.begin(t, f)
	if !back.Has("state") {
		t.Skip("its callback is no answer to a browser's request")
	}
	_, err := h.Provider.Finish(t.Context(), NewFlow(h.Now()), back)
	requireFailed(t, err)
	require.Equal(t, identity.ReasonState, identity.ReasonOf(err))
}

func testFresh(t *testing.T, h Harness) {
	f := NewFlow(h.Now())
	f.Fresh = true
	got, err := h.Provider.Finish(t.Context(), f, h.begin(t, f))
	require.NoError(t, err)
	require.WithinDuration(t, f.Began, got.AuthAt, time.Minute)
}

func testCanceled(t *testing.T, h Harness) {
	f := NewFlow(h.Now())
	back := h.begin(t, f)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.Provider.Finish(ctx, f, back); err != nil {
		require.Equal(t, fault.Canceled, fault.KindOf(err), "%v", err)
	}
}

func testMany(t *testing.T, h Harness) {
	var all sync.WaitGroup
	for range 16 {
		f := NewFlow(h.Now())
		back := h.begin(t, f)
		all.Go(func() {
			got, err := h.Provider.Finish(t.Context(), f, back)
			if err != nil || got.Subject != h.Subject {
				t.Errorf("subject %q: %v", got.Subject, err)
			}
		})
	}
	all.Wait()
}

func testNoGrant(t *testing.T, h Harness) {
	_, keep, err := h.Provider.Recheck(t.Context(), identity.Grant{})
	require.ErrorIs(t, err, identity.ErrNoRecheck)
	require.True(t, keep.Empty())
}

// A5: a group that is taken away is away at the next re-check, again and again.
func testRecheck(t *testing.T, h Harness) {
	if h.SetGroups == nil {
		t.Skip("its people do not change")
	}
	first := h.signIn(t)
	grant := first.Grant
	for _, want := range []access.Groups{access.NewGroups("chat"), {}, access.NewGroups("api", "chat"), access.NewGroups("chat")} {
		h.SetGroups(want)
		now, next, err := h.Provider.Recheck(t.Context(), grant)
		require.NoError(t, err)
		require.Equal(t, want, now.Groups)
		require.Equal(t, first.Issuer, now.Issuer)
		require.Equal(t, first.Subject, now.Subject)
		require.Equal(t, first.Email, now.Email)
		require.Equal(t, first.Rule, now.Rule)
		require.False(t, next.Empty())
		require.Equal(t, next, now.Grant)
		grant = next
	}
}

func testBlocked(t *testing.T, h Harness) {
	if h.Block == nil {
		t.Skip("it blocks nobody")
	}
	grant := h.signIn(t).Grant
	h.Block()
	_, _, err := h.Provider.Recheck(t.Context(), grant)
	require.ErrorIs(t, err, identity.ErrRefused)
}

func testDown(t *testing.T, h Harness) {
	if h.SetDown == nil {
		t.Skip("it is this process itself")
	}
	f := NewFlow(h.Now())
	h.SetDown(true)
	_, err := h.Provider.Begin(t.Context(), f)
	require.ErrorIs(t, err, identity.ErrUnavailable, "never asked before")
	require.NotEmpty(t, h.Provider.Describe().ID)
	h.SetDown(false)
	back := h.begin(t, f)
	h.SetDown(true)
	_, err = h.Provider.Finish(t.Context(), f, back)
	require.ErrorIs(t, err, identity.ErrUnavailable)
	h.SetDown(false)
	got := h.signIn(t)
	h.SetDown(true)
	_, keep, err := h.Provider.Recheck(t.Context(), got.Grant)
	require.ErrorIs(t, err, identity.ErrUnavailable)
	require.True(t, keep.Empty(), "the old grant stays good")
	h.SetDown(false)
	_, _, err = h.Provider.Recheck(t.Context(), got.Grant)
	require.NoError(t, err)
}

func testLogoutURL(t *testing.T, h Harness) {
	const after = "https://chat.example.com/?signed=out"
	got := h.signIn(t)
	text, err := h.Provider.LogoutURL(t.Context(), got.Grant, after)
	require.NoError(t, err)
	if text == "" {
		return
	}
	u, err := url.Parse(text)
	require.NoError(t, err)
	require.True(t, u.IsAbs())
	require.Equal(t, after, u.Query().Get("post_logout_redirect_uri"))
	_, err = h.Provider.LogoutURL(t.Context(), identity.Grant{}, after)
	require.NoError(t, err, "also for whom nothing was kept")
}

func testLogoutToken(t *testing.T, h Harness) {
	if h.LogoutToken == nil {
		t.Skip("it ends no sessions by itself")
	}
	got, err := h.Provider.ParseLogout(t.Context(), h.LogoutToken("jti-7"))
	require.NoError(t, err)
	require.Equal(t, h.Provider.Describe().Issuer, got.Issuer)
	require.Equal(t, h.Subject, got.Subject)
	require.Equal(t, "jti-7", got.ID)
	require.WithinDuration(t, h.Now(), got.At, time.Minute)
	require.True(t, got.Until.After(got.At))
}

func testLogoutGarbage(t *testing.T, h Harness) {
	for _, token := range []string{"", ".", "..", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "\x00", string(make([]byte, 1<<20))} {
		_, err := h.Provider.ParseLogout(t.Context(), token)
		requireFailed(t, err)
	}
}
