package credits_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/archibot/archibotchat/core/app/credits"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/ledger"
)

func TestParseCredits(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"0": 0, "1": 1_000_000, "12.5": 12_500_000, "0.000001": 1, "007": 7_000_000, "1000000000": ledger.MaxAmount, "1000000000.000000": ledger.MaxAmount,
	} {
		got, err := credits.ParseCredits(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{
		"", ".", "1.", ".5", "-1", "+1", "1e3", "1.0000001", "1,5", " 1", "1 ", "0x1", "1_0", "1.2.3", "1000000000.000001",
		"99999999999", "99999999999999999999999999", "١", "½", "NaN", "1.-5",
	} {
		_, err := credits.ParseCredits(text)
		require.Equal(t, "invalid_credits", fault.CodeOf(err), text)
	}
}

func TestFormat(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{
		0: "0", 1: "0.000001", 1_000_000: "1", 12_500_000: "12.5", -1: "-0.000001", -1_500_000: "-1.5", 10_000_000: "10",
		math.MinInt64: "-9223372036854.775808", math.MaxInt64: "9223372036854.775807",
	} {
		require.Equal(t, want, credits.Format(n))
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(0, ledger.MaxAmount).Draw(t, "n")
		got, err := credits.ParseCredits(credits.Format(n))
		if err != nil || got != n {
			t.Fatalf("%d reads back as %d, %v", n, got, err)
		}
	})
}

func FuzzParseCredits(f *testing.F) {
	f.Add("12.5")
	f.Add("1000000000.000001")
	f.Fuzz(func(t *testing.T, text string) {
		n, err := credits.ParseCredits(text)
		if err != nil {
			return
		}
		if n < 0 || n > ledger.MaxAmount {
			t.Fatalf("%q is %d", text, n)
		}
		if again, err := credits.ParseCredits(credits.Format(n)); err != nil || again != n {
			t.Fatalf("%q: %d reads back as %d, %v", text, n, again, err)
		}
	})
}
