package access_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/fault"
)

func TestCheckEmail(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"a@b.example", " Pat.Doe+x@Example.ORG ", "übung@exämple.org", "a_b-c'd@x.y.z"} {
		got, err := access.CheckEmail(text, "email")
		require.NoError(t, err, text)
		require.Equal(t, strings.TrimSpace(text), got)
	}
	for _, text := range []string{
		"", "a", "@b.example", "a@", "a@b", "a@.example", "a@b@c.example", "a b@c.example", "a\n@c.example", "a\u202e@c.example", "a@b..c", "\"a\"@c.example",
		"a@c.example,b@c.example", "<a@c.example>", "a@[127.0.0.1]", "a@c.example\x00", "\xff@c.example", strings.Repeat("a", 65) + "@c.example",
		"a@" + strings.Repeat("b", 250) + ".example",
	} {
		_, err := access.CheckEmail(text, "email")
		require.Equal(t, "invalid_email", fault.CodeOf(err), "%q", text)
	}
}

func TestFoldEmail(t *testing.T) {
	t.Parallel()
	require.Equal(t, "pat@example.org", access.FoldEmail(" PAT@Example.org "))
	require.NotEqual(t, access.FoldEmail("k@example.org"), access.FoldEmail("\u212a@example.org"), "the Kelvin sign is no k")
	require.NotEqual(t, access.FoldEmail("i@example.org"), access.FoldEmail("İ@example.org"))
}
