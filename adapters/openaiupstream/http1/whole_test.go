package http1

import (
	"bufio"
	"io"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestResponse_Whole(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		first, then string // then comes before the question
		whole, kept bool
		next        error // of the next Read
	}{
		"all at once":      {chunked + "1\r\nx\r\n0\r\n\r\n", "", true, true, io.EOF},
		"the end behind":   {chunked + "1\r\nx\r\n", "0\r\nA: b\r\n\r\n", true, true, io.EOF},
		"the end in parts": {chunked + "1\r\nx\r\n0\r", "\n\r\n", true, true, io.EOF},
		"even the chunk's": {chunked + "1\r\nx", "\r\n0\r\n\r\n", true, true, io.EOF},
		"not yet":          {chunked + "1\r\nx\r\n", "", false, false, nil},
		"half of it":       {chunked + "1\r\nx\r\n", "0\r\n", false, false, nil},
		"more data":        {chunked + "1\r\nx\r\n", "1\r\ny\r\n0\r\n\r\n", false, false, nil},
		"nonsense":         {chunked + "1\r\nx\r\n", "g\r\n", false, false, ErrMalformed},
		"a length":         {ok + "Content-Length: 1\r\n\r\nx", "", true, true, io.EOF},
		"half a length":    {ok + "Content-Length: 2\r\n\r\nx", "y", false, false, nil},
		"no length":        {ok + "\r\nx", "", false, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proceed, said := make(chan struct{}), make(chan struct{})
			s := serve(t, func(_ int64, c net.Conn) {
				take(bufio.NewReader(c))
				_, _ = io.WriteString(c, tc.first)
				<-proceed
				_, _ = io.WriteString(c, tc.then)
				close(said)
				_, _ = io.Copy(io.Discard, c)
			})
			c := s.client(nil)
			var r Response
			require.NoError(t, c.Do(t.Context(), post("{}"), &r))
			_, err := r.Read(make([]byte, 1))
			if err != nil {
				require.ErrorIs(t, err, io.EOF)
			}
			r.Ready(0) // which leaves a deadline behind
			close(proceed)
			<-said
			require.Equal(t, tc.whole, r.Whole())
			require.Equal(t, tc.whole, r.Whole(), "the answer stays")
			kept := c.pool.get()
			require.Equal(t, tc.kept, kept != nil)
			if kept != nil {
				c.pool.put(kept)
			}
			if tc.next != nil {
				_, err = r.Read(make([]byte, 1))
				require.ErrorIs(t, err, tc.next)
			}
			require.NoError(t, r.Close())
			require.Equal(t, tc.whole, r.Whole(), "also once it is closed")
		})
	}
}
