//go:build e2e

package doors_test

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/e2e/harness"
)

// The proxies that are trusted, as the address of their end of a connection,
// and somebody else on the way, who is not.
const (
	trustedPeer = "127.0.0.2"
	otherPeer   = "127.0.0.3"
	publicHost  = "chat.example.com"
)

// by calls a server from an address of this machine, with these headers as they
// are written.
func by(t *testing.T, peer string, replica *harness.Replica, method, path, body string, header http.Header) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, replica.Root+path, strings.NewReader(body))
	require.NoError(t, err)
	r.Host = publicHost
	for name, values := range header {
		if name == "Host" {
			r.Host = values[0]
			continue
		}
		r.Header[name] = values
	}
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(peer)}}
	c := &http.Client{
		Transport:     &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := c.Do(r)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return answer{response.StatusCode, response.Header, string(text), response.Header.Get("X-Request-Id"), nil}
}

// with returns headers with a key.
func with(key string, header http.Header) http.Header {
	h := header.Clone()
	if h == nil {
		h = http.Header{}
	}
	h["Authorization"] = []string{"Bearer " + key}
	return h
}

// claims are the ways to say that one is at an address, through a proxy that
// adds nothing of its own and is not trusted to.
func claims(address string) map[string]http.Header {
	return map[string]http.Header{
		"X-Forwarded-For":          {"X-Forwarded-For": {address}},
		"X-Forwarded-For, a chain": {"X-Forwarded-For": {address + ", " + trustedPeer}},
		"X-Forwarded-For, twice":   {"X-Forwarded-For": {address, trustedPeer}},
		"Forwarded":                {"Forwarded": {"for=" + address + ";proto=https;host=" + publicHost}},
		"both":                     {"X-Forwarded-For": {address}, "Forwarded": {"for=" + address}},
		"X-Real-IP":                {"X-Real-Ip": {address}},
		"other names":              {"True-Client-Ip": {address}, "Cf-Connecting-Ip": {address}, "X-Client-Ip": {address}, "X-Cluster-Client-Ip": {address}, "Fastly-Client-Ip": {address}, "X-Originating-Ip": {address}, "X-Remote-Addr": {address}},
		"underscores":              {"X_Forwarded_For": {address}, "X_FORWARDED_FOR": {address}, "X-Forwarded_For": {address}, "X_Real_IP": {address}, "Remote_Addr": {address}},
		"Host":                     {"Host": {address}, "X-Forwarded-Host": {address}, "X-Forwarded-Server": {address}},
	}
}

// SECURITY, proxies: where a request came from is told by the connection and by
// trusted proxies, never by its sender; what the service is called is told by
// its configuration.
func TestProxies(t *testing.T) {
	harness.Each(t, func(t *testing.T, db harness.Database) {
		site := harness.NewSite(t, db, harness.Options{Variables: map[string]string{
			"ARCHIBOT_TRUSTED_PROXIES": trustedPeer + "/32", "ARCHIBOT_PUBLIC_URL": "https://" + publicHost,
		}})
		replica := site.Start(t)
		account := site.Account(t, harness.NewAccount{Credits: harness.Credit}).ID
		t.Run("key networks", func(t *testing.T) { proxiedNetworks(t, site, replica, account) })
		t.Run("refusals fold", func(t *testing.T) { proxiedRefusals(t, db.Open(t), replica) })
		t.Run("attempts", func(t *testing.T) { proxiedAttempts(t, site, replica) })
		t.Run("names", func(t *testing.T) { proxiedNames(t, replica, site.Key(t, account).Key) })
	})
}

// K7: no header opens a key that is narrowed to a network.
func proxiedNetworks(t *testing.T, site *harness.Site, replica *harness.Replica, account string) {
	key := site.Key(t, account, "--networks", "203.0.113.0/24,2001:db8:7::/48").Key
	get := func(peer string, header http.Header) int {
		return by(t, peer, replica, http.MethodGet, "/v1/models", "", with(key, header)).status
	}
	for name, header := range claims("203.0.113.9") {
		require.Equal(t, http.StatusUnauthorized, get("127.0.0.1", header), name)
		require.Equal(t, http.StatusUnauthorized, get(otherPeer, header), name)
	}
	for text, status := range map[string]int{
		"203.0.113.9": 200, "203.0.113.9:4711": 200, "2001:db8:7::1": 200, "[2001:db8:7::1]:443": 200, "::ffff:203.0.113.9": 200,
		"1.1.1.1, 203.0.113.9": 200, "203.0.113.9, " + trustedPeer: 200, "rubbish, 203.0.113.9": 200,
		"": 401, "198.51.100.4": 401, "203.0.113.9, 198.51.100.4": 401, "203.0.113.9, unknown": 401, "203.0.113.9, " + otherPeer: 401,
		"203.0.113.9, 198.51.100.4, " + trustedPeer: 401, "2001:db8:8::1": 401, "203.0.113.0/24": 401, "203.0.113.009": 401, trustedPeer: 401,
	} {
		require.Equal(t, status, get(trustedPeer, http.Header{"X-Forwarded-For": {text}}), "X-Forwarded-For: %s", text)
	}
	for text, status := range map[string]int{
		`for=203.0.113.9;proto=https`: 200, `for="[2001:db8:7::1]:443"`: 200, `for=1.1.1.1, for="203.0.113.9:80";by=_x`: 200,
		`for=203.0.113.9, for=198.51.100.4`: 401, `for=203.0.113.9, for=_hidden`: 401, `for="203.0.113.9, for=198.51.100.4`: 401, `for=203.0.113.9;for=203.0.113.9`: 401,
	} {
		require.Equal(t, status, get(trustedPeer, http.Header{"Forwarded": {text}}), "Forwarded: %s", text)
	}
	// A proxy that writes one of them lets the other through.
	require.Equal(t, http.StatusUnauthorized, get(trustedPeer, http.Header{"X-Forwarded-For": {"198.51.100.4"}, "Forwarded": {"for=203.0.113.9"}}))
	require.Equal(t, http.StatusUnauthorized, get(trustedPeer, http.Header{"X-Forwarded-For": {"203.0.113.9"}, "Forwarded": {"for=198.51.100.4"}}))
	require.Equal(t, http.StatusUnauthorized, get(trustedPeer, http.Header{"X_Forwarded_For": {"203.0.113.9"}}), "underscores")
}

