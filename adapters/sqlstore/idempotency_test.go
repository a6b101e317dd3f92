//go:build engines

package sqlstore_test

import (
	"bytes"
	"encoding/hex"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/sqlstore/blank"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/e2e/engine/localpg"
	"github.com/archibot/archibotchat/ports/store"
)

// HOTPATH 18: a day's outcomes go at a stroke, and so does their room on disk;
// a row in the wrong place, as after a server's clock was wrong, goes too.
func TestPostgres_OutcomesGiveTheirRoomBack(t *testing.T) {
	t.Parallel()
	clock := time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC) // day 20148, slot 0
	s := open(t, localpg.Copy(t, blank.Migrate), func() time.Time { return clock })
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

// HOTPATH 18: the pattern that the README gives leaves names and answers out of
// a dump, and nothing else.
func TestPostgres_DumpWithoutAnswers(t *testing.T) {
	t.Parallel()
	url := localpg.Copy(t, blank.Migrate)
	s := open(t, url, nil)
	create(t, s, "acct_1")
	name := ledger.Name{ID: [32]byte{0xab, 31: 0xcd}, Print: [32]byte{0xef, 31: 0x12}}
	commit(t, s, grant("acct_1", "lot_1", 50),
		ledger.Op{Kind: ledger.OpHold, Account: "acct_1", Request: "req_1", Replica: "rep_1", Nonce: "n", Amount: 5, Once: &ledger.Once{Names: []ledger.Name{name}}})
	sealed := bytes.Repeat([]byte{0x9d, 0x3e}, 40)
	require.NoError(t, s.Idempotency().Record(t.Context(), store.SealedOutcome{Account: "acct_1", Request: "req_1", Opened: time.Now(), Sealed: sealed}))

	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	const option = "--exclude-table-data=idempotency*"
	require.Contains(t, strings.ReplaceAll(string(readme), "'", ""), "pg_dump "+option)
	for _, c := range []struct {
		options []string
		rows    bool
	}{{nil, true}, {[]string{option}, false}} {
		dump, err := exec.CommandContext(t.Context(), localpg.Program(t, "pg_dump"), append(c.options, url)...).Output()
		require.NoError(t, err)
		require.Contains(t, string(dump), "lot_1")
		require.Contains(t, string(dump), "CREATE TABLE public.idempotency_outcomes_3")
		for _, secret := range [][]byte{name.ID[:], name.Print[:], sealed} {
			require.Equal(t, c.rows, bytes.Contains(dump, []byte(hex.EncodeToString(secret))))
		}
	}
}
