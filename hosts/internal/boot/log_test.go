package boot_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/hosts/internal/boot"
)

func TestNewLogger_Net(t *testing.T) {
	t.Parallel()
	const upstream = `up"stream/kéy+0123456789`
	const key = "abk_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijk"
	var out bytes.Buffer
	log := boot.NewLogger(&out, slog.LevelDebug, boot.NewSecret(upstream), boot.NewSecret(""), boot.NewSecret("in"))
	log.Info("with "+key, "a", key, "b", errors.New("bad "+key), "c", map[string]any{"deep": []string{upstream}},
		slog.Group("g", "h", "Authorization: Bearer abc.def-ghi", "i", "bearer  01234567", "innocent", "a bearer token"), upstream, 1,
		"sk", "sk-proj-0123456789abcdef", "dsn", "postgres://u:hunter2@db/x", "url", url.QueryEscape(upstream),
		"b64", base64.StdEncoding.EncodeToString([]byte(upstream)), "hex", hex.EncodeToString([]byte(upstream)), "fine", "in_flight")
	line := out.String()
	for _, leak := range []string{key, key[:14], "kéy", "abc.def", "0123456789", "hunter2", hex.EncodeToString([]byte(upstream))[:12], base64.StdEncoding.EncodeToString([]byte(upstream))[:12]} {
		require.NotContains(t, line, leak)
	}
	var fields map[string]any
	require.NoError(t, json.Unmarshal(out.Bytes(), &fields), "still JSON: %s", line)
	require.Equal(t, "in_flight", fields["fine"], "a short secret ruins no word")
	require.Equal(t, "with [redacted]", fields["msg"])
	require.Equal(t, "postgres://[redacted]@db/x", fields["dsn"])
}

func TestBase_Secrets(t *testing.T) {
	t.Parallel()
	b := boot.Base{Database: boot.NewSecret("postgres://u:hunter2hunter2@db/x")}
	var out bytes.Buffer
	boot.NewLogger(&out, slog.LevelInfo, b.Secrets()...).Info("m", "error", errors.New(`password "hunter2hunter2" refused`))
	require.NotContains(t, out.String(), "hunter2")
}
