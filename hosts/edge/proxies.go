package edge

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Proxies are the networks of those whose word is taken on where a request came
// from. The zero value trusts nobody.
type Proxies struct{ networks []netip.Prefix }

// ParseProxies reads networks in CIDR form, or single addresses. A network of
// all addresses is refused: with it, any client could say that it is another.
func ParseProxies(texts []string) (Proxies, error) {
	var p Proxies
	for _, text := range texts {
		network, err := netip.ParsePrefix(text)
		if addr, single := netip.ParseAddr(text); single == nil && addr.Zone() == "" {
			network, err = netip.PrefixFrom(addr, addr.BitLen()), nil
		}
		if err != nil {
			return Proxies{}, fmt.Errorf("%q is neither a network, such as 192.0.2.0/24 or 2001:db8::/32, nor an address", text)
		}
		if network.Addr().Is4In6() { // addresses are compared as what they are mapped from
			network = netip.PrefixFrom(network.Addr().Unmap(), max(0, network.Bits()-96))
		}
		if network.Bits() == 0 {
			return Proxies{}, fmt.Errorf("%q is everybody: name the networks that your proxies are in", text)
		}
		p.networks = append(p.networks, network.Masked())
	}
	return p, nil
}

// Networks returns the networks.
func (p Proxies) Networks() []netip.Prefix { return slices.Clone(p.networks) }

func (p Proxies) trust(a netip.Addr) bool {
	for _, n := range p.networks {
		if n.Contains(a) {
			return true
		}
	}
	return false
}

// Client returns the address that a request came from: that of the connection,
// or, if a trusted proxy made it, of the last hop in X-Forwarded-For or
// Forwarded (RFC 7239) that is none of ours. What stands before that hop is
// somebody's word and not looked at.
//
// It is the zero Addr if that hop cannot be told: it is hidden or malformed, or
// both headers are there and differ, since a proxy that keeps one of them lets
// the other through as the client wrote it. Nothing is allocated where nobody
// is trusted.
func (p Proxies) Client(r *http.Request) netip.Addr {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	peer := plain(at.Addr())
	if len(p.networks) == 0 || !p.trust(peer) {
		return peer
	}
	// Of http.Header's own spelling: one with underscores is another header.
	list, standard := r.Header["X-Forwarded-For"], r.Header["Forwarded"]
	switch {
	case len(list) == 0 && len(standard) == 0:
		return peer
	case len(standard) == 0:
		return p.listed(peer, list)
	case len(list) == 0:
		return p.last(peer, forwarded(standard))
	}
	one, other := p.listed(peer, list), p.last(peer, forwarded(standard))
	if one != other {
		return netip.Addr{}
	}
	return one
}

// last returns the last hop that is not trusted, or the first one if all are.
// A hop that is not known is the zero Addr, which nobody trusts.
func (p Proxies) last(peer netip.Addr, hops []netip.Addr) netip.Addr {
	client := peer
	for _, hop := range slices.Backward(hops) {
		client = hop
		if !p.trust(hop) {
			break
		}
	}
	return client
}

// plain returns an address without its zone, and an IPv4 one as such.
func plain(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

// listed is last of X-Forwarded-For, which is read from its end and no further
// than that: how much a client writes before it costs nothing. Empty elements
// of a list mean nothing (RFC 9110, 5.6.1).
func (p Proxies) listed(peer netip.Addr, fields []string) netip.Addr {
	client := peer
	for _, field := range slices.Backward(fields) {
		for more := true; more; {
			text := field
			comma := strings.LastIndexByte(field, ',')
			if more = comma >= 0; more {
				field, text = field[:comma], field[comma+1:]
			}
			if text = strings.Trim(text, " \t"); text == "" {
				continue
			}
			if client = hop(text); !p.trust(client) {
				return client
			}
		}
	}
	return client
}

// hop reads an address, with or without a port: 192.0.2.1, 192.0.2.1:80,
// 2001:db8::1, [2001:db8::1], [2001:db8::1]:80. It is the zero Addr if the text
// is anything else.
func hop(text string) netip.Addr {
	if inner, ok := strings.CutPrefix(text, "["); ok {
		if inner, ok = strings.CutSuffix(inner, "]"); ok {
			a, err := netip.ParseAddr(inner)
			if err != nil || a.Is4() {
				return netip.Addr{}
			}
			return plain(a)
		}
	} else if a, err := netip.ParseAddr(text); err == nil {
		return plain(a)
	}
	at, err := netip.ParseAddrPort(text)
	if err != nil {
		return netip.Addr{}
	}
	return plain(at.Addr())
}
