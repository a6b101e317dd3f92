package boot

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// AuditKey signs the checkpoints of the events' log and knows the keys that
// may have signed earlier ones (Ed25519, golang.org/x/mod/sumdb/note). It
// prints as [redacted]. The zero AuditKey signs nothing and knows nobody.
type AuditKey struct {
	// Functions, because fmt calls no method on unexported fields.
	sign  func(text string) ([]byte, error)
	known []note.Verifier
	// Verifier is the public twin of the key that signs.
	Verifier string
}

// Format hides the key from every verb of fmt.
func (k AuditKey) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

var errAuditKey = errors.New("must be a key that archibotchat audit key has made; the verifiers of earlier keys may follow it, parted by commas")

// NewAuditKey makes a key under a name without blanks, commas and plus signs:
// the key that signs, and the verifier that may be given to anybody.
func NewAuditKey(name string) (key Secret, verifier string, err error) {
	private, public, err := note.GenerateKey(rand.Reader, name)
	if err == nil {
		_, err = ParseAuditKey(private)
	}
	if err != nil {
		return Secret{}, "", errors.New("a key's name is a word without blanks, commas and plus signs, such as a host name")
	}
	return NewSecret(private), public, nil
}

// ParseAuditKey reads the key that signs, and verifiers of earlier keys behind
// it. The error repeats nothing of them.
func ParseAuditKey(text string) (AuditKey, error) {
	parts := strings.Split(text, ",")
	private := strings.TrimSpace(parts[0])
	signer, err := note.NewSigner(private)
	if err != nil {
		return AuditKey{}, errAuditKey
	}
	public, err := verifierOf(private)
	if err != nil {
		return AuditKey{}, errAuditKey
	}
	k, err := ParseVerifiers(append([]string{public}, parts[1:]...))
	if err != nil {
		return AuditKey{}, errAuditKey
	}
	k.Verifier = public
	k.sign = func(text string) ([]byte, error) { return note.Sign(&note.Note{Text: text}, signer) }
	return k, nil
}

// ParseVerifiers returns a key that only knows others.
func ParseVerifiers(texts []string) (AuditKey, error) {
	var k AuditKey
	for _, text := range texts {
		v, err := note.NewVerifier(strings.TrimSpace(text))
		if err != nil {
			return AuditKey{}, errors.New("a verifier looks like name+0123abcd+A…; archibotchat audit key printed it beside the key")
		}
		k.known = append(k.known, v)
	}
	return k, nil
}

// verifierOf returns the public twin of a private key: its last part is the
// algorithm's number and the seed.
func verifierOf(private string) (string, error) {
	parts := strings.SplitN(private, "+", 5) // PRIVATE+KEY+name+hash+data, whose data may hold a +
	if len(parts) != 5 {
		return "", errAuditKey
	}
	data, err := base64.StdEncoding.DecodeString(parts[4])
	if err != nil || len(data) != 1+ed25519.SeedSize {
		return "", errAuditKey
	}
	public, _ := ed25519.NewKeyFromSeed(data[1:]).Public().(ed25519.PublicKey)
	return note.NewEd25519VerifierKey(parts[2], public)
}

// Sign signs a text as a note.
func (k AuditKey) Sign(text string) ([]byte, error) {
	if k.sign == nil {
		return nil, errors.New("this key only verifies")
	}
	return k.sign(text)
}

// Open returns the text of a note that a known key has signed.
func (k AuditKey) Open(msg []byte) (string, error) {
	n, err := note.Open(msg, note.VerifierList(k.known...))
	if err != nil {
		return "", err
	}
	return n.Text, nil
}
