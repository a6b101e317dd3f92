package spend

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

// Limits of a queue.
const (
	maxBatch = 256
	// maxSlots bounds the requests under way: those whose hold is queued, and
	// those whose hold was granted and has not ended.
	maxSlots = 16384
	// laneSlots is an account's part of them, and bounds its queue.
	laneSlots = 4096
	// maxSkips is how often ops are left behind by a batch, because their
	// account is busy, until the writer that waits takes them.
	maxSkips = 3
	// penance is how many sound batches an account has to have with the
	// patient writer after an op of its was refused by the database.
	penance = 64
)

// rank orders the ops of an account: its ends go before its steps.
type rank int

const (
	ends  rank = iota // settles and releases
	steps             // holds, extensions and marks
)

func rankOf(c *call) rank {
	if c.op.Kind.Terminal() {
		return ends
	}
	return steps
}

// desk is one of the two writers. Each account is served by one of them.
type desk int

const (
	swift   desk = iota // never waits for an account
	patient             // serves the accounts that gave trouble
)

// queue is what waits to be committed, in one lane per account. It keeps true
// that
//   - every call put in is taken once, and again only after it was put back;
//   - an account's ends keep their order, and so do its other steps;
//   - a lane is out with one writer at a time;
//   - accounts take turns, an op each, so that none waits for another's crowd
//     (deficit round robin over ops that all cost the same);
//   - an end is never refused: it comes in the slot that its hold took.
//
// It is safe for concurrent use.
type queue struct {
	mu    sync.Mutex
	lanes map[string]*lane
	turns [2][2][]*lane    // by desk and rank: lanes with something to take, and stale ones
	slots map[string]*slot // by request
	wake  [2]chan struct{} // one place: something may be taken at the desk
	purse *purse
	lazy  []*call       // provisional holds, in the order in which they are due
	begun chan struct{} // one place: there is a first one
}

// slot is the place of a request under way.
type slot struct {
	account string
	hold    *call // while it is provisional
	lent    int64 // what it counts for among those without a hold
}

// lane is one account's part of a queue.
type lane struct {
	account string
	waiting [2][]*call
	listed  [2][2]bool // in turns
	out     int        // taken, and neither done nor put back
	slots   int
	desk    desk
	trouble bool // what was taken last goes to the patient desk next
	penance int  // batches that it has to stay there
}

func newQueue() *queue {
	q := &queue{lanes: map[string]*lane{}, slots: map[string]*slot{}, purse: newPurse(), begun: make(chan struct{}, 1)}
	for d := range q.wake {
		q.wake[d] = make(chan struct{}, 1)
	}
	return q
}

// put adds a call at the end of its lane; false if there is no room for it.
func (q *queue) put(c *call) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.lane(c.op.Account)
	if rankOf(c) == steps && !q.admit(l, c) {
		q.tidy(l)
		return false
	}
	l.waiting[rankOf(c)] = append(l.waiting[rankOf(c)], c)
	q.list(l, rankOf(c))
	return true
}

// admit finds room for a step. A hold takes a slot that its end frees, and
// there is room for the extension of whatever has one.
func (q *queue) admit(l *lane, c *call) bool {
	switch c.op.Kind {
	case ledger.OpHold:
	case ledger.OpExtend:
		_, ok := q.slots[c.op.Request]
		return ok
	default:
		return len(l.waiting[steps]) < laneSlots
	}
	if _, ok := q.slots[c.op.Request]; ok {
		return len(l.waiting[steps]) < laneSlots // refused in the end: the ID is taken
	}
	if l.slots >= laneSlots || len(q.slots) >= maxSlots {
		return false
	}
	// What waits for its hold counts, too: of a crowd that comes at once only so
	// many may start early as all of it leaves room for.
	q.slots[c.op.Request] = &slot{account: l.account, lent: c.op.Amount}
	q.purse.get(l.account).flying += c.op.Amount
	l.slots++
	return true
}

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
	q.slots[c.op.Request] = &slot{account: l.account, hold: c, lent: c.op.Amount}
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

// inUse returns the accounts of which nothing was heard for a while, although
// requests asked for them lately.
func (q *queue) inUse(now time.Time) []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.purse.recent(now.Add(-fundsMemory), now.Add(-refreshEvery), maxRefresh)
}

// heard takes what accounts were found to have at a time.
func (q *queue) heard(found []store.Funds, sent time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, f := range found {
		q.purse.get(f.Account).learn(sent, f.Available, f.Until)
	}
}

// crew notes how many replicas share the accounts.
func (q *queue) crew(replicas int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.purse.replicas = replicas
}

// take returns the next batch for a desk, empty if nothing waits there. Half
// of it is kept for steps while some wait; what one rank leaves the other may
// fill. Each call must come back by done or back before the desk takes again.
func (q *queue) take(d desk, batch []*call) []*call {
	q.mu.Lock()
	defer q.mu.Unlock()
	batch = q.fill(d, ends, batch, maxBatch/2)
	batch = q.fill(d, steps, batch, maxBatch)
	return q.fill(d, ends, batch, maxBatch)
}

