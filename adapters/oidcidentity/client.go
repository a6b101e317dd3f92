package oidcidentity

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	maxAnswer    = 1 << 20 // bytes of any answer of the provider
	maxHead      = 32 << 10
	connectLimit = 3 * time.Second
	// keysAgain is how soon the provider is asked for its keys again at the
	// earliest: whoever sends tokens with unknown key IDs must not make us ask
	// each time.
	keysAgain = 5 * time.Second
)

var (
	errTooLarge = errors.New("the answer is larger than 1 MiB")
	errAddress  = errors.New("an address that no provider may point to")
)

// newClient returns a client that follows no redirect, waits and reads within
// limits, and reaches inner addresses only where the issuer itself is.
func newClient(issuer *url.URL, timeout time.Duration) *http.Client {
	transport := &http.Transport{
		DialContext:            dialer(issuer.Hostname()),
		TLSHandshakeTimeout:    connectLimit,
		MaxResponseHeaderBytes: maxHead,
		MaxIdleConnsPerHost:    4,
		IdleConnTimeout:        30 * time.Second,
		DisableCompression:     true, // an answer that unpacks to more than it is would pass the limit
		ForceAttemptHTTP2:      true,
	}
	return &http.Client{
		Transport:     limited{transport},
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// dialer connects. Discovery may name other hosts than the issuer's; those must
// not be this machine or a cloud's metadata service.
func dialer(issuer string) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		d := net.Dialer{Timeout: connectLimit}
		if host, _, err := net.SplitHostPort(address); err != nil || !strings.EqualFold(host, issuer) {
			d.Control = func(_, resolved string, _ syscall.RawConn) error {
				at, err := netip.ParseAddrPort(resolved)
				if err != nil || denied(at.Addr()) {
					return errAddress
				}
				return nil
			}
		}
		return d.DialContext(ctx, network, address)
	}
}

// metadata services that no range below holds: Alibaba, Azure, Oracle, AWS by IPv6.
var metadata = []netip.Addr{
	netip.MustParseAddr("100.100.100.200"), netip.MustParseAddr("168.63.129.16"),
	netip.MustParseAddr("192.0.0.192"), netip.MustParseAddr("fd00:ec2::254"),
}

// embedding are prefixes whose addresses hold an IPv4 address at the end.
var embedding = netip.MustParsePrefix("64:ff9b::/96")

func denied(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if embedding.Contains(a) {
		b := a.As16()
		a = netip.AddrFrom4([4]byte(b[12:]))
	}
	for _, m := range metadata {
		if a == m {
			return true
		}
	}
	return a.IsLoopback() || a.IsUnspecified() || a.IsLinkLocalUnicast() || a.IsMulticast() || a.Is4() && a.As4()[0] == 0
}

// limited cuts answers that are too large, with an error.
type limited struct{ next *http.Transport }

func (l limited) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := l.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	res.Body = &capped{ReadCloser: res.Body, left: maxAnswer}
	return res, nil
}

// CloseIdleConnections lets http.Client reach the transport's own.
func (l limited) CloseIdleConnections() { l.next.CloseIdleConnections() }

type capped struct {
	io.ReadCloser
	left int
}

func (c *capped) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p[:min(len(p), c.left+1)])
	if n > c.left {
		return c.left, errTooLarge
	}
	c.left -= n
	return n, err
}

// keyTransport fetches one provider's keys. What is not a JSON document is an
// error of the transport, so that it is told from a key that is not there; and
// an answer stands for a while.
type keyTransport struct {
	next http.RoundTripper
	now  func() time.Time

	mu   sync.Mutex
	body []byte
	at   time.Time
}

func (k *keyTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.body == nil || k.now().Sub(k.at) >= keysAgain {
		body, err := k.fetch(r)
		if err != nil {
			return nil, err
		}
		k.body, k.at = body, k.now()
	}
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(k.body)), ContentLength: int64(len(k.body)),
	}, nil
}

func (k *keyTransport) fetch(r *http.Request) ([]byte, error) {
	res, err := k.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", res.StatusCode)
	}
	body, err := io.ReadAll(res.Body)
	if err == nil && !json.Valid(body) {
		err = errors.New("no JSON")
	}
	return body, err
}
