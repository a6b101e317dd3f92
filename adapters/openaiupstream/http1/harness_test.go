package http1

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server is a far side whose every byte is scripted.
type server struct {
	t       *testing.T
	address string
	conns   atomic.Int64
}

// serve starts a server that plays each connection by talk, with the
// connection's number, from 1. It ends with the test.
func serve(t *testing.T, talk func(n int64, c net.Conn)) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &server{t: t, address: l.Addr().String()}
	var talks sync.WaitGroup
	var mu sync.Mutex
	open := map[net.Conn]bool{}
	talks.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open[c] = true
			mu.Unlock()
			talks.Go(func() {
				talk(s.conns.Add(1), c)
				_ = c.Close()
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for c := range open {
			_ = c.Close()
		}
		mu.Unlock()
		talks.Wait()
	})
	return s
}

// client returns a client of s, closed with the test.
func (s *server) client(change func(*Config)) *Client {
	cfg := Config{
		Address: s.address, Keep: []string{"Content-Type", "X-Kept"},
		Connect: 10 * time.Second, Head: 10 * time.Second, Piece: 10 * time.Second, Idle: time.Minute, MaxIdle: 100,
	}
	if change != nil {
		change(&cfg)
	}
	c := New(cfg)
	s.t.Cleanup(c.Close)
	return c
}

// answers serves the same answer to every request.
func answers(t *testing.T, text string) *server {
	return serve(t, func(_ int64, c net.Conn) {
		r := bufio.NewReader(c)
		for take(r) != nil {
			if _, err := io.WriteString(c, text); err != nil {
				return
			}
		}
	})
}

// take reads a request, or returns nil.
func take(r *bufio.Reader) *http.Request {
	req, err := http.ReadRequest(r)
	if err != nil {
		return nil
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil
	}
	req.Body = io.NopCloser(strings.NewReader(string(body)))
	return req
}

// post is a request with a body.
func post(body string) Request {
	return Request{Head: []byte("POST /v1/x HTTP/1.1\r\nHost: h\r\nX-Request-Id: "), Last: "req_1", Body: []byte(body)}
}

// got is what a call brought.
type got struct {
	status int
	body   string
	err    error // of the body
}

// call makes one call and reads it to its end.
func call(ctx context.Context, c *Client, req Request) (got, error) {
	var r Response
	if err := c.Do(ctx, req, &r); err != nil {
		return got{}, err
	}
	body, err := io.ReadAll(&r)
	_ = r.Close()
	return got{r.Status(), string(body), err}, nil
}

const farOff = time.Minute

func farAway() time.Time { return time.Now().Add(farOff) }
