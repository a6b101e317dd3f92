package seal_test

import (
	"runtime/debug"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/audit"
)

// benchEvents is how many events a round of the benchmark seals: those of two
// seconds at 10,000 requests each.
const benchEvents = 20_000

// perCommit is how many of them one transaction writes.
const perCommit = 25

func BenchmarkSeal_SQLite(b *testing.B) {
	benchmark(b, newHouse(b, sqliteURL(b)), nil)
}

// benchmark measures what sealing takes of this process's processor time and,
// if given, of the database's, for each event. A round must be done before the
// next one is due, so events/s says with which load sealing keeps up.
func benchmark(b *testing.B, h *house, database func() time.Duration) {
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // as the server does
	h.account(b, "acct_1")
	h.write(b, 1, "acct_1")
	h.settled(b)
	_, err := h.Seal(b.Context()) // begins the log
	require.NoError(b, err)
	var server, theirs time.Duration
	n := 0
	for b.Loop() {
		b.StopTimer()
		for range benchEvents / perCommit {
			events := make([]audit.Event, perCommit)
			for i := range events {
				events[i] = h.event("acct_1")
			}
			require.NoError(b, h.store.Events().Append(b.Context(), events...))
		}
		h.settled(b)
		if database != nil {
			theirs -= database()
		}
		server -= processorTime(b)
		b.StartTimer()
		r, err := h.Seal(b.Context())
		b.StopTimer()
		server += processorTime(b)
		if database != nil {
			theirs += database()
		}
		require.NoError(b, err)
		require.Equal(b, benchEvents, r.Sealed)
		n += r.Sealed
		b.StartTimer()
	}
	each := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 / float64(n) }
	b.ReportMetric(each(server), "server-µs/event")
	if database != nil {
		b.ReportMetric(each(theirs), "database-µs/event")
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
}

// processorTime returns that which this process has used.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
