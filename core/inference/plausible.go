package inference

import "math"

// unseen is how many tokens of input an upstream may add to what was sent:
// its own instructions, and what it wraps messages in.
const unseen = 1024

// Plausible returns a reported usage as far as the call can have caused it,
// with a model that writes at most maxOutput tokens where the call sets no
// limit; true if that is all of it. What is cut is marked as estimated: a
// report that goes beyond the call is a mistake somewhere, and must not become
// a bill. An image or file that is named by its address has more tokens than
// its name has bytes, so that the input may take what the output left.
func (c Call) Plausible(u Usage, maxOutput int64) (Usage, bool) {
	input, output := c.TokenBound(maxOutput)
	was := u
	u.Output = min(u.Output, output)
	if rest := output - u.Output; rest <= math.MaxInt64-input-unseen {
		u.Input = min(u.Input, input+unseen+rest)
	}
	u.Cached = min(u.Cached, u.Input)
	if u == was {
		return u, true
	}
	u.Estimated = true
	return u, false
}
