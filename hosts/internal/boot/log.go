package boot

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"net/url"
	"regexp"
	"strings"
)

// NewLogger returns a logger that writes JSON lines to w. As a last net, each
// finished line is searched for API keys, bearer tokens and the secrets given,
// raw, URL-encoded, base64 and hex, and these are replaced. Nothing should
// rely on it: who logs a secret has a bug.
func NewLogger(w io.Writer, level slog.Leveler, secrets ...Secret) *slog.Logger {
	return slog.New(slog.NewJSONHandler(newSieve(w, secrets), &slog.HandlerOptions{Level: level}))
}

// Redact returns text as the net of [NewLogger] would let it through.
func Redact(text string, secrets ...Secret) string {
	return string(newSieve(nil, secrets).clean([]byte(text)))
}

// credential matches what looks like a key of ours, a bearer token, an
// upstream key or a password within a URL.
var credential = regexp.MustCompile(`abk_[0-9A-Za-z]{8,}|(?i:bearer)[ +]+[0-9A-Za-z._~+/=-]{8,}|\bsk-[0-9A-Za-z_-]{16,}|://[^/\s"@]*:[^/\s"@]+@`)

// minNet is the shortest secret that is searched for: replacing a shorter one
// would ruin innocent words.
const minNet = 8

// sieve cleans lines on their way to w.
type sieve struct {
	w       io.Writer
	literal *strings.Replacer
}

func newSieve(w io.Writer, secrets []Secret) *sieve {
	var pairs []string
	seen := map[string]bool{}
	for _, s := range secrets {
		if len(s.text) < minNet {
			continue
		}
		raw := []byte(s.text)
		quoted, err := json.Marshal(s.text)
		if err != nil {
			quoted = []byte(`""`) // cannot be: every string can be quoted
		}
		upper := strings.ToUpper(hex.EncodeToString(raw))
		for _, form := range []string{
			s.text, string(quoted[1 : len(quoted)-1]), url.QueryEscape(s.text), url.PathEscape(s.text), hex.EncodeToString(raw), upper,
			base64.RawStdEncoding.EncodeToString(raw), base64.RawURLEncoding.EncodeToString(raw),
		} {
			if !seen[form] {
				seen[form] = true
				pairs = append(pairs, form, redacted)
			}
		}
	}
	return &sieve{w, strings.NewReplacer(pairs...)}
}

// Write passes one line on. slog writes each record in one call.
func (n *sieve) Write(line []byte) (int, error) {
	if _, err := n.w.Write(n.clean(line)); err != nil {
		return 0, err
	}
	return len(line), nil
}

func (n *sieve) clean(text []byte) []byte {
	clean := []byte(n.literal.Replace(string(text)))
	return credential.ReplaceAllFunc(clean, func(hit []byte) []byte {
		if bytes.HasPrefix(hit, []byte("://")) {
			return []byte("://" + redacted + "@")
		}
		return []byte(redacted)
	})
}
