//go:build e2e

package doors_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/system"
	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/accounts"
	"github.com/archibot/archibotchat/core/billing"
	"github.com/archibot/archibotchat/e2e/harness"
	"github.com/archibot/archibotchat/ports/store"
)

const (
	// forceTime is when what was withdrawn must not work any more, anywhere (G7,
	// K5). It is exact on a busy machine, too: calls count from before they were
	// sent, which no server can take for longer than that.
	forceTime = time.Second
	// cutTime is when streams behind a door that was shut must have ended:
	// five seconds (K5), and as long again.
	cutTime = 10 * time.Second
	// lookEvery is how often a door is looked at.
	lookEvery = 5 * time.Millisecond
	rounds    = 2
	// keepLooking is how long a server is watched after that, lest it opens again.
	keepLooking = time.Second
)

// withdrawal takes away what somebody needs.
type withdrawal struct {
	take func(t *testing.T, d *harness.Desk, p harness.Person)
	// code is what the key's next call is refused with.
	status int
	code   string
	// cut is what ends the streams.
	cut string
	// session is what becomes of the person's session.
	session string
}

// What becomes of a session.
const (
	stays = ""      // it has nothing to do with it
	shuts = "shuts" // it lives, but the API area is closed to it
	ends  = "ends"
)

var withdrawals = map[string]withdrawal{
	"key revoked": {func(t *testing.T, d *harness.Desk, p harness.Person) {
		_, err := d.Keyring.Revoke(d.Operator(t), p.Account, p.KeyID)
		require.NoError(t, err)
	}, http.StatusUnauthorized, "invalid_api_key", "key_revoked", stays},
	"account's group removed": {func(t *testing.T, d *harness.Desk, p harness.Person) {
		chat := access.NewGroups(access.GroupChat)
		change(t, d, p, accounts.Change{Groups: &chat})
	}, http.StatusForbidden, "no_product_group", "no_product_group", shuts},
	"user's group removed": {func(t *testing.T, d *harness.Desk, p harness.Person) {
		u, err := d.Store.Users().Get(t.Context(), p.User)
		require.NoError(t, err)
		u.ID, u.Groups, u.UpdatedAt = d.NewID("user"), access.NewGroups(access.GroupChat), system.Now()
		_, created, err := d.Store.Users().SignedIn(t.Context(), u)
		require.NoError(t, err)
		require.False(t, created)
	}, http.StatusForbidden, "no_product_group", "no_product_group", shuts},
	"member removed": {func(t *testing.T, d *harness.Desk, p harness.Person) {
		require.NoError(t, d.Members.Remove(d.Operator(t), p.Account, p.User))
	}, http.StatusUnauthorized, "invalid_api_key", "key_revoked", ends},
	"membership gone": {func(t *testing.T, d *harness.Desk, p harness.Person) {
		require.NoError(t, d.Store.Do(t.Context(), func(ctx context.Context, tx store.Stores) error {
			return tx.Members().Remove(ctx, p.Account, p.User)
		}))
	}, http.StatusForbidden, "no_product_group", "no_product_group", shuts},
	"account suspended": {func(t *testing.T, d *harness.Desk, p harness.Person) {
		status := access.StatusSuspended
		change(t, d, p, accounts.Change{Status: &status})
	}, http.StatusForbidden, "account_suspended", "account_suspended", shuts},
	"account closed": {func(t *testing.T, d *harness.Desk, p harness.Person) {
		status := access.StatusClosed
		change(t, d, p, accounts.Change{Status: &status})
	}, http.StatusUnauthorized, "invalid_api_key", "account_closed", ends},
	"billing under review": {func(t *testing.T, d *harness.Desk, p harness.Person) {
		state := billing.Review
		change(t, d, p, accounts.Change{Billing: &state})
	}, http.StatusForbidden, "payment_review", "payment_review", shuts},
}

func change(t *testing.T, d *harness.Desk, p harness.Person, c accounts.Change) {
	t.Helper()
	_, err := d.Accounts.Set(d.Operator(t), p.Account, c)
	require.NoError(t, err)
}

// What is withdrawn works on no server a second later, and streams that go on
// behind the door end (G7, K5, A7). The figures are printed.
func TestWithdrawal(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, harness.NewPostgres(t), harness.Options{})
	servers := []*harness.Replica{site.Start(t), site.Start(t)}
	desk := site.Desk(t)
	for name, w := range withdrawals {
		t.Run(name, func(t *testing.T) {
			var slowest, longest time.Duration
			for range rounds {
				account := site.Account(t, harness.NewAccount{Credits: grant})
				p := desk.Person(t, harness.NewPerson{Account: account.ID, Rule: "required", Groups: access.NewGroups(access.GroupAPI, access.GroupChat)})
				shut, cut := withdraw(t, servers, desk, p, w)
				slowest, longest = max(slowest, shut), max(longest, cut)
			}
			t.Logf("%s: in force on %d servers after %v at most, streams ended after %v at most", name, len(servers), slowest, longest)
			require.Less(t, slowest, forceTime)
			require.Less(t, longest, cutTime)
		})
	}
	site.Verify(t)
}

