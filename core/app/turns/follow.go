package turns

import (
	"context"
	"errors"
	"time"

	"github.com/archibot/archibotchat/core/chat"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/ports/store"
)

// EventKind says what an Event tells.
type EventKind uint8

// The kinds of events.
const (
	Text   EventKind = iota + 1 // new text; Cursor is after it
	Reset                       // the whole text up to Cursor: the one asked for is not in it
	Step                        // something happened to the turn
	End                         // the turn ended; nothing follows
	Beat                        // nothing, so that the line is not taken for dead
	Closed                      // the session ended; nothing follows
)

// Event is what a follower is told.
type Event struct {
	Kind      EventKind
	Cursor    int // byte offset in the answer
	Text      string
	Step      chat.Step
	Turn      chat.Turn // of End
	Available int64     // of End: what the account can spend now
	Code      string    // of Closed
}

const (
	beatEvery  = 10 * time.Second
	checkEvery = 3 * time.Second
	// catchUp is how long a follower's place is waited for that the store does
	// not have yet: it may have come from the server that does the work.
	catchUp = 600 * time.Millisecond
	// patience is how many times in a row the store may fail a follower.
	patience = 25
)

// Follow tells of a turn of the member who acts: first of its steps and its text
// from a place on, then of what comes, until it ends, see fails or ctx ends. An
// ended one is told of at once. Faults: not_found, too_many_followers, overloaded,
// server_stopping.
func (s *Service) Follow(ctx context.Context, id string, from int, see func(Event) error) error {
	w := whose(ctx)
	t, err := s.d.Store.Turns().Get(ctx, w, id)
	if err != nil {
		return err
	}
	if err := s.enter(w); err != nil {
		return err
	}
	defer s.leave(w)
	f := &follower{Service: s, whose: w, id: id, cursor: from, see: see}
	if f.cursor < 0 {
		f.cursor = 0
	}
	f.beat, f.check = time.NewTicker(beatEvery), time.NewTicker(checkEvery)
	defer f.beat.Stop()
	defer f.check.Stop()
	if l := s.here(id); l != nil && t.State == chat.Running {
		if over, err := f.near(ctx, l); over || err != nil {
			return err
		}
	}
	return f.far(ctx)
}

func (s *Service) enter(w store.Whose) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.isStopping():
		return ErrStopping
	case s.tabs[w] >= s.d.Limits.OwnTabs:
		return ErrTabs
	case s.followers >= s.d.Limits.Followers:
		return ErrFull
	}
	s.followers++
	s.tabs[w]++
	return nil
}

func (s *Service) leave(w store.Whose) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.followers--
	if s.tabs[w]--; s.tabs[w] == 0 {
		delete(s.tabs, w)
	}
}

// follower is somebody who follows a turn.
type follower struct {
	*Service

	whose  store.Whose
	id     string
	cursor int
	steps  int // seen
	see    func(Event) error
	beat   *time.Ticker
	check  *time.Ticker
	doubt  bool // the last check found no answer
}

// errOver means that the follower was told that nothing follows.
var errOver = errors.New("over")

// near follows a turn that is at work here, until what is to be known of it is in
// the store. It returns true if nothing follows.
func (f *follower) near(ctx context.Context, l *live) (over bool, err error) {
	for {
		g := l.see(f.cursor, f.steps)
		if g.over {
			return false, nil
		}
		if g.beyond {
			if err := f.reset(l.see(0, f.steps).text); err != nil {
				return false, err
			}
			continue
		}
		if err := f.tell(g.steps, g.text); err != nil {
			return false, err
		}
		if len(g.text) > 0 {
			continue // there may be more by now
		}
		if err := f.wait(ctx, g.changed, nil); err != nil {
			return errors.Is(err, errOver), ignore(err)
		}
	}
}

