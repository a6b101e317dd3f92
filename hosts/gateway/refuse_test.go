package gateway_test

import (
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/system"
	"github.com/archibot/archibotchat/core"
	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/billing"
	"github.com/archibot/archibotchat/core/gates"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/hosts/gateway"
	"github.com/archibot/archibotchat/ports/store"
)

const completions = "/v1/chat/completions"

// Every unusable key gets one and the same answer, byte for byte.
func TestGateway_unusableKey(t *testing.T) { // G6, K1, W2
	s := newSite(t, options{})
	s.account("acct_closed", func(a *store.Account) { a.Status = access.StatusClosed })
	revoked := s.key(account, func(k *keys.Key) { k.RevokedAt = system.Now() })
	expired := s.key(account, func(k *keys.Key) { k.ExpiresAt = system.Now().Add(-time.Second) })
	good := "Bearer " + s.token
	want := ""
	for name, h := range map[string]http.Header{
		"none":           {},
		"empty":          {"Authorization": {""}},
		"malformed":      {"Authorization": {"Bearer abk_x"}},
		"unknown":        {"Authorization": {"Bearer " + keys.Mint([32]byte{99}).Reveal()}},
		"revoked":        {"Authorization": {"Bearer " + revoked}},
		"expired":        {"Authorization": {"Bearer " + expired}},
		"elsewhere":      {"Authorization": {"Bearer " + s.key(account, func(k *keys.Key) { k.Networks = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} })}},
		"closed":         {"Authorization": {"Bearer " + s.key("acct_closed", func(*keys.Key) {})}},
		"two headers":    {"Authorization": {good, good}},
		"two in one":     {"Authorization": {good + ", " + good}},
		"Basic":          {"Authorization": {"Basic " + s.token}},
		"no scheme":      {"Authorization": {s.token}},
		"two spaces":     {"Authorization": {"Bearer  " + s.token}},
		"tab":            {"Authorization": {"Bearer\t" + s.token}},
		"truncated":      {"Authorization": {good[:len(good)-1]}},
		"extended":       {"Authorization": {good + "0"}},
		"zero width":     {"Authorization": {good[:20] + "\u200b" + good[20:]}},
		"full width":     {"Authorization": {strings.Replace(good, "abk", "ａbk", 1)}},
		"cookie":         {"Cookie": {"Authorization=" + s.token + "; token=" + s.token}},
		"X-Api-Key":      {"X-Api-Key": {s.token}},
		"Api-Key":        {"Api-Key": {s.token}},
		"proxy":          {"Proxy-Authorization": {good}},
		"900 KB":         {"Authorization": {"Bearer " + strings.Repeat("a", 900<<10)}},
		"upstream's own": {"Authorization": {"Bearer " + upstreamKey}},
	} {
		r := s.send(http.MethodPost, completions, chat("test", ""), h)
		r.refused(http.StatusUnauthorized, "invalid_api_key")
		if want == "" {
			want = r.body
		}
		require.Equal(t, want, r.body, name)
		require.Empty(t, r.header.Get("Retry-After"))
	}
	for _, path := range []string{completions + "?api_key=" + s.token, completions + "?access_token=" + s.token, completions + "?key=" + s.token} {
		s.send(http.MethodPost, path, chat("test", ""), http.Header{}).refused(http.StatusUnauthorized, "invalid_api_key")
	}
	s.untouched()
	for _, token := range []string{revoked, expired} {
		require.NotContains(t, s.log.String(), token)
	}
}

func TestGateway_gateClosed(t *testing.T) { // G2, DECISIONS' table: 403, code = reason
	for reason, c := range map[gates.Reason]struct {
		account func(a *store.Account)
		deps    func(d *core.Deps)
	}{
		gates.AccountPending:         {account: func(a *store.Account) { a.Status = access.StatusPending }},
		gates.AccountSuspended:       {account: func(a *store.Account) { a.Status = access.StatusSuspended }},
		gates.NoProductGroup:         {account: func(a *store.Account) { a.Groups = access.NewGroups(access.GroupChat) }},
		gates.AreaDisabled:           {deps: func(d *core.Deps) { d.Areas = access.NewGroups(access.GroupChat) }},
		gates.BillingIncomplete:      {account: func(a *store.Account) { a.Billing = billing.Incomplete }},
		gates.PaymentReview:          {account: func(a *store.Account) { a.Billing = billing.Review }},
		gates.BoundaryUnacknowledged: {deps: func(d *core.Deps) { d.Boundary = gates.BoundaryMissing }},
	} {
		t.Run(string(reason), func(t *testing.T) {
			s := newSite(t, options{deps: c.deps})
			s.account("acct_2", func(a *store.Account) {
				if c.account != nil {
					c.account(a)
				}
			})
			s.token = s.key("acct_2", func(*keys.Key) {})
			for _, r := range []reply{s.do(http.MethodPost, completions, chat("test", "")), s.do(http.MethodGet, "/v1/models", "")} {
				r.refused(http.StatusForbidden, string(reason))
				require.Contains(t, r.body, reason.NextStep())
			}
			s.untouched()
		})
	}
}

