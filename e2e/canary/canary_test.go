package canary_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/e2e/canary"
)

// A search that finds nothing proves nothing unless it finds what is there.
func TestFound(t *testing.T) {
	t.Parallel()
	const secret = "sk-canary-Q7+/x=="
	needles := canary.Needles("key", secret)
	for _, prefix := range []string{"", "B", "Be", "Bear", "Bearer "} {
		for _, suffix := range []string{"", "x", "yz", "\n"} {
			text := []byte(prefix + secret + suffix)
			for _, encoded := range []string{
				string(text), hex.EncodeToString(text), strings.ToUpper(hex.EncodeToString(text)), url.QueryEscape(string(text)),
				base64.StdEncoding.EncodeToString(text), base64.URLEncoding.EncodeToString(text),
				base64.RawStdEncoding.EncodeToString(text), base64.RawURLEncoding.EncodeToString(text),
			} {
				hay := []byte("noise " + encoded + " noise")
				require.NotEmpty(t, canary.Found(hay, needles), encoded)
				require.NotEmpty(t, canary.Found(packed(t, hay), needles), encoded)
				require.NotEmpty(t, canary.Found(append([]byte("head\r\n\r\n"), packed(t, hay)...), needles), encoded)
			}
		}
	}
	require.Empty(t, canary.Found([]byte("noise sk-canary-Q7 noise"), needles))
	require.Empty(t, canary.Found([]byte("\x1f\x8b\x08 not compressed at all"), needles))
}

// What is cut off in the middle is searched as far as it came.
func TestFound_cut(t *testing.T) {
	t.Parallel()
	var hay bytes.Buffer
	w := gzip.NewWriter(&hay)
	_, err := w.Write([]byte("data: sk-canary-0123456789\n\n"))
	require.NoError(t, err)
	require.NoError(t, w.Flush())
	require.NotEmpty(t, canary.Found(hay.Bytes(), canary.Needles("key", "sk-canary-0123456789")))
}

func packed(t *testing.T, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(text)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}
