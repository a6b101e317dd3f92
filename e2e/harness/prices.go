//go:build unix

package harness

import (
	"fmt"
	"math/big"
	"os"
	"testing"
	"time"
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
      - {id: "tok*", %[1]s, max_output_tokens: 4096}
      - {id: "req*", per_request: 1000000, per_input_token: 0, per_cached_input_token: 0, per_output_token: 0, max_output_tokens: 4096}
      - {id: "test", %[1]s, max_output_tokens: 4096}
`

// WritePrices puts another price book in the site's price file, at once: its
// token tariff is t.
func (s *Site) WritePrices(tb testing.TB, t Tariff) {
	tb.Helper()
	fields := fmt.Sprintf("per_request: %s, per_input_token: %s, per_cached_input_token: %s, per_output_token: %s", t.PerRequest, t.PerInput, t.PerCachedInput, t.PerOutput)
	s.WritePriceFile(tb, fmt.Sprintf(priceBook, fields))
}

// WritePriceFile is WritePrices for any text.
func (s *Site) WritePriceFile(tb testing.TB, text string) {
	tb.Helper()
	path := s.env["ARCHIBOT_PRICES"]
	err := os.WriteFile(path+".new", []byte(text), 0o600)
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		tb.Fatalf("write the price book: %v", err)
	}
}

// PriceBook is a publication as the command lists it.
type PriceBook struct {
	Number    int64     `json:"number"`
	Hash      string    `json:"hash"`
	State     string    `json:"state"`
	Effective time.Time `json:"effective"`
	Published time.Time `json:"published"`
}

// PriceBooks lists what was published, the last one first.
func (s *Site) PriceBooks(t testing.TB) []PriceBook {
	t.Helper()
	var list struct {
		Books []PriceBook `json:"books"`
	}
	s.read(t, &list, "prices", "list")
	return list.Books
}

// TokenTariffOf returns the token tariff that a version of prices has, as the
// product shows it.
func (s *Site) TokenTariffOf(t testing.TB, version string) Tariff {
	t.Helper()
	var book struct {
		Editions []struct {
			Version string `json:"version"`
		} `json:"editions"`
		Content struct {
			Editions []struct {
				Models []struct {
					ID             string `json:"id"`
					PerRequest     string `json:"per_request"`
					PerInput       string `json:"per_input_token"`
					PerCachedInput string `json:"per_cached_input_token"`
					PerOutput      string `json:"per_output_token"`
				} `json:"models"`
			} `json:"editions"`
		} `json:"content"`
	}
	s.read(t, &book, "prices", "show", version)
	for i, e := range book.Editions {
		for _, m := range book.Content.Editions[i].Models {
			if e.Version == version && m.ID == TokenModel+"*" {
				return Tariff{m.PerRequest, m.PerInput, m.PerCachedInput, m.PerOutput}
			}
		}
	}
	t.Fatalf("version %s has no price for %s*", version, TokenModel)
	return Tariff{}
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
