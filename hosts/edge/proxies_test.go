package edge_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/hosts/edge"
)

func proxies(t testing.TB, texts ...string) edge.Proxies {
	t.Helper()
	p, err := edge.ParseProxies(texts)
	require.NoError(t, err)
	return p
}

func TestParseProxies(t *testing.T) {
	t.Parallel()
	p := proxies(t, "10.1.2.3/8", "192.0.2.7", "2001:db8::1/32", "::1", "::ffff:198.51.100.0/120", "::ffff:198.51.100.7")
	var got []string
	for _, n := range p.Networks() {
		got = append(got, n.String())
	}
	require.Equal(t, []string{"10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32", "::1/128", "198.51.100.0/24", "198.51.100.7/32"}, got)
	require.Empty(t, proxies(t).Networks())
	for _, text := range []string{
		"0.0.0.0/0", "::/0", "::ffff:0.0.0.0/96", "::ffff:0:0/95", "10.0.0.0/0", // everybody
		"", "x", "10.0.0.0/33", "10.0.0/8", "10.0.0.0-10.0.0.9", "*", "localhost", "fe80::1%eth0", "fe80::%eth0/10", "10.0.0.1:80", "all", "10.0.0.0/-1", "10.0.0.0/08",
	} {
		_, err := edge.ParseProxies([]string{"192.0.2.0/24", text})
		require.Error(t, err, "%q", text)
	}
}

const (
	office  = "203.0.113.9"
	proxy   = "10.0.0.1:4711"
	nowhere = ""
)

