package boot_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/archibot/archibotchat/hosts/internal/boot"
)

func TestSecret_NeverPrints(t *testing.T) {
	t.Parallel()
	const canary = "canary-7f3a91c0"
	secret := boot.NewSecret(canary)
	settings := boot.Settings{Upstreams: []boot.Upstream{{Key: secret}}}
	var out bytes.Buffer
	for _, v := range []any{secret, &secret, settings, &settings, []boot.Secret{secret}, map[string]boot.Secret{"k": secret}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		text, err := json.Marshal(v)
		require.NoError(t, err)
		out.Write(text)
		text, err = yaml.Marshal(v)
		require.NoError(t, err)
		out.Write(text)
		slog.New(slog.NewTextHandler(&out, nil)).Info("m", "v", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "v", v)
	}
	require.NotContains(t, out.String(), canary)
	require.NotContains(t, out.String(), fmt.Sprintf("%x", canary))
	require.Contains(t, out.String(), "[redacted]")
	require.Equal(t, canary, secret.Reveal())
}
