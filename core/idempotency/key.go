package idempotency

import (
	"fmt"
	"log/slog"

	"github.com/archibot/archibotchat/core/fault"
)

// HeaderName is the name of the field, in canonical form.
const HeaderName = "Idempotency-Key"

// MaxLen is the length of the longest key, in bytes.
const MaxLen = 255

// ErrMalformed means that the field is there, and is not one key.
var ErrMalformed = fault.New(fault.Invalid, "invalid_idempotency_key",
	"Send one Idempotency-Key of 1 to 255 printable ASCII characters, such as a UUID, or none.")

// Key is what a client named its request by, so that it may send it again. The
// zero Key means that it named none. It prints as [redacted]: whoever knows a
// key and the service's secret can read what is kept under it.
type Key struct{ text string }

// Parse reads the values of the header. None of them is the zero Key; anything
// but one of 1 to MaxLen printable ASCII characters is ErrMalformed.
func Parse(values []string) (Key, error) {
	if len(values) == 0 {
		return Key{}, nil
	}
	text := values[0]
	if len(values) > 1 || text == "" || len(text) > MaxLen {
		return Key{}, ErrMalformed
	}
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return Key{}, ErrMalformed
		}
	}
	return Key{text}, nil
}

// Given reports whether the client named its request.
func (k Key) Given() bool { return k.text != "" }

// String hides the key.
func (k Key) String() string { return "[redacted]" }

// Format hides the key from every verb of fmt.
func (k Key) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[redacted]")) }

// MarshalText hides the key from encoders.
func (k Key) MarshalText() ([]byte, error) { return []byte("[redacted]"), nil }

// LogValue hides the key from logs.
func (k Key) LogValue() slog.Value { return slog.StringValue("[redacted]") }
