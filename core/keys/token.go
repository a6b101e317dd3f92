package keys

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"log/slog"

	"github.com/archibot/archibotchat/core/fault"
)

// Prefix starts every API key, so that people and secret scanners recognise one.
const Prefix = "abk_"

const (
	alphabet    = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	base        = len(alphabet)
	secretLen   = 43 // base62 digits that hold 256 bits
	checksumLen = 6  // base62 digits that hold 32 bits
	// TokenLen is the length of every token.
	TokenLen = len(Prefix) + secretLen + checksumLen
	// EntropyLen is how many random bytes Mint takes.
	EntropyLen = 32
)

// ErrMalformed means that a text cannot be an API key of ours. Finding that
// out costs no query.
var ErrMalformed = fault.New(fault.Unauthenticated, "invalid_api_key", "The API key is not valid.")

// Token is a whole API key. It prints as [redacted]; only Reveal shows it.
type Token struct{ text string }

// Mint makes a token of 256 random bits.
func Mint(entropy [EntropyLen]byte) Token {
	secret := base62(entropy)
	body := Prefix + string(secret[:])
	sum := checksum(body)
	return Token{body + string(sum[:])}
}

// Parse returns the token in text: exact length and alphabet, a secret below
// 2^256, and a checksum that fits. Anything else is ErrMalformed.
func Parse(text string) (Token, error) {
	if len(text) != TokenLen || text[:len(Prefix)] != Prefix {
		return Token{}, ErrMalformed
	}
	for i := len(Prefix); i < len(text); i++ {
		if c := text[i]; (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return Token{}, ErrMalformed
		}
	}
	body := text[:TokenLen-checksumLen]
	if sum := checksum(body); string(sum[:]) != text[TokenLen-checksumLen:] || body[len(Prefix):] > largest {
		return Token{}, ErrMalformed
	}
	return Token{text}, nil
}

// largest is 2^256 − 1 in base62. The alphabet sorts as bytes do, so that
// texts of one length compare as their values.
var largest = func() string {
	secret := base62([EntropyLen]byte(bytes.Repeat([]byte{0xff}, EntropyLen)))
	return string(secret[:])
}()

// Reveal returns the token's text. It is shown once, to whoever made the key.
func (t Token) Reveal() string { return t.text }

// Start returns what may be shown of the token's beginning, to tell keys apart.
func (t Token) Start() string { return t.text[:len(Prefix)+4] }

// Last4 returns the token's last four characters.
func (t Token) Last4() string { return t.text[TokenLen-4:] }

// String hides the token.
func (t Token) String() string { return "[redacted]" }

// Format hides the token from every verb of fmt.
func (t Token) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[redacted]")) }

// MarshalText hides the token from encoders.
func (t Token) MarshalText() ([]byte, error) { return []byte("[redacted]"), nil }

// LogValue hides the token from logs.
func (t Token) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// checksum returns the CRC-32 (IEEE) of body in base62. It is written out so
// that parsing, which every request does, allocates nothing.
func checksum(body string) (out [checksumLen]byte) {
	crc := ^uint32(0)
	for i := range len(body) {
		crc = crc32.IEEETable[byte(crc)^body[i]] ^ crc>>8
	}
	crc = ^crc
	for i := checksumLen - 1; i >= 0; i-- {
		out[i] = alphabet[crc%uint32(base)]
		crc /= uint32(base)
	}
	return out
}

// base62 writes 256 bits, big-endian, as a number of secretLen digits.
func base62(n [EntropyLen]byte) (out [secretLen]byte) {
	for i := secretLen - 1; i >= 0; i-- {
		rest := 0
		for j, b := range n { // long division by the base, a byte at a time
			rest = rest<<8 | int(b)
			n[j], rest = byte(rest/base), rest%base
		}
		out[i] = alphabet[rest]
	}
	return out
}
