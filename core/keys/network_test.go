package keys_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/keys"
)

func TestParseNetworks(t *testing.T) { // K7
	t.Parallel()
	got, err := keys.ParseNetworks([]string{"192.0.2.7/24", "192.0.2.0/24", "::ffff:198.51.100.7/120", "203.0.113.9", "2001:DB8::1/32", "::1", "0.0.0.0/0"})
	require.NoError(t, err)
	require.Equal(t, "[192.0.2.0/24 198.51.100.0/24 203.0.113.9/32 2001:db8::/32 ::1/128 0.0.0.0/0]", fmt.Sprint(got))
	got, err = keys.ParseNetworks(nil)
	require.NoError(t, err)
	require.Empty(t, got)

	for name, texts := range map[string][]string{
		"empty": {""}, "name": {"localhost"}, "too long": {"192.0.2.0/33"}, "negative": {"192.0.2.0/-1"}, "zone": {"fe80::1%eth0"},
		"zone and prefix": {"fe80::1%eth0/64"}, "blank": {" 192.0.2.0/24"}, "range": {"192.0.2.1-192.0.2.9"}, "short": {"192.0.2/24"},
		"leading zero": {"192.0.02.0/24"}, "one of them": {"192.0.2.0/24", "x"}, "port": {"192.0.2.1:80"}, "half mapped": {"::ffff:192.0.2.0/95"},
		"too many": strings.Split(strings.Repeat("192.0.2.1 ", keys.MaxNetworks+1), " ")[:keys.MaxNetworks+1],
	} {
		got, err := keys.ParseNetworks(texts)
		require.Equal(t, "invalid_network", fault.CodeOf(err), name)
		require.Equal(t, "networks", fault.From(err).Param)
		require.Empty(t, got)
	}
}

func TestKey_StateFrom(t *testing.T) { // K7
	t.Parallel()
	now := time.Unix(1, 0)
	k := keys.Key{ExpiresAt: now.Add(time.Hour)}
	require.Equal(t, keys.StateActive, k.StateFrom(now, netip.Addr{}), "not narrowed: from anywhere")
	networks, err := keys.ParseNetworks([]string{"192.0.2.0/24", "fe80::/16"})
	require.NoError(t, err)
	k.Networks = networks
	for from, want := range map[string]keys.State{
		"192.0.2.9": keys.StateActive, "::ffff:192.0.2.9": keys.StateActive, "fe80::1%eth0": keys.StateActive,
		"192.0.3.9": keys.StateElsewhere, "::1": keys.StateElsewhere,
	} {
		require.Equal(t, want, k.StateFrom(now, netip.MustParseAddr(from)), from)
	}
	require.Equal(t, keys.StateElsewhere, k.StateFrom(now, netip.Addr{}), "not known is not inside")
	require.Equal(t, keys.StateExpired, k.StateFrom(k.ExpiresAt, netip.MustParseAddr("::1")), "the first reason stands")
}

func TestKey_Root(t *testing.T) { // K6, K7
	t.Parallel()
	require.Equal(t, "key_1", keys.Key{ID: "key_1"}.Root())
	require.Equal(t, "key_1", keys.Key{ID: "key_2", Family: "key_1"}.Root())
}
