package audit

import (
	"encoding/binary"
	"strconv"
)

// canonicalVersion leads the canonical form. A new form gets a new version;
// old events keep theirs.
const canonicalVersion = "archibotchat/event/v1"

// Canonical returns the bytes that digests are taken over: the version, then
// every field in a fixed order, each as a big-endian uint32 length and that
// many bytes; numbers as decimals, the time as microseconds since 1970 UTC.
func (e Event) Canonical() []byte { return e.appendCanonical(make([]byte, 0, usualLength)) }

// usualLength has room for the canonical form of most events.
const usualLength = 512

func (e *Event) appendCanonical(b []byte) []byte {
	b = appendField(b, canonicalVersion)
	b = appendField(b, e.ID)
	b = appendField(b, e.Account)
	b = appendNumber(b, e.Seq)
	b = appendNumber(b, e.At.UnixMicro())
	b = appendField(b, string(e.Kind))
	b = appendField(b, string(e.Actor.Kind))
	b = appendField(b, e.Actor.ID)
	b = appendField(b, e.Area)
	b = appendField(b, e.Request)
	b = appendField(b, e.Key)
	b = appendNumber(b, e.Amount)
	b = appendField(b, e.Reason)
	b = appendField(b, e.Subject)
	b = appendField(b, e.Model)
	return appendNumber(b, e.Count)
}

func appendField(b []byte, f string) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(f)))
	return append(b, f...)
}

func appendNumber(b []byte, n int64) []byte {
	length := len(b)
	b = strconv.AppendInt(append(b, 0, 0, 0, 0), n, 10)
	binary.BigEndian.PutUint32(b[length:], uint32(len(b)-length-4))
	return b
}