// A request's client, behind proxies in 10.0.0.0/8 and 2001:db8:ff::/48.
func TestProxies_Client(t *testing.T) {
	t.Parallel()
	trusted := proxies(t, "10.0.0.0/8", "2001:db8:ff::/48")
	type fields = http.Header
	xff := func(values ...string) fields { return fields{"X-Forwarded-For": values} }
	std := func(values ...string) fields { return fields{"Forwarded": values} }
	for name, c := range map[string]struct {
		peer   string
		fields fields
		want   string
	}{
		"nothing said":        {proxy, nil, "10.0.0.1"},
		"no proxy":            {"198.51.100.4:1", nil, "198.51.100.4"},
		"no proxy, mapped":    {"[::ffff:198.51.100.4]:1", nil, "198.51.100.4"},
		"no proxy, zone":      {"[fe80::1%eth0]:1", nil, "fe80::1"},
		"proxy, mapped":       {"[::ffff:10.0.0.1]:1", xff(office), office},
		"proxy of IPv6":       {"[2001:db8:ff::1]:1", xff(office), office},
		"no address":          {"@", xff(office), nowhere},
		"no address at all":   {"", xff(office), nowhere},
		"not an address":      {"proxy:80", xff(office), nowhere},
		"one hop":             {proxy, xff("198.51.100.4"), "198.51.100.4"},
		"two proxies":         {proxy, xff("198.51.100.4, 10.0.0.2"), "198.51.100.4"},
		"a client's own word": {proxy, xff(office + ", 198.51.100.4"), "198.51.100.4"},
		"its word of proxies": {proxy, xff(office + ", 10.0.0.9, 198.51.100.4, 10.0.0.2"), "198.51.100.4"},
		"in another field":    {proxy, xff(office, "198.51.100.4"), "198.51.100.4"},
		"in several fields":   {proxy, xff(office, "198.51.100.4,10.0.0.3", "10.0.0.2"), "198.51.100.4"},
		"proxies alone":       {proxy, xff("10.0.0.7, 10.0.0.2"), "10.0.0.7"},
		"empty elements":      {proxy, xff(" , 198.51.100.4 ,, "), "198.51.100.4"},
		"an empty field":      {proxy, xff(""), "10.0.0.1"},
		"a port":              {proxy, xff("198.51.100.4:5678"), "198.51.100.4"},
		"IPv6":                {proxy, xff("2001:db8::7"), "2001:db8::7"},
		"IPv6, brackets":      {proxy, xff("[2001:db8::7]"), "2001:db8::7"},
		"IPv6, port":          {proxy, xff("[2001:db8::7]:443"), "2001:db8::7"},
		"IPv6, zone":          {proxy, xff("fe80::7%eth0"), "fe80::7"},
		"IPv6, mapped":        {proxy, xff("::ffff:198.51.100.4"), "198.51.100.4"},
		"a mapped proxy":      {proxy, xff("198.51.100.4, ::ffff:10.0.0.2"), "198.51.100.4"},
		"a proxy with a zone": {proxy, xff("198.51.100.4, 2001:db8:ff::2%eth0"), "198.51.100.4"},
		"unknown":             {proxy, xff(office + ", unknown"), nowhere},
		"rubbish":             {proxy, xff(office + ", x"), nowhere},
		"rubbish before":      {proxy, xff("x, 198.51.100.4"), "198.51.100.4"},
		"rubbish, a proxy":    {proxy, xff(office + ", x, 10.0.0.2"), nowhere},
		"leading zeros":       {proxy, xff("203.000.113.009"), nowhere},
		"a short form":        {proxy, xff("203.29449"), nowhere},
		"a number":            {proxy, xff("3405803785"), nowhere},
		"a network":           {proxy, xff("203.0.113.0/24"), nowhere},
		"IPv4 in brackets":    {proxy, xff("[203.0.113.9]"), nowhere},
		"quoted":              {proxy, xff(`"203.0.113.9"`), nowhere},
		"another separator":   {proxy, xff("203.0.113.9; 198.51.100.4"), nowhere},
		"an odd space":        {proxy, xff("203.0.113.9\u00a0"), nowhere},

		"Forwarded":                  {proxy, std("for=198.51.100.4"), "198.51.100.4"},
		"Forwarded, all parts":       {proxy, std(`By=10.0.0.1;FOR="198.51.100.4:80";proto=http;host="a,b;c"`), "198.51.100.4"},
		"Forwarded, IPv6":            {proxy, std(`for="[2001:db8::7]:4711"`), "2001:db8::7"},
		"Forwarded, spaces":          {proxy, std("for=" + office + " , for=198.51.100.4 ; proto=https"), "198.51.100.4"},
		"Forwarded, two proxies":     {proxy, std("for="+office+", for=198.51.100.4", "for=10.0.0.2"), "198.51.100.4"},
		"Forwarded, hidden":          {proxy, std("for=" + office + ", for=_hidden"), nowhere},
		"Forwarded, unknown":         {proxy, std("for=" + office + ", for=unknown"), nowhere},
		"Forwarded, hidden port":     {proxy, std(`for="198.51.100.4:_p"`), "198.51.100.4"},
		"Forwarded, port unquoted":   {proxy, std("for=198.51.100.4:80"), "198.51.100.4"},
		"Forwarded, no for":          {proxy, std("for=" + office + ", by=10.0.0.1;proto=https"), nowhere},
		"Forwarded, bare IPv6":       {proxy, std(`for="2001:db8::7"`), nowhere},
		"Forwarded, twice for":       {proxy, std("for=198.51.100.4;for=" + office), nowhere},
		"Forwarded, an open quote":   {proxy, std(`for="` + office + `, for=198.51.100.4`), nowhere},
		"Forwarded, a quote in two":  {proxy, std(`for=`+office+`;x="`, `for=198.51.100.4`), nowhere},
		"Forwarded, swallowed hop":   {proxy, std(`for=` + office + `;x=", for="[2001:db8::7]"`), nowhere},
		"Forwarded, escape at end":   {proxy, std(`for="198.51.100.4\`), nowhere},
		"Forwarded, escapes":         {proxy, std(`for="198.51.10\0.4"`), "198.51.100.4"},
		"Forwarded, no value":        {proxy, std("for="), nowhere},
		"Forwarded, no name":         {proxy, std("=198.51.100.4"), nowhere},
		"Forwarded, an address":      {proxy, std("198.51.100.4"), nowhere},
		"Forwarded, empty":           {proxy, std(" , "), "10.0.0.1"},
		"Forwarded, empty pair":      {proxy, std("for=198.51.100.4;"), "198.51.100.4"},
		"both, alike":                {proxy, fields{"X-Forwarded-For": {"198.51.100.4"}, "Forwarded": {"for=198.51.100.4"}}, "198.51.100.4"},
		"both, the client adds one":  {proxy, fields{"X-Forwarded-For": {"198.51.100.4"}, "Forwarded": {"for=" + office}}, nowhere},
		"both, the client the other": {proxy, fields{"X-Forwarded-For": {office}, "Forwarded": {"for=198.51.100.4"}}, nowhere},
		"both, one empty":            {proxy, fields{"X-Forwarded-For": {"198.51.100.4"}, "Forwarded": {""}}, nowhere},

		"not trusted":               {"198.51.100.4:1", xff(office), "198.51.100.4"},
		"not trusted, Forwarded":    {"198.51.100.4:1", std("for=" + office), "198.51.100.4"},
		"not trusted, names ours":   {"198.51.100.4:1", xff(office + ", 10.0.0.1"), "198.51.100.4"},
		"underscores":               {proxy, fields{"X_forwarded_for": {office}, "X_Forwarded_For": {office}, "X-Forwarded_for": {office}}, "10.0.0.1"},
		"another case, as no key":   {proxy, fields{"x-forwarded-for": {office}}, "10.0.0.1"},
		"other headers":             {proxy, fields{"X-Real-Ip": {office}, "True-Client-Ip": {office}, "Cf-Connecting-Ip": {office}, "X-Client-Ip": {office}, "Client-Ip": {office}, "X-Cluster-Client-Ip": {office}, "Via": {office}, "X-Forwarded": {"for=" + office}, "X-Original-Forwarded-For": {office}}, "10.0.0.1"},
		"a header of a header list": {proxy, fields{"X-Forwarded-For": {"198.51.100.4"}, "Connection": {"X-Forwarded-For"}}, "198.51.100.4"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := trusted.Client(&http.Request{RemoteAddr: c.peer, Header: c.fields})
			if c.want == nowhere {
				require.Equal(t, netip.Addr{}, got)
				return
			}
			require.Equal(t, netip.MustParseAddr(c.want), got)
			require.Empty(t, got.Zone())
			if c.peer == proxy {
				require.Equal(t, "10.0.0.1", edge.Proxies{}.Client(&http.Request{RemoteAddr: c.peer, Header: c.fields}).String(), "where nobody is trusted")
			}
		})
	}
}

// The way to every request costs nothing where nobody is trusted.
func TestProxies_Client_allocates(t *testing.T) {
	r := &http.Request{RemoteAddr: "198.51.100.4:1234", Header: http.Header{"X-Forwarded-For": {office}, "Forwarded": {"for=" + office}}}
	for _, p := range []edge.Proxies{{}, proxies(t, "10.0.0.0/8")} {
		require.Zero(t, testing.AllocsPerRun(100, func() { p.Client(r) }))
	}
}

// However much a client writes, the way to every request stays short.
func TestProxies_Client_long(t *testing.T) {
	p := proxies(t, "10.0.0.0/8")
	long := strings.Repeat("x,", 10_000)
	r := &http.Request{RemoteAddr: proxy, Header: http.Header{"X-Forwarded-For": {long, long + "198.51.100.4, 10.0.0.2"}}}
	require.Equal(t, "198.51.100.4", p.Client(r).String())
	require.Zero(t, testing.AllocsPerRun(100, func() { p.Client(r) }))
	hops := strings.Repeat("for=198.51.100.4,", 101)
	require.False(t, p.Client(&http.Request{RemoteAddr: proxy, Header: http.Header{"Forwarded": {hops}}}).IsValid())
}

// Whatever stands left of what a proxy wrote changes nothing, save that it can
// make the client unknown.
func FuzzProxies_Client(f *testing.F) {
	for _, text := range []string{"", ",", `"`, `for="`, "10.0.0.1", "[", "]:80", `\`, "for=1;", "a=\"b", "::ffff:10.0.0.1, ", "%eth0"} {
		f.Add(text)
	}
	p, err := edge.ParseProxies([]string{"10.0.0.0/8"})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, text string) {
		want := netip.MustParseAddr("198.51.100.4")
		if strings.ContainsAny(text, "\r\n\x00") {
			return
		}
		for _, values := range [][]string{{text, "198.51.100.4"}, {text + ", 198.51.100.4"}} {
			require.Equal(t, want, p.Client(&http.Request{RemoteAddr: proxy, Header: http.Header{"X-Forwarded-For": values}}))
		}
		for _, values := range [][]string{
			{text, "for=198.51.100.4"},
			{text + ", for=198.51.100.4"},
			{text + `, for="198.51.100.4"`},
			{text + ", for=198.51.100.4, for=10.0.0.2"},
			{text + `,for="198.51.100.4:80";proto=https, for="10.0.0.2"`},
		} {
			got := p.Client(&http.Request{RemoteAddr: proxy, Header: http.Header{"Forwarded": values}})
			if got.IsValid() {
				require.Equal(t, want, got, "%q", values)
			}
		}
	})
}
