package turns

import (
	"sync"
	"time"
	"unicode/utf8"

	"github.com/archibot/archibotchat/core/chat"
	"github.com/archibot/archibotchat/ports/store"
)

// live is a turn at work on this server: its text so far, for whoever follows.
// A follower has a cursor into the text and waits for it to grow; nothing is kept
// for any of them.
type live struct {
	whose  store.Whose
	memory Memory
	most   int // bytes of text

	mu      sync.Mutex
	text    []byte
	took    int64 // of the budget
	steps   []chat.Step
	firstAt time.Time
	changed chan struct{} // closed, and made anew, at each change
	fresh   chan struct{} // one place: there is text to be stored
	over    bool          // what is to be known of the turn is in the store
	cut     func(error)   // the relay's
	cause   error         // why it is to end early
}

// textFree is how much text every turn may have beside the budget.
const textFree = 64 << 10

func newLive(w store.Whose, memory Memory, most int) *live {
	return &live{whose: w, memory: memory, most: most, changed: make(chan struct{}), fresh: make(chan struct{}, 1)}
}

// say adds text. An error means that there is no room for it.
func (l *live) say(text string, at time.Time) (first bool, err error) {
	if text == "" {
		return false, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.text)+len(text) > l.most {
		return false, errTooLong
	}
	if need := len(l.text) + len(text); need > cap(l.text) {
		room := max(need, 2*cap(l.text), 1<<10)
		if more := int64(room) - textFree - l.took; more > 0 {
			if err := l.memory.Take(more); err != nil {
				return false, err
			}
			l.took += more
		}
		l.text = append(make([]byte, 0, room), l.text...)
	}
	if first = l.firstAt.IsZero(); first {
		l.firstAt = at
	}
	l.text = append(l.text, text...)
	l.tell()
	l.again()
	return first, nil
}

// again says that there is text to be stored.
func (l *live) again() {
	select {
	case l.fresh <- struct{}{}:
	default:
	}
}

// step adds a step.
func (l *live) step(s chat.Step) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.steps) < chat.MaxSteps {
		l.steps = append(l.steps, s)
		l.tell()
	}
}

// tell wakes whoever waits. The lock is held.
func (l *live) tell() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// watch takes what ends the work; at once, if that was asked for before.
func (l *live) watch(cut func(error)) {
	l.mu.Lock()
	l.cut = cut
	cause := l.cause
	l.mu.Unlock()
	if cause != nil {
		cut(cause)
	}
}

// end asks the work to end early. The first cause counts.
func (l *live) end(cause error) {
	l.mu.Lock()
	if l.cause != nil {
		l.mu.Unlock()
		return
	}
	l.cause = cause
	cut := l.cut
	l.mu.Unlock()
	if cut != nil {
		cut(cause)
	}
}

// why returns why the work was asked to end, nil if it was not.
func (l *live) why() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cause
}

// from returns the text from a cursor on, and what else is to be stored.
func (l *live) from(at int) (text string, firstAt time.Time, steps []chat.Step) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text[at:]), l.firstAt, l.steps[:len(l.steps):len(l.steps)]
}

// finish says that all there is to be known is in the store.
func (l *live) finish() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over, l.text, l.cut = true, nil, nil
	l.memory.Give(l.took)
	l.took = 0
	l.tell()
}

// glimpse is what a follower sees at a time.
type glimpse struct {
	text    string
	steps   []chat.Step
	changed <-chan struct{} // closed when there is more
	over    bool            // nothing more comes from here
	beyond  bool            // the cursor is none that was ever given
}

// maxGlimpse is how much text a follower is given at a time, about.
const maxGlimpse = 64 << 10

// see returns what there is behind a cursor and so many steps.
func (l *live) see(cursor, steps int) glimpse {
	l.mu.Lock()
	defer l.mu.Unlock()
	g := glimpse{changed: l.changed, over: l.over}
	if l.over {
		return g
	}
	if g.beyond = !boundary(l.text, cursor); !g.beyond {
		g.text = string(upTo(l.text[cursor:], maxGlimpse))
	}
	g.steps = l.steps[min(steps, len(l.steps)):len(l.steps):len(l.steps)]
	return g
}

// boundary reports whether a cursor is between two characters of a text, or at
// one of its ends.
func boundary[T string | []byte](text T, cursor int) bool {
	return cursor >= 0 && cursor <= len(text) && (cursor == len(text) || utf8.RuneStart(text[cursor]))
}

// upTo returns the beginning of a text, at most so many bytes of whole characters.
func upTo[T string | []byte](text T, most int) T {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}
