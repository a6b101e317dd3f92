package edge

import (
	"net/netip"
	"strings"
)

// maxHops bounds how many elements are read: no request passes so many proxies.
const maxHops = 100

// forwarded reads Forwarded (RFC 7239): a hop for each element. One that hides
// its node, or has none, is the zero Addr. So is the whole, as one hop, if any
// of it is malformed: an open quote of a client's would swallow what a proxy
// wrote behind it. It has to be read from its beginning, which a quote may span.
func forwarded(fields []string) []netip.Addr {
	var out []netip.Addr
	for _, field := range fields {
		s := scanner{field}
		for {
			s.space()
			if s.take(',') { // an empty element
				continue
			}
			if s.rest == "" {
				break
			}
			node, ok := s.element()
			if !ok || len(out) == maxHops {
				return []netip.Addr{{}}
			}
			out = append(out, node)
		}
	}
	return out
}

// scanner reads a header from left to right.
type scanner struct{ rest string }

func (s *scanner) space() { s.rest = strings.TrimLeft(s.rest, " \t") }

func (s *scanner) take(c byte) bool {
	if s.rest == "" || s.rest[0] != c {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

// element reads pairs up to the next comma or the end, and returns the node
// that the one named for names.
func (s *scanner) element() (node netip.Addr, ok bool) {
	named := false
	for {
		s.space()
		if name := s.token(); name != "" {
			if !s.take('=') {
				return node, false
			}
			value, ok := s.value()
			if !ok || named && strings.EqualFold(name, "for") {
				return node, false
			}
			if strings.EqualFold(name, "for") {
				named, node = true, nodeOf(value)
			}
		}
		s.space()
		switch {
		case s.take(';'):
		case s.rest == "" || s.take(','):
			return node, true
		default:
			return node, false
		}
	}
}

// token reads a token (RFC 9110, 5.6.2), "" if there is none.
func (s *scanner) token() string {
	n := 0
	for n < len(s.rest) && tokenChar(s.rest[n]) {
		n++
	}
	t := s.rest[:n]
	s.rest = s.rest[n:]
	return t
}

func tokenChar(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c != 0 && strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

// value reads a token or a quoted string. An IPv6 node must be quoted; so must
// one with a port, but several proxies forget to.
func (s *scanner) value() (string, bool) {
	if !s.take('"') {
		n := 0
		for n < len(s.rest) && (tokenChar(s.rest[n]) || s.rest[n] == ':') {
			n++
		}
		v := s.rest[:n]
		s.rest = s.rest[n:]
		return v, v != ""
	}
	var b strings.Builder
	for s.rest != "" {
		c := s.rest[0]
		s.rest = s.rest[1:]
		switch c {
		case '"':
			return b.String(), true
		case '\\':
			if s.rest == "" {
				return "", false
			}
			b.WriteByte(s.rest[0])
			s.rest = s.rest[1:]
		default:
			b.WriteByte(c)
		}
	}
	return "", false
}

// nodeOf reads a node: an address with or without a port. In brackets an IPv6
// one; unknown and names that begin with an underscore hide it. Its port may
// be hidden alone.
func nodeOf(text string) netip.Addr {
	if colon := strings.LastIndex(text, ":_"); colon > 0 {
		text = text[:colon]
	}
	if strings.Count(text, ":") > 1 && !strings.HasPrefix(text, "[") {
		return netip.Addr{}
	}
	return hop(text)
}
