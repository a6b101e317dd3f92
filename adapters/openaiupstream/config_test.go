package openaiupstream_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/openaiupstream"
)

func TestConfig_Validate(t *testing.T) {
	t.Parallel()
	good := openaiupstream.Config{Name: "openai", BaseURL: "https://api.example.com/v1", Key: key}
	require.NoError(t, good.Validate())

	err := openaiupstream.Config{BaseURL: "https://u:" + key + "@api.example.com/v2?x", Connect: -1, MaxErrorBody: -1}.Validate()
	for _, want := range []string{"a name", "end in /v1", "no user", "key is empty", "time limits", "error bodies"} {
		require.ErrorContains(t, err, want)
	}
	require.NotContains(t, err.Error(), key)

	for _, url := range []string{"", "/v1", "ftp://host/v1", "https:///v1", "https://host/%zz" + key} {
		c := good
		c.BaseURL = url
		require.ErrorContains(t, c.Validate(), "absolute")
		_, err := openaiupstream.New(c)
		require.Error(t, err)
		require.NotContains(t, err.Error(), key)
	}
	for _, k := range []openaiupstream.Key{"a b", "a\n", "ä"} {
		c := good
		c.Key = k
		require.ErrorContains(t, c.Validate(), "printable")
	}
}

func TestConfig_KeyNeverPrints(t *testing.T) {
	t.Parallel()
	cfg := openaiupstream.Config{Name: "openai", BaseURL: "https://u:" + key + "@api.example.com/v1?" + key, Key: key}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%s", "%q"} {
		fmt.Fprintf(&out, verb, cfg)
	}
	cfg.BaseURL = "https://api.example.com/v1"
	u, err := openaiupstream.New(cfg)
	require.NoError(t, err)
	defer u.Close()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		fmt.Fprintf(&out, verb, cfg.Key)
		fmt.Fprintf(&out, verb, cfg)
		fmt.Fprintf(&out, verb, &cfg)
		fmt.Fprintf(&out, verb, u)
	}
	require.NoError(t, json.NewEncoder(&out).Encode([]any{cfg, cfg.Key, u}))
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "cfg", cfg, "key", cfg.Key, "u", u, "all", []any{cfg, u})
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "cfg", cfg, "key", cfg.Key, "u", u, "all", []any{cfg, u})
	require.NotContains(t, out.String(), key)
	require.NotContains(t, out.String(), fmt.Sprintf("%x", key))
	require.NotContains(t, out.String(), fmt.Sprintf("%X", key))
	require.Contains(t, out.String(), "[redacted]")
}
