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
	c.lazy = true
	q.lazy = append(q.lazy, c)
	if len(q.lazy) == 1 {
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
func (q *queue) hastenAll(account string) {
	for _, c := range q.lazy { // those of the last 5 ms
		if c.op.Account == account {
			q.enter(c)
		}
	}
}

func (q *queue) enter(c *call) {
	if !c.lazy || c.withdrawn {
		return
	}
	c.lazy = false
	l := q.lane(c.op.Account)
	l.waiting[steps] = append(l.waiting[steps], c)
	q.list(l, steps)
}

// overdue puts the provisional holds that are due into their lanes, and
// returns when the next one is; false if there is none.
func (q *queue) overdue(now time.Time) (next time.Time, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.due(now)
}

// due is overdue for who has the lock.
func (q *queue) due(now time.Time) (next time.Time, ok bool) {
	for i, c := range q.lazy {
		if c.lazy && !c.withdrawn && c.due.After(now) {
			q.lazy = append(q.lazy[:0], q.lazy[i:]...)
			return c.due, true
		}
		q.enter(c)
		q.lazy[i] = nil
	}
	q.lazy = q.lazy[:0]
	return time.Time{}, false
}

// withdraw takes a provisional hold back, false if a batch has it, or had it.
func (q *queue) withdraw(c *call) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if c.taken || c.withdrawn || c.state.Load() != waiting {
		return false
	}
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
