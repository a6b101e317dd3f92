package turns

import (
	"context"
	"time"

	"github.com/archibot/archibotchat/core/chat"
)

const (
	// stopWait is how long a stop waits for the end of the turn, so that whoever
	// stopped it need not ask again.
	stopWait = 2 * time.Second
	// look is how often a server asks the store about a turn of another one.
	look = 200 * time.Millisecond
)

// Stop ends a turn of the member who acts, wherever it is at work; what came is
// kept, and paid for. It returns the turn, which may be about to end. One that has
// ended is returned as it is. Faults: not_found.
func (s *Service) Stop(ctx context.Context, id string) (chat.Turn, error) {
	w := whose(ctx)
	t, err := s.d.Store.Turns().Get(ctx, w, id)
	if err != nil || t.State != chat.Running {
		return t, err
	}
	if err := s.d.Store.Turns().Stop(ctx, w, id); err != nil {
		return t, err
	}
	if l := s.here(id); l != nil {
		l.end(errStopped)
	}
	limit, tick := time.NewTimer(stopWait), time.NewTicker(look)
	defer limit.Stop()
	defer tick.Stop()
	for {
		over := s.over(id)
		if t, err = s.d.Store.Turns().Get(ctx, w, id); err != nil || t.State != chat.Running {
			return t, err
		}
		select {
		case <-over:
		case <-tick.C:
		case <-limit.C:
			return t, nil
		case <-ctx.Done():
			return t, nil
		}
	}
}

// over returns what is closed when the next change of a turn at work here
// happens; nil if it is at work elsewhere.
func (s *Service) over(id string) <-chan struct{} {
	l := s.here(id)
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changed
}
