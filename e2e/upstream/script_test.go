package upstream

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParseScript(t *testing.T) {
	t.Parallel()
	require.Equal(t, script{chunks: 10, in: 100, out: 100}, parseScript("test-large"))
	require.Equal(t, script{
		delay: 50 * time.Millisecond, gap: 5 * time.Millisecond, chunks: 20,
		in: 120, out: 80, cached: 10, usage: usageHuge, bigLine: 2, cut: true, noDone: true,
	}, parseScript("test-delay50-gap5-chunks20-in120-out80-cached10-hugeusage-bigline-cut-nodone"))
	require.Equal(t, 429, parseScript("err429").status)
	require.Zero(t, parseScript("err200").status)
	require.Equal(t, 10, parseScript("chunks99999999999999999999").chunks)
}

func FuzzParseScript(f *testing.F) {
	f.Add("test-delay50-gap5-chunks20")
	f.Fuzz(func(t *testing.T, model string) {
		s := parseScript(model)
		require.GreaterOrEqual(t, s.chunks, 0)
		require.GreaterOrEqual(t, s.delay, time.Duration(0))
		require.True(t, s.status == 0 || s.status >= 400 && s.status <= 599)
	})
}
