//go:build unix

package harness

import (
	"math/big"
	"os"
	"path/filepath"
	"testing"
)

// Tariff is what the price book of a site asks for models of one name.
type Tariff struct {
	PerRequest, PerInput, PerCachedInput, PerOutput string // decimal microcredits
}

// The models of the price book. What follows the name are the upstream's
// directives: "tok-in120-out80" or "req-delay50".
const (
	TokenModel   = "tok" // priced by the token, with fractions of a microcredit
	RequestModel = "req" // priced by the request alone: one credit
	ListedModel  = "test"
	// UnpricedModel is in the upstream's list but not in the price book.
	UnpricedModel = "test-large"
)

// MaxOutput is the max_output_tokens of every model in the price book.
const MaxOutput = 4096

// Credit is one credit in microcredits.
const Credit int64 = 1_000_000

// The tariffs of the price book.
var (
	TokenTariff   = Tariff{PerRequest: "3", PerInput: "2.25", PerCachedInput: "0.5", PerOutput: "7.000001"}
	RequestTariff = Tariff{PerRequest: "1000000", PerInput: "0", PerCachedInput: "0", PerOutput: "0"}
)

const priceBook = `prices:
  - effective: 2020-01-01T00:00:00Z
    models:
      - {id: "tok*", per_request: 3, per_input_token: 2.25, per_cached_input_token: 0.5, per_output_token: 7.000001, max_output_tokens: 4096}
      - {id: "req*", per_request: 1000000, per_input_token: 0, per_cached_input_token: 0, per_output_token: 0, max_output_tokens: 4096}
      - {id: "test", per_request: 3, per_input_token: 2.25, per_cached_input_token: 0.5, per_output_token: 7.000001, max_output_tokens: 4096}
`

// writePrices writes the price book and returns its path.
func writePrices(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "prices.yaml")
	if err := os.WriteFile(path, []byte(priceBook), 0o600); err != nil {
		t.Fatalf("write the price book: %v", err)
	}
	return path
}

// Cost is what a request costs, in microcredits: the exact sum, rounded up
// once. It is worked out with rational numbers, unlike the product's own.
func (p Tariff) Cost(input, cached, output int64) int64 {
	sum := rational(p.PerRequest)
	for _, line := range []struct {
		price  string
		tokens int64
	}{{p.PerInput, input - cached}, {p.PerCachedInput, cached}, {p.PerOutput, output}} {
		sum.Add(sum, new(big.Rat).Mul(rational(line.price), new(big.Rat).SetInt64(line.tokens)))
	}
	whole, rest := new(big.Int).QuoRem(sum.Num(), sum.Denom(), new(big.Int))
	if rest.Sign() > 0 {
		whole.Add(whole, big.NewInt(1))
	}
	return whole.Int64()
}

func rational(decimal string) *big.Rat {
	r, ok := new(big.Rat).SetString(decimal)
	if !ok {
		panic("not a decimal: " + decimal)
	}
	return r
}
