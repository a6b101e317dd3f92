package upstreams

import "sync"

// A call earns a tenth of a retry. What is saved up covers a short hiccup and
// no more.
const (
	retryCost = 10
	maxSaved  = 10 * retryCost
)

// budget bounds how many calls of an upstream are made again: a tenth of all,
// and ten at once.
type budget struct {
	mu    sync.Mutex
	saved int
}

func newBudget() *budget { return &budget{saved: maxSaved} }

// earn books a call.
func (b *budget) earn() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.saved = min(b.saved+1, maxSaved)
}

// take spends a retry, if one is left.
func (b *budget) take() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.saved < retryCost {
		return false
	}
	b.saved -= retryCost
	return true
}
