package batch

import (
	"slices"
	"strings"
	"time"

	"github.com/archibot/archibotchat/adapters/sqlstore/row"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

// work is one batch on its way through the transaction.
type work struct {
	ops      []ledger.Op
	out      []ledger.Outcome
	groups   []*group // by account, in the order that accounts are locked in
	accounts []string
	requests []string
	lots     []string // that ops name
	scopes   []string // that ops count in
	names    [][]byte // that ops bring
	// corrections are the requests of those that ops ask for.
	corrections []string
	of          map[string]*group
	owner       map[string]string // request → account, of every hold that is known
	lotOwner    map[string]string
	cleared     int // how often the shelf was, when the books were taken
}

// group is the part of a batch that concerns one account.
type group struct {
	account string
	found   bool
	busy    bool // locked by another transaction
	entries int64
	events  int64
	at      time.Time
	epoch   int64
	lots    []ledger.Lot
	counted map[string]ledger.Counter
	holds   []ledger.Hold
	named   []ledger.Reservation
	done    []ledger.Entry  // of corrections
	known   map[string]bool // lots and requests that have a row
	ops     []int           // indexes into work.ops
	book    *book           // that was there
	told    bool            // what its book says was not read (SQLite)
	version string          // of the account's row, as it was read
	changed bool            // by the batch
	changes ledger.Changes  // what it did
}

// writes is what a batch leaves behind.
type writes struct {
	accounts int // that it rests on
	heads    []*group
	newLots  []row.Lot
	lots     []row.Lot
	were     []row.Lot // the same, before
	newHolds []row.Hold
	spends   []row.Spend
	holds    []row.Hold
	entries  []row.Entry
	events   []row.Event
	counters []row.Counter
	named    []row.Reservation
}

func newWork(ops []ledger.Op) *work {
	w := &work{ops: ops, out: make([]ledger.Outcome, len(ops)), of: map[string]*group{}, owner: map[string]string{}, lotOwner: map[string]string{}}
	for i := range ops {
		op := &ops[i]
		if err := row.Text(op.Account, op.Request, op.Replica, op.Nonce, op.Lot, op.Spare, string(op.Source), op.Reason, op.Actor, op.ActorKind,
			op.Work.Key, op.Work.User, op.Work.Area, op.Work.Route, op.Work.Model, op.Work.PriceVersion); err != nil {
			w.out[i].Err = err
			continue
		}
		g := w.of[op.Account]
		if g == nil {
			g = &group{account: op.Account, known: map[string]bool{}}
			w.of[op.Account] = g
			w.groups = append(w.groups, g)
		}
		g.ops = append(g.ops, i)
		switch {
		case op.Request == "":
		case op.Kind == ledger.OpCorrect:
			w.corrections = append(w.corrections, op.Request)
		default:
			w.requests = append(w.requests, op.Request)
		}
		for _, lot := range []string{op.Lot, op.Spare} {
			if lot != "" {
				w.lots = append(w.lots, lot)
			}
		}
		for _, l := range op.Limits {
			w.scopes = append(w.scopes, l.Scope)
		}
		if op.Once != nil {
			for k := range op.Once.Names {
				w.names = append(w.names, op.Once.Names[k].ID[:])
			}
		}
	}
	slices.SortFunc(w.groups, func(a, b *group) int { return strings.Compare(a.account, b.account) })
	for _, g := range w.groups {
		w.accounts = append(w.accounts, g.account)
	}
	slices.Sort(w.requests)
	w.requests = slices.Compact(w.requests)
	slices.Sort(w.lots)
	w.lots = slices.Compact(w.lots)
	slices.Sort(w.scopes)
	w.scopes = slices.Compact(w.scopes)
	return w
}

// loadAccount takes an account's row.
func (w *work) loadAccount(id string, entries, events, at, epoch int64) {
	if g := w.of[id]; g != nil {
		g.found, g.entries, g.events, g.at, g.epoch = true, entries, events, row.Time(at), epoch
	}
}

// loadCounter takes a counter's row.
func (w *work) loadCounter(r *row.Counter) {
	if g := w.of[r.Account]; g != nil {
		if g.counted == nil {
			g.counted = map[string]ledger.Counter{}
		}
		g.counted[r.Scope] = r.Counter()
	}
}

// loadReservation takes a name's row.
func (w *work) loadReservation(r *row.Reservation) {
	if g := w.of[r.Account]; g != nil {
		g.named = append(g.named, r.Reservation())
	}
}

// loadCorrection takes the row of an entry of a correction.
func (w *work) loadCorrection(r *row.Entry) {
	if g := w.of[r.Account]; g != nil {
		g.done = append(g.done, r.Entry())
	}
}

// uncounted returns the scopes of holds whose ops did not name them, as those
// of a replica that did not know its hold's limits would not: their counters
// must be read before anything is decided.
func (w *work) uncounted() (scopes []string) {
	for _, g := range w.groups {
		for _, h := range g.holds {
			for _, l := range h.Limits {
				if _, ok := slices.BinarySearch(w.scopes, l.Scope); !ok && !g.told {
					scopes = append(scopes, l.Scope)
				}
			}
		}
	}
	return scopes
}

// missing returns the accounts that no row was found for.
func (w *work) missing() (ids []string) {
	for _, g := range w.groups {
		if !g.found {
			ids = append(ids, g.account)
		}
	}
	return ids
}

// markBusy notes that an account is there, but locked.
func (w *work) markBusy(id string) {
	if g := w.of[id]; g != nil {
		g.busy = true
	}
}

// loadLot takes a lot's row, whosever it is.
func (w *work) loadLot(r *row.Lot) {
	w.lotOwner[r.ID] = r.Account
	if g := w.of[r.Account]; g != nil && !g.known[r.ID] {
		g.known[r.ID] = true
		g.lots = append(g.lots, r.Lot())
	}
}

// loadHold takes a hold's row, whosever it is.
func (w *work) loadHold(r *row.Hold) error {
	w.owner[r.Request] = r.Account
	g := w.of[r.Account]
	if g == nil {
		return nil
	}
	h, err := r.Hold()
	if err != nil {
		return err
	}
	g.known[r.Request] = true
	g.holds = append(g.holds, h)
	return nil
}

// decide applies the ops and returns what to write.
func (w *work) decide(now time.Time, newID func(string) string) *writes {
	n, ops, fresh := len(w.groups), len(w.ops), w.starts()
	out := &writes{
		accounts: n, heads: make([]*group, 0, n), lots: make([]row.Lot, 0, n), were: make([]row.Lot, 0, n), spends: make([]row.Spend, 0, fresh),
		holds: make([]row.Hold, 0, ops-fresh),
	}
	for _, g := range w.groups {
		if !g.found {
			err := store.ErrNotFound
			if g.busy {
				err = store.ErrBusyAccount
			}
			for _, i := range g.ops {
				w.out[i].Err = err
			}
			continue
		}
		w.refuse(g)
		w.apply(g, now, newID, out)
	}
	return out
}

// refuse takes out the ops that would write to another account's rows, or
// that rest on rows which do not add up.
func (w *work) refuse(g *group) {
	held := map[string]int64{}
	for _, l := range g.lots {
		held[l.ID] = l.Held
	}
	broken := map[string]bool{}
	for _, h := range g.holds {
		if h.State != ledger.HoldOpen {
			continue
		}
		for _, p := range h.Parts {
			if has, ok := held[p.Lot]; !ok || has < p.Amount || p.Amount < 0 {
				broken[h.Request] = true
			}
		}
	}
	g.ops = slices.DeleteFunc(g.ops, func(i int) bool {
		op := &w.ops[i]
		switch {
		case (op.Kind == ledger.OpHold || op.Kind == ledger.OpSettle || op.Kind == ledger.OpSpend) && !claim(w.owner, op.Request, g.account),
			op.Kind == ledger.OpGrant && !claim(w.lotOwner, op.Lot, g.account),
			op.Kind == ledger.OpCorrect && op.Spare != "" && !claim(w.lotOwner, op.Spare, g.account):
			w.out[i].Err = ledger.ErrConflict
		case op.Kind.Terminal() && broken[op.Request]:
			w.out[i].Err = errTampered
		default:
			return false
		}
		return true
	})
}

// claim notes that an ID is the account's, false if it is another's already.
func claim(owners map[string]string, id, account string) bool {
	if was, ok := owners[id]; ok && was != account {
		return false
	}
	owners[id] = account
	return true
}

// starts counts the ops that make a hold.
func (w *work) starts() (n int) {
	for i := range w.ops {
		if k := w.ops[i].Kind; k == ledger.OpHold || k == ledger.OpSpend {
			n++
		}
	}
	return n
}

// part returns the ops of a group.
func (w *work) part(g *group) []ledger.Op {
	if len(g.ops) == 1 {
		return w.ops[g.ops[0]:][:1:1]
	}
	ops := make([]ledger.Op, len(g.ops))
	for k, i := range g.ops {
		ops[k] = w.ops[i]
	}
	return ops
}

// debit is what a batch tells of one. Its entry has a sequence if the hold's own
// row may be all that is written (row.Spend).
type debit struct {
	event row.Event
	entry row.Entry
}

func (w *work) apply(g *group, now time.Time, newID func(string) string, out *writes) {
	ops := w.part(g)
	state := ledger.NewState(g.account, g.entries, g.at, g.lots, g.holds)
	state.Epoch = g.epoch
	for _, c := range g.counted {
		state.Count(c)
	}
	if len(g.named) > 0 {
		state.Reserve(g.named...)
	}
	if len(g.done) > 0 {
		state.Recall(g.done...)
	}
	outcomes := ledger.Apply(state, ops, now)
	events := g.events
	debits := make(map[string]*debit, len(ops))
	for k, i := range g.ops {
		w.out[i] = outcomes[k]
		told := audit.OfLedger(ops[k], outcomes[k])
		for _, e := range told {
			events++
			e.Seq = events
			if e.Kind == audit.UsageDebited {
				d := &debit{event: row.OfEvent(e)}
				debits[e.Request] = d
				if len(told) == 1 && len(outcomes[k].Entries) == 1 {
					d.entry = row.OfEntry(outcomes[k].Entries[0])
					continue
				}
			}
			e.ID = newID("evt")
			out.events = append(out.events, row.OfEvent(e))
		}
	}
	changes, changed := state.Changes()
	if !changed && events == g.events {
		return
	}
	g.entries, g.events, g.at = changes.Seq, events, changes.LastAt
	g.changed, g.changes = true, changes
	out.heads = append(out.heads, g)
	for _, l := range changes.Lots {
		if g.known[l.ID] {
			was := g.lots[slices.IndexFunc(g.lots, func(was ledger.Lot) bool { return was.ID == l.ID })]
			out.lots, out.were = append(out.lots, row.OfLot(l)), append(out.were, row.OfLot(was))
		} else {
			out.newLots = append(out.newLots, row.OfLot(l))
		}
	}
	for _, h := range changes.Holds {
		r, d := row.OfHold(h), debits[h.Request]
		if d != nil {
			r.DebitedBy = d.event.Seq
			if d.entry.Seq != 0 {
				one, ok := row.OfSpend(r, d.entry, d.event)
				if ok && !g.known[h.Request] {
					out.spends = append(out.spends, one)
					continue
				}
				d.entry.Seq, d.event.ID = 0, newID("evt")
				out.events = append(out.events, d.event)
			}
		}
		if g.known[h.Request] {
			out.holds = append(out.holds, r)
		} else {
			out.newHolds = append(out.newHolds, r)
		}
	}
	for _, c := range changes.Counters {
		out.counters = append(out.counters, row.OfCounter(g.account, c))
	}
	for _, r := range changes.Reservations {
		out.named = append(out.named, row.OfReservation(g.account, r))
	}
	for _, e := range changes.Entries {
		if d := debits[e.Request]; d == nil || d.entry.Seq != e.Seq {
			out.entries = append(out.entries, row.OfEntry(e))
		}
	}
}

func (w *writes) empty() bool { return len(w.heads) == 0 }