// Refusals of strangers are folded by network: nobody makes an event of each of
// theirs by claiming to be many.
func proxiedRefusals(t *testing.T, db *sql.DB, replica *harness.Replica) {
	unknown := keys.Mint([keys.EntropyLen]byte{7}).Reveal()
	before := harness.Count(t, db, "all_events", "reason = 'key_unknown'")
	refused := func(peer, claimed string) string {
		a := by(t, peer, replica, http.MethodGet, "/v1/models", "", with(unknown, http.Header{"X-Forwarded-For": {claimed}}))
		require.Equal(t, http.StatusUnauthorized, a.status)
		return a.request
	}
	for n := range 30 {
		refused(otherPeer, fmt.Sprintf("203.0.%d.9", n))
	}
	for n := range 3 { // clients of the proxy are told apart
		refused(trustedPeer, fmt.Sprintf("198.51.%d.4", n))
	}
	last := refused(trustedPeer, "192.0.2.1, 198.18.0.1")
	harness.Eventually(t, time.Minute, "the last refusal's event is there", func() error {
		if harness.Count(t, db, "all_events", "request_id = $1", last) != 1 {
			return fmt.Errorf("no event of %s yet", last)
		}
		return nil
	})
	// One for the many claims, one for each of four clients; the ends of folds
	// bear no request and may come meanwhile.
	require.EqualValues(t, 5, harness.Count(t, db, "all_events", "reason = 'key_unknown' AND request_id <> ''")-before)
	require.Zero(t, harness.Count(t, db, "all_events", "subject LIKE '203.%' OR subject LIKE '198.%'"), "addresses are not kept")
}

// What is tried again and again is counted by the client, over all servers.
func proxiedAttempts(t *testing.T, site *harness.Site, replica *harness.Replica) {
	servers := []*harness.Replica{replica}
	if site.Database.Kind == harness.Postgres {
		servers = append(servers, site.Start(t))
	}
	try := func(server *harness.Replica, peer string, header http.Header) answer {
		h := header.Clone()
		h["Content-Type"] = []string{"application/json"}
		return by(t, peer, server, http.MethodPost, "/api/leaked-keys", `[{"token":"x"}]`, h)
	}
	xff := func(text string) http.Header { return http.Header{"X-Forwarded-For": {text}} }
	exhaust := func(peer string, header func(n int) http.Header) answer {
		for n := range 1000 {
			if a := try(servers[n%len(servers)], peer, header(n)); a.status != http.StatusUnauthorized {
				return a
			}
		}
		t.Fatal("never too often")
		return answer{}
	}
	a := exhaust(otherPeer, func(n int) http.Header { return xff(fmt.Sprintf("203.0.113.%d", n%256)) })
	require.Equal(t, http.StatusTooManyRequests, a.status, a.body)
	require.Equal(t, "rate_limited", a.code())
	require.NotEmpty(t, a.header.Get("Retry-After"))
	others := claims("192.0.2.77")
	delete(others, "Host")             // which is refused before anything is counted
	for name, header := range others { // as often as it takes: one attempt a second flows back
		require.Equal(t, http.StatusTooManyRequests, exhaust(otherPeer, func(int) http.Header { return header }).status, name)
	}

	require.Equal(t, http.StatusUnauthorized, try(replica, trustedPeer, xff("203.0.113.1")).status, "another client")
	a = exhaust(trustedPeer, func(n int) http.Header { return xff(fmt.Sprintf("10.0.0.%d, 203.0.113.2", n%256)) })
	require.Equal(t, http.StatusTooManyRequests, a.status, a.body)
	require.Equal(t, http.StatusUnauthorized, try(replica, trustedPeer, xff("203.0.113.3")).status, "its neighbour")
	a = exhaust(trustedPeer, func(n int) http.Header { return xff(fmt.Sprintf("2001:db8:9:9::%x", n+1)) })
	require.Equal(t, http.StatusTooManyRequests, a.status, "64 bits of IPv6 are one party")
	require.Equal(t, http.StatusUnauthorized, try(replica, trustedPeer, xff("2001:db8:9:a::1")).status)
}

