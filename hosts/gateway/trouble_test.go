package gateway

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/fault"
)

// Refusals in a crowd are a line a second and kind, and none is lost from the counts.
func TestTroubles(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	counted := map[trouble]int{}
	ts := newTroubles(slog.New(slog.NewTextHandler(&log, nil)), func(code, part string) { counted[trouble{code, part}]++ })
	keys := &fault.Error{Kind: fault.Unavailable, Code: "store_unavailable", Part: "keys", Err: errors.New("connection refused")}
	books := &fault.Error{Kind: fault.Unavailable, Code: "store_unavailable", Part: "ledger", Err: errors.New("not committed")}
	start := time.Unix(1_800_000_000, 0)
	for ms := range 2500 {
		ts.note(keys, start.Add(time.Duration(ms)*time.Millisecond))
	}
	ts.note(books, start.Add(2500*time.Millisecond))
	ts.note(books, start.Add(time.Second)) // a clock that stepped back silences nothing

	require.Equal(t, map[trouble]int{{"store_unavailable", "keys"}: 2500, {"store_unavailable", "ledger"}: 2}, counted)
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	require.Len(t, lines, 5, log.String())
	for i, want := range []string{"part=keys requests=1 ", "part=keys requests=1000 ", "part=keys requests=1000 ", "part=ledger requests=1 ", "part=ledger requests=1 "} {
		require.Contains(t, lines[i], "level=WARN")
		require.Contains(t, lines[i], want)
	}
	require.Contains(t, lines[0], "connection refused")
	require.Contains(t, lines[3], "not committed")
}
