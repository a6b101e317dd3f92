package openaiupstream

import (
	"encoding/base64"
	"encoding/hex"
	"html"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// plainKey looks like no credential, so that only knowledge of it helps.
const plainKey = "Zk3/x9+QmT7vB2nL5wR8yD4cF6hJ0pS1"

func TestScrubber_Leaks(t *testing.T) {
	t.Parallel()
	s := newScrubber(plainKey)
	for name, text := range map[string]string{
		"plain":        plainKey,
		"upper case":   strings.ToUpper(plainKey),
		"part":         plainKey[5:20],
		"spaced":       strings.Join(strings.Split(plainKey, ""), " "),
		"zero width":   strings.Join(strings.Split(plainKey, ""), "\u200b"),
		"hex":          hex.EncodeToString([]byte(plainKey)),
		"upper hex":    strings.ToUpper(hex.EncodeToString([]byte(plainKey))),
		"query":        url.QueryEscape(plainKey),
		"all percent":  allPercent(plainKey),
		"entities":     strings.ReplaceAll(html.EscapeString(plainKey), "+", "&#43;"),
		"other's key":  "Incorrect API key provided: sk-proj-abc***xyz.",
		"other bearer": "got bearer eyJhbGciOi",
	} {
		require.True(t, s.leaks("Header was: "+text+" (bad)."), name)
		require.Empty(t, s.clean("Header was: "+text+" (bad).", maxMessage), name)
	}
	for before := range 7 {
		for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding, base64.RawStdEncoding} {
			text := enc.EncodeToString([]byte(strings.Repeat("h", before) + plainKey + strings.Repeat("t", before%3)))
			require.True(t, s.leaks("<"+text+">"), "%d before", before)
		}
	}
	for _, text := range []string{"", "The model does not exist.", "Unsupported value: 'temperature' = 9.", "risk-assessment", "100%", "a%zz"} {
		require.False(t, s.leaks(text), text)
		require.Equal(t, text, s.clean(text, maxMessage))
	}
	require.True(t, newScrubber("short").leaks("the key is Short!"))
	for _, text := range []string{"12", "12345678901"} {
		require.False(t, s.leaks(text), text)
		require.True(t, newScrubber("12").leaks(text), text)
	}
}

// allPercent encodes every byte of s.
func allPercent(s string) string {
	var b strings.Builder
	for i := range len(s) {
		b.WriteString("%" + hex.EncodeToString([]byte{s[i]}))
	}
	return b.String()
}

// However a text quotes the key, what remains of it does not.
func FuzzScrubber(f *testing.F) {
	f.Add("Bad key ", " given", uint8(0))
	f.Add("\xff\x00%", "%4", uint8(3))
	s := newScrubber(plainKey)
	f.Fuzz(func(t *testing.T, before, after string, form uint8) {
		secret := [...]string{
			plainKey, hex.EncodeToString([]byte(plainKey)), base64.StdEncoding.EncodeToString([]byte(plainKey)),
			url.QueryEscape(plainKey),
		}[form%4]
		got := s.clean(before+secret+after, maxMessage)
		require.LessOrEqual(t, len(got), maxMessage)
		require.NotContains(t, got, secret[:gram])
	})
}

func FuzzErrorFields(f *testing.F) {
	f.Add([]byte(`{"error":{"message":"m","code":1}}`))
	f.Add([]byte(`{"error":null}`))
	f.Add([]byte(`{"detail":[{}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		s := newScrubber(plainKey)
		for _, v := range errorFields(body) {
			require.LessOrEqual(t, len(s.clean(v, maxField)), maxField)
		}
	})
}
