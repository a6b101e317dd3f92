package responses

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/archibot/archibotchat/ports/store"
)

const (
	// maxQueue bounds the claims that wait, and the ends.
	maxQueue = 8192
	// maxBatch is how many of each one statement writes.
	maxBatch = 256
)

// claim is a claim on its way.
type claim struct {
	response store.Response
	reply    chan error // one slot: the writer never waits
	gone     atomic.Bool
}

// end is the note of an end on its way.
type end struct {
	store.ResponseEnd
	queued time.Time
	noted  chan struct{}
}

// queue is what waits to be written.
type queue struct {
	mu     sync.Mutex
	claims []*claim
	ends   []*end
	wake   chan struct{} // one slot: something waits
}

// claim puts a claim in; false if there is no room.
func (q *queue) claim(c *claim) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.claims) >= maxQueue {
		return false
	}
	q.claims = append(q.claims, c)
	q.ring()
	return true
}

// end puts an end in; false if there is no room.
func (q *queue) end(e *end) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.ends) >= maxQueue {
		return false
	}
	q.ends = append(q.ends, e)
	q.ring()
	return true
}

func (q *queue) ring() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// take returns the oldest of both, without claims that nobody waits for.
func (q *queue) take() (claims []*claim, ends []*end) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := 0
	for ; n < len(q.claims) && len(claims) < maxBatch; n++ {
		if c := q.claims[n]; !c.gone.Load() {
			claims = append(claims, c)
		}
	}
	q.claims = drop(q.claims, n)
	m := min(len(q.ends), maxBatch)
	ends = append(ends, q.ends[:m]...)
	q.ends = drop(q.ends, m)
	return claims, ends
}

// drop removes the first n, and lets go of the memory once all are gone.
func drop[T any](list []T, n int) []T {
	clear(list[:n])
	if n == len(list) {
		return nil
	}
	return list[n:]
}

// put puts back, in front, what could not be written. The queue may grow beyond
// its bound by one batch.
func (q *queue) put(claims []*claim, ends []*end) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.claims = append(claims, q.claims...)
	q.ends = append(ends, q.ends...)
}

func (q *queue) empty() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.claims)+len(q.ends) == 0
}
