package spend

import (
	"errors"
	"sync"
	"time"

	"github.com/archibot/archibotchat/core/ledger"
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
	lines [2]line       // by manner: provisional holds that wait
	begun chan struct{} // one place: there is a first one
	crowd crowd
}

// slot is the place of a request under way.
type slot struct {
	account string
	key     string // that its limits are known of, if it has any
	hold    *call  // while it is provisional
	lent    int64  // what it counts for among those without a hold
}

// lane is one account's part of a queue.
type lane struct {
	account string
	waiting [2][]*call
	listed  [2][2]bool // in turns
	out     int        // taken, and neither done nor put back
	slots   int
	lazy    int // provisional holds that wait
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
	if c.op.Kind == ledger.OpHold {
		q.hastenAll(l)
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
	s := &slot{account: l.account, key: counted(&c.op), lent: c.op.Amount}
	q.slots[c.op.Request] = s
	q.purse.started(s)
	l.slots++
	return true
}

// take returns the next batch for a desk, empty if nothing waits there. Half
// of it is kept for steps while some wait; what one rank leaves the other may
// fill. A small batch that goes anyway takes the provisional holds along that
// will soon be due: each by itself would be a commit more. Where batches are
// large the next one takes them at no such cost, and by then some need none,
// because their settle stands for both. Each call must come back by done or
// back before the desk takes again.
func (q *queue) take(d desk, now time.Time, batch []*call) []*call {
	q.mu.Lock()
	defer q.mu.Unlock()
	batch = q.fill(d, ends, batch, maxBatch/2)
	batch = q.fill(d, steps, batch, maxBatch)
	batch = q.fill(d, ends, batch, maxBatch)
	if d == swift && len(batch) > 0 {
		if q.crowd.took(len(batch), now); !q.crowd.is(now) {
			q.due(now.Add(streamWait - rideTime))
			batch = q.fill(d, steps, batch, maxBatch)
		}
	}
	return batch
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
		q.purse.learn(&c.op, *r.outcome, r.sent)
	}
	if s := q.slots[c.op.Request]; s != nil && s.lent > 0 && (c.op.Kind == ledger.OpHold || c.op.Kind == ledger.OpSpend) {
		q.purse.landed(s)
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
		q.purse.landed(s)
		if s.hold != nil {
			q.leave(s.hold)
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
	q.purse.landed(s)
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
