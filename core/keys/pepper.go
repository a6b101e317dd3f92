package keys

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"
)

// MinPepper is the least length of a pepper in bytes.
const MinPepper = 32

// Pepper is a secret kept outside the database, under which tokens are
// digested. It prints as [redacted].
type Pepper struct {
	Version string
	// A function, because fmt calls no method on unexported fields: a pepper
	// inside a struct that somebody prints shows as an address at most.
	secret func() []byte
}

// Format hides the pepper from every verb of fmt.
func (p Pepper) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[redacted]")) }

// Peppers is the current pepper, first, and those before it.
type Peppers []Pepper

// ParsePeppers reads "v2:secret,v1:secret", the current one first. Each
// secret has at least MinPepper bytes; versions are distinct.
func ParsePeppers(text string) (Peppers, error) {
	var ps Peppers
	seen := map[string]bool{}
	for part := range strings.SplitSeq(text, ",") {
		version, secret, ok := strings.Cut(strings.TrimSpace(part), ":")
		switch {
		case !ok || version == "":
			return nil, errors.New("peppers are written version:secret, separated by commas")
		case len(secret) < MinPepper:
			return nil, fmt.Errorf("pepper %s is shorter than %d bytes", version, MinPepper)
		case seen[version]:
			return nil, fmt.Errorf("pepper %s is listed twice", version)
		}
		seen[version] = true
		raw := []byte(secret)
		ps = append(ps, Pepper{version, func() []byte { return raw }})
	}
	return ps, nil
}

// Digest is how a token is recognised (K2).
type Digest [sha256.Size]byte

// Digest returns the token's HMAC-SHA-256 under the pepper.
func (p Pepper) Digest(t Token) Digest {
	mac := hmac.New(sha256.New, p.secret())
	mac.Write([]byte(t.text))
	return Digest(mac.Sum(nil))
}

// Equal compares in constant time.
func (d Digest) Equal(o Digest) bool { return subtle.ConstantTimeCompare(d[:], o[:]) == 1 }
