package gateway_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core"
	"github.com/archibot/archibotchat/ports/inference"
)

// atOnce is an upstream whose streams can be read whole at once.
type atOnce struct {
	inference.Upstream
	text string
}

func (u atOnce) Do(context.Context, *inference.Request) (*inference.Response, error) {
	return &inference.Response{Upstream: "scripted", Stream: true, Body: io.NopCloser(strings.NewReader(u.text))}, nil
}

// The bytes that a client of a real connection has while the commit of its debit
// stalls: all but the end, and not only once the first comment takes them along.
func TestGateway_stream_stalled(t *testing.T) { // HOTPATH 15, 16
	const (
		said = "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hello\"}}]}\n\n" +
			"data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
		usage = "data: {\"id\":\"c\",\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":20}}\n\n"
		done  = "data: [DONE]\n\n"
	)
	s := newSite(t, options{deps: func(d *core.Deps) { d.Upstream = atOnce{d.Upstream, said + usage + done} }})
	gate := make(chan struct{})
	s.db.debits.Store(&gate)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.srv.URL+completions, strings.NewReader(chat("test", `,"stream":true`)))
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+s.token)
	res, err := s.srv.Client().Do(r)
	require.NoError(t, err)
	begun := make([]byte, len(said))
	_, err = io.ReadFull(res.Body, begun)
	require.NoError(t, err)
	require.Equal(t, said, string(begun))
	require.EqualValues(t, granted, s.balance().Available+s.balance().Held, "nothing is debited yet")
	close(gate)
	require.Equal(t, done, s.read(res).body, "no comment was needed")
	require.EqualValues(t, granted-10-2*20, s.balance().Available)
}
