package inference

import (
	"bytes"
	"cmp"
	"slices"
)

// key is one key of an open object: where its raw text lies, and a hash of what
// it says.
type key struct {
	hash     uint64
	from, to int
}

// hashOf is FNV-1a. Collisions cost comparisons only: unique is exact and in
// n log n whatever the keys are.
func hashOf(b []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range b {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h
}

// unique refuses the object just parsed if two of its keys, which begin at
// first, say the same; and forgets them.
func (s *scanner) unique(in place, first int) bool {
	keys := s.keys[first:]
	s.keys = s.keys[:first]
	const few = 16
	if len(keys) > few {
		slices.SortFunc(keys, s.compare)
		for i := 1; i < len(keys); i++ {
			if s.compare(keys[i-1], keys[i]) == 0 {
				return s.duplicate(in, keys[i])
			}
		}
		return true
	}
	for i := 1; i < len(keys); i++ {
		for j := range i {
			if keys[i].hash == keys[j].hash && s.compare(keys[i], keys[j]) == 0 {
				return s.duplicate(in, keys[i])
			}
		}
	}
	return true
}

// compare orders keys by hash, then by what they say.
func (s *scanner) compare(a, b key) int {
	if c := cmp.Compare(a.hash, b.hash); c != 0 {
		return c
	}
	return bytes.Compare(s.said(a), s.said(b))
}

// said returns what a key says.
func (s *scanner) said(k key) []byte {
	raw := s.body[k.from:k.to]
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw
	}
	return unescape(nil, raw)
}

// duplicate refuses a key that is there twice, and names it if it is ours.
func (s *scanner) duplicate(in place, k key) bool {
	s.syntax("an object that ends here has the same key twice")
	switch said := s.said(k); {
	case in == placeBody && s.call.Route.reads(said):
		s.err.Param = string(said)
	case in == placeOptions && string(said) == "include_usage":
		s.err.Param = "stream_options.include_usage"
	}
	return false
}

// fold returns name in lower case as encoding/json would fold it: ASCII letters,
// the long s (U+017F) and the Kelvin sign (U+212A); no other rune folds to ASCII.
// It returns nothing for a name that cannot be one of ours. The next call
// overwrites it.
func (s *scanner) fold(name []byte) []byte {
	n := 0
	for i := 0; i < len(name); i++ {
		c := name[i]
		switch {
		case 'A' <= c && c <= 'Z':
			c |= 0x20
		case c < 0x80:
		case c == 0xc5 && i+1 < len(name) && name[i+1] == 0xbf:
			c, i = 's', i+1
		case c == 0xe2 && i+2 < len(name) && name[i+1] == 0x84 && name[i+2] == 0xaa:
			c, i = 'k', i+2
		default:
			return nil
		}
		if n == len(s.folded) {
			return nil
		}
		s.folded[n] = c
		n++
	}
	return s.folded[:n]
}
