package keys

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// Reporters are the public keys of those whose reports of leaked keys are
// believed (K9), by their identifiers.
type Reporters map[string]*ecdsa.PublicKey

// ParseReporters reads public keys in the form in which GitHub's secret
// scanning publishes its own: {"public_keys": [{"key_identifier": …, "key":
// PEM}]}, each an ECDSA key on P-256.
func ParseReporters(text []byte) (Reporters, error) {
	var list struct {
		Keys []struct {
			ID  string `json:"key_identifier"`
			PEM string `json:"key"`
		} `json:"public_keys"`
	}
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, fmt.Errorf("public keys of reporters are not JSON of the expected form: %w", err)
	}
	out := Reporters{}
	for i, k := range list.Keys {
		block, _ := pem.Decode([]byte(k.PEM))
		if k.ID == "" || block == nil || out[k.ID] != nil {
			return nil, fmt.Errorf("public key %d has no identifier, or another one's, or is not PEM", i+1)
		}
		parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("public key %d: %w", i+1, err)
		}
		key, ok := parsed.(*ecdsa.PublicKey)
		if !ok || key.Curve != elliptic.P256() {
			return nil, fmt.Errorf("public key %d is not an ECDSA key on P-256", i+1)
		}
		out[k.ID] = key
	}
	if len(out) == 0 {
		return nil, errors.New("there is no public key of a reporter")
	}
	return out, nil
}

// Signed reports whether a signature, ASN.1 in base64, is by the reporter with
// the identifier over the SHA-256 of a report, byte for byte.
func (r Reporters) Signed(report []byte, id, signature string) bool {
	key := r[id]
	raw, err := base64.StdEncoding.Strict().DecodeString(signature)
	if key == nil || err != nil || strings.ContainsAny(signature, "\r\n") { // which the decoder skips
		return false
	}
	sum := sha256.Sum256(report)
	return ecdsa.VerifyASN1(key, sum[:], raw)
}
