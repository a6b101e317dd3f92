package http1

import (
	"bufio"
	"context"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestResponse_Ready(t *testing.T) { // HOTPATH 14
	t.Parallel()
	more := make(chan string)
	s := serve(t, func(_ int64, c net.Conn) {
		r := bufio.NewReader(c)
		for take(r) != nil {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
			for text := range more {
				_, _ = io.WriteString(c, text)
				if text == "0\r\n\r\n" {
					break
				}
			}
		}
	})
	c := s.client(nil)
	buf := make([]byte, 100)
	read := func(r *Response) string {
		n, err := r.Read(buf)
		require.NoError(t, err)
		return string(buf[:n])
	}
	for range 2 { // the connection is fit for another call
		var r Response
		require.NoError(t, c.Do(t.Context(), post("x"), &r))
		require.False(t, r.Ready(time.Millisecond), "nothing has come")
		require.False(t, r.Ready(0))
		more <- "3\r\nabc\r\n"
		require.True(t, r.Ready(time.Minute), "it waits for what comes")
		require.True(t, r.Ready(0), "and consumes nothing")
		require.Equal(t, "abc", read(&r))
		require.False(t, r.Ready(time.Millisecond))
		go func() { more <- "2\r\nde\r\n" }()
		require.Equal(t, "de", read(&r), "a read waits as long as ever")
		go func() { more <- "0\r\n\r\n" }()
		_, err := r.Read(buf)
		require.ErrorIs(t, err, io.EOF)
		require.True(t, r.Ready(time.Hour), "there is an end to be read")
		require.NoError(t, r.Close())
		require.True(t, r.Ready(time.Hour))
	}
	require.EqualValues(t, 1, s.conns.Load())
	close(more)
}

// A call that is ended does not wait, whatever deadline was set in between.
func TestResponse_Ready_ended(t *testing.T) {
	t.Parallel()
	s := serve(t, func(_ int64, c net.Conn) {
		take(bufio.NewReader(c))
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
		_, _ = io.Copy(io.Discard, c)
	})
	c := s.client(nil)
	for _, end := range []func(cancel context.CancelFunc, r *Response){
		func(cancel context.CancelFunc, _ *Response) { cancel() },
		func(_ context.CancelFunc, r *Response) { _ = r.Close() },
	} {
		ctx, cancel := context.WithCancel(t.Context())
		var r Response
		require.NoError(t, c.Do(ctx, post("x"), &r))
		time.AfterFunc(10*time.Millisecond, func() { end(cancel, &r) })
		r.Ready(time.Hour)
		_, err := r.Read(make([]byte, 1))
		require.Error(t, err)
		require.NoError(t, r.Close())
		cancel()
	}
}
