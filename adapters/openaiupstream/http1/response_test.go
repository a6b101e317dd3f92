package http1

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Close ends a Read, leaves nothing behind, and gives the body back.
func TestResponse_Close(t *testing.T) {
	t.Parallel()
	s := serve(t, func(_ int64, c net.Conn) {
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n")
		<-time.After(20 * time.Millisecond) // while the body fills the buffers
		_, _ = io.Copy(io.Discard, c)
	})
	c := s.client(nil)
	for _, size := range []int{2, 4 << 20} {
		for range 20 {
			req := post(strings.Repeat("x", size))
			var r Response
			require.NoError(t, c.Do(t.Context(), req, &r))
			_, err := r.Read(make([]byte, 1))
			require.NoError(t, err)
			read := make(chan error)
			go func() {
				_, err := io.Copy(io.Discard, &r)
				read <- err
			}()
			require.NoError(t, r.Close())
			clear(req.Body)
			require.ErrorIs(t, <-read, ErrClosed)
			require.NoError(t, r.Close())
			_, err = r.Read(make([]byte, 1))
			require.ErrorIs(t, err, ErrClosed)
		}
	}
	require.Nil(t, c.pool.get())
}
