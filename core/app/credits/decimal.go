package credits

import (
	"fmt"
	"strings"

	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/ledger"
)

// ParseCredits reads decimal credits, such as 12.5, into microcredits: digits
// with at most six decimals, no sign, no exponent, at most ledger.MaxAmount.
// Fault: invalid_credits.
func ParseCredits(text string) (int64, error) {
	bad := fault.New(fault.Invalid, "invalid_credits", "Write credits as a decimal number such as 12.5, with at most six decimals, up to 1000000000.")
	bad.Param = "credits"
	whole, frac, dot := strings.Cut(text, ".")
	if whole == "" || dot && frac == "" || len(frac) > 6 || len(whole) > 10 {
		return 0, bad
	}
	var n int64
	for _, r := range whole + frac + strings.Repeat("0", 6-len(frac)) {
		if r < '0' || r > '9' {
			return 0, bad
		}
		n = n*10 + int64(r-'0') // at most 16 digits: far below 2^63
	}
	if n > ledger.MaxAmount {
		return 0, bad
	}
	return n, nil
}

// Format writes microcredits as decimal credits without trailing zeros; what
// it writes of a sum that is not negative, ParseCredits reads back.
func Format(microcredits int64) string {
	sign, n := "", uint64(microcredits)
	if microcredits < 0 {
		sign, n = "-", -n
	}
	text := fmt.Sprintf("%s%d.%06d", sign, n/uint64(ledger.Credit), n%uint64(ledger.Credit))
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}
