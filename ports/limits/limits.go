// Package limits is the port to what bounds attempts: sign-ins, forms, reports
// of leaked keys, and whatever else a stranger could try again and again.
//
// It is about how often, never about money: what an account may spend, and how
// many requests its keys may make, are the limits of core/app/limits, which
// batches of the ledger count.
//
// Contract, proved by package limitstest on every adapter:
//   - A key is a bucket that holds Burst attempts. Each attempt that is let
//     through takes one out, and one flows back every Every (GCRA).
//   - An attempt that is refused costs nothing: who waits as told is let in.
//   - A key may be any text, of any length. Only a digest of it is kept.
//   - Wait is never longer than Every, even where the clock went back or the
//     rule was another one before.
//   - Attempts at the same time are counted one by one.
package limits

import (
	"context"
	"time"

	"github.com/archibot/archibotchat/core/fault"
)

// Limiter bounds attempts. It is safe for concurrent use.
type Limiter interface {
	// Take takes an attempt out of the key's bucket, if one is left. The same
	// key must always come with the same rule.
	// ErrRule if the rule is not valid; a fault of kind Unavailable if attempts
	// cannot be counted now, and then the caller must let nobody through.
	Take(ctx context.Context, key string, r Rule) (Verdict, error)
}

// Sweeper removes what is kept of keys whose buckets are full again, which is
// as if they had never been there.
type Sweeper interface {
	// Sweep removes up to limit of them; more is true if some may be left.
	Sweep(ctx context.Context, limit int) (more bool, err error)
}

// Rule says how many attempts a bucket lets through.
type Rule struct {
	Burst int           // at once; at least 1
	Every time.Duration // then one more each time this has passed; from a millisecond on
}

// MaxPeriod bounds the time in which an empty bucket fills up.
const MaxPeriod = 24 * time.Hour

// ErrRule means that a rule lets nothing through, or everything, or looks back
// for longer than MaxPeriod.
var ErrRule = fault.New(fault.Internal, "invalid_limit", "A limit of attempts is not set up as it must be.")

// Validate returns ErrRule if the rule is not valid.
func (r Rule) Validate() error {
	if r.Burst < 1 || r.Every < time.Millisecond || r.Every > MaxPeriod/time.Duration(r.Burst) {
		return ErrRule
	}
	return nil
}

// Verdict is what became of an attempt.
type Verdict struct {
	OK bool
	// Wait is, for one that was refused, how long until the next is let through.
	Wait time.Duration
}
