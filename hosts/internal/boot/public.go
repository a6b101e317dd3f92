package boot

import (
	"net/netip"
	"net/url"
	"strings"

	"github.com/archibot/archibotchat/hosts/edge"
)

// publicURL reads where browsers reach the service; nil if that is not said.
func (c Config) publicURL(f *faults, env Environment) *url.URL {
	if c.PublicURL == "" {
		return nil
	}
	u, err := url.Parse(c.PublicURL)
	switch {
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || strings.HasSuffix(u.Host, ":") || strings.ContainsAny(u.Host, "%, "):
		f.add("public-url", "is a scheme and a host, such as https://chat.example.com")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.Path != "" && u.Path != "/":
		f.add("public-url", "is a scheme and a host alone, such as https://chat.example.com, without path, query or user")
	case u.Scheme != "https" && env != Local:
		f.add("public-url", "begins with https:// while "+Variable("environment")+" is not local")
	case env == Local && !loopback(u.Hostname()):
		f.add("public-url", "names this machine (127.0.0.1, [::1], localhost) while "+Variable("environment")+" is local")
	default:
		return &url.URL{Scheme: u.Scheme, Host: strings.ToLower(u.Host)}
	}
	return nil
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

func (c Config) trustedProxies(f *faults) edge.Proxies {
	var texts []string
	for text := range strings.SplitSeq(c.TrustedProxies, ",") {
		if text = strings.TrimSpace(text); text != "" {
			texts = append(texts, text)
		}
	}
	p, err := edge.ParseProxies(texts)
	if err != nil {
		f.add("trusted-proxies", "lists networks: "+err.Error())
	}
	return p
}
