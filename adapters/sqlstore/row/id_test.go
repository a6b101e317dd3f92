package row_test

import (
	"encoding/base32"
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/sqlstore/row"
)

func TestIDFrom(t *testing.T) { // DECISIONS, IDs
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	from := row.IDFrom("req", at)
	for _, d := range []time.Duration{0, time.Millisecond, time.Hour, 100 * 365 * 24 * time.Hour} {
		for _, tail := range []byte{0, 0xff} {
			if at.Add(d).Year() < 2100 {
				require.Less(t, from, made(at.Add(d), tail), d)
			}
			if at.Add(-d).Year() > 1970 {
				require.Greater(t, from, made(at.Add(-8*time.Millisecond-d), tail), d)
			}
		}
	}
	require.Equal(t, "req_000000000", row.IDFrom("req", time.Time{}))
}

// made is the ID that is made at a time: 48 bits of milliseconds and 80 others.
func made(at time.Time, tail byte) string {
	var u [16]byte
	binary.BigEndian.PutUint64(u[:8], uint64(at.UnixMilli())<<16)
	for i := 6; i < len(u); i++ {
		u[i] = tail
	}
	return "req_" + strings.ToLower(base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(u[:]))
}
