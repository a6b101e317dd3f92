package access

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"log/slog"
)

const tokenEntropy = 32 // bytes

// TokenLen is the length of every token's text in characters.
var TokenLen = base64.RawURLEncoding.EncodedLen(tokenEntropy)

// Token is 256 random bits as text: what a session or a sign-in is known by.
// What is stored of it is its Sum. It prints as [redacted]; only Reveal shows
// it.
type Token struct{ text string }

// NewToken returns a token of the bytes that entropy gives.
func NewToken(entropy func([]byte)) Token {
	var raw [tokenEntropy]byte
	entropy(raw[:])
	return Token{base64.RawURLEncoding.EncodeToString(raw[:])}
}

// Sum returns the SHA-256 of the text.
func (t Token) Sum() [sha256.Size]byte { return SumToken(t.text) }

// SumToken returns the sum of the token that has this text.
func SumToken(text string) [sha256.Size]byte { return sha256.Sum256([]byte(text)) }

// Reveal returns the token's text.
func (t Token) Reveal() string { return t.text }

// String hides the token.
func (t Token) String() string { return "[redacted]" }

// Format hides the token from every verb of fmt.
func (t Token) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[redacted]")) }

// MarshalText hides the token from encoders.
func (t Token) MarshalText() ([]byte, error) { return []byte("[redacted]"), nil }

// LogValue hides the token from logs.
func (t Token) LogValue() slog.Value { return slog.StringValue("[redacted]") }
