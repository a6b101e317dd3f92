package spend

import (
	"slices"
	"time"

	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

// Limits of overlap (HOTPATH 13).
const (
	// fundsAge is how old a known amount may be. A server of many accounts sees
	// each of them once in many seconds, and would else hold first, a commit more,
	// for nearly every request.
	fundsAge = time.Minute
	// fundsFactor is how often the requests under way, with the one in
	// question, must fit into what is left, for each four replicas.
	fundsFactor = 10
	// fundsPause is how long no request of an account overlaps after the
	// ledger refused one that did.
	fundsPause = time.Minute
	// fundsMemory is how long an account counts as in use.
	fundsMemory = 30 * time.Second
	// maxRefresh bounds the accounts that are asked about in one round, and
	// maxLooks those that are looked at for it: the queue waits meanwhile.
	maxRefresh = 1000
	maxLooks   = 8 * maxRefresh
	// maxFunds bounds the accounts and keys of which amounts are known. Each
	// takes 230 bytes.
	maxFunds = 1 << 18
)

// funds is what is known of the credits of an account, or of the room that
// the monthly limits of a key leave. It promises nothing: the ledger decides.
type funds struct {
	asOf   time.Time // when the batch that told was sent
	amount int64
	until  time.Time // when the amount changes by itself; zero: never
	flying int64     // bounds of requests whose hold is not committed yet
	off    time.Time // no overlap until then
	used   time.Time // when it was last asked for
	asked  int64     // the bound of the request that it was asked for

	// fall is by how much the amount fell in a second at the most: by all
	// replicas, for what others spend shows in it too.
	fall  int64
	since time.Time
	fell  int64 // since then
}

// learn takes an amount that the ledger reported.
func (f *funds) learn(sent time.Time, amount int64, until time.Time) {
	if sent.Before(f.asOf) {
		return
	}
	if !f.asOf.IsZero() {
		if gone := sent.Sub(f.since); gone >= time.Second {
			f.since, f.fell = sent, 0
			for range min(gone/time.Second, 256) {
				f.fall -= f.fall / 64 // a rush is not remembered for ever
			}
		}
		f.fell += max(0, f.amount-amount)
		f.fall = max(f.fall, f.fell)
	} else {
		f.since = sent
	}
	f.asOf, f.amount, f.until = sent, amount, until
}

// covers reports whether a request is so small beside what is left that its
// hold will hardly be refused.
func (f *funds) covers(amount int64, now time.Time, within time.Duration, replicas int) bool {
	switch {
	case f == nil, now.Before(f.off), now.Before(f.asOf), now.Sub(f.asOf) > fundsAge:
		return false
	case !f.until.IsZero() && f.until.Before(now.Add(within)):
		return false
	}
	return f.fits(f.flying+amount, now.Sub(f.asOf), replicas)
}

// fits reports whether an amount is small beside what is left, if that was heard
// so long ago. Others may have spent since then, so for each second of its age
// what is known has to cover as much again: twice the largest fall, and the
// amount so many times. Up to a second, that is once.
func (f *funds) fits(amount int64, age time.Duration, replicas int) bool {
	seconds := max(1, int64((age+time.Second-1)/time.Second))
	// Divided, not multiplied: no sum of these can overflow then.
	left := f.amount - 2*min(f.fall, ledger.MaxAmount)*seconds
	return left > 0 && amount <= left*4/(fundsFactor*seconds*int64(max(4, replicas)))
}

// ages reports whether it depends on the age of what is known whether requests
// like the last one may start early. Where they always may, or never, to ask
// anew would change nothing; what a request that is held first finds is learnt
// anyway.
func (f *funds) ages(replicas int) bool {
	return f.fits(f.asked, 0, replicas) && !f.fits(f.asked, fundsMemory, replicas)
}

// purse is the funds of accounts and keys. The queue's lock guards it.
type purse struct {
	of       map[string]*funds
	aging    map[string]*funds // accounts in use that are asked about
	replicas int
}

func newPurse() *purse {
	return &purse{of: map[string]*funds{}, aging: map[string]*funds{}, replicas: 1}
}

// lend reports whether a hold may follow its request.
func (p *purse) lend(op *ledger.Op, now time.Time) bool {
	monthly := false
	for _, l := range op.Limits {
		if l.Requests > 0 || l.Tokens > 0 {
			return false // a rate is exact only where the hold comes first
		}
		monthly = true
	}
	account := p.get(op.Account)
	account.used, account.asked = now, op.Amount
	if account.ages(p.replicas) {
		p.aging[op.Account] = account
	}
	if !account.covers(op.Amount, now, op.Deadline, p.replicas) {
		return false
	}
	if monthly && !p.of[op.Work.Key].covers(op.Amount, now, op.Deadline, p.replicas) {
		return false
	}
	return true
}

// counted returns the key whose monthly limits an op counts against, if any.
func counted(op *ledger.Op) string {
	if len(op.Limits) == 0 {
		return ""
	}
	return op.Work.Key
}

// started counts a request among those that have no hold yet.
func (p *purse) started(s *slot) {
	p.get(s.account).flying += s.lent
	if s.key != "" {
		p.get(s.key).flying += s.lent
	}
}

// landed takes a request off those that have no hold yet.
func (p *purse) landed(s *slot) {
	for _, id := range []string{s.account, s.key} {
		if f := p.of[id]; f != nil {
			f.flying = max(0, f.flying-s.lent)
		}
	}
	s.lent = 0
}

// learn takes what an op's outcome says. sent is when its batch was sent.
func (p *purse) learn(op *ledger.Op, o ledger.Outcome, sent time.Time) {
	p.get(op.Account).learn(sent, o.Available, o.Until)
	if key := counted(op); key != "" {
		p.get(key).learn(sent, o.Room, o.Until)
	}
}

// refused notes that a hold was refused after its request had started.
func (p *purse) refused(account string, now time.Time) { p.get(account).off = now.Add(fundsPause) }

func (p *purse) get(id string) *funds {
	f := p.of[id]
	if f == nil {
		if len(p.of) >= maxFunds {
			for some, f := range p.of { // a map's order is as good as chance
				if f.flying == 0 {
					delete(p.of, some)
					delete(p.aging, some)
					break
				}
			}
		}
		f = &funds{}
		p.of[id] = f
	}
	return f
}

// recent returns accounts that were asked for since a time, of which nothing was
// heard for a while, and too little is known for the next request to start early
// soon; at most limit, what is known longest first. It looks at some of them,
// others each time.
func (p *purse) recent(since, heard, soon time.Time, limit int) (accounts []string) {
	looks := 0
	for id, f := range p.aging { // a map's order is as good as chance
		if looks++; looks > maxLooks || len(accounts) == limit {
			break
		}
		switch {
		case !f.used.After(since), !f.ages(p.replicas):
			delete(p.aging, id)
		case f.asOf.Before(heard) && !f.fits(f.asked, soon.Sub(f.asOf), p.replicas):
			accounts = append(accounts, id)
		}
	}
	slices.SortFunc(accounts, func(a, b string) int { return p.of[a].asOf.Compare(p.of[b].asOf) })
	return accounts
}

// inUse returns the accounts in use of which too little is known for that it was
// heard too long ago.
func (q *queue) inUse(now time.Time) []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.purse.recent(now.Add(-fundsMemory), now.Add(-refreshEvery/2), now.Add(refreshEvery), maxRefresh)
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
