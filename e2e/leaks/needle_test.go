//go:build e2e

package leaks_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// needle is one way in which a secret can be written.
type needle struct {
	secret string // its name
	form   string
	text   []byte
}

// needles returns the ways to write a secret: raw, hex, and base64 in both
// alphabets wherever the secret stands in the encoded text, which gives three
// alignments. At the edges of an alignment a few bits belong to the
// neighbours, so the digits there are left out.
func needles(name, secret string) []needle {
	list := []needle{
		{name, "raw", []byte(secret)},
		{name, "hex", []byte(hex.EncodeToString([]byte(secret)))},
		{name, "HEX", []byte(strings.ToUpper(hex.EncodeToString([]byte(secret))))},
		{name, "reversed", reverse(secret)},
	}
	if escaped := url.QueryEscape(secret); escaped != secret {
		list = append(list, needle{name, "URL", []byte(escaped)})
	}
	for alphabet, encoding := range map[string]*base64.Encoding{"base64": base64.RawStdEncoding, "base64url": base64.RawURLEncoding} {
		for before := range 3 {
			digits := encoding.EncodeToString(append(make([]byte, before), secret...))
			first := (before*8 + 5) / 6
			last := (before + len(secret)) * 8 / 6
			list = append(list, needle{name, alphabet, []byte(digits[first:last])})
		}
	}
	return list
}

func reverse(s string) []byte {
	b := []byte(s)
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return b
}

// found returns the first needle that the hay holds, or "".
func found(hay []byte, ns []needle) string {
	for _, n := range ns {
		if bytes.Contains(hay, n.text) {
			return n.secret + " as " + n.form
		}
	}
	return ""
}

// A search that finds nothing proves nothing unless it finds what is there.
func TestNeedles(t *testing.T) {
	t.Parallel()
	const secret = "sk-canary-Q7+/x=="
	ns := needles("key", secret)
	for _, prefix := range []string{"", "B", "Be", "Bear", "Bearer "} {
		for _, suffix := range []string{"", "x", "yz", "\n"} {
			text := []byte(prefix + secret + suffix)
			for _, encoded := range []string{
				string(text), hex.EncodeToString(text), strings.ToUpper(hex.EncodeToString(text)), url.QueryEscape(string(text)),
				base64.StdEncoding.EncodeToString(text), base64.URLEncoding.EncodeToString(text),
				base64.RawStdEncoding.EncodeToString(text), base64.RawURLEncoding.EncodeToString(text),
			} {
				require.NotEmpty(t, found([]byte("noise "+encoded+" noise"), ns), encoded)
			}
		}
	}
	require.Empty(t, found([]byte("noise sk-canary-Q7 noise"), ns))
}
