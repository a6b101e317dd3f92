package canary_test

import (
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/e2e/canary"
)

func TestShape_Found(t *testing.T) {
	t.Parallel()
	shape := canary.NewShape(keys.Prefix, keys.TokenLen)
	for n := range byte(20) {
		token := keys.Mint([keys.EntropyLen]byte{n, 2: 200 - n, 31: n * 7}).Reveal()
		backwards := []byte(token)
		slices.Reverse(backwards)
		for _, prefix := range []string{"", "B", "Be", "Bearer ", `{"key":"`} {
			for _, suffix := range []string{"", `"`, "yz", "\n "} {
				text := prefix + token + suffix
				for _, encoded := range []string{
					text, prefix + string(backwards), hex.EncodeToString([]byte(text)), strings.ToUpper(hex.EncodeToString([]byte(text))),
					base64.StdEncoding.EncodeToString([]byte(text)), base64.URLEncoding.EncodeToString([]byte(text)), base64.RawURLEncoding.EncodeToString([]byte(text)),
				} {
					hay := []byte("(" + encoded + ")")
					require.NotEmpty(t, shape.Found(hay), encoded)
					require.NotEmpty(t, shape.Found(packed(t, hay)), encoded)
					require.Empty(t, shape.Found(hay, token), "one that may be there: %s", encoded)
				}
			}
		}
	}
	require.Empty(t, shape.Found([]byte("Keys begin with abk_ and this is abk_AbCd…wXyZ. ")))
}
