package spend

import (
	"context"
	"errors"
	"time"

	"github.com/archibot/archibotchat/core/ledger"
)

// This file is the queue's part in holds that follow their requests: they have
// a slot from the start, and come into their lane when they are due, at the
// first byte, or never, if their settle is quicker (HOTPATH 14).

// begin takes a slot for a provisional hold; false if there is none, or the
// account has not enough for it to wait.
func (q *queue) begin(c *call, now time.Time) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if _, ok := q.slots[c.op.Request]; ok || len(q.slots) >= maxSlots {
		return false
	}
	l := q.lane(c.op.Account)
	if l.desk != swift || l.trouble || l.penance > 0 || l.slots >= laneSlots || !q.purse.lend(&c.op, now) {
		q.tidy(l)
		return false
	}
	s := &slot{account: l.account, key: counted(&c.op), hold: c, lent: c.op.Amount}
	q.slots[c.op.Request] = s
	q.purse.started(s)
	l.slots++
	l.lazy++
	c.begun = now
	first := q.lines[c.manner].first() == nil
	q.lines[c.manner].join(c)
	if first {
		select {
		case q.begun <- struct{}{}:
		default:
		}
	}
	return true
}

// pending returns the provisional hold of a request, or nil.
func (q *queue) pending(request, nonce string) *call {
	q.mu.Lock()
	defer q.mu.Unlock()
	if s := q.slots[request]; s != nil && s.hold != nil && s.hold.op.Nonce == nonce {
		return s.hold
	}
	return nil
}

// watch has a provisional hold end what stands on it, should it be refused.
func (q *queue) watch(request, nonce string, end context.CancelCauseFunc) {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := q.slots[request]
	if s == nil || s.hold == nil || s.hold.op.Nonce != nonce {
		return
	}
	if s.hold.denied != nil && !errors.Is(s.hold.denied, ledger.ErrEpoch) {
		end(s.hold.denied)
		return
	}
	s.hold.refused = end
}

// hasten puts a provisional hold into its lane.
func (q *queue) hasten(c *call) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.enter(c)
}

// hastenAll puts the provisional holds of an account into its lane, ahead of one
// that did not start without: what comes later must not leave them nothing.
func (q *queue) hastenAll(l *lane) {
	if l.lazy == 0 {
		return
	}
	own := make([]*call, 0, l.lazy)
	for m := range q.lines {
		for _, c := range q.lines[m].calls {
			if c.lazy && c.op.Account == l.account {
				own = append(own, c)
			}
		}
	}
	for _, c := range own {
		q.enter(c)
	}
}

// enter puts a hold that waits in its line into its lane.
func (q *queue) enter(c *call) {
	if !q.leave(c) {
		return
	}
	l := q.lane(c.op.Account)
	l.waiting[steps] = append(l.waiting[steps], c)
	q.list(l, steps)
}

// leave takes a hold out of its line, false if it is not there.
func (q *queue) leave(c *call) bool {
	if !c.lazy {
		return false
	}
	q.lines[c.manner].leave(c)
	q.lane(c.op.Account).lazy--
	return true
}

// overdue puts the provisional holds that are due into their lanes, and
// returns when to look again; false if none waits.
func (q *queue) overdue(now time.Time) (next time.Time, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.due(now)
}

// due is overdue for who has the lock.
func (q *queue) due(now time.Time) (next time.Time, ok bool) {
	for m := range q.lines {
		wait := wholeWait
		if manner(m) == streamed {
			if wait = streamWait; q.crowd.is(now) {
				wait = crowdWait
			}
		}
		for c := q.lines[m].first(); c != nil; c = q.lines[m].first() {
			left := c.begun.Add(wait).Sub(now)
			if left > 0 {
				if manner(m) == streamed {
					left = min(left, streamWait) // the crowd may be gone before
				}
				if at := now.Add(left); !ok || at.Before(next) {
					next, ok = at, true
				}
				break
			}
			q.enter(c)
		}
	}
	return next, ok
}

// withdraw takes a provisional hold back, false if a batch has it, or had it.
func (q *queue) withdraw(c *call) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if c.taken || c.withdrawn || c.state.Load() != waiting {
		return false
	}
	q.leave(c)
	c.withdrawn = true
	if s := q.slots[c.op.Request]; s != nil && s.hold == c {
		s.hold = nil // what it counts for stays until its settle is done
	}
	return true
}

// confirmed ends the time in which a hold is provisional. One that was refused
// has no place to keep any more.
func (q *queue) confirmed(c *call) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if s := q.slots[c.op.Request]; s != nil && s.hold == c {
		s.hold = nil
		if c.denied != nil {
			q.free(c.op.Request)
		}
	}
}
