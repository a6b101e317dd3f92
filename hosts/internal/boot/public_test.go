package boot_test

import (
	"maps"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestConfig_PublicURL(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "", "https://chat.example.com": "https://chat.example.com", "https://Chat.Example.COM/": "https://chat.example.com",
		"https://chat.example.com:8443": "https://chat.example.com:8443", "https://[2001:db8::1]:8443": "https://[2001:db8::1]:8443",
	} {
		vars := hosted()
		vars["ARCHIBOT_PUBLIC_URL"] = text
		c, faults := load(t, nil, vars, "")
		s, err := c.Settings(faults)
		require.NoError(t, err, text)
		if want == "" {
			require.Nil(t, s.PublicURL)
		} else {
			require.Equal(t, want, s.PublicURL.String())
		}
	}
	for _, text := range []string{
		"http://chat.example.com", "chat.example.com", "//chat.example.com", "https://", "https:///x", "https://chat.example.com/app", "https://chat.example.com?x",
		"https://chat.example.com/?", "https://chat.example.com#x", "https://user@chat.example.com", "ftp://chat.example.com", "https://chat.example.com:", "https://a b", "https://a%20b",
		"https://:443", "https://a.example,b.example", "javascript:alert(1)", "https:chat.example.com",
	} {
		vars := hosted()
		vars["ARCHIBOT_PUBLIC_URL"] = text
		c, faults := load(t, nil, vars, "")
		_, err := c.Settings(faults)
		require.ErrorContains(t, err, "ARCHIBOT_PUBLIC_URL", text)
	}
}

// A local server is for this machine alone, by whatever name it is reached.
func TestConfig_PublicURL_local(t *testing.T) {
	t.Parallel()
	for text, ok := range map[string]bool{
		"http://127.0.0.1:8080": true, "http://localhost:8080": true, "http://[::1]:8080": true, "https://localhost": true,
		"http://chat.example.com": false, "https://chat.example.com": false, "http://192.168.0.1:8080": false, "http://localhost.example.com": false,
	} {
		c, faults := load(t, []string{"--data", t.TempDir(), "--public-url", text}, nil, "")
		_, err := c.Settings(faults)
		if ok {
			require.NoError(t, err, text)
		} else {
			require.ErrorContains(t, err, "ARCHIBOT_PUBLIC_URL", text)
		}
	}
}

func TestConfig_TrustedProxies(t *testing.T) {
	t.Parallel()
	vars := hosted()
	c, faults := load(t, nil, vars, "trusted_proxies: [10.0.0.0/8, \"2001:db8::/32\", 192.0.2.7]\n")
	s, err := c.Settings(faults)
	require.NoError(t, err)
	require.Len(t, s.TrustedProxies.Networks(), 3)
	require.Equal(t, "192.0.2.7/32", s.TrustedProxies.Networks()[2].String())
	c, _ = load(t, nil, maps.Clone(vars), "")
	s, err = c.Settings(nil)
	require.NoError(t, err)
	require.Empty(t, s.TrustedProxies.Networks(), "nobody, unless said")
	for _, text := range []string{"0.0.0.0/0", "::/0", "10.0.0.0/8,::ffff:0:0/96", "proxy", "10.0.0.0/8 192.0.2.1", "*"} {
		vars["ARCHIBOT_TRUSTED_PROXIES"] = text
		c, faults := load(t, nil, vars, "")
		_, err := c.Settings(faults)
		require.ErrorContains(t, err, "ARCHIBOT_TRUSTED_PROXIES", text)
	}
}
