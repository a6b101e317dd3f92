package activity

import (
	"context"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/ports/store"
)

// Limits of a Folder.
const (
	// Window is how long further refusals are folded into one event.
	Window = 10 * time.Second
	// MaxFolds is how many different refusals are told apart at one time.
	MaxFolds = 10_000
	// MaxNetworks is how many of them may be of no account: anybody can cause
	// those, from as many networks as they like.
	MaxNetworks = 256
	// MaxQueue is how many events may wait for the database.
	MaxQueue = 4096
	// writeLimit is how long emptying the queue may take, at shutdown too.
	writeLimit = 5 * time.Second
)

// Folder writes the events of refused calls: the first of its kind at once,
// the further ones of the next ten seconds as one event with their count
// (HOTPATH 22). Nobody who reports a refusal waits for the database. Make it
// with NewFolder; one goroutine runs Run.
//
// Where refusals come from more networks, or are of more sorts, than are told
// apart, they are counted under their kind and reason alone. A database that
// cannot be reached drops none: they are counted until it can. If it is still
// out of reach when Run ends, the log says how many of each kind and reason
// were not recorded; their request IDs are in it anyway.
type Folder struct {
	d   Deps
	log *slog.Logger

	mu       sync.Mutex
	folds    map[foldKey]*fold
	networks int     // folds of no account
	order    []*fold // by end: windows are equally long
	overflow map[foldKey]*fold
	queue    []audit.Event
	wake     chan struct{} // one slot: something is in the queue
}

// foldKey is what makes refusals alike. Overflow keys have kind and reason only.
type foldKey struct {
	account string
	network netip.Prefix // where no account is known
	key     string
	actor   audit.Actor
	kind    audit.Kind
	reason  string
}

// unowned reports whether no account is known.
func (k foldKey) unowned() bool { return k.account == "" }

type fold struct {
	key   foldKey
	first audit.Event // what differs among those that follow is left empty
	more  int64       // refusals not yet written
	ends  time.Time
}

// NewFolder returns a folder; log hears of events that could not be written.
func NewFolder(d Deps, log *slog.Logger) *Folder {
	return &Folder{d: d, log: log, folds: map[foldKey]*fold{}, overflow: map[foldKey]*fold{}, wake: make(chan struct{}, 1)}
}

// Refused notes a refusal and returns at once. Alike are refusals of the same
// account, key, actor, kind and reason. ID, time and count are given here.
func (f *Folder) Refused(e audit.Event) { f.RefusedFrom(e, netip.Addr{}) }

// RefusedFrom is Refused for a caller whose account may not be known: then
// alike are refusals of the same network, which is not stored.
func (f *Folder) RefusedFrom(e audit.Event, from netip.Addr) {
	now := f.d.Now()
	e.At, e.Count = now, 1
	k := foldKey{account: e.Account, key: e.Key, actor: e.Actor, kind: e.Kind, reason: e.Reason}
	if k.unowned() {
		k.network = network(from)
	}

	f.mu.Lock()
	defer f.mu.Unlock()
	old := f.folds[k]
	if old != nil && now.Before(old.ends) {
		old.count(e)
		return
	}
	if old == nil && (len(f.folds) >= MaxFolds || k.unowned() && f.networks >= MaxNetworks) {
		f.spill(e, now)
		return
	}
	x := &fold{key: k, first: e, ends: now.Add(Window)}
	if old != nil { // its window is over, but Run has not been by
		f.enqueueFold(old)
	} else if k.unowned() {
		f.networks++
	}
	f.folds[k] = x
	f.order = append(f.order, x)
	if !f.enqueue(e) {
		x.more++ // the window's end will tell of it
	}
}

// count adds a refusal that is alike to a window.
func (x *fold) count(e audit.Event) {
	x.more++
	if x.first.Area != e.Area {
		x.first.Area = ""
	}
	if x.first.Model != e.Model {
		x.first.Model = ""
	}
	if x.first.Subject != e.Subject {
		x.first.Subject = ""
	}
}

// network returns what one party is taken to have of the address space.
func network(a netip.Addr) netip.Prefix {
	bits := 48
	if a = a.Unmap(); a.Is4() {
		bits = 24
	}
	p, _ := a.WithZone("").Prefix(bits) // the zero Prefix for the zero Addr
	return p
}

// spill counts a refusal that finds no room among the folds.
func (f *Folder) spill(e audit.Event, now time.Time) {
	k := foldKey{kind: e.Kind, reason: e.Reason}
	x := f.overflow[k]
	if x == nil {
		x = &fold{key: k, ends: now.Add(Window), first: audit.Event{
			Kind: e.Kind, Actor: audit.Actor{Kind: audit.ActorService},
			Area: e.Area, Reason: e.Reason, Subject: "overflow",
		}}
		f.overflow[k] = x
	}
	x.more += e.Count
}

