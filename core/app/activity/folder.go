package activity

import (
	"context"
	"log/slog"
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
	// MaxQueue is how many events may wait for the database.
	MaxQueue = 4096
	// writeLimit is how long emptying the queue may take, at shutdown too.
	writeLimit = 5 * time.Second
)

// Folder writes the events of refused calls: the first of its kind at once,
// the further ones of the next ten seconds as one event with their count.
// Nobody who reports a refusal waits for the database. Make it with
// NewFolder; one goroutine runs Run.
type Folder struct {
	d   Deps
	log *slog.Logger

	mu       sync.Mutex
	folds    map[foldKey]*fold
	order    []*fold // by end: windows are equally long
	overflow map[foldKey]*fold
	queue    []audit.Event
	wake     chan struct{} // one slot: something is in the queue
}

// foldKey is what makes refusals alike. Overflow keys have neither account
// nor key.
type foldKey struct {
	account, key, reason string
	kind                 audit.Kind
}

type fold struct {
	key   foldKey
	first audit.Event
	more  int64 // refusals not yet written
	ends  time.Time
}

// NewFolder returns a folder; log hears of events that could not be written.
func NewFolder(d Deps, log *slog.Logger) *Folder {
	return &Folder{d: d, log: log, folds: map[foldKey]*fold{}, overflow: map[foldKey]*fold{}, wake: make(chan struct{}, 1)}
}

// Refused notes a refusal and returns at once. Alike are refusals of the same
// account, key, kind and reason. ID, time and count are given here.
func (f *Folder) Refused(e audit.Event) {
	now := f.d.Now()
	e.At, e.Count = now, 1
	k := foldKey{e.Account, e.Key, e.Reason, e.Kind}

	f.mu.Lock()
	defer f.mu.Unlock()
	if x, ok := f.folds[k]; ok && now.Before(x.ends) {
		x.more++
		return
	}
	if _, ok := f.folds[k]; !ok && len(f.folds) >= MaxFolds {
		f.spill(e, now)
		return
	}
	x := &fold{key: k, first: e, ends: now.Add(Window)}
	if old, ok := f.folds[k]; ok { // its window is over, but Run has not been by
		f.enqueueFold(old)
	}
	f.folds[k] = x
	f.order = append(f.order, x)
	if !f.enqueue(e) {
		x.more++ // the window's end will tell of it
	}
}

// spill counts a refusal that finds no room among the folds.
func (f *Folder) spill(e audit.Event, now time.Time) {
	k := foldKey{reason: e.Reason, kind: e.Kind}
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
			f.log.ErrorContext(ctx, "a refusal could not be recorded", "error", err, "kind", e.Kind, "reason", e.Reason, "request_id", e.Request)
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
