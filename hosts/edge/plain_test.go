package edge_test

import (
	"net/http"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/hosts/edge"
)

// A page runs nothing, loads nothing, and its style alone bears the nonce.
func TestPlain(t *testing.T) {
	t.Parallel()
	h := http.Header{}
	head := string(edge.Plain(h))
	policy := regexp.MustCompile(`^default-src 'none'; style-src 'nonce-([A-Z2-7]{26,})'; img-src data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'$`)
	nonce := policy.FindStringSubmatch(h.Get("Content-Security-Policy"))
	require.NotNil(t, nonce, h)
	require.Contains(t, head, `<style nonce="`+nonce[1]+`">`)
	require.NotRegexp(t, `(?i)<script|<img|https?://|url\(|@import|\shref="[^d]`, head)
	require.Equal(t, "text/html; charset=utf-8", h.Get("Content-Type"))
	require.NotEqual(t, head, string(edge.Plain(http.Header{})), "a nonce is for one page")
}