func TestGateway_scope(t *testing.T) { // K7
	s := newSite(t, options{})
	s.token = s.key(account, func(k *keys.Key) { k.Scopes = []keys.Scope{keys.ScopeModels} })
	s.do(http.MethodPost, completions, chat("test", "")).refused(http.StatusForbidden, "insufficient_scope")
	require.Equal(t, http.StatusOK, s.do(http.MethodGet, "/v1/models", "").status)
	s.untouched()
}

func TestGateway_modelUnknown(t *testing.T) { // L13
	s := newSite(t, options{})
	narrow := s.key(account, func(k *keys.Key) { k.Models = []string{"test-large"} })
	for _, r := range []reply{
		s.do(http.MethodPost, completions, chat("gpt-unpriced", "")),
		s.do(http.MethodPost, completions, chat("test*", "")),
		s.do(http.MethodGet, "/v1/models/gpt-unpriced", ""),
		s.do(http.MethodGet, "/v1/models/..%2f..%2fetc", ""),
		s.send(http.MethodPost, completions, chat("test", ""), http.Header{"Authorization": {"Bearer " + narrow}}),
	} {
		r.refused(http.StatusNotFound, "model_not_found")
		require.Contains(t, r.body, `"param":"model"`)
	}
	s.untouched()
}

func TestGateway_noCredits(t *testing.T) { // L6
	s := newSite(t, options{})
	for _, body := range []string{chat("test", `,"n":128,"max_completion_tokens":1000000`), chat("test", `,"max_completion_tokens":9223372036854775807`)} {
		r := s.do(http.MethodPost, completions, body)
		r.refused(http.StatusTooManyRequests, "insufficient_quota")
		require.Equal(t, "false", r.header.Get("X-Should-Retry"))
		require.Contains(t, r.body, `"type":"insufficient_quota"`)
	}
	s.untouched()
	require.Equal(t, http.StatusOK, s.do(http.MethodGet, "/v1/models", "").status, "lists are free")
}

func TestGateway_storeAway(t *testing.T) { // G3
	var counted atomic.Int64
	s := newSite(t, options{gateway: func(c *gateway.Config) {
		c.Unavailable = func(code, part string) {
			assert.Equal(t, "store_unavailable keys", code+" "+part)
			counted.Add(1)
		}
	}})
	s.db.down.Store(true)
	r := s.do(http.MethodPost, completions, chat("test", ""))
	r.refused(http.StatusServiceUnavailable, "store_unavailable")
	require.NotEmpty(t, r.header.Get("Retry-After"))
	require.EqualValues(t, 1, counted.Load())
	require.Contains(t, s.log.String(), "requests are refused: the service is unavailable")
	require.Contains(t, s.log.String(), "look up a key: not found out in 5s")
	s.db.down.Store(false)
	s.untouched()
}

func TestGateway_upstreamRefuses(t *testing.T) { // L7, DECISIONS' table
	s := newSite(t, options{})
	for model, c := range map[string]struct {
		status int
		code   string // "": the upstream's own
	}{
		"test-err400": {400, ""}, "test-err404": {404, ""}, "test-err413": {413, ""}, "test-err422": {422, ""},
		"test-err401": {502, "upstream_unavailable"}, "test-err403": {502, "upstream_unavailable"}, "test-err409": {502, "upstream_unavailable"},
		"test-err429": {429, "upstream_rate_limited"},
		"test-err500": {502, "upstream_unavailable"}, "test-err503": {502, "upstream_unavailable"}, "test-err504": {502, "upstream_unavailable"},
		"test-redirect": {502, "upstream_unavailable"}, "test-html": {502, "upstream_invalid"}, "test-malformed": {502, "upstream_invalid"},
		"test-cut": {502, "upstream_cut"}, "test-reset": {502, "upstream_cut"},
		"test-hang": {504, "upstream_timeout"},
	} {
		for _, more := range []string{"", "-leakkey"} {
			if more != "" && !strings.Contains(model, "err") {
				continue
			}
			r := s.do(http.MethodPost, completions, chat(model+more, ""))
			require.Equal(t, c.status, r.status, model)
			if c.code != "" {
				r.refused(c.status, c.code)
			}
			require.NotContains(t, r.body, upstreamKey)
			require.Contains(t, r.body, `{"error":{"message":`)
			require.Equal(t, c.status == 429, r.header.Get("Retry-After") != "", model)
		}
	}
	for _, h := range s.holds() {
		require.Equal(t, ledger.HoldReleased, h.Hold.State, h.Hold.Work.Model)
	}
	require.EqualValues(t, granted, s.balance().Available)
}

