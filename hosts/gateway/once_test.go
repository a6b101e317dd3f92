package gateway_test

import (
	"net/http"
	"strings"
	"testing"
)

// named is the header of a request with an Idempotency-Key, or several.
func (s *site) named(names ...string) http.Header {
	return http.Header{"Authorization": {"Bearer " + s.token}, "Idempotency-Key": names}
}

func TestGateway_once_malformed(t *testing.T) { // W7
	s := newSite(t, options{})
	for _, path := range []string{completions, "/v1/responses", "/v1/embeddings"} {
		for name, h := range map[string]http.Header{
			"empty": s.named(""), "two": s.named("a", "a"), "too long": s.named(strings.Repeat("k", 256)), "not ASCII": s.named("ä"), "tab": s.named("a\tb"),
		} {
			t.Log(path, name)
			s.send(http.MethodPost, path, chat("test", ""), h).refused(http.StatusBadRequest, "invalid_idempotency_key")
		}
	}
	s.untouched()
}
