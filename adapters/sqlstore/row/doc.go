// Package row is how the ledger's and the evidence's records lie in tables:
// one struct per table, its columns in one order, and the way there and back.
//
// It keeps true that a time is stored as microseconds since 1970 UTC, the zero
// time as 0, and that text from outside is checked by Text before it is near a
// statement. It opens no database.
package row

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/archibot/archibotchat/core/fault"
)

// Micros returns t as it is stored.
func Micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// Time returns the time stored as µ.
func Time(µ int64) time.Time {
	if µ == 0 {
		return time.Time{}
	}
	return time.UnixMicro(µ).UTC()
}

// ErrText means that a text holds U+0000 or is not UTF-8: one of the databases
// would refuse or cut it.
var ErrText = fault.New(fault.Invalid, "invalid_text", "A text holds a character that cannot be stored.")

// Text returns ErrText if one of the texts cannot be stored as it is.
func Text(texts ...string) error {
	for _, s := range texts {
		if strings.IndexByte(s, 0) >= 0 || !utf8.ValidString(s) {
			return ErrText
		}
	}
	return nil
}
