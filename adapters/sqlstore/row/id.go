package row

import (
	"encoding/base32"
	"encoding/binary"
	"time"
)

// idText is how IDs write their UUIDv7: it sorts as the bytes do.
var idText = base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)

// IDFrom returns a text that sorts before every ID with the prefix that was made
// at t or later, and after every one that was made 8 ms or more before it.
func IDFrom(prefix string, t time.Time) string {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(max(0, t.UnixMilli()))<<16)
	return prefix + "_" + idText.EncodeToString(b[:6])[:9] // 45 of 48 bits: no bit of what follows
}
