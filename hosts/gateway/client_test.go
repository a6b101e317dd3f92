package gateway_test

import (
	"net/http"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/hosts/edge"
	"github.com/archibot/archibotchat/hosts/gateway"
)

// K7: a key's networks go by what trusted proxies say of the client, and by
// nobody else's word.
func TestGateway_Client(t *testing.T) {
	office := func(k *keys.Key) { k.Networks = []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")} }
	proxied, err := edge.ParseProxies([]string{"127.0.0.0/8", "::1"})
	require.NoError(t, err)
	for name, c := range map[string]struct {
		proxies edge.Proxies
		said    http.Header
		status  int
	}{
		"nobody is trusted":     {edge.Proxies{}, http.Header{"X-Forwarded-For": {"203.0.113.9"}, "Forwarded": {"for=203.0.113.9"}}, http.StatusUnauthorized},
		"a trusted proxy":       {proxied, http.Header{"X-Forwarded-For": {"203.0.113.9"}}, http.StatusOK},
		"from elsewhere":        {proxied, http.Header{"X-Forwarded-For": {"203.0.113.9, 198.51.100.4"}}, http.StatusUnauthorized},
		"Forwarded":             {proxied, http.Header{"Forwarded": {"for=203.0.113.9;proto=https"}}, http.StatusOK},
		"nothing said":          {proxied, nil, http.StatusUnauthorized},
		"said by another field": {proxied, http.Header{"X-Real-Ip": {"203.0.113.9"}, "X_forwarded_for": {"203.0.113.9"}}, http.StatusUnauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, options{gateway: func(g *gateway.Config) { g.Proxies = c.proxies }})
			header := http.Header{"Authorization": {"Bearer " + s.key(account, office)}}
			for k, v := range c.said {
				header[k] = v
			}
			require.Equal(t, c.status, s.send("GET", "/v1/models", "", header).status)
		})
	}
}
