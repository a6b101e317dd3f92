package signin_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/app/signin"
)

func TestReturnPath(t *testing.T) { // SECURITY: open-redirect corpus
	t.Parallel()
	for _, good := range []string{"/", "/keys", "/keys/", "/keys?new=1&x=%2F%2Fevil.example", "/a%20b", "/threads/thr_1?q=https://evil.example", "/authors"} {
		require.Equal(t, good, signin.ReturnPath(good))
	}
	for _, bad := range []string{
		"", "keys", "//evil.example", "///evil.example", "////evil.example", `/\evil.example`, `\\evil.example`, `\/evil.example`, `/\/evil.example`,
		"/%2f%2fevil.example", "/%2fevil.example", "/%5cevil.example", "/%255cevil.example", "/%252f%252fevil.example", "https://evil.example", "https:evil.example",
		"https:/evil.example", "http://evil.example", "HTTPS://evil.example", "//evil.example/%2f..", "/\t/evil.example", "/\n/evil.example", "/\r\nLocation: https://evil.example",
		"\t//evil.example", " //evil.example", "/ /evil.example", "/\x00/evil.example", "/%00", "/%09/evil.example", "/%0d%0aSet-Cookie:x", "javascript:alert(1)", "data:text/html,x",
		"/..//evil.example", "/../evil", "/./evil", "/.//evil.example", "/%2e%2e//evil.example", "/%2e%2e/evil", "/a//evil.example", "//evil.example@chat.example", "/@evil.example/..",
		"///", "/%", "/%zz", "/#//evil.example", "/é", "/\u2028/evil", "/\u200b/evil.example", "／／evil.example", "/\ufeff//evil.example", "?x", "#x", ".evil.example",
		"@evil.example", ":443", "/auth/acme/start", "/auth", "/%61uth/acme/start", "/" + strings.Repeat("a", 2048),
	} {
		require.Equal(t, "/", signin.ReturnPath(bad), "%q", bad)
	}
}

func FuzzReturnPath(f *testing.F) {
	for _, seed := range []string{"/", "/keys?x=1", "//evil.example", `/\evil`, "/%2f%2fevil", "/\t/evil"} {
		f.Add(seed)
	}
	base := &url.URL{Scheme: "https", Host: "chat.example", Path: "/auth/acme/callback"}
	f.Fuzz(func(t *testing.T, text string) {
		got := signin.ReturnPath(text)
		u, err := base.Parse(got)
		if err != nil || u.Host != base.Host || u.Scheme != base.Scheme || !strings.HasPrefix(got, "/") || strings.HasPrefix(got, "//") || strings.ContainsAny(got, "\\\t\r\n") {
			t.Fatalf("%q became %q", text, got)
		}
		if signin.ReturnPath(got) != got {
			t.Fatalf("%q is not kept", got)
		}
	})
}
