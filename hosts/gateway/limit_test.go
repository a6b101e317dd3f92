package gateway_test

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/system"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

func (s *site) limit(l ledger.Limit) {
	s.t.Helper()
	require.NoError(s.t, s.db.Limits().Set(s.t.Context(), account, l, system.Now()))
}

// A change is in force with the next request, although the key's snapshot is
// older: the hold is refused under its epoch (HOTPATH 20).
func TestGateway_changedMeanwhile(t *testing.T) {
	s := newSite(t, options{})
	for range 2 { // the second from a snapshot
		require.Equal(t, http.StatusOK, s.do(http.MethodPost, completions, chat("test", "")).status)
	}
	s.limit(ledger.Limit{Scope: account, Monthly: 1})
	r := s.do(http.MethodPost, completions, chat("test", ""))
	r.refused(http.StatusTooManyRequests, "insufficient_quota")
	require.Equal(t, "false", r.header.Get("X-Should-Retry"))
	require.Empty(t, r.header.Get("Retry-After"))

	s.limit(ledger.Limit{Scope: account, Monthly: granted})
	require.Equal(t, http.StatusOK, s.do(http.MethodPost, completions, chat("test", "")).status)
	list, err := s.db.Keys().List(t.Context(), account, store.Page{})
	require.NoError(t, err)
	_, err = s.db.Keys().Revoke(t.Context(), account, list[0].ID, system.Now(), "pat")
	require.NoError(t, err)
	s.do(http.MethodPost, completions, chat("test", "")).refused(http.StatusUnauthorized, "invalid_api_key")
	// Work may start before its hold for as long as a snapshot counts as fresh;
	// what the hold is then refused for is not delivered, and leaves no row.
	require.Len(t, s.holds(), 3)
}

func TestGateway_rateHeaders(t *testing.T) { // W3
	s := newSite(t, options{})
	plain := s.do(http.MethodPost, completions, chat("test", ""))
	for _, name := range rateHeaders {
		require.Empty(t, plain.header.Values(name), "a key without limits has none")
	}
	limited := s.key(account, func(*keys.Key) {})
	s.limit(ledger.Limit{Scope: "key_002", Requests: 2, Tokens: 60_000})
	send := func(body string) reply {
		return s.send(http.MethodPost, completions, body, http.Header{"Authorization": {"Bearer " + limited}})
	}
	first := send(chat("test", ""))
	require.Equal(t, http.StatusOK, first.status, first.body)
	require.Equal(t, "2", first.header.Get("X-Ratelimit-Limit-Requests"))
	require.Equal(t, "1", first.header.Get("X-Ratelimit-Remaining-Requests"))
	require.Equal(t, "30s", first.header.Get("X-Ratelimit-Reset-Requests"))
	require.Equal(t, "60000", first.header.Get("X-Ratelimit-Limit-Tokens"))
	estimate := len(chat("test", "")) + 100
	require.Equal(t, 60_000-estimate, number(t, first.header.Get("X-Ratelimit-Remaining-Tokens")))
	require.Equal(t, (time.Duration(estimate) * time.Millisecond).String(), first.header.Get("X-Ratelimit-Reset-Tokens"))

	stream := send(chat("test", `,"stream":true`))
	require.Equal(t, http.StatusOK, stream.status, stream.body)
	require.Equal(t, "0", stream.header.Get("X-Ratelimit-Remaining-Requests"), "on the head of a stream, too")
	reset, err := time.ParseDuration(stream.header.Get("X-Ratelimit-Reset-Requests"))
	require.NoError(t, err)
	require.InDelta(t, time.Minute, reset, float64(20*time.Second))

	r := send(chat("test", ""))
	r.refused(http.StatusTooManyRequests, "rate_limit_exceeded")
	require.Equal(t, "0", r.header.Get("X-Ratelimit-Remaining-Requests"))
	wait := number(t, r.header.Get("Retry-After"))
	require.Positive(t, wait)
	require.LessOrEqual(t, wait, 30)
	require.Equal(t, "true", r.header.Get("X-Should-Retry"))
	require.EqualValues(t, 3, s.up.Stats().Requests)
	for _, h := range []http.Header{plain.header, first.header, stream.header, r.header} {
		for name := range h {
			require.NotContains(t, name, "Upstream")
		}
	}
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	require.NoError(t, err)
	return n
}

var rateHeaders = []string{
	"X-Ratelimit-Limit-Requests", "X-Ratelimit-Remaining-Requests", "X-Ratelimit-Reset-Requests",
	"X-Ratelimit-Limit-Tokens", "X-Ratelimit-Remaining-Tokens", "X-Ratelimit-Reset-Tokens",
}
