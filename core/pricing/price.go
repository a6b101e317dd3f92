package pricing

import (
	"fmt"
	"math"
	"math/bits"
	"strings"

	"github.com/archibot/archibotchat/core/fault"
)

// Rate is a price in millionths of a microcredit.
type Rate int64

// unit is one microcredit as a Rate.
const unit = 1_000_000

// Price is what a model costs.
type Price struct {
	PerRequest     Rate
	PerInput       Rate // per input token that was not cached
	PerCachedInput Rate // per cached input token
	PerOutput      Rate
	// MaxOutputTokens bounds an answer whose request sets no limit.
	MaxOutputTokens int64
	// InputTokens bounds what a model takes in at a time, what the upstream adds
	// from earlier responses included; 0: not known.
	InputTokens int64
	// Free says that all rates are 0 on purpose: without it they are a slip.
	Free bool
}

// Limits of a plausible price. They keep a slip of the pen from becoming a bill.
const (
	MaxRate         Rate  = 1_000_000_000_000 * unit // a million credits each
	MaxOutputTokens int64 = 100_000_000
	// MaxInputTokens is more than a request can have: a byte is at most a token.
	MaxInputTokens int64 = 100_000_000
)

// String returns the rate as ParseRate reads it, without idle zeros.
func (r Rate) String() string {
	sign, v := "", uint64(r)
	if r < 0 {
		sign, v = "-", -v
	}
	text := fmt.Sprintf("%s%d.%06d", sign, v/unit, v%unit)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

// Microcredits returns the rate in whole microcredits, rounded up.
func (r Rate) Microcredits() int64 { return int64((r + unit - 1) / unit) }

// ParseRate reads a decimal in microcredits with at most six places, such as
// "0.15" or "12". Signs, exponents and blanks are refused.
func ParseRate(text string) (Rate, error) {
	bad := func(msg string) (Rate, error) {
		return 0, fault.New(fault.Invalid, "invalid_price", "The price "+text+" "+msg)
	}
	whole, frac, dotted := strings.Cut(text, ".")
	if whole == "" || (dotted && frac == "") {
		return bad("is not a decimal number of microcredits.")
	}
	if len(frac) > 6 {
		return bad("has more than six decimal places.")
	}
	var v int64
	for _, c := range whole + frac + strings.Repeat("0", 6-len(frac)) {
		if c < '0' || c > '9' {
			return bad("is not a decimal number of microcredits, zero or more.")
		}
		if v > (math.MaxInt64-9)/10 {
			return bad("is too large.")
		}
		v = v*10 + int64(c-'0')
	}
	if Rate(v) > MaxRate {
		return bad("is too large.")
	}
	return Rate(v), nil
}

// Cost returns the microcredits for one request with the given token counts,
// rounded up once. Cached tokens are part of input. Negative counts and sums
// past int64 are faults.
func (p Price) Cost(input, cached, output int64) (int64, error) {
	if input < 0 || cached < 0 || output < 0 || cached > input {
		return 0, fault.New(fault.Invalid, "invalid_usage", "Token counts must not be negative, and cached tokens are part of the input.")
	}
	var hi, lo uint64
	add := func(rate Rate, n int64) bool {
		if rate < 0 {
			return false
		}
		h, l := bits.Mul64(uint64(rate), uint64(n))
		var carry uint64
		lo, carry = bits.Add64(lo, l, 0)
		hi, carry = bits.Add64(hi, h, carry)
		return carry == 0
	}
	ok := add(p.PerRequest, 1) && add(p.PerInput, input-cached) && add(p.PerCachedInput, cached) && add(p.PerOutput, output)
	if ok {
		var carry uint64
		lo, carry = bits.Add64(lo, unit-1, 0)
		hi += carry
	}
	if !ok || hi >= unit {
		return 0, overflow()
	}
	q, _ := bits.Div64(hi, lo, unit)
	if q > math.MaxInt64 {
		return 0, overflow()
	}
	return int64(q), nil
}

// Bound returns the most a request can cost with at most input and output
// tokens: cached input counts at whichever rate is higher.
func (p Price) Bound(input, output int64) (int64, error) {
	p.PerInput = max(p.PerInput, p.PerCachedInput)
	return p.Cost(input, 0, output)
}

func overflow() error {
	return fault.New(fault.Invalid, "amount_overflow", "The amount is too large to be counted.")
}
