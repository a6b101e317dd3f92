package keys

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"hash"
	"strings"
	"sync"
)

// MinPepper is the least length of a pepper in bytes.
const MinPepper = 32

// Pepper is a secret kept outside the database, under which tokens are
// digested. It prints as [redacted].
type Pepper struct {
	Version string
	// Functions, because fmt calls no method on unexported fields: a pepper
	// inside a struct that somebody prints shows as an address at most.
	digest func(text string) Digest
	derive func(purpose string, salt []byte) [32]byte
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
		ps = append(ps, Pepper{version, digester([]byte(secret)), deriver([]byte(secret))})
	}
	return ps, nil
}

// Digest is how a token is recognised (K2).
type Digest [sha256.Size]byte

// Digest returns the token's HMAC-SHA-256 under the pepper.
func (p Pepper) Digest(t Token) Digest { return p.digest(t.text) }

// digester returns the digest under a secret, whose hashes are made once and
// used again: each request takes one.
func digester(secret []byte) func(text string) Digest {
	type maker struct {
		hash.Hash
		text []byte
		sum  Digest
	}
	makers := sync.Pool{New: func() any { return &maker{Hash: hmac.New(sha256.New, secret)} }}
	return func(text string) Digest {
		m := makers.Get().(*maker)
		m.text = append(m.text[:0], text...)
		_, _ = m.Write(m.text)
		m.Sum(m.sum[:0])
		d := m.sum
		m.Reset() // nothing of the token stays
		clear(m.text)
		makers.Put(m)
		return d
	}
}

// Equal compares in constant time.
func (d Digest) Equal(o Digest) bool { return subtle.ConstantTimeCompare(d[:], o[:]) == 1 }

// Derive returns a key for another purpose than digesting tokens (HKDF, RFC
// 5869): neither the pepper nor the key of another purpose or salt follows
// from it.
func (p Pepper) Derive(purpose string, salt []byte) [32]byte { return p.derive(purpose, salt) }

func deriver(secret []byte) func(purpose string, salt []byte) [32]byte {
	return func(purpose string, salt []byte) [32]byte {
		key, err := hkdf.Key(sha256.New, secret, salt, purpose, sha256.Size)
		if err != nil {
			panic(err) // only a length past 255 digests fails
		}
		return [32]byte(key)
	}
}
