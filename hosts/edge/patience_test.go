package edge_test

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/hosts/edge"
)

// soon bounds what must not hang; short is how long the edge under test waits,
// long enough for a busy machine to write in what it had ready.
const (
	soon  = 20 * time.Second
	short = time.Second
)

// hasty serves h behind an edge that waits shortly, and connects to it.
func hasty(t *testing.T, h http.HandlerFunc) net.Conn {
	t.Helper()
	e := edge.New(edge.Config{NewRequestID: func() string { return "req_1" }, Log: slog.New(slog.DiscardHandler), BodyWait: short, WriteWait: short})
	srv := httptest.NewServer(e.Wrap(h))
	t.Cleanup(srv.Close)
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", srv.Listener.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(soon)))
	return conn
}

func exchange(t *testing.T, conn net.Conn, request string) (int, string) {
	t.Helper()
	_, err := io.WriteString(conn, request)
	require.NoError(t, err)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(body)
}

// A body that does not come ends as an error of reading it, read or not.
func TestEdge_slowBody(t *testing.T) {
	t.Parallel()
	for name, request := range map[string]string{
		"of a length": "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n1",
		"in chunks":   "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n1",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := hasty(t, func(w http.ResponseWriter, r *http.Request) {
				if _, err := io.ReadAll(r.Body); err != nil {
					w.WriteHeader(http.StatusRequestTimeout)
				}
			})
			status, _ := exchange(t, conn, request)
			require.Equal(t, http.StatusRequestTimeout, status)
			conn = hasty(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
			status, _ = exchange(t, conn, request)
			require.Equal(t, http.StatusForbidden, status, "a refusal does not wait for the rest")
		})
	}
}

// A client that takes nothing ends the writing.
func TestEdge_slowReader(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	conn := hasty(t, func(w http.ResponseWriter, _ *http.Request) {
		chunk := []byte(strings.Repeat("x", 1<<16))
		for {
			if _, err := w.Write(chunk); err != nil {
				ended <- err
				return
			}
		}
	})
	_, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	require.NoError(t, err)
	select {
	case err := <-ended:
		require.Error(t, err)
	case <-time.After(soon):
		t.Fatal("the handler writes for ever")
	}
}

// Work that lasts longer than a body may take is not cut, once the body is
// there, and the connection serves the next request.
func TestEdge_longWork(t *testing.T) {
	t.Parallel()
	conn := hasty(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(err)
		}
		select {
		case <-time.After(short + short/2):
		case <-r.Context().Done():
			w.WriteHeader(http.StatusGatewayTimeout)
			_, _ = io.WriteString(w, context.Cause(r.Context()).Error())
			return
		}
		_, _ = w.Write(body)
	})
	for range 2 {
		status, body := exchange(t, conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi")
		require.Equal(t, http.StatusOK, status, body)
		require.Equal(t, "hi", body)
	}
}
