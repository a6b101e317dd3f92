package http1

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// script is a connection that takes everything and says what it was told to,
// at most step bytes at a time.
type script struct {
	net.Conn
	text io.Reader
	step int
}

func (s *script) Read(p []byte) (int, error)      { return s.text.Read(p[:min(len(p), s.step)]) }
func (s *script) Write(p []byte) (int, error)     { return len(p), nil }
func (s *script) Close() error                    { return nil }
func (s *script) SetDeadline(time.Time) error     { return nil }
func (s *script) SetReadDeadline(time.Time) error { return nil }

// read plays an answer, and returns what was read and kept of it, and how many
// bytes it had if the connection would be used again, else -1.
func read(t *testing.T, answer []byte, step int) (got, string, int, error) {
	t.Helper()
	c := New(Config{Keep: []string{"X-Kept"}, Piece: farOff, Idle: farOff, MaxIdle: 1})
	defer c.Close()
	text := bytes.NewReader(answer)
	far := &script{text: text, step: step}
	r := Response{client: c, ctx: t.Context(), conn: &conn{net: far, tcp: far}, readBy: farAway()}
	if err := r.exchange(post("{}")); err != nil {
		require.Nil(t, c.pool.get())
		return got{}, "", -1, err
	}
	body, err := io.ReadAll(&r)
	kept, _ := r.Value(0)
	length := -1
	if c.pool.get() != nil {
		length = len(answer) - text.Len()
	}
	return got{r.Status(), string(body), err}, kept, length, nil
}

// Whatever is accepted here, net/http reads as the same thing, and sees its
// end at the same place. In pieces of any size it is the same, too.
func FuzzResponse(f *testing.F) {
	for _, tc := range forms {
		f.Add([]byte(tc.answer), uint16(len(tc.answer)))
		f.Add([]byte(tc.answer), uint16(3))
	}
	for _, tc := range refused {
		f.Add([]byte(tc.answer[:min(len(tc.answer), 4096)]), uint16(500))
	}
	f.Fuzz(func(t *testing.T, answer []byte, step uint16) {
		whole, kept, length, err := read(t, answer, len(answer)+1)
		pieces, keptPieces, lengthPieces, errPieces := read(t, answer, int(step)+1)
		require.Equal(t, err == nil, errPieces == nil)
		require.Equal(t, whole.err == nil, pieces.err == nil)
		if length >= 0 && lengthPieces >= 0 {
			require.Equal(t, length, lengthPieces)
		}
		if err != nil || whole.err != nil {
			return
		}
		require.Equal(t, whole, pieces)
		require.Equal(t, kept, keptPieces)
		text := bytes.NewReader(answer)
		buffered := bufio.NewReaderSize(text, 1<<20)
		res, err := http.ReadResponse(buffered, nil)
		for err == nil && res.StatusCode < 200 {
			res, err = http.ReadResponse(buffered, nil)
		}
		require.NoError(t, err)
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, whole.status, res.StatusCode)
		require.Equal(t, whole.body, string(body))
		require.Equal(t, kept, strings.TrimRight(res.Header.Get("X-Kept"), " \t"))
		if length >= 0 {
			require.Equal(t, length, len(answer)-text.Len()-buffered.Buffered())
			require.False(t, res.Close)
		}
	})
}
