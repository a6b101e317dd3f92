// Package memlimits bounds attempts within one process.
//
// It keeps true that its memory is bounded, whoever tries whatever: buckets
// beyond Config.Keys push others out, first those that are full again, of which
// nothing is lost, then the one that is nearest to it. It knows nothing of
// other servers; adapters/sqlstore does, and this may stand before it, so that
// a flood does not reach the database.
package memlimits

import (
	"container/heap"
	"context"
	"crypto/sha256"
	"sync"
	"time"

	"github.com/archibot/archibotchat/ports/limits"
)

// DefaultKeys is how many buckets are kept unless said otherwise: some 10 MiB.
const DefaultKeys = 1 << 16

// shards is how many parts the buckets are kept in, each with its own lock.
const shards = 16

// Config is what a Limiter needs.
type Config struct {
	Now  func() time.Time
	Keys int // most buckets at a time, at least 16; DefaultKeys if 0
}

// Limiter is a limits.Limiter in memory.
type Limiter struct {
	now    func() time.Time
	shards [shards]shard
}

var _ limits.Limiter = (*Limiter)(nil)

// New returns a Limiter whose buckets are all full.
func New(c Config) *Limiter {
	if c.Keys == 0 {
		c.Keys = DefaultKeys
	}
	l := &Limiter{now: c.Now}
	for i := range l.shards {
		l.shards[i] = shard{room: max(1, c.Keys/shards), of: map[digest]*bucket{}}
	}
	return l
}

// Take implements limits.Limiter.
func (l *Limiter) Take(_ context.Context, key string, r limits.Rule) (limits.Verdict, error) {
	if err := r.Validate(); err != nil {
		return limits.Verdict{}, err
	}
	d := digest(sha256.Sum256([]byte(key)))
	return l.shards[d[0]%shards].take(d, l.now().UnixMicro(), int64(r.Burst), r.Every.Microseconds()), nil
}

type digest [sha256.Size]byte

// bucket is a key's; times are in microseconds.
type bucket struct {
	key    digest
	fullAt int64 // when it is full again
	place  int   // in the heap
}

// shard is a part of the buckets.
type shard struct {
	mu   sync.Mutex
	room int
	of   map[digest]*bucket
	next queue // the one that is full first is first
}

func (s *shard) take(key digest, now, burst, every int64) limits.Verdict {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.of[key]
	if b == nil {
		s.evict(now)
		b = &bucket{key: key, fullAt: now + every}
		s.of[key] = b
		heap.Push(&s.next, b)
		return limits.Verdict{OK: true}
	}
	latest := now + burst*every // when an empty bucket is full
	ok := b.fullAt+every <= latest
	if ok {
		b.fullAt = max(b.fullAt, now) + every
	} else {
		b.fullAt = min(b.fullAt, latest) // beyond that the clock went back, or the rule was another
	}
	heap.Fix(&s.next, b.place)
	if ok {
		return limits.Verdict{OK: true}
	}
	return limits.Verdict{Wait: time.Duration(b.fullAt+every-latest) * time.Microsecond}
}

// evict makes room for one bucket, and gives some of the room back that is not
// needed any more.
func (s *shard) evict(now int64) {
	for n := 0; len(s.next) > 0 && (len(s.next) >= s.room || n < 2 && s.next[0].fullAt <= now); n++ {
		b, _ := heap.Pop(&s.next).(*bucket)
		delete(s.of, b.key)
	}
}

// queue is a heap of buckets by when they are full.
type queue []*bucket

var _ heap.Interface = (*queue)(nil)

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].fullAt < q[j].fullAt }
func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = i, j
}

// Push implements heap.Interface.
func (q *queue) Push(x any) {
	b, _ := x.(*bucket)
	b.place = len(*q)
	*q = append(*q, b)
}

// Pop implements heap.Interface.
func (q *queue) Pop() any {
	last := len(*q) - 1
	b := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return b
}
