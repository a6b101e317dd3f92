package openaiupstream

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/openaiupstream/http1"
	"github.com/archibot/archibotchat/core/fault"
	core "github.com/archibot/archibotchat/core/inference"
	"github.com/archibot/archibotchat/ports/inference"
)

// secure starts a server behind TLS, and returns an upstream that trusts it.
func secure(t *testing.T, protocols ...string) *Upstream {
	t.Helper()
	h := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.ProtoMajor != 1 {
			w.WriteHeader(http.StatusHTTPVersionNotSupported)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = w.Write(body)
		if r.Header.Get("X-Request-Id") == "cut" {
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
	}))
	h.EnableHTTP2 = true
	h.TLS = &tls.Config{MinVersion: tls.VersionTLS12, GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		// Asked anew, because net/http adds HTTP/1.1 to what it is given.
		return &tls.Config{Certificates: h.TLS.Certificates, NextProtos: protocols, MinVersion: tls.VersionTLS12}, nil
	}}
	h.StartTLS()
	t.Cleanup(h.Close)
	u, err := New(Config{Name: "tls", BaseURL: h.URL + "/v1", Key: plainKey})
	require.NoError(t, err)
	t.Cleanup(u.Close)

	_, err = u.Do(t.Context(), ask("untrusted", "{}"))
	require.Equal(t, "upstream_unavailable", fault.CodeOf(err), "the certificate is not to be trusted")

	base, err := url.Parse(u.cfg.BaseURL)
	require.NoError(t, err)
	cfg := clientConfig(u.cfg, base)
	cfg.TLS.RootCAs = x509.NewCertPool()
	cfg.TLS.RootCAs.AddCert(h.Certificate())
	u.client = http1.New(cfg)
	t.Cleanup(u.client.Close)
	return u
}

func ask(id, body string) *inference.Request {
	return &inference.Request{Route: core.Responses, RequestID: id, Stream: true, Body: []byte(body)}
}

func TestUpstream_TLS(t *testing.T) {
	t.Parallel()
	u := secure(t, "h2", "http/1.1")
	for _, body := range []string{"data: 1\n\n", strings.Repeat("x", 40<<10), strings.Repeat("x", 4<<20)} {
		res, err := u.Do(t.Context(), ask("whole", body))
		require.NoError(t, err)
		read, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.Equal(t, body, string(read))
		require.NoError(t, res.Body.Close())
	}
	res, err := u.Do(t.Context(), ask("cut", "data: 1\n\n"))
	require.NoError(t, err)
	_, err = io.ReadAll(res.Body)
	require.Equal(t, "upstream_cut", fault.CodeOf(err))
	require.NoError(t, res.Body.Close())
}

// An upstream that offers no HTTP/1.1 is a matter of configuration, and said so.
// It is not h2 here, because crypto/tls lets HTTP/1.1 in where only that is offered.
func TestUpstream_TLS_noHTTP1(t *testing.T) {
	t.Parallel()
	_, err := secure(t, "spdy/3").Do(t.Context(), ask("whole", "{}"))
	require.Equal(t, "upstream_unavailable", fault.CodeOf(err))
	require.ErrorContains(t, err, "no application protocol")
}

func TestUpstream_RequestID(t *testing.T) {
	t.Parallel()
	u, err := New(Config{Name: "none", BaseURL: "http://127.0.0.1:1/v1", Key: plainKey})
	require.NoError(t, err)
	for _, id := range []string{"a\r\nX: y", "a b", "ä"} {
		_, err := u.Do(t.Context(), ask(id, "{}"))
		require.Equal(t, fault.Internal, fault.KindOf(err), "%q must not reach the wire", id)
	}
}

func TestUpstream_addresses(t *testing.T) {
	t.Parallel()
	for address, want := range map[string][3]string{
		"http://far/v1":                   {"far", "far:80", "/v1/models"},
		"https://far/v1":                  {"far", "far:443", "/v1/models"},
		"https://far:8443/a%2Fb/v1":       {"far:8443", "far:8443", "/a%2Fb/v1/models"},
		"http://[::1]/v1":                 {"[::1]", "[::1]:80", "/v1/models"},
		"http://[fe80::1%25lo]:8080/x/v1": {"[fe80::1]:8080", "[fe80::1%lo]:8080", "/x/v1/models"},
	} {
		u, err := New(Config{Name: "x", BaseURL: address, Key: plainKey})
		require.NoError(t, err)
		require.Contains(t, string(u.list), "\r\nHost: "+want[0]+"\r\n")
		require.True(t, strings.HasPrefix(string(u.list), "GET "+want[2]+" HTTP/1.1\r\n"), string(u.list[:40]))
		base, err := url.Parse(address)
		require.NoError(t, err)
		require.Equal(t, want[1], clientConfig(u.cfg, base).Address)
	}
	require.ErrorContains(t, Config{Name: "x", BaseURL: "http://fär/v1", Key: plainKey}.Validate(), "xn--")
}
