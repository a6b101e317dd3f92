package admit

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/archibot/archibotchat/core/keys"
)

// touchEvery is how often a key's last use is written down.
const touchEvery = time.Minute

// touch is a note that a key was used.
type touch struct {
	key    string
	at     time.Time
	rehash bool
	digest keys.Digest
	pepper string
}

// used notes the use of a key, at most once a minute, without making the
// request wait; notes beyond the queue are dropped, the next use notes again.
// A key found under an earlier pepper moves to the current one.
func (s *Service) used(e *snapshot, now time.Time, current keys.Digest) {
	last := e.noted.Load()
	if now.UnixMicro()-last < touchEvery.Microseconds() || !e.noted.CompareAndSwap(last, now.UnixMicro()) {
		return
	}
	select {
	case s.touches <- touch{key: e.Key.ID, at: now, rehash: e.pepper > 0, digest: current, pepper: s.deps.Peppers[0].Version}:
	default:
		s.dropped.Add(1)
		e.noted.Store(last)
	}
}

// Run polls for changes, cuts what they close the gate to, and writes the notes
// until ctx ends.
func (s *Service) Run(ctx context.Context, log *slog.Logger) error {
	var tasks sync.WaitGroup
	tasks.Go(func() { (&poller{Service: s, log: log}).run(ctx) })
	tasks.Go(func() { s.prune(ctx, log) })
	tasks.Go(func() { s.guard(ctx, log) })
	s.note(ctx, log)
	tasks.Wait()
	return nil
}

// note writes the notes.
func (s *Service) note(ctx context.Context, log *slog.Logger) {
	recent := map[string]time.Time{}
	for {
		select {
		case <-ctx.Done():
			return
		case t := <-s.touches:
			if at, ok := recent[t.key]; ok && t.at.Sub(at) < touchEvery {
				continue // many requests read the row before the first note was written
			}
			if len(recent) >= 10_000 {
				clear(recent)
			}
			recent[t.key] = t.at
			err := s.deps.Store.Keys().Touch(ctx, t.key, t.at, touchEvery)
			if err == nil && t.rehash {
				err = s.deps.Store.Keys().Rehash(ctx, t.key, t.digest, t.pepper)
			}
			if err != nil && ctx.Err() == nil {
				log.Warn("noting a key's use failed", "key_id", t.key, "error", err)
			}
		}
	}
}
