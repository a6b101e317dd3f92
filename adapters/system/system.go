// Package system provides what the core must not reach for itself: the
// machine's clock, its randomness, and IDs made from both.
package system

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"sync"
	"time"
)

// Now returns the present time in UTC, to the microsecond.
func Now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// Entropy fills b from the system's secure random source. It cannot fail:
// the runtime ends the process if that source is broken.
func Entropy(b []byte) { _, _ = rand.Read(b) }

// order-preserving: base32hex sorts as the bytes do.
var encoding = base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)

// IDs makes IDs: a prefix and a UUIDv7 (RFC 9562) in lower-case base32hex, 26
// characters. IDs made by one IDs sort in the order they were made.
type IDs struct {
	now  func() time.Time
	mu   sync.Mutex
	last uint64 // milliseconds<<12 | 12-bit counter
}

// NewIDs returns a maker of IDs that reads the clock now.
func NewIDs(now func() time.Time) *IDs { return &IDs{now: now} }

// New returns a new ID such as req_06b1….
func (g *IDs) New(prefix string) string {
	var u [16]byte
	_, _ = rand.Read(u[8:])
	tick := uint64(g.now().UnixMilli()) << 12
	g.mu.Lock()
	if tick <= g.last {
		tick = g.last + 1 // same millisecond, or a clock that stepped back
	}
	g.last = tick
	g.mu.Unlock()
	binary.BigEndian.PutUint64(u[:8], tick>>12<<16|0x7000|tick&0xfff)
	u[8] = u[8]&0x3f | 0x80
	buf := make([]byte, 0, len(prefix)+27)
	buf = append(append(buf, prefix...), '_')
	return string(encoding.AppendEncode(buf, u[:]))
}
