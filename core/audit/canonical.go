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
func (e Event) Canonical() []byte {
	b := make([]byte, 0, 256)
	for _, f := range []string{
		canonicalVersion, e.ID, e.Account, strconv.FormatInt(e.Seq, 10), strconv.FormatInt(e.At.UnixMicro(), 10),
		string(e.Kind), string(e.Actor.Kind), e.Actor.ID, e.Area, e.Request, e.Key,
		strconv.FormatInt(e.Amount, 10), e.Reason, e.Subject, e.Model, strconv.FormatInt(e.Count, 10),
	} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(f)))
		b = append(b, f...)
	}
	return b
}
