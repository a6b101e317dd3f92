package batch

import (
	"slices"
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
	lots    []ledger.Lot      // that are live, or not empty
	holds   few[*ledger.Hold] // open ones; there may be others
	counted few[ledger.Counter]

	account      string // whose it is
	weight       int    // on the shelf
	newer, older *book  // its neighbours there
}

// bookShared is how long an account is read first after a book of it was
// wrong: a try in vain costs a round trip.
const bookShared = time.Second

// opens reports whether the group's book is worth a try and has all that its
// ops may touch.
func (g *group) opens(ops []ledger.Op, now time.Time) bool {
	b := g.book
	if b == nil || now.Before(b.shared) {
		return false
	}
	counted := func(limits []ledger.Limit) bool {
		for _, l := range limits {
			if _, ok := b.counted.get(l.Scope); !ok {
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
		h, known := b.holds.get(op.Request)
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
			g.counted[l.Scope], _ = b.counted.get(l.Scope)
		}
	}
	for _, i := range g.ops {
		op := &w.ops[i]
		count(op.Limits)
		if h, ok := b.holds.get(op.Request); ok && !g.known[op.Request] {
			g.known[op.Request] = true
			w.owner[op.Request] = g.account
			g.holds = append(g.holds, *h)
			count(h.Limits)
		}
	}
}

// write brings a group's book, or a new one, to what a batch has left in the
// database: found is the version that it read, wrote the one that it wrote. A
// book of another version than was found is not worth keeping.
func (g *group) write(found, wrote string, now time.Time) error {
	if g.book == nil || g.book.version != found {
		next := &book{}
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
	b.lots = g.lotsLeft()
	for _, h := range g.holds {
		if _, ok := b.holds.get(h.Request); !ok && h.State == ledger.HoldOpen {
			b.holds.set(h.Request, &h)
		}
	}
	for _, h := range g.changes.Holds {
		if h.State != ledger.HoldOpen {
			b.holds.remove(h.Request)
			continue
		}
		r := row.OfHold(h)
		kept, err := r.Hold()
		if err != nil {
			return err
		}
		b.holds.set(h.Request, &kept)
	}
	for scope, c := range g.counted {
		b.counted.set(scope, c)
	}
	for _, c := range g.changes.Counters {
		r := row.OfCounter(g.account, c)
		b.counted.set(c.Scope, r.Counter())
	}
	return nil
}

// lotsLeft returns the lots that are live, or not empty, as the batch has left
// them, and with no more memory of their own than they need.
func (g *group) lotsLeft() []ledger.Lot {
	stays := func(l *ledger.Lot) bool { return l.State == ledger.LotLive || l.Remaining > 0 }
	changed := make(map[string]bool, len(g.changes.Lots))
	n := 0
	for i := range g.changes.Lots {
		l := &g.changes.Lots[i]
		changed[l.ID] = true
		if stays(l) {
			n++
		}
	}
	for i := range g.lots {
		if l := &g.lots[i]; !changed[l.ID] && stays(l) {
			n++
		}
	}
	lots := make([]ledger.Lot, 0, n)
	keep := func(l ledger.Lot) {
		if stays(&l) {
			l.Account, l.Source, l.State = g.account, constant(l.Source, sources), constant(l.State, lotStates)
			lots = append(lots, l)
		}
	}
	for _, l := range g.changes.Lots {
		r := row.OfLot(l) // as it will be read
		keep(r.Lot())
	}
	for _, l := range g.lots {
		if !changed[l.ID] {
			keep(l)
		}
	}
	return lots
}

// What the rows of lots say again and again.
var (
	sources   = []ledger.Source{ledger.SourceOperator, ledger.SourceInvoice, ledger.SourcePack, ledger.SourceDemo, ledger.SourceCorrection}
	lotStates = []ledger.LotState{ledger.LotLive, ledger.LotExpired, ledger.LotClawedBack, ledger.LotClosed}
)

// constant returns one of known that a text equals, so that the text's own
// memory is not kept, or else the text.
func constant[T ~string](text T, known []T) T {
	if i := slices.Index(known, text); i >= 0 {
		return known[i]
	}
	return text
}
