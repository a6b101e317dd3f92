package pricing_test

import (
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/pricing"
)

func TestParseRate(t *testing.T) { // L13
	t.Parallel()
	for text, want := range map[string]pricing.Rate{
		"0": 0, "0.0": 0, "0.000000": 0, "1": 1_000_000, "12": 12_000_000, "0.15": 150_000, "0.000001": 1, "1.5": 1_500_000, "007": 7_000_000,
		"1.250000": 1_250_000, "1000000000000": pricing.MaxRate, "1000000000000.000000": pricing.MaxRate, "999999999999.999999": pricing.MaxRate - 1,
	} {
		got, err := pricing.ParseRate(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{
		"", ".", "1.", ".5", "-1", "+1", "-0", "1e3", "1E3", "0x10", "1_000", "1,5", "1.2.3", " 1", "1 ", "1 000", "NaN", "nan", "Inf", "-Inf", "free",
		"0.1234567", "0.0000000", "1.-5", "1.+5", "１", "0.１", "٣", "1\x00", "½",
		"1000000000000.000001", "9223372036854", "9223372036854775807", "99999999999999999999", "18446744073709551616", strings.Repeat("9", 400),
	} {
		got, err := pricing.ParseRate(text)
		require.Equal(t, fault.Invalid, fault.KindOf(err), "%q", text)
		require.Equal(t, "invalid_price", fault.CodeOf(err), "%q", text)
		require.Zero(t, got)
	}
}

func FuzzParseRate(f *testing.F) {
	for _, s := range []string{"0.15", "1e3", "1000000000000", "٣.5", "-1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := pricing.ParseRate(text)
		if err != nil {
			return
		}
		require.True(t, got >= 0 && got <= pricing.MaxRate)
		want, ok := new(big.Rat).SetString(text)
		require.True(t, ok, "%q", text)
		require.Zero(t, want.Mul(want, big.NewRat(1_000_000, 1)).Cmp(new(big.Rat).SetInt64(int64(got))), "%q", text)
	})
}

// exact is the cost by unbounded arithmetic; nil if it passes int64.
func exact(p pricing.Price, input, cached, output int64) *big.Int {
	sum := big.NewInt(int64(p.PerRequest))
	for rate, n := range map[*big.Int]int64{
		big.NewInt(int64(p.PerInput)): input - cached, big.NewInt(int64(p.PerCachedInput)): cached, big.NewInt(int64(p.PerOutput)): output,
	} {
		sum.Add(sum, rate.Mul(rate, big.NewInt(n)))
	}
	cost, rest := sum.QuoRem(sum, big.NewInt(1_000_000), new(big.Int))
	if rest.Sign() > 0 {
		cost.Add(cost, big.NewInt(1))
	}
	if !cost.IsInt64() {
		return nil
	}
	return cost
}

func TestPrice_Cost_equalsBig(t *testing.T) { // L1, L13
	t.Parallel()
	overflows := 0
	rapid.Check(t, func(rt *rapid.T) {
		rate := rapid.OneOf(rapid.Int64Range(0, 5_000_000), rapid.Int64Range(0, int64(pricing.MaxRate)), rapid.Int64Range(0, math.MaxInt64))
		count := rapid.OneOf(rapid.Int64Range(0, 200_000), rapid.Int64Range(0, math.MaxInt64))
		p := pricing.Price{
			PerRequest: pricing.Rate(rate.Draw(rt, "request")), PerInput: pricing.Rate(rate.Draw(rt, "input")),
			PerCachedInput: pricing.Rate(rate.Draw(rt, "cached")), PerOutput: pricing.Rate(rate.Draw(rt, "output")),
		}
		input, output := count.Draw(rt, "in"), count.Draw(rt, "out")
		if rapid.IntRange(0, 3).Draw(rt, "vast") == 0 { // left to chance, some runs would have no overflow
			p.PerOutput = pricing.Rate(rapid.Int64Range(1<<44, math.MaxInt64).Draw(rt, "vast output"))
			output = rapid.Int64Range(1<<44, math.MaxInt64).Draw(rt, "vast out")
		}
		cached := rapid.Int64Range(0, input).Draw(rt, "of it cached")
		got, err := p.Cost(input, cached, output)
		want := exact(p, input, cached, output)
		if want == nil {
			overflows++
			require.Equal(rt, "amount_overflow", fault.CodeOf(err))
			require.Zero(rt, got)
			return
		}
		require.NoError(rt, err)
		require.Equal(rt, want.Int64(), got)

		bound, err := p.Bound(input, output) // HOTPATH 10: the hold bounds the cost
		if err == nil {
			require.GreaterOrEqual(rt, bound, got)
		}
	})
	require.Positive(t, overflows, "no draw passed int64")
}

func TestPrice_Cost(t *testing.T) {
	t.Parallel()
	p := pricing.Price{PerRequest: 100_000, PerInput: 150_000, PerCachedInput: 75_000, PerOutput: 600_001}
	for _, c := range []struct{ input, cached, output, want int64 }{
		{0, 0, 0, 1}, // 0.1, rounded up
		{1, 0, 1, 1}, // 0.1 + 0.15 + 0.600001: rounded once, not thrice
		{10, 10, 0, 1},
		{2, 0, 1, 2},   // 1.000001
		{6, 0, 0, 1},   // 1.0 exactly
		{6, 1, 0, 1},   // 0.925
		{20, 8, 10, 9}, // 0.1 + 1.8 + 0.6 + 6.00001
	} {
		got, err := p.Cost(c.input, c.cached, c.output)
		require.NoError(t, err)
		require.Equal(t, c.want, got, c)
	}
	free, err := pricing.Price{}.Cost(1000, 10, 1000)
	require.NoError(t, err)
	require.Zero(t, free)

	for _, c := range [][3]int64{{-1, 0, 0}, {0, -1, 0}, {0, 0, -1}, {5, 6, 0}, {math.MinInt64, 0, 0}} {
		_, err := p.Cost(c[0], c[1], c[2])
		require.Equal(t, "invalid_usage", fault.CodeOf(err), c)
	}
	for _, bad := range []pricing.Price{{PerRequest: -1}, {PerInput: -1}, {PerCachedInput: -1}, {PerOutput: -1}} {
		_, err := bad.Cost(2, 1, 1)
		require.Error(t, err, "a negative rate never pays anybody")
	}
	most := pricing.Price{PerRequest: math.MaxInt64, PerInput: math.MaxInt64, PerCachedInput: math.MaxInt64, PerOutput: math.MaxInt64}
	_, err = most.Cost(math.MaxInt64, math.MaxInt64/2, math.MaxInt64)
	require.Equal(t, "amount_overflow", fault.CodeOf(err))
	edge := pricing.Price{PerInput: 1_000_000}
	got, err := edge.Cost(math.MaxInt64, 0, 0)
	require.NoError(t, err)
	require.Equal(t, int64(math.MaxInt64), got)
	edge.PerRequest = 1
	_, err = edge.Cost(math.MaxInt64, 0, 0)
	require.Equal(t, "amount_overflow", fault.CodeOf(err))
}

func TestPrice_Bound(t *testing.T) {
	t.Parallel()
	dear := pricing.Price{PerInput: 1_000_000, PerCachedInput: 3_000_000, PerOutput: 2_000_000}
	got, err := dear.Bound(10, 5)
	require.NoError(t, err)
	require.Equal(t, int64(40), got, "cached input may cost more")
	dear.PerCachedInput = 0
	got, err = dear.Bound(10, 5)
	require.NoError(t, err)
	require.Equal(t, int64(20), got)
}
