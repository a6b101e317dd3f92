package memlimits

import (
	"container/heap"
	"context"
	"crypto/sha256"
	"time"

	"github.com/archibot/archibotchat/ports/limits"
)

// Front stands before a limiter that costs more to ask, such as a database. It
// remembers for how long a key was refused, and until then refuses it itself:
// a bucket cannot fill up sooner than it was said to. So whoever keeps trying
// reaches the other one as seldom as if they kept to the rule. It lets nobody
// through on its own.
type Front struct {
	next limits.Limiter
	memo *Limiter // whose buckets are full when the refusal is over
}

var _ limits.Limiter = (*Front)(nil)

// NewFront returns a Front before next that remembers up to Config.Keys keys.
func NewFront(c Config, next limits.Limiter) *Front { return &Front{next, New(c)} }

// Take implements limits.Limiter.
func (f *Front) Take(ctx context.Context, key string, r limits.Rule) (limits.Verdict, error) {
	if err := r.Validate(); err != nil {
		return limits.Verdict{}, err
	}
	d := digest(sha256.Sum256([]byte(key)))
	s := &f.memo.shards[d[0]%shards]
	if wait := s.refused(d, f.memo.now().UnixMicro(), r.Every.Microseconds()); wait > 0 {
		return limits.Verdict{Wait: wait}, nil
	}
	v, err := f.next.Take(ctx, key, r)
	if err == nil && !v.OK {
		s.remember(d, f.memo.now().UnixMicro(), v.Wait)
	}
	return v, err
}

// refused returns for how long the key is still refused, 0 if it is not. A wait
// is never longer than every: beyond that the clock went back.
func (s *shard) refused(key digest, now, every int64) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.of[key]
	if b == nil {
		return 0
	}
	if left := b.fullAt - now; left > 0 && left <= every {
		return time.Duration(left) * time.Microsecond
	}
	heap.Remove(&s.next, b.place)
	delete(s.of, key)
	return 0
}

func (s *shard) remember(key digest, now int64, wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.of[key]
	if b == nil {
		s.evict(now)
		b = &bucket{key: key}
		s.of[key] = b
		heap.Push(&s.next, b)
	}
	b.fullAt = now + wait.Microseconds()
	heap.Fix(&s.next, b.place)
}