// enqueue puts an event before the database; false if the queue is full.
func (f *Folder) enqueue(e audit.Event) bool {
	if len(f.queue) >= MaxQueue {
		return false
	}
	e.ID = f.d.NewID("evt")
	f.queue = append(f.queue, e)
	select {
	case f.wake <- struct{}{}:
	default:
	}
	return true
}

// enqueueFold puts the event of a window's end before the database, if there
// was more than its first refusal; without room it goes to the overflow.
func (f *Folder) enqueueFold(x *fold) {
	if x.more == 0 {
		return
	}
	e := x.first
	e.At, e.Count, e.Request = f.d.Now(), x.more, ""
	switch {
	case f.enqueue(e):
		x.more = 0
	case x != f.overflow[x.key]:
		f.spill(e, e.At)
		x.more = 0
	}
}

// Run writes until ctx ends, then writes what is left, for a few seconds
// at most. It returns nil.
func (f *Folder) Run(ctx context.Context) error {
	tick := time.NewTicker(Window / 10)
	defer tick.Stop()
	calm := context.WithoutCancel(ctx) // a write under way is not lost to the shutdown
	up := true
	for {
		select {
		case <-f.wake:
			if up { // a database that failed is asked again at the next tick
				up = f.write(calm)
			}
		case <-tick.C:
			f.expire(false)
			up = f.write(calm)
		case <-ctx.Done():
			for f.write(calm) && f.expire(true) > 0 {
			}
			f.lost()
			return nil
		}
	}
}

// expire queues the ends of the windows that are over, or of all of them, and
// returns how many events wait.
func (f *Folder) expire(all bool) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.d.Now()
	n := 0
	for ; n < len(f.order) && (all || !now.Before(f.order[n].ends)); n++ {
		x := f.order[n]
		f.enqueueFold(x)
		if f.folds[x.key] == x {
			delete(f.folds, x.key)
			if x.key.unowned() {
				f.networks--
			}
		}
	}
	f.order = append(f.order[:0:0], f.order[n:]...)
	for k, x := range f.overflow {
		if !all && now.Before(x.ends) {
			continue
		}
		if f.enqueueFold(x); x.more == 0 {
			delete(f.overflow, k)
		}
	}
	return len(f.queue)
}

// lost tells the log of what was not written when Run ends.
func (f *Folder) lost() {
	f.mu.Lock()
	defer f.mu.Unlock()
	left := map[foldKey]int64{}
	for _, e := range f.queue {
		left[foldKey{kind: e.Kind, reason: e.Reason}] += e.Count
	}
	for _, folds := range []map[foldKey]*fold{f.folds, f.overflow} {
		for _, x := range folds {
			left[foldKey{kind: x.key.kind, reason: x.key.reason}] += x.more
		}
	}
	for k, n := range left {
		if n > 0 {
			f.log.Error("refusals were not recorded: the database could not be reached", "kind", k.kind, "reason", k.reason, "count", n)
		}
	}
}

// batch is how many events one transaction writes.
const batch = 256

// write empties the queue; false if the database did not take it. What it
// did not take stays queued, save an event that it refuses for good.
func (f *Folder) write(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, writeLimit)
	defer cancel()
	for {
		f.mu.Lock()
		es := append([]audit.Event(nil), f.queue[:min(batch, len(f.queue))]...)
		f.mu.Unlock()
		if len(es) == 0 {
			return true
		}
		taken, err := f.append(ctx, es)
		f.mu.Lock()
		f.queue = append(f.queue[:0:0], f.queue[taken:]...)
		f.mu.Unlock()
		if err != nil {
			f.log.WarnContext(ctx, "refusals could not be recorded yet", "error", err, "waiting", len(es)-taken)
			return false
		}
	}
}

// append writes events in one transaction, or one by one if one of them is
// refused; it returns how many are done with.
func (f *Folder) append(ctx context.Context, es []audit.Event) (int, error) {
	err := f.put(ctx, es...)
	switch {
	case err == nil:
		return len(es), nil
	case ctx.Err() != nil || retryable(err):
		return 0, err
	}
	for i, e := range es {
		if err := f.put(ctx, e); err != nil {
			if ctx.Err() != nil || retryable(err) {
				return i, err
			}
			f.log.ErrorContext(ctx, "a refusal could not be recorded", "error", err, "kind", e.Kind, "reason", e.Reason, "count", e.Count, "request_id", e.Request)
		}
	}
	return len(es), nil
}

func (f *Folder) put(ctx context.Context, es ...audit.Event) error {
	return f.d.Store.Do(ctx, func(ctx context.Context, tx store.Stores) error { return tx.Events().Append(ctx, es...) })
}

// retryable reports whether the database may take the same event later.
func retryable(err error) bool {
	kind := fault.KindOf(err)
	return kind == fault.Unavailable || kind == fault.Timeout || kind == fault.Canceled
}
