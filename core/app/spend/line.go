package spend

import (
	"slices"
	"time"
)

// manner is how an answer leaves.
type manner int

const (
	streamed manner = iota
	whole
)

const (
	// streamWait is how long the hold of a stream that started without it may
	// wait. It has to be there when the stream's first byte is, or that waits.
	streamWait = 5 * time.Millisecond
	// crowdWait is the same where batches are large: a hold more delays nobody
	// else's there, and most of what is under way has an answer by then.
	crowdWait = 25 * time.Millisecond
	// wholeWait is how long the hold of an answer in one piece may wait. Of that
	// nothing leaves before its settle is durable, so nobody waits for the hold,
	// and should this server die, the hold would be released anyway. Until then no
	// other replica sees it, so it is short beside the second that an amount may be
	// old and count in full (HOTPATH 13).
	wholeWait = 250 * time.Millisecond
	// rideTime is after how long a stream's hold goes with a batch that is sent
	// anyway.
	rideTime = 3 * time.Millisecond
)

// line is provisional holds that wait, the longest first.
type line struct {
	calls []*call
	left  int // of them, that wait no more
}

func (l *line) join(c *call) {
	c.lazy = true
	l.calls = append(l.calls, c)
}

// leave takes a call out of the line. Those that are out of it are cleared away
// from its front, and all of them once they are the most.
func (l *line) leave(c *call) {
	c.lazy = false
	l.left++
	for len(l.calls) > 0 && !l.calls[0].lazy {
		l.calls[0] = nil
		l.calls = l.calls[1:]
		l.left--
	}
	if l.left > len(l.calls)/2 {
		l.calls, l.left = slices.DeleteFunc(l.calls, func(c *call) bool { return !c.lazy }), 0
	}
}

// first returns the call that has waited longest, nil if none waits.
func (l *line) first() *call {
	if len(l.calls) == 0 {
		return nil
	}
	return l.calls[0]
}
