// Package canary looks for secrets in whatever a site gives away, however they
// are written there: a secret is turned into all its forms, and what is searched
// is also searched for as it was before it was compressed.
package canary

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"encoding/base64"
	"encoding/hex"
	"io"
	"net/url"
	"strings"
)

// Needle is one way in which a secret can be written.
type Needle struct {
	secret string // its name
	form   string
	text   []byte
}

// Needles returns the ways to write a secret: raw, hex, reversed, escaped for
// URLs, and base64 in both alphabets wherever the secret stands in the encoded
// text, which gives three alignments. At the edges of an alignment a few bits
// belong to the neighbours, so the digits there are left out.
func Needles(name, secret string) []Needle {
	list := []Needle{
		{name, "raw", []byte(secret)},
		{name, "hex", []byte(hex.EncodeToString([]byte(secret)))},
		{name, "HEX", []byte(strings.ToUpper(hex.EncodeToString([]byte(secret))))},
		{name, "reversed", reverse(secret)},
	}
	if escaped := url.QueryEscape(secret); escaped != secret {
		list = append(list, Needle{name, "URL", []byte(escaped)})
	}
	for alphabet, encoding := range map[string]*base64.Encoding{"base64": base64.RawStdEncoding, "base64url": base64.RawURLEncoding} {
		for before := range 3 {
			digits := encoding.EncodeToString(append(make([]byte, before), secret...))
			first := (before*8 + 5) / 6
			last := (before + len(secret)) * 8 / 6
			list = append(list, Needle{name, alphabet, []byte(digits[first:last])})
		}
	}
	return list
}

func reverse(s string) []byte {
	b := []byte(s)
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return b
}

// Found returns the first needle that the hay holds, or "". What is compressed in
// the hay is searched too.
func Found(hay []byte, needles []Needle) string {
	if what := plain(hay, needles); what != "" {
		return what
	}
	for _, inner := range unpack(hay) {
		if what := Found(inner, needles); what != "" {
			return what + ", compressed"
		}
	}
	return ""
}

func plain(hay []byte, needles []Needle) string {
	for _, n := range needles {
		if bytes.Contains(hay, n.text) {
			return n.secret + " as " + n.form
		}
	}
	return ""
}

// maxUnpacked bounds what one compressed part is taken for.
const maxUnpacked = 64 << 20

// unpack returns what the gzip streams in the hay hold, as far as it can be read.
func unpack(hay []byte) [][]byte {
	var list [][]byte
	magic := []byte{0x1f, 0x8b, 8}
	for rest := hay; ; {
		at := bytes.Index(rest, magic)
		if at < 0 {
			return list
		}
		rest = rest[at:]
		if r, err := gzip.NewReader(bytes.NewReader(rest)); err == nil {
			r.Multistream(false)
			inner, err := io.ReadAll(io.LimitReader(r, maxUnpacked)) // cut or followed by something else: what came is searched
			if len(inner) > 0 && (err == nil || !isCorrupt(err)) {
				list = append(list, inner)
			}
		}
		rest = rest[len(magic):]
	}
}

// isCorrupt reports whether something only looked compressed.
func isCorrupt(err error) bool {
	_, corrupt := err.(flate.CorruptInputError) //nolint:errorlint // compress/gzip returns it as it is
	return corrupt
}
