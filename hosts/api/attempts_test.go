package api_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/hosts/api"
	"github.com/archibot/archibotchat/ports/limits"
	"github.com/archibot/archibotchat/ports/store"
)

// Whatever needs no session is bounded, and what is bounded is there.
func TestAttempts_table(t *testing.T) {
	t.Parallel()
	require.Empty(t, api.Unrouted(api.Config{}), "not a route, or its rule is not valid")
	bounded := api.Bounded()
	for path, item := range spec(t)["paths"].(map[string]any) {
		for method, o := range item.(map[string]any) {
			name := strings.ToUpper(method) + " " + path
			free := true
			for _, scheme := range o.(map[string]any)["security"].([]any) {
				if _, ok := scheme.(map[string]any)["session"]; ok {
					free = false
				}
			}
			limited := bounded[name] > 0 || name == "POST /api/threads/{thread}/turns" || name == "GET /api/turns/{turn}/stream" // which a member can have few of at a time
			require.Equal(t, limited, o.(map[string]any)["responses"].(map[string]any)["429"] != nil, "%s says whether it is bounded", name)
			if free {
				require.Positive(t, bounded[name], "%s needs no session: give it a line in attempts", name)
			}
		}
	}
}

// tryLeak tries what needs no session and is bounded, and fails for another
// reason if it may be tried.
func (h *house) tryLeak(t *testing.T, from string) reply {
	t.Helper()
	return h.call(t, "", "POST", "/api/leaked-keys", `[{"token":"x"}]`, func(r *http.Request) { r.RemoteAddr = from })
}

func TestAttempts(t *testing.T) {
	t.Parallel()
	const there = "198.51.100.4:1234"
	h := build(t)
	burst := api.Bounded()["POST /api/leaked-keys"]
	for range burst {
		problem(t, h.tryLeak(t, there), http.StatusUnauthorized, "report_not_signed")
	}
	for n := range 3 {
		r := h.tryLeak(t, fmt.Sprint("198.51.100.4:", n)) // another port is no other party
		p := problem(t, r, http.StatusTooManyRequests, "rate_limited")
		require.Equal(t, "1", r.Header.Get("Retry-After"))
		require.NotEmpty(t, p.NextStep)
		require.NotContains(t, r.text, "198.51")
	}
	problem(t, h.tryLeak(t, "198.51.100.5:1"), http.StatusUnauthorized, "report_not_signed")

	require.Len(t, h.refusals.list, 3)
	e := h.refusals.list[0]
	require.Equal(t, audit.GateDenied, e.Kind)
	require.Equal(t, audit.ActorUnknown, e.Actor.Kind)
	require.Equal(t, "rate_limited", e.Reason)
	require.Equal(t, "leak_report", e.Subject)
	require.NotEmpty(t, e.Request)
	require.Empty(t, e.Account)
	require.Equal(t, "198.51.100.4", h.refusals.from[0].String(), "to tell networks apart")

	h.now = h.now.Add(time.Second)
	problem(t, h.tryLeak(t, there), http.StatusUnauthorized, "report_not_signed")
	problem(t, h.tryLeak(t, there), http.StatusTooManyRequests, "rate_limited")
	require.Equal(t, http.StatusOK, h.call(t, h.admin, "GET", "/api/me", "", func(r *http.Request) { r.RemoteAddr = there }).StatusCode, "the rest goes on")
}

// Who cannot be counted is not let in.
func TestAttempts_storeFails(t *testing.T) {
	t.Parallel()
	h := build(t)
	for err, want := range map[error]int{
		store.ErrUnavailable: http.StatusServiceUnavailable, errors.New("SECRET"): http.StatusInternalServerError, limits.ErrRule: http.StatusInternalServerError,
	} {
		h.attempts.err = err
		r := h.tryLeak(t, "198.51.100.4:1")
		require.Equal(t, want, r.StatusCode, r.text)
		require.NotContains(t, r.text, "SECRET")
		require.Equal(t, want == http.StatusServiceUnavailable, r.Header.Get("Retry-After") != "")
	}
	require.Equal(t, http.StatusOK, h.call(t, h.admin, "GET", "/api/me", "").StatusCode)
}

func TestParty(t *testing.T) {
	t.Parallel()
	for a, want := range map[string]string{
		"192.0.2.1": "192.0.2.1/32", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64", "2001:db8:1:2::": "2001:db8:1:2::/64",
	} {
		require.Equal(t, want, api.Party(netip.MustParseAddr(a)))
	}
	require.NotEqual(t, api.Party(netip.Addr{}), api.Party(netip.MustParseAddr("0.0.0.0")))
}
