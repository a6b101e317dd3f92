package access_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/access"
)

func TestToken(t *testing.T) { // A5
	t.Parallel()
	n := byte(0)
	entropy := func(b []byte) {
		require.Len(t, b, 32, "256 bits")
		n++
		for i := range b {
			b[i] = n
		}
	}
	a, b := access.NewToken(entropy), access.NewToken(entropy)
	require.Len(t, a.Reveal(), access.TokenLen)
	require.NotEqual(t, a.Reveal(), b.Reveal())
	require.Equal(t, access.SumToken(a.Reveal()), a.Sum())
	require.NotEqual(t, a.Sum(), b.Sum())

	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "token", a)
	text, err := json.Marshal(struct{ T access.Token }{a})
	require.NoError(t, err)
	for _, shown := range []string{fmt.Sprintf("%v %+v %#v %s %q %x", a, a, a, a, a, a), a.String(), log.String(), string(text)} {
		require.NotContains(t, shown, a.Reveal())
		require.Contains(t, shown, "redacted")
	}
}