// Browsers get answers under the configured name alone, whatever a request says
// that it was asked for.
func proxiedNames(t *testing.T, replica *harness.Replica, key string) {
	get := func(path string, header http.Header) answer {
		return by(t, trustedPeer, replica, http.MethodGet, path, "", header)
	}
	for _, said := range []http.Header{
		{},
		{"X-Forwarded-Host": {publicHost}},
		{"Forwarded": {"host=" + publicHost + ";proto=https;for=198.51.100.4"}},
		{"X-Host": {publicHost}, "X-Original-Host": {publicHost}, "X-Forwarded-Server": {publicHost}},
		{"X_Forwarded_Host": {publicHost}},
		{"X-Rewrite-Url": {"/healthz"}, "X-Original-Url": {"/healthz"}},
	} {
		for _, host := range []string{"evil.example", "127.0.0.1", publicHost + ".evil.example", publicHost + ":8443", publicHost + "."} {
			h := said.Clone()
			h["Host"] = []string{host}
			for _, path := range []string{"/", "/api/me", "/api/none", "/auth/none/start", "/auth/local/none", "/none"} {
				a := get(path, h)
				require.Equal(t, http.StatusMisdirectedRequest, a.status, "%s at %s", path, host)
				require.Equal(t, "misdirected_request", a.code())
				require.NotContains(t, a.body, "evil.") // its ID has no dot
			}
			require.Equal(t, http.StatusOK, get("/healthz", h).status)
			require.Equal(t, http.StatusOK, get("/v1/models", with(key, h)).status)
		}
	}
	for _, said := range []http.Header{
		{},
		{"X-Forwarded-Host": {"evil.example"}},
		{"X-Forwarded-Proto": {"http"}},
		{"X-Forwarded-Proto": {"http"}, "X-Forwarded-Port": {"80"}, "X-Forwarded-Ssl": {"off"}, "Front-End-Https": {"off"}},
		{"Forwarded": {"for=198.51.100.4;host=evil.example;proto=http"}},
		{"X-Forwarded-Prefix": {"/evil"}, "X-Forwarded-Path": {"/evil"}, "X-Script-Name": {"/evil"}},
	} {
		a := get("/api/me", said)
		require.Equal(t, http.StatusUnauthorized, a.status)
		require.Equal(t, "not_signed_in", a.code())
		require.NotEmpty(t, a.header.Get("Strict-Transport-Security"), "by the public URL")
		require.NotContains(t, fmt.Sprint(a.header, a.body), "evil.")
		require.Equal(t, http.StatusOK, get("/", said).status)
	}
	for request, status := range map[string]int{
		"GET https://evil.example/api/me HTTP/1.1\r\nHost: " + publicHost + "\r\n\r\n":   http.StatusMisdirectedRequest, // the target counts (RFC 9112, 3.2.2)
		"GET https://" + publicHost + "/api/me HTTP/1.1\r\nHost: evil.example\r\n\r\n":   http.StatusUnauthorized,
		"GET /api/me HTTP/1.1\r\nHost: " + publicHost + "\r\nHost: evil.example\r\n\r\n": http.StatusBadRequest,
		"GET /api/me HTTP/1.1\r\nHost: evil.example\r\nHost: " + publicHost + "\r\n\r\n": http.StatusBadRequest,
		"GET /api/me HTTP/1.1\r\n\r\n":                                                                 http.StatusBadRequest,
		"GET /api/me HTTP/1.0\r\n\r\n":                                                                 http.StatusMisdirectedRequest,
		"GET /api/me HTTP/1.1\r\nHost: " + publicHost + ", evil.example\r\n\r\n":                       http.StatusBadRequest,
		"GET /api/me HTTP/1.1\r\nHost: " + publicHost + "\r\n X-Forwarded-For: 203.0.113.9\r\n\r\n":    http.StatusBadRequest, // a folded line
		"GET /api/me HTTP/1.1\r\nHost : " + publicHost + "\r\n\r\n":                                    http.StatusBadRequest,
		"GET /api/me HTTP/1.1\r\nHost: " + publicHost + "\r\nX-Forwarded-For : 203.0.113.9\r\n\r\n":    http.StatusBadRequest,
		"GET /api/me HTTP/1.1\r\nHost: " + publicHost + "\r\nX-Forwarded-For: 203.0.113.9\x00\r\n\r\n": http.StatusBadRequest,
	} {
		require.Equal(t, status, rawStatus(t, replica, request), "%q", request)
	}
}

// rawStatus sends bytes as they are and returns the status of the answer.
func rawStatus(t *testing.T, replica *harness.Replica, request string) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", strings.TrimPrefix(replica.Root, "http://"))
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	deadline, _ := ctx.Deadline()
	require.NoError(t, conn.SetDeadline(deadline))
	_, err = io.WriteString(conn, request)
	require.NoError(t, err)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	_ = response.Body.Close()
	return response.StatusCode
}
