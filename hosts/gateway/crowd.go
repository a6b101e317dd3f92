package gateway

import (
	"hash/maphash"
	"sync"
	"time"

	"github.com/archibot/archibotchat/core/gates"
)

// crowd counts the requests of each account that are being served, so that no
// account can take every place there is (W10).
type crowd struct {
	max    int
	seed   maphash.Seed
	shards [64]crowdShard
}

// crowdShard is some of the accounts, so that requests of others do not wait.
type crowdShard struct {
	mu   sync.Mutex
	here map[string]int
	_    [48]byte // a processor's line of its own
}

func newCrowd(limit int) *crowd {
	c := &crowd{max: limit, seed: maphash.MakeSeed()}
	for i := range c.shards {
		c.shards[i].here = map[string]int{}
	}
	return c
}

func (c *crowd) shard(account string) *crowdShard {
	return &c.shards[maphash.String(c.seed, account)%uint64(len(c.shards))]
}

// enter reports whether there is room for one more; if so, leave must follow.
func (c *crowd) enter(account string) bool {
	s := c.shard(account)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.here[account] >= c.max {
		return false
	}
	s.here[account]++
	return true
}

func (c *crowd) leave(account string) {
	s := c.shard(account)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.here[account]--; s.here[account] == 0 {
		delete(s.here, account)
	}
}

// errCrowded is rate_limited, with a time to come back.
var errCrowded = func() error {
	f := gates.RateLimited.Fault()
	f.RetryAfter = time.Second
	return f
}()