// watched is a door of a server that is looked at all the time.
type watched struct {
	root   string
	ask    ask
	open   func(answer) bool
	passed time.Time // when the last call that went through was begun
	last   answer
}

// look looks until stop is closed.
func (w *watched) look(t *testing.T, stop <-chan struct{}) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		w.once(t)
		select {
		case <-stop:
			return
		case <-tick.C:
		}
	}
}

func (w *watched) once(t *testing.T) {
	begun := time.Now()
	if w.last = w.ask.at(t, w.root); w.open(w.last) {
		w.passed = begun
	}
}

// apiOpen reports whether /api/me says that the API area is open.
func apiOpen(a answer) bool {
	var told struct {
		Areas []struct {
			Area    string
			Allowed bool
		}
	}
	if a.status != http.StatusOK || json.Unmarshal([]byte(a.body), &told) != nil {
		return false
	}
	return slices.ContainsFunc(told.Areas, func(area struct {
		Area    string
		Allowed bool
	},
	) bool {
		return area.Area == "api" && area.Allowed
	})
}

// withdraw takes away while both servers are asked all the time and a stream
// runs on each, and returns when the last call went through and when the last
// stream ended, after that.
func withdraw(t *testing.T, servers []*harness.Replica, desk *harness.Desk, p harness.Person, w withdrawal) (shut, cut time.Duration) {
	t.Helper()
	var streams, looks sync.WaitGroup
	ended := make([]stream, len(servers))
	for i, s := range servers {
		running := make(chan struct{})
		streams.Go(func() { ended[i] = watch(t, s.Root, p.Key, running) })
		select {
		case <-running:
		case <-time.After(answerTime):
			t.Fatal("a stream did not begin")
		}
	}
	stop := make(chan struct{})
	var doors []*watched
	for _, s := range servers {
		doors = append(doors,
			&watched{root: s.Root, ask: models(p), open: func(a answer) bool { return a.status == http.StatusOK }},
			&watched{root: s.Root, ask: me(p), open: apiOpen})
	}
	for _, d := range doors {
		d.once(t)
		require.False(t, d.passed.IsZero(), "the door is open before: %d %s", d.last.status, d.last.body)
		looks.Go(func() { d.look(t, stop) })
	}
	w.take(t, desk, p)
	taken := time.Now()
	streams.Wait()
	timer := time.NewTimer(keepLooking)
	select {
	case <-timer.C:
	case <-t.Context().Done():
	}
	close(stop)
	looks.Wait()
	for _, d := range doors {
		switch {
		case d.ask.key != "":
			require.Equal(t, w.status, d.last.status, d.last.body)
			require.Equal(t, w.code, d.last.code())
		case w.session == stays:
			require.True(t, d.open(d.last), d.last.body)
			continue
		case w.session == ends:
			require.Equal(t, http.StatusUnauthorized, d.last.status, d.last.body)
		default:
			require.False(t, d.open(d.last), d.last.body)
		}
		shut = max(shut, d.passed.Sub(taken))
	}
	for _, s := range ended {
		require.Contains(t, s.text, w.cut, "the stream says why it ends")
		require.NotContains(t, s.text, "[DONE]")
		cut = max(cut, s.at.Sub(taken))
	}
	return shut, cut
}

// stream is one that has ended.
type stream struct {
	text string
	at   time.Time
}

// watch reads a stream to its end, which is hours away unless it is cut.
func watch(t *testing.T, root, key string, running chan<- struct{}) stream {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, root+"/v1/chat/completions",
		strings.NewReader(`{"model":"tok-gap50-chunks4000","stream":true,"messages":[{"role":"user","content":"Say many words."}]}`))
	if err != nil {
		return stream{err.Error(), time.Now()}
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+key)
	response, err := (&http.Client{}).Do(r)
	if err != nil {
		return stream{err.Error(), time.Now()}
	}
	defer func() { _ = response.Body.Close() }()
	var text strings.Builder
	lines, seen := bufio.NewScanner(response.Body), 0
	for lines.Scan() {
		fmt.Fprintln(&text, lines.Text())
		if seen++; seen == 4 {
			close(running)
		}
	}
	return stream{text.String(), time.Now()}
}
