package openaiupstream

import (
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// The transport may hold on to a request's body after the call has ended; it
// must find nothing there, for the buffer may by then be another call's.
func TestCall_CloseReleasesTheBody(t *testing.T) {
	t.Parallel()
	u, err := New(Config{Name: "none", BaseURL: "http://127.0.0.1:1/v1", Key: plainKey})
	require.NoError(t, err)
	c := newCall(t.Context(), u)
	req := &http.Request{}
	c.attach(req, []byte("prompt"))
	require.EqualValues(t, 6, req.ContentLength)

	again, err := req.GetBody()
	require.NoError(t, err)
	whole, err := io.ReadAll(again)
	require.NoError(t, err)
	require.Equal(t, "prompt", string(whole))
	_, err = io.ReadFull(req.Body, make([]byte, 2))
	require.NoError(t, err)

	require.NoError(t, c.Close())
	for _, body := range []io.Reader{req.Body, again} {
		_, err = io.ReadAll(body)
		require.ErrorIs(t, err, errReleased)
	}
	again, err = req.GetBody()
	require.NoError(t, err)
	_, err = io.ReadAll(again)
	require.ErrorIs(t, err, errReleased)
}
