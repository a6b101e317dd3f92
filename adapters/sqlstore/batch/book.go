package batch

import (
	"sync"
	"time"

	"github.com/archibot/archibotchat/adapters/sqlstore/row"
	"github.com/archibot/archibotchat/core/ledger"
)

// book is what this process knows of an account: the rows as a batch of its own
// left them, or found them. It is true as long as the account's row is the
// version that the book was written of, because whatever changes lots, holds or
// counters of an account writes that row too. One batch at a time has it.
type book struct {
	version string // of the account's row: the transaction that wrote it
	seen    time.Time
	shared  time.Time // until then it is not believed: others write the account, too
	entries int64
	events  int64
	at      time.Time
	epoch   int64
	lots    []ledger.Lot           // that are live, or not empty
	holds   map[string]ledger.Hold // open ones; there may be others
	counted map[string]ledger.Counter
}

// Limits of what is kept. A version is a number of 32 bits, and must not come
// round while a book waits for it.
const (
	maxBooks = 8192
	bookAge  = time.Minute
	// bookShared is how long an account is read first after a book of it was
	// wrong: a try in vain costs a round trip.
	bookShared = time.Second
)

// shelf keeps the books of the accounts in use. It is two maps: when one half
// is full the other is emptied, so that what is used stays.
type shelf struct {
	mu         sync.Mutex
	young, old map[string]*book
	cleared    int // how often
}

// clear forgets all. A database that took over from another may have lost what
// that one did last, and number its own transactions the same.
func (s *shelf) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.young, s.old, s.cleared = nil, nil, s.cleared+1
}

// take takes the books of the groups' accounts, as far as there are any. What
// it returns has to come with them when they are put back.
func (s *shelf) take(groups []*group, now time.Time) (cleared int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range groups {
		b := s.young[g.account]
		if b == nil {
			b = s.old[g.account]
		}
		delete(s.young, g.account)
		delete(s.old, g.account)
		if b != nil && now.Sub(b.seen) < bookAge {
			g.book = b
		}
	}
	return s.cleared
}

// put gives the books of a committed batch back.
func (s *shelf) put(groups []*group, now time.Time, cleared int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cleared != s.cleared {
		return
	}
	for _, g := range groups {
		if g.book == nil {
			continue
		}
		if len(s.young) >= maxBooks/2 {
			s.old, s.young = s.young, nil
		}
		if s.young == nil {
			s.young = map[string]*book{}
		}
		g.book.seen = now
		s.young[g.account] = g.book
	}
}

// opens reports whether the group's book is worth a try and has all that its
// ops may touch.
func (g *group) opens(ops []ledger.Op, now time.Time) bool {
	b := g.book
	if b == nil || now.Before(b.shared) {
		return false
	}
	counted := func(limits []ledger.Limit) bool {
		for _, l := range limits {
			if _, ok := b.counted[l.Scope]; !ok {
				return false
			}
		}
		return true
	}
	for _, i := range g.ops {
		op := &ops[i]
		if op.Once != nil || op.Request == "" || !counted(op.Limits) {
			return false
		}
		h, known := b.holds[op.Request]
		switch op.Kind {
		case ledger.OpHold, ledger.OpSpend: // new, or the database says that it is not
		case ledger.OpSettle, ledger.OpRelease, ledger.OpExtend, ledger.OpMark:
			if !known {
				return false
			}
		default:
			return false
		}
		if known && !counted(h.Limits) {
			return false
		}
	}
	return true
}

// read fills a group from its book.
func (w *work) read(g *group) {
	b := g.book
	g.found, g.entries, g.events, g.at, g.epoch = true, b.entries, b.events, b.at, b.epoch
	g.lots = b.lots
	for _, l := range b.lots {
		g.known[l.ID] = true
		w.lotOwner[l.ID] = g.account
	}
	count := func(limits []ledger.Limit) {
		for _, l := range limits {
			if g.counted == nil {
				g.counted = map[string]ledger.Counter{}
			}
			g.counted[l.Scope] = b.counted[l.Scope]
		}
	}
	for _, i := range g.ops {
		op := &w.ops[i]
		count(op.Limits)
		if h, ok := b.holds[op.Request]; ok && !g.known[op.Request] {
			g.known[op.Request] = true
			w.owner[op.Request] = g.account
			g.holds = append(g.holds, h)
			count(h.Limits)
		}
	}
}

// write brings a group's book, or a new one, to what a batch has left in the
// database: found is the version that it read, wrote the one that it wrote. A
// book of another version than was found is not worth keeping.
func (g *group) write(found, wrote string, now time.Time) error {
	if g.book == nil || g.book.version != found {
		next := &book{holds: map[string]ledger.Hold{}, counted: map[string]ledger.Counter{}}
		if g.book != nil {
			next.shared = now.Add(bookShared)
		}
		g.book = next
	}
	b := g.book
	b.version, b.entries, b.events, b.at, b.epoch = found, g.entries, g.events, g.at, g.epoch
	if g.changed {
		b.version = wrote
	}
	lots := make([]ledger.Lot, 0, len(g.lots)+len(g.changes.Lots))
	changed := make(map[string]bool, len(g.changes.Lots))
	keep := func(l ledger.Lot) {
		if l.State == ledger.LotLive || l.Remaining > 0 {
			lots = append(lots, l)
		}
	}
	for _, l := range g.changes.Lots {
		r := row.OfLot(l) // as it will be read
		changed[l.ID] = true
		keep(r.Lot())
	}
	for _, l := range g.lots {
		if !changed[l.ID] {
			keep(l)
		}
	}
	b.lots = lots
	for _, h := range g.holds {
		if h.State == ledger.HoldOpen {
			b.holds[h.Request] = h
		}
	}
	for _, h := range g.changes.Holds {
		if h.State != ledger.HoldOpen {
			delete(b.holds, h.Request)
			continue
		}
		r := row.OfHold(h)
		kept, err := r.Hold()
		if err != nil {
			return err
		}
		b.holds[h.Request] = kept
	}
	for scope, c := range g.counted {
		b.counted[scope] = c
	}
	for _, c := range g.changes.Counters {
		r := row.OfCounter(g.account, c)
		b.counted[c.Scope] = r.Counter()
	}
	return nil
}
