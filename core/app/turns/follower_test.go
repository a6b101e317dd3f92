package turns_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/app/turns"
)

// follower is somebody who follows, and what they were told.
type follower struct {
	mu     sync.Mutex
	events []turns.Event
	text   string
	done   chan struct{}
	err    error
	leave  context.CancelFunc
	gate   chan struct{} // nil: not slow
}

// follow follows a turn from a place in a text.
func (p *person) follow(id string, from string) *follower {
	return p.slowly(id, from, nil)
}

func (p *person) slowly(id string, from string, gate chan struct{}) *follower {
	f := &follower{text: from, done: make(chan struct{}), gate: gate}
	ctx, leave := context.WithCancel(p.ctx)
	f.leave = leave
	go func() {
		defer close(f.done)
		defer leave()
		f.err = p.s.Turns.Follow(ctx, id, len(from), func(e turns.Event) error {
			if f.gate != nil {
				<-f.gate
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			f.events = append(f.events, e)
			switch e.Kind {
			case turns.Text:
				f.text += e.Text
			case turns.Reset:
				f.text = e.Text
			default:
			}
			if e.Kind != turns.Step && len(f.text) != e.Cursor {
				return fmt.Errorf("cursor %d after %d bytes", e.Cursor, len(f.text))
			}
			return nil
		})
	}()
	synctest.Wait()
	return f
}

func (f *follower) got() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.text
}

func (f *follower) kinds(kind turns.EventKind) (found []turns.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range f.events {
		if e.Kind == kind {
			found = append(found, e)
		}
	}
	return found
}

// end waits for the end of what is followed.
func (f *follower) end(t *testing.T) turns.Event {
	t.Helper()
	<-f.done
	require.NoError(t, f.err)
	last := f.events[len(f.events)-1]
	require.Equal(t, turns.End, last.Kind)
	return last
}