// far follows a turn in the store: one that is at work elsewhere, or has ended.
func (f *follower) far(ctx context.Context) error {
	tick := time.NewTicker(look)
	defer tick.Stop()
	placed, waited, failures := f.cursor == 0, time.Duration(0), 0
	for {
		at := f.cursor
		if !placed {
			at = 0 // to know where the text's characters begin
		}
		text, t, err := f.d.Store.Turns().Since(ctx, f.whose, f.id, at)
		switch {
		case errors.Is(err, store.ErrNotFound):
			return err
		case err != nil:
			if failures++; failures >= patience || ctx.Err() != nil {
				return err
			}
		case !placed && f.cursor > len(text) && t.State == chat.Running && waited < catchUp:
			waited += look
		default:
			failures = 0
			if !placed {
				placed = true
				if boundary(text, f.cursor) {
					text = text[f.cursor:]
				} else {
					first := upTo(text, maxGlimpse)
					if err := f.reset(first); err != nil {
						return err
					}
					text = text[len(first):]
				}
			}
			if err := f.tell(t.Steps[min(f.steps, len(t.Steps)):], text); err != nil {
				return err
			}
			if t.State != chat.Running {
				return f.end(ctx, t)
			}
		}
		if err := f.wait(ctx, nil, tick.C); err != nil {
			return ignore(err)
		}
	}
}

func ignore(err error) error {
	if errors.Is(err, errOver) {
		return nil
	}
	return err
}

// tell passes on steps and text.
func (f *follower) tell(steps []chat.Step, text string) error {
	for _, s := range steps {
		f.steps++
		if err := f.see(Event{Kind: Step, Step: s}); err != nil {
			return err
		}
	}
	for len(text) > 0 {
		part := upTo(text, maxGlimpse)
		text = text[len(part):]
		f.cursor += len(part)
		if err := f.see(Event{Kind: Text, Cursor: f.cursor, Text: part}); err != nil {
			return err
		}
	}
	return nil
}

// reset begins the text anew.
func (f *follower) reset(text string) error {
	f.cursor = len(text)
	return f.see(Event{Kind: Reset, Cursor: f.cursor, Text: text})
}

// end tells how the turn ended.
func (f *follower) end(ctx context.Context, t chat.Turn) error {
	e := Event{Kind: End, Cursor: f.cursor, Turn: t}
	funds, err := f.d.Store.Ledger().Funds(ctx, []string{f.whose.Account})
	if err != nil {
		return err
	}
	if len(funds) > 0 {
		e.Available = funds[0].Available
	}
	return f.see(e)
}

// wait returns nil when there may be more. In between it beats, and looks whether
// the session is still good. errOver: nothing follows.
func (f *follower) wait(ctx context.Context, changed <-chan struct{}, tick <-chan time.Time) error {
	for {
		select {
		case <-changed:
			return nil
		case <-tick:
			return nil
		case <-f.beat.C:
			if err := f.see(Event{Kind: Beat, Cursor: f.cursor}); err != nil {
				return err
			}
		case <-f.check.C:
			if err := f.checked(ctx); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		case <-f.stopping:
			return f.leaving(changed)
		}
	}
}

// checked looks whether the session is still good. A store that does not answer
// twice closes it (G3).
func (f *follower) checked(ctx context.Context) error {
	err := f.d.Door.Check(ctx)
	switch {
	case err == nil:
		f.doubt = false
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case fault.KindOf(err) != fault.Unauthenticated && !f.doubt:
		f.doubt = true
		return nil
	}
	if err := f.see(Event{Kind: Closed, Cursor: f.cursor, Code: fault.CodeOf(err)}); err != nil {
		return err
	}
	return errOver
}

// leaveWait is how long a follower of a turn that is cut waits for its end.
const leaveWait = 3 * time.Second

// leaving waits for the end of a turn at work here, which is about to come;
// followers of others are sent away at once.
func (f *follower) leaving(changed <-chan struct{}) error {
	if changed == nil {
		return ErrStopping
	}
	limit := time.NewTimer(leaveWait)
	defer limit.Stop()
	select {
	case <-changed:
		return nil
	case <-limit.C:
		return ErrStopping
	}
}
