package admit_test

import (
	"context"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/sqlstore"
	"github.com/archibot/archibotchat/adapters/sqlstore/blank"
	"github.com/archibot/archibotchat/adapters/system"
	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/admit"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/gates"
	"github.com/archibot/archibotchat/core/keys"
)

const (
	timed     = 100_000 // samples of a class
	timedKeys = 1000
	timedAt   = 16 // at a time
)

type deaf struct{}

func (deaf) RefusedFrom(audit.Event, netip.Addr) {}

// BenchmarkKeyLookup holds the time of refusing keys that were made here against
// that of refusing random ones of the same form: revoked keys that are known in
// memory, and random ones that nobody has seen. t is Welch's; below 4.5 either
// way the classes cannot be told apart. One round takes some time: it is for
// -benchtime 1x.
func BenchmarkKeyLookup(b *testing.B) { // K2, SECURITY: keys
	ids := system.NewIDs(system.Now)
	db, err := sqlstore.Open(b.Context(), sqlstore.Config{URL: blank.SQLite(b, filepath.Join(b.TempDir(), "test.db")), NewID: ids.New, Now: system.Now})
	require.NoError(b, err)
	defer func() { require.NoError(b, db.Close()) }()
	require.NoError(b, db.Migrate(b.Context()))
	ps, err := keys.ParsePeppers(peppers)
	require.NoError(b, err)
	h := &house{t: b, db: db, ps: ps}
	h.add(timedKeys)
	for n := range timedKeys {
		h.revoke(n)
	}
	s := admit.New(admit.Deps{Store: db, Peppers: ps, Enabled: access.NewGroups(access.GroupAPI), Boundary: gates.BoundaryNotRequired, Recorder: deaf{}, Now: system.Now})
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, slog.New(slog.DiscardHandler)) }()
	defer func() {
		cancel()
		require.NoError(b, <-ended)
	}()
	ask := func(text string) time.Duration {
		begun := time.Now()
		_, err := s.Key(ctx, admit.Visit{Token: text, Scope: keys.ScopeModels})
		took := time.Since(begun)
		if err == nil {
			b.Error("let in")
		}
		return took
	}
	for range 2 { // once for the polls to begin, once to be known
		for n := range timedKeys {
			ask(token(n).Reveal())
		}
	}
	for b.Loop() {
		known, unknown := compare(ask)
		t, apart := welch(known, unknown)
		cropped, _ := welch(crop(known), crop(unknown))
		b.ReportMetric(t, "t")
		b.ReportMetric(cropped, "t-of-99%")
		b.ReportMetric(apart, "ns-apart")
		b.ReportMetric(0, "ns/op")
	}
}

// compare times both classes, in random order.
func compare(ask func(text string) time.Duration) (known, unknown []float64) {
	var mu sync.Mutex
	var done sync.WaitGroup
	for range timedAt {
		done.Go(func() {
			for range 2 * timed / timedAt {
				var raw [keys.EntropyLen]byte
				system.Entropy(raw[:])
				ours, text := rand.IntN(2) == 0, keys.Mint(raw).Reveal()
				if own := token(rand.IntN(timedKeys)).Reveal(); ours { // both are made, whichever is asked for
					text = own
				}
				took := float64(ask(text).Nanoseconds())
				mu.Lock()
				if ours {
					known = append(known, took)
				} else {
					unknown = append(unknown, took)
				}
				mu.Unlock()
			}
		})
	}
	done.Wait()
	return known, unknown
}

// crop leaves the slowest hundredth out, which says how busy the machine was.
func crop(samples []float64) []float64 {
	sorted := slices.Sorted(slices.Values(samples))
	return sorted[:len(sorted)*99/100]
}

// welch returns Welch's t of two samples, and the difference of their means.
func welch(a, b []float64) (t, apart float64) {
	moments := func(x []float64) (mean, variance float64) {
		for _, v := range x {
			mean += v / float64(len(x))
		}
		for _, v := range x {
			variance += (v - mean) * (v - mean) / float64(len(x)-1)
		}
		return mean, variance
	}
	meanA, varA := moments(a)
	meanB, varB := moments(b)
	return (meanA - meanB) / math.Sqrt(varA/float64(len(a))+varB/float64(len(b))), meanA - meanB
}
