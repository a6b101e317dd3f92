//go:build e2e

package doors_test

import (
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/e2e/harness"
)

// SECURITY, figures to hold: headers are at most 32 KiB, and arrive in 5 s.
func TestHeaders(t *testing.T) {
	t.Parallel()
	replica := harness.NewSite(t, harness.NewSQLite(t), harness.Options{}).Start(t)
	for _, path := range []string{"/api/me", "/v1/models", "/", "/healthz"} {
		for size, status := range map[int]int{31 << 10: 0, 33 << 10: http.StatusRequestHeaderFieldsTooLarge} {
			for _, field := range []string{"X: ", "Cookie: archibot_session=", "X-Forwarded-For: ", "Authorization: Bearer "} {
				got := rawStatus(t, replica, "GET "+path+" HTTP/1.1\r\nHost: x\r\n"+field+strings.Repeat("a", size)+"\r\n\r\n")
				if status == 0 {
					require.Contains(t, []int{http.StatusOK, http.StatusUnauthorized}, got, "%s %s", path, field)
				} else {
					require.Equal(t, status, got, "%s %s", path, field)
				}
			}
		}
	}

	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(replica.Root, "http://"))
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	require.NoError(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
	_, err = io.WriteString(conn, "GET /api/me HTTP/1.1\r\nHost: x\r\nX-")
	require.NoError(t, err)
	_, err = io.ReadAll(conn)
	require.NotErrorIs(t, err, os.ErrDeadlineExceeded, "the server waits for a header for ever")
}
