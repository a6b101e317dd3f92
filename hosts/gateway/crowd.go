package gateway

import (
	"sync"
	"time"

	"github.com/archibot/archibotchat/core/gates"
)

// crowd counts the requests of each account that are being served, so that no
// account can take every place there is (W10).
type crowd struct {
	mu   sync.Mutex
	max  int
	here map[string]int
}

func newCrowd(limit int) *crowd { return &crowd{max: limit, here: map[string]int{}} }

// enter reports whether there is room for one more; if so, leave must follow.
func (c *crowd) enter(account string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.here[account] >= c.max {
		return false
	}
	c.here[account]++
	return true
}

func (c *crowd) leave(account string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.here[account]--; c.here[account] == 0 {
		delete(c.here, account)
	}
}

// errCrowded is rate_limited, with a time to come back.
var errCrowded = func() error {
	f := gates.RateLimited.Fault()
	f.RetryAfter = time.Second
	return f
}()
