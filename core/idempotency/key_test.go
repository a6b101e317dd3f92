package idempotency_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/idempotency"
)

func TestParse(t *testing.T) { // W7
	t.Parallel()
	for _, text := range []string{"k", " a b ", "~", `"8e03978e-40d5-43dd-bc93-6894a57f9324"`, strings.Repeat("x", idempotency.MaxLen)} {
		k, err := idempotency.Parse([]string{text})
		require.NoError(t, err, text)
		require.True(t, k.Given())
	}
	k, err := idempotency.Parse(nil)
	require.NoError(t, err)
	require.False(t, k.Given())
	for name, values := range map[string][]string{
		"empty": {""}, "two": {"a", "a"}, "too long": {strings.Repeat("x", idempotency.MaxLen+1)}, "tab": {"a\tb"}, "NUL": {"a\x00"}, "DEL": {"a\x7f"},
		"Latin": {"\xe4"}, "UTF-8": {"ä"},
	} {
		k, err := idempotency.Parse(values)
		require.ErrorIs(t, err, idempotency.ErrMalformed, name)
		require.False(t, k.Given(), name)
	}
}

func TestKey_hidden(t *testing.T) { // U2
	t.Parallel()
	k, err := idempotency.Parse([]string{"canary"})
	require.NoError(t, err)
	holder := struct{ K idempotency.Key }{k}
	encoded, err := json.Marshal(holder)
	require.NoError(t, err)
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "key", k, "holder", holder)
	shown := fmt.Sprintf("%v %+v %#v %s %q %x %v %+v %#v", k, k, k, k, k, k, holder, holder, holder) + string(encoded) + log.String() + k.String()
	require.NotContains(t, shown, "canary")
	require.NotContains(t, shown, fmt.Sprintf("%x", "canary"))
	require.Contains(t, shown, "[redacted]")
}
