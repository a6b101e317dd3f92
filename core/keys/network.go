package keys

import (
	"net/netip"
	"slices"
	"strconv"

	"github.com/archibot/archibotchat/core/fault"
)

// MaxNetworks is how many networks a key may be narrowed to.
const MaxNetworks = 100

// ParseNetworks reads networks in CIDR form, such as 192.0.2.0/24, or single
// addresses. What is beyond the prefix is dropped, and nothing comes twice.
// Fault: invalid_network.
func ParseNetworks(texts []string) ([]netip.Prefix, error) {
	bad := func(msg string) ([]netip.Prefix, error) {
		f := fault.New(fault.Invalid, "invalid_network", msg)
		f.Param = "networks"
		return nil, f
	}
	if len(texts) > MaxNetworks {
		return bad("Name at most " + strconv.Itoa(MaxNetworks) + " networks.")
	}
	var out []netip.Prefix
	for _, t := range texts {
		p, ok := parseNetwork(t)
		if !ok {
			return bad("Write each network as an address and the length of its prefix, such as 192.0.2.0/24 or 2001:db8::/32, or as a single address.")
		}
		if !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out, nil
}

func parseNetwork(text string) (netip.Prefix, bool) {
	p, err := netip.ParsePrefix(text)
	if err != nil {
		a, err := netip.ParseAddr(text)
		if err != nil || a.Zone() != "" {
			return netip.Prefix{}, false
		}
		p = netip.PrefixFrom(a, a.BitLen())
	}
	if a := p.Addr(); a.Is4In6() { // ::ffff:192.0.2.0/120 is 192.0.2.0/24
		if p.Bits() < 96 {
			return netip.Prefix{}, false
		}
		p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
	}
	return p.Masked(), true
}
