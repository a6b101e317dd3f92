package keys

import (
	"fmt"
	"hash/crc32"
	"log/slog"
	"math/big"
	"strings"

	"github.com/archibot/archibotchat/core/fault"
)

// Prefix starts every API key, so that people and secret scanners recognise one.
const Prefix = "abk_"

const (
	alphabet    = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
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
	body := Prefix + base62(new(big.Int).SetBytes(entropy[:]), secretLen)
	return Token{body + checksum(body)}
}

// Parse returns the token in text: exact length and alphabet, a secret below
// 2^256, and a checksum that fits. Anything else is ErrMalformed.
func Parse(text string) (Token, error) {
	if len(text) != TokenLen || text[:len(Prefix)] != Prefix {
		return Token{}, ErrMalformed
	}
	for i := len(Prefix); i < len(text); i++ {
		if strings.IndexByte(alphabet, text[i]) < 0 {
			return Token{}, ErrMalformed
		}
	}
	body := text[:TokenLen-checksumLen]
	if checksum(body) != text[TokenLen-checksumLen:] || body[len(Prefix):] > largest {
		return Token{}, ErrMalformed
	}
	return Token{text}, nil
}

// largest is 2^256 − 1 in base62. The alphabet sorts as bytes do, so that
// texts of one length compare as their values.
var largest = base62(new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(1)), secretLen)

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

func checksum(body string) string {
	return base62(new(big.Int).SetUint64(uint64(crc32.ChecksumIEEE([]byte(body)))), checksumLen)
}

func base62(n *big.Int, width int) string {
	out := make([]byte, width)
	base, digit := big.NewInt(int64(len(alphabet))), new(big.Int)
	for i := width - 1; i >= 0; i-- {
		n.DivMod(n, base, digit)
		out[i] = alphabet[digit.Int64()]
	}
	return string(out)
}