func TestGateway_notOffered(t *testing.T) { // W4
	s := newSite(t, options{})
	post := func(more string) reply {
		return s.do(http.MethodPost, "/v1/responses", `{"model":"test","input":"x"`+more+`}`)
	}
	post(`,"background":true`).refused(http.StatusBadRequest, "unsupported_value")
	for _, more := range []string{`,"previous_response_id":"resp_1"`, `,"conversation":"conv_1"`, `,"conversation":{"id":"conv_1"}`, `,"prompt":{"id":"pmpt_1"}`} {
		post(more).refused(http.StatusNotFound, "not_found")
	}
	s.untouched()
}

func TestGateway_busy(t *testing.T) { // W10
	s := newSite(t, options{gateway: func(c *gateway.Config) { c.MaxBusy = 1 }})
	conn := s.occupy()
	last := s.do(http.MethodGet, "/v1/models", "")
	last.refused(http.StatusServiceUnavailable, "overloaded")
	require.NotEmpty(t, last.header.Get("Retry-After"))
	require.NoError(t, conn.Close())
	require.Eventually(t, func() bool { return s.do(http.MethodGet, "/v1/models", "").status == http.StatusOK }, 10*time.Second, time.Millisecond)
}

// The true reason stands in the owner's Activity, under the answer's request ID.
func TestGateway_refusalsLeaveEvents(t *testing.T) { // G6, U2, HOTPATH 22
	s := newSite(t, options{})
	revoked := s.key(account, func(k *keys.Key) { k.RevokedAt = system.Now() })
	want := map[string]string{ // request → reason
		s.send(http.MethodPost, completions, chat("test", ""), http.Header{"Authorization": {"Bearer " + revoked}}).header.Get("X-Request-Id"): "key_revoked",
		s.do(http.MethodPost, completions, chat("unpriced", "")).header.Get("X-Request-Id"):                                                    "model_not_allowed",
		s.do(http.MethodPost, completions, chat("test", `,"n":128,"max_completion_tokens":100000`)).header.Get("X-Request-Id"):                 "credits_exhausted",
	}
	for request, reason := range want {
		require.Eventually(t, func() bool {
			es, err := s.db.Events().List(t.Context(), store.EventQuery{Account: account, Request: request})
			return err == nil && len(es) == 1 && es[0].Reason == reason && es[0].Key != ""
		}, 10*time.Second, 5*time.Millisecond, reason)
	}
	none := s.send(http.MethodPost, completions, "", http.Header{}).header.Get("X-Request-Id")
	require.Eventually(t, func() bool {
		es, err := s.db.Events().Unowned(t.Context(), store.Page{})
		return err == nil && len(es) == 2 && es[0].Request == none && es[0].Reason == "key_malformed" && es[1].Kind == audit.PricesPublished
	}, 10*time.Second, 5*time.Millisecond)
}

// One account cannot take every place there is.
func TestGateway_crowd(t *testing.T) { // W10, DECISIONS' table: rate
	s := newSite(t, options{gateway: func(c *gateway.Config) { c.MaxBusy, c.MaxCrowd = 8, 2 }})
	s.occupy()
	s.occupy()
	last := s.do(http.MethodGet, "/v1/models", "")
	last.refused(http.StatusTooManyRequests, "rate_limit_exceeded")
	require.Equal(t, "1", last.header.Get("Retry-After"))
	s.account("acct_2", func(*store.Account) {})
	other := http.Header{"Authorization": {"Bearer " + s.key("acct_2", func(*keys.Key) {})}}
	require.Equal(t, http.StatusOK, s.send(http.MethodGet, "/v1/models", "", other).status)
	s.srv.CloseClientConnections()
	require.Eventually(t, func() bool { return s.do(http.MethodGet, "/v1/models", "").status == http.StatusOK }, 10*time.Second, time.Millisecond)
}
