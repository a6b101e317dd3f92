package spend

import "time"

const (
	// crowdBatch is from how many ops on, at the mean, batches take no provisional
	// holds along: one commit less is worth little there, and a hold less a whole op.
	crowdBatch = 8
	// crowdMemory is how many batches the mean is of, and crowdTime how long the
	// last of them says something.
	crowdMemory = 8
	crowdTime   = 100 * time.Millisecond
)

// crowd knows whether batches are large: then what comes waits for others anyway.
type crowd struct {
	ops  int // crowdMemory times the mean of the last batches
	last time.Time
}

// took notes that a batch was taken.
func (c *crowd) took(ops int, now time.Time) {
	c.ops += ops - c.ops/crowdMemory
	c.last = now
}

// is reports whether there is a crowd.
func (c *crowd) is(now time.Time) bool {
	return c.ops >= crowdBatch*crowdMemory && now.Sub(c.last) < crowdTime
}
