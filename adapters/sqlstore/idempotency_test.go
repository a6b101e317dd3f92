//go:build engines

package sqlstore_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/e2e/engine/localpg"
	"github.com/archibot/archibotchat/ports/store"
)

// HOTPATH 18: a day's outcomes go at a stroke, and so does their room on disk;
// a row in the wrong place, as after a server's clock was wrong, goes too.
func TestPostgres_OutcomesGiveTheirRoomBack(t *testing.T) {
	t.Parallel()
	clock := time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC) // day 20148, slot 0
	s := open(t, localpg.URL(t), func() time.Time { return clock })
	record := func(request string, opened time.Time) {
		require.NoError(t, s.Idempotency().Record(t.Context(), store.SealedOutcome{Account: "acct_1", Request: request, Opened: opened, Sealed: bytes.Repeat([]byte{7}, 1<<20)}))
	}
	room := func(slot string) int64 {
		n, err := s.Count(t.Context(), "SELECT pg_total_relation_size('idempotency_outcomes_"+slot+"')")
		require.NoError(t, err)
		return n
	}
	empty := room("0")
	for range 8 {
		record("req_today", clock)
	}
	record("req_long_ago", clock.AddDate(0, 0, -3))
	require.Greater(t, room("0"), int64(4<<20))
	for ; clock.Day() < 3; clock = clock.AddDate(0, 0, 1) {
		_, err := s.Idempotency().Expire(t.Context(), 0)
		require.NoError(t, err)
		require.Greater(t, room("0"), int64(4<<20))
	}
	_, err := s.Idempotency().Expire(t.Context(), 0)
	require.NoError(t, err)
	require.Equal(t, empty, room("0"))
	n, err := s.Count(t.Context(), "SELECT count(*) FROM idempotency_outcomes")
	require.NoError(t, err)
	require.Zero(t, n)
}
