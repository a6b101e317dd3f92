//go:build engines

package seal_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/sqlstore/blank"
	"github.com/archibot/archibotchat/e2e/engine/localpg"
)

func BenchmarkSeal_Postgres(b *testing.B) {
	h := newHouse(b, localpg.Copy(b, blank.Migrate))
	benchmark(b, h, func() time.Duration { return backends(b, h) })
}

// backends returns the processor time of all processes that serve connections
// of the database.
func backends(b *testing.B, h *house) (sum time.Duration) {
	b.Helper()
	rows, err := h.raw.QueryContext(b.Context(), "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'")
	require.NoError(b, err)
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var pid int
		require.NoError(b, rows.Scan(&pid))
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/schedstat", pid))
		require.NoError(b, err)
		spent, _, _ := strings.Cut(string(stat), " ") // nanoseconds on a processor
		n, err := strconv.ParseInt(spent, 10, 64)
		require.NoError(b, err)
		sum += time.Duration(n)
	}
	require.NoError(b, rows.Err())
	return sum
}