func (q *queue) fill(d desk, r rank, batch []*call, limit int) []*call {
	for len(batch) < limit && len(q.turns[d][r]) > 0 {
		l := q.turns[d][r][0]
		q.turns[d][r][0] = nil
		q.turns[d][r] = q.turns[d][r][1:]
		l.listed[d][r] = false
		if l.desk != d || len(l.waiting[r]) == 0 {
			continue
		}
		c := l.waiting[r][0]
		l.waiting[r][0] = nil
		l.waiting[r] = l.waiting[r][1:]
		switch {
		case c.withdrawn: // its settle stands for it
		case c.op.Kind == ledger.OpHold && c.abandoned(): // never started, nobody waits
			q.free(c.op.Request)
		default:
			c.taken = true
			l.out++
			batch = append(batch, c)
		}
		q.list(l, r)
		q.tidy(l)
	}
	return batch
}

// done takes a call off the queue's books. A hold that was granted keeps its
// slot until its end is done.
func (q *queue) done(c *call, granted bool, r result) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !r.sent.IsZero() {
		q.purse.learn(&c.op, r.outcome, r.sent)
	}
	if s := q.slots[c.op.Request]; s != nil && s.lent > 0 && (c.op.Kind == ledger.OpHold || c.op.Kind == ledger.OpSpend) {
		q.purse.landed(s.account, s.lent)
		s.lent = 0
		if refusal(r.err) && (s.hold == c || c.op.Kind == ledger.OpSpend) {
			q.purse.refused(s.account, r.sent)
		}
	}
	denied := false
	if s := q.slots[c.op.Request]; s != nil && s.hold == c && r.err != nil {
		// An account that was changed is looked at again before the work is
		// called off; whoever waits for the hold does that.
		denied = true
		if c.denied = r.err; c.refused != nil && !errors.Is(r.err, ledger.ErrEpoch) {
			c.refused(r.err)
		}
	}
	// A provisional hold that was refused stays known until its request comes
	// to end it: else its settle would find no hold, and pass for one that
	// stands for both.
	if c.op.Kind.Terminal() || c.op.Kind == ledger.OpHold && !granted && !denied {
		q.free(c.op.Request)
	}
	l := q.lane(c.op.Account)
	l.out--
	q.home(l)
}

// back puts calls that a batch left behind ahead of what waits in their lanes.
// They are in the order in which they were taken.
func (q *queue) back(calls []*call) {
	q.mu.Lock()
	defer q.mu.Unlock()
	left := map[*lane]*[2][]*call{}
	var lanes []*lane
	for _, c := range calls {
		l := q.lane(c.op.Account)
		if left[l] == nil {
			left[l] = &[2][]*call{}
			lanes = append(lanes, l)
		}
		left[l][rankOf(c)] = append(left[l][rankOf(c)], c)
		c.taken = false
		c.skips++
		l.trouble = l.trouble || c.skips >= maxSkips
		l.out--
	}
	for _, l := range lanes {
		for r, calls := range left[l] {
			l.waiting[r] = append(calls, l.waiting[r]...)
		}
		q.home(l)
	}
}

// suspect sends an account to the patient desk for some time, once what is out
// is back.
func (q *queue) suspect(account string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.lane(account).penance = penance
}

// home opens a lane for the next batch when all its calls are back.
func (q *queue) home(l *lane) {
	if l.out > 0 {
		return
	}
	l.desk = swift
	if l.trouble || l.penance > 0 {
		l.desk, l.trouble, l.penance = patient, false, max(l.penance-1, 0)
	}
	q.list(l, ends)
	q.list(l, steps)
	q.tidy(l)
}

// ended frees a request's slot, if its end was committed on another way.
func (q *queue) ended(request string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.free(request)
}

// forget frees every slot: who took the replica's place ends its holds.
func (q *queue) forget() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, s := range q.slots {
		q.purse.landed(s.account, s.lent)
		if s.hold != nil {
			s.hold.withdrawn = s.hold.withdrawn || !s.hold.taken
		}
	}
	clear(q.slots)
	for _, l := range q.lanes {
		l.slots = 0
		q.tidy(l)
	}
}

// empty reports whether nothing waits.
func (q *queue) empty() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, l := range q.lanes {
		if len(l.waiting[ends])+len(l.waiting[steps]) > 0 {
			return false
		}
	}
	return true
}

func (q *queue) lane(account string) *lane {
	l := q.lanes[account]
	if l == nil {
		l = &lane{account: account}
		q.lanes[account] = l
	}
	return l
}

// list gives a lane a turn at its desk, if it has none and something to take.
func (q *queue) list(l *lane, r rank) {
	if len(l.waiting[r]) == 0 || l.listed[l.desk][r] {
		return
	}
	l.listed[l.desk][r] = true
	q.turns[l.desk][r] = append(q.turns[l.desk][r], l)
	select {
	case q.wake[l.desk] <- struct{}{}:
	default:
	}
}

func (q *queue) free(request string) {
	s, ok := q.slots[request]
	if !ok {
		return
	}
	q.purse.landed(s.account, s.lent)
	delete(q.slots, request)
	l := q.lane(s.account)
	l.slots--
	q.tidy(l)
}

// tidy drops a lane of which nothing is left. An account in trouble is
// remembered until it has had a batch without any.
func (q *queue) tidy(l *lane) {
	if l.desk == swift && !l.trouble && l.penance == 0 && len(l.waiting[ends])+len(l.waiting[steps])+l.out+l.slots == 0 {
		delete(q.lanes, l.account)
	}
}
