package inference_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/inference"
)

func TestValidID(t *testing.T) { // W4
	t.Parallel()
	for _, id := range []string{"r", "7", "resp_0123abcDEF", "resp-a.b=", "vendor:resp_1", strings.Repeat("r", 256)} {
		require.True(t, inference.ValidID(id), id)
	}
	for _, id := range []string{
		"", ".", "..", "_", "-a", "=", "a/b", "a/../b", "../a", "..%2f", "%2e%2e", "a%2Fb", `a\b`, "a?b", "a#b", "a b", "a\nb", "a\x00", "é", "ａ",
		"a;b", "a&b", "a+b", strings.Repeat("r", 257),
	} {
		require.False(t, inference.ValidID(id), id)
	}
}
