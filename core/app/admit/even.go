package admit

import (
	"context"
	"time"
)

// refusal is how long it takes at least to refuse a key that has the form of
// one. A known key is found in memory, an unknown one asked for; by then either
// is over, unless the store is slow, and then for both.
const refusal = 10 * time.Millisecond

// even waits until a refusal that began at an instant is as old as any, so that
// its time does not tell whether there is, or was, such a key.
func (s *Service) even(ctx context.Context, begun time.Time) {
	rest := refusal - s.deps.Now().Sub(begun)
	if rest <= 0 || rest > refusal {
		return
	}
	until := time.NewTimer(rest)
	defer until.Stop()
	select {
	case <-until.C:
	case <-ctx.Done():
	}
}
