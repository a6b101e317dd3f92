package openaiupstream

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/fault"
	core "github.com/archibot/archibotchat/core/inference"
	"github.com/archibot/archibotchat/ports/inference"
)

// Over TLS the transport speaks HTTP/2, with the same outcomes.
func TestUpstream_HTTP2(t *testing.T) {
	t.Parallel()
	h := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 {
			w.WriteHeader(http.StatusHTTPVersionNotSupported)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: 1\n\n")
		if r.Header.Get("X-Request-Id") == "cut" {
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
	}))
	h.EnableHTTP2 = true
	h.StartTLS()
	t.Cleanup(h.Close)
	u, err := New(Config{Name: "tls", BaseURL: h.URL + "/v1", Key: plainKey})
	require.NoError(t, err)
	t.Cleanup(u.Close)
	ask := func(id string) *inference.Request {
		return &inference.Request{Route: core.Responses, RequestID: id, Stream: true, Body: []byte("{}")}
	}

	_, err = u.Do(t.Context(), ask("untrusted"))
	require.Equal(t, "upstream_unavailable", fault.CodeOf(err), "the certificate is not to be trusted")

	roots := x509.NewCertPool()
	roots.AddCert(h.Certificate())
	u.transport = newTransport(u.cfg)
	u.transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	t.Cleanup(u.transport.CloseIdleConnections)

	res, err := u.Do(t.Context(), ask("whole"))
	require.NoError(t, err)
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.Equal(t, "data: 1\n\n", string(body))
	require.NoError(t, res.Body.Close())

	res, err = u.Do(t.Context(), ask("cut"))
	require.NoError(t, err)
	_, err = io.ReadAll(res.Body)
	require.Equal(t, "upstream_cut", fault.CodeOf(err))
	require.NoError(t, res.Body.Close())
}
