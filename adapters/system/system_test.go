package system_test

import (
	"encoding/base32"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/system"
)

var start = time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC)

// decode returns the 16 bytes of an ID with the prefix.
func decode(t *testing.T, id, prefix string) []byte {
	t.Helper()
	text, ok := strings.CutPrefix(id, prefix+"_")
	require.True(t, ok, id)
	require.Len(t, text, 26)
	require.Equal(t, strings.ToLower(text), text)
	u, err := base32.HexEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ToUpper(text))
	require.NoError(t, err)
	require.Len(t, u, 16)
	return u
}

func TestIDs_New_isUUIDv7(t *testing.T) { // DECISIONS, IDs; RFC 9562
	t.Parallel()
	g := system.NewIDs(func() time.Time { return start })
	for range 5000 { // past the 12 bits of the counter
		u := decode(t, g.New("req"), "req")
		require.Equal(t, byte(7), u[6]>>4, "version")
		require.Equal(t, byte(2), u[8]>>6, "variant")
	}
	u := decode(t, system.NewIDs(func() time.Time { return start }).New("lot"), "lot")
	ms := int64(0)
	for _, b := range u[:6] {
		ms = ms<<8 | int64(b)
	}
	require.Equal(t, start.UnixMilli(), ms)
}

func TestIDs_New_order(t *testing.T) {
	t.Parallel()
	now := start
	g := system.NewIDs(func() time.Time { return now })
	var ids []string
	for i := range 30_000 {
		switch {
		case i == 10_000:
			now = now.Add(-time.Hour) // the clock steps back
		case i == 20_000:
			now = now.Add(2 * time.Hour)
		case i%7 == 0:
			now = now.Add(300 * time.Microsecond)
		}
		ids = append(ids, g.New("evt"))
	}
	require.True(t, slices.IsSorted(ids), "IDs sort in the order they were made")
	require.Len(t, slices.Compact(ids), 30_000)
}

func TestIDs_New_concurrent(t *testing.T) {
	t.Parallel()
	g := system.NewIDs(func() time.Time { return start })
	lists := make([][]string, 16)
	var wg sync.WaitGroup
	for i := range lists {
		wg.Go(func() {
			for range 2000 {
				lists[i] = append(lists[i], g.New("req"))
			}
		})
	}
	wg.Wait()
	for _, list := range lists {
		require.True(t, slices.IsSorted(list), "in order for each maker")
	}
	all := slices.Concat(lists...)
	slices.Sort(all)
	require.Len(t, slices.Compact(all), 32_000)
}

func TestIDs_New_twoMakers(t *testing.T) {
	t.Parallel()
	clock := func() time.Time { return start }
	a, b := system.NewIDs(clock), system.NewIDs(clock)
	require.NotEqual(t, a.New("req"), b.New("req"), "two replicas at one instant")
}

func TestNow(t *testing.T) {
	t.Parallel()
	now := system.Now()
	require.Equal(t, time.UTC, now.Location())
	require.Zero(t, now.Nanosecond()%1000)
	require.WithinDuration(t, time.Now(), now, time.Minute)
	require.Equal(t, now, time.UnixMicro(now.UnixMicro()).UTC(), "no monotonic part: it equals what a store gives back")
}

func TestEntropy(t *testing.T) {
	t.Parallel()
	a, b := make([]byte, 32), make([]byte, 32)
	system.Entropy(a)
	system.Entropy(b)
	require.NotEqual(t, a, b)
	require.NotEqual(t, make([]byte, 32), a)
}
