package spend

import (
	"slices"
	"time"

	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

// Limits of overlap (HOTPATH 13).
const (
	// fundsAge is how old a known amount may be.
	fundsAge = time.Second
	// fundsFactor is how often the requests under way, with the one in
	// question, must fit into what is left, for each four replicas.
	fundsFactor = 10
	// fundsPause is how long no request of an account overlaps after the
	// ledger refused one that did.
	fundsPause = time.Minute
	// fundsMemory is how long an account counts as in use.
	fundsMemory = 30 * time.Second
	// maxRefresh bounds the accounts that are asked for in one query.
	maxRefresh = 1000
	// maxFunds bounds the accounts and keys of which amounts are known.
	maxFunds = 100_000
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
		if sent.Sub(f.since) >= time.Second {
			f.since, f.fell = sent, 0
			f.fall -= f.fall / 64 // a rush is not remembered for ever
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
	// Divided, not multiplied: no sum of these can overflow then.
	left := f.amount - 2*min(f.fall, ledger.MaxAmount)
	return left > 0 && f.flying+amount <= left*4/int64(fundsFactor*max(4, replicas))
}

// purse is the funds of accounts and keys. The queue's lock guards it.
type purse struct {
	of       map[string]*funds
	replicas int
}

func newPurse() *purse { return &purse{of: map[string]*funds{}, replicas: 1} }

// lend reports whether a hold may follow its request, and counts it if so.
func (p *purse) lend(op *ledger.Op, now time.Time) bool {
	monthly := false
	for _, l := range op.Limits {
		if l.Requests > 0 || l.Tokens > 0 {
			return false // a rate is exact only where the hold comes first
		}
		monthly = true
	}
	account := p.get(op.Account)
	account.used = now // from the first time on: what is in use is asked about
	if !account.covers(op.Amount, now, op.Deadline, p.replicas) {
		return false
	}
	if monthly && !p.of[op.Work.Key].covers(op.Amount, now, op.Deadline, p.replicas) {
		return false
	}
	account.flying += op.Amount
	return true
}

// landed takes a request off those that have no hold yet.
func (p *purse) landed(account string, amount int64) {
	if f := p.of[account]; f != nil {
		f.flying = max(0, f.flying-amount)
	}
}

// learn takes what an op's outcome says. sent is when its batch was sent.
func (p *purse) learn(op *ledger.Op, o ledger.Outcome, sent time.Time) {
	p.get(op.Account).learn(sent, o.Available, o.Until)
	if len(op.Limits) > 0 && op.Work.Key != "" {
		p.get(op.Work.Key).learn(sent, o.Room, o.Until)
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
					break
				}
			}
		}
		f = &funds{}
		p.of[id] = f
	}
	return f
}

// recent returns the accounts that were asked for since a time and of which
// nothing was heard for a while, at most limit; what is known longest first.
func (p *purse) recent(since, heard time.Time, limit int) (accounts []string) {
	for id, f := range p.of {
		if len(accounts) == limit {
			break
		}
		if f.used.After(since) && f.asOf.Before(heard) {
			accounts = append(accounts, id)
		}
	}
	slices.SortFunc(accounts, func(a, b string) int { return p.of[a].asOf.Compare(p.of[b].asOf) })
	return accounts
}

// inUse returns the accounts of which nothing was heard for a while, although
// requests asked for them lately.
func (q *queue) inUse(now time.Time) []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.purse.recent(now.Add(-fundsMemory), now.Add(-refreshEvery/2), maxRefresh)
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
