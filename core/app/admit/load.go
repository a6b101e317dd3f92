package admit

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/ports/store"
)

const (
	// maxLoads bounds the keys that are being looked up, so that a flood of
	// keys that nobody has seen cannot take memory and the store from
	// everybody else; maxLoadsFrom bounds those of one network.
	maxLoads     = 1024
	maxLoadsFrom = maxLoads / 4
	// maxDigests bounds what one query asks for.
	maxDigests = 64
	// maxQueries bounds the queries under way, where one is not enough.
	maxQueries = 4
	// slowQuery is when a query is not waited for any more by those who come.
	slowQuery = 50 * time.Millisecond
	// queryTime bounds a query. What comes of it is never older than that, so it
	// is no longer than the lease.
	queryTime = lease
	// loadWait is how long a load is waited for, as a hold is: a store that stands
	// still for a moment, or restarts, turns nobody away. Queries that fail
	// meanwhile are sent again, after a pause that grows with each.
	loadWait     = 5 * time.Second
	shortestRest = 20 * time.Millisecond
	longestRest  = 250 * time.Millisecond
)

// errBusy means that too many keys are being looked up. It says nothing about
// the key.
var errBusy = &fault.Error{
	Kind: fault.Unavailable, Code: "overloaded", Part: "keys", RetryAfter: time.Second,
	Message: "The service is looking up too many keys just now. Nothing was debited; try again shortly.",
}

// flight is the search for one key, and those that wait for it.
type flight struct {
	digests []keys.Digest // of the one token, by pepper
	from    netip.Prefix
	// generation is that of the snapshots when the query left; 0 before it has.
	generation int64
	left       bool
	waiters    int
	until      time.Time // when the last who waits will have waited enough
	failure    error     // of the last query that failed; the mutex of snapshots guards it
	done       chan struct{}
	found      *snapshot
	err        error
}

// load asks the store for the key with one of the digests. Requests that ask
// for one key at the same time share one flight, and flights share queries: the
// first one leaves at once, and those that come while it is under way leave
// together (HOTPATH 20).
func (s *Service) load(ctx context.Context, digests []keys.Digest, from netip.Addr) (*snapshot, error) {
	f, start, err := s.snapshots.join(digests, network(from), s.deps.Now())
	if err != nil {
		return nil, err
	}
	if start {
		// Others wait for it too: it does not end with this request. It ends by
		// itself, soon, for want of work.
		go s.fly(context.WithoutCancel(ctx))
	}
	patience := time.NewTimer(loadWait)
	defer patience.Stop()
	select {
	case <-f.done:
		return f.found, f.err
	case <-patience.C:
		return nil, late(s.snapshots.abandon(f))
	case <-ctx.Done():
		_ = s.snapshots.abandon(f)
		return nil, canceled(ctx)
	}
}

// canceled is the fault of a request that its client gave up.
func canceled(ctx context.Context) error {
	return fault.Wrap(ctx.Err(), fault.Canceled, "canceled", "The request was given up before it was done.")
}

// late is the fault of a load that was waited for long enough. failure is why the
// last query failed, nil if none has.
func late(failure error) error {
	why := fmt.Errorf("look up a key: not found out in %v", loadWait)
	if failure != nil {
		why = fmt.Errorf("%w: %w", why, cmp.Or(fault.From(failure).Err, failure))
	}
	f := fault.Wrap(why, store.ErrUnavailable.Kind, store.ErrUnavailable.Code, store.ErrUnavailable.Message)
	f.Part = "keys"
	return f
}

// network is the part of an address by which floods are told apart.
func network(a netip.Addr) netip.Prefix {
	a = a.Unmap()
	bits := 48
	if a.Is4() {
		bits = 24
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{} // not known: one network
	}
	return p
}

// fly sends queries until nobody waits for one.
func (s *Service) fly(ctx context.Context) {
	rest := time.Duration(0)
	flights, patience := s.snapshots.depart(s.deps.Now())
	for len(flights) > 0 {
		s.ask(ctx, flights, patience)
		now := s.deps.Now()
		if !s.snapshots.land(flights) {
			rest = 0
		} else {
			rest = min(max(2*rest, shortestRest), longestRest)
			pause := time.NewTimer(rest)
			<-pause.C
			now = s.deps.Now()
		}
		flights, patience = s.snapshots.depart(now)
	}
}

// ask is one query, of up to patience. Flights whose key it does not return end with ErrNotFound.
func (s *Service) ask(ctx context.Context, flights []*flight, patience time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var digests []keys.Digest
	sought := make(map[keys.Digest]*flight, len(flights))
	for _, f := range flights {
		f.err = store.ErrNotFound
		digests = append(digests, f.digests...)
		for _, d := range f.digests {
			sought[d] = f
		}
	}
	sent := s.deps.Now()
	holders, err := s.query(ctx, digests)
	if err == nil {
		err = s.aged(sent)
	}
	if err != nil {
		for _, f := range flights {
			f.err = err
		}
		return
	}
	for _, holder := range holders {
		f := sought[holder.Key.Digest]
		if f == nil {
			continue
		}
		for i, d := range f.digests {
			if d.Equal(holder.Key.Digest) { // K2
				f.found, f.err = &snapshot{KeyHolder: holder, pepper: i}, nil
				if i == 0 && !holder.Key.LastUsedAt.IsZero() { // else the next use is noted, with its new digest
					f.found.noted.Store(holder.Key.LastUsedAt.UnixMicro())
				}
			}
		}
	}
}

// aged fails if what a query brought that was sent at a time is older than anybody
// may be told (G7): a server that stood still sees its deadlines late.
func (s *Service) aged(sent time.Time) error {
	if age := s.deps.Now().Sub(sent); age < 0 || age > queryTime {
		return fault.Wrap(fmt.Errorf("look up keys: answered after %v", age), store.ErrUnavailable.Kind, store.ErrUnavailable.Code, store.ErrUnavailable.Message)
	}
	return nil
}

// query asks the store. A panic is told to those who wait, as it would be if
// one of them had asked alone.
func (s *Service) query(ctx context.Context, digests []keys.Digest) (holders []store.KeyHolder, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("look up keys: panic: %v", p)
		}
	}()
	return s.deps.Store.Keys().ByDigests(ctx, digests)
}
