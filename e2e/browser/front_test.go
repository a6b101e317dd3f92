//go:build e2e

package browser_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// host is what the site is called. The browser is told where that is.
const host = "chat.example.com"

// front is the proxy before the servers, as operators have one: it ends TLS and
// says in X-Forwarded-For who called. It keeps all that passes.
type front struct {
	recorder
	address string // host:port of its TLS end
	spki    string // of its certificate's key, as Chromium takes it
	inner   string // its end without TLS, for providers on this machine
	to      atomic.Pointer[[]*url.URL]
	plant   atomic.Pointer[func(*http.Response) error] // done to what is answered, if set
}

// which is the header by which a browser says which of the servers it means: in
// an ordinary site the proxy would decide.
const which = "X-Server"

func newFront(t *testing.T) *front {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), DNSNames: []string{host},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	require.NoError(t, err)
	sum := sha256.Sum256(public)

	f := &front{spki: base64.StdEncoding.EncodeToString(sum[:])}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		to := *f.to.Load()
		n, _ := strconv.Atoi(r.In.Header.Get(which)) // not said: the first
		r.SetURL(to[n%len(to)])
		r.SetXForwarded()
		r.Out.Host = host
		r.Out.Header.Del(which)
		if _, packed := r.Out.Header["Accept-Encoding"]; packed {
			r.Out.Header.Set("Accept-Encoding", "gzip") // what passes is searched later
		}
	}, ModifyResponse: func(response *http.Response) error {
		if plant := f.plant.Load(); plant != nil {
			if err := (*plant)(response); err != nil {
				return err
			}
		}
		return f.watch(response)
	}, ErrorLog: log.New(io.Discard, "", 0)} // servers end here on purpose
	outer := httptest.NewUnstartedServer(proxy)
	outer.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
	outer.StartTLS()
	t.Cleanup(outer.Close)
	inner := httptest.NewServer(proxy)
	t.Cleanup(inner.Close)
	f.address, f.inner = outer.Listener.Addr().String(), inner.URL
	return f
}

// lead says where the servers are.
func (f *front) lead(t *testing.T, roots ...string) {
	t.Helper()
	var all []*url.URL
	for _, root := range roots {
		to, err := url.Parse(root)
		require.NoError(t, err)
		_, _, err = net.SplitHostPort(to.Host)
		require.NoError(t, err)
		all = append(all, to)
	}
	f.to.Store(&all)
}
