package main

import (
	"log/slog"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	scripted "github.com/archibot/archibotchat/e2e/upstream"
	"github.com/archibot/archibotchat/hosts/internal/boot"
	"github.com/archibot/archibotchat/ports/inference"
	"github.com/archibot/archibotchat/ports/inference/inferencetest"
)

// What a server wires keeps the port's contract, however many upstreams are
// behind it and though the first of them is away (W8).
func TestUpstream_Conformance(t *testing.T) {
	const key = "sk-conformance-0123456789"
	gone := httptest.NewServer(nil)
	gone.Close()
	open := func(t *testing.T, roots ...string) inference.Upstream {
		t.Helper()
		var s boot.Settings
		for i, root := range roots {
			s.Upstreams = append(s.Upstreams, boot.Upstream{
				Name: string(rune('a' + i)), URL: root + "/v1", Key: boot.NewSecret(key), Timeout: 20 * time.Second,
			})
		}
		up, err := upstream(s, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		return up
	}
	for name, before := range map[string][]string{"one": nil, "the second": {gone.URL}} {
		t.Run(name, func(t *testing.T) {
			inferencetest.Run(t, func(t *testing.T) inferencetest.Harness {
				there := httptest.NewServer(scripted.New(scripted.Options{Key: key}))
				t.Cleanup(there.Close)
				return inferencetest.Harness{
					Upstream: open(t, append(before, there.URL)...), Model: "test", Slow: "test-endless-gap2", Unknown: "err404", Dropped: "drop",
					Unreachable: open(t, append(before, gone.URL)...),
				}
			})
		})
	}
}
