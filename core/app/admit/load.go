package admit

import (
	"context"
	"time"

	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/ports/store"
)

const (
	// maxLoads bounds the queries under way, so that a flood of keys that
	// nobody has seen cannot take the store from everybody else.
	maxLoads = 256
	// loadTimeout bounds one. What it returns is never older than that, for
	// whoever waited for it, so it is no longer than the lease.
	loadTimeout = lease
)

// errBusy means that too many keys are being looked up. It says nothing about
// the key.
var errBusy = &fault.Error{
	Kind: fault.Unavailable, Code: "overloaded", RetryAfter: time.Second,
	Message: "The service is looking up too many keys just now. Nothing was debited; try again shortly.",
}

// flight is a query under way, and those that wait for it.
type flight struct {
	generation int64
	done       chan struct{}
	found      *snapshot
	err        error
}

// load asks the store for the key with one of the digests. Requests that ask
// for one key at the same time share one query.
func (s *Service) load(ctx context.Context, digests []keys.Digest) (*snapshot, error) {
	f, mine, err := s.snapshots.join(digests[0])
	if err != nil {
		return nil, err
	}
	if !mine {
		select {
		case <-f.done:
			return f.found, f.err
		case <-ctx.Done():
			return nil, fault.Wrap(ctx.Err(), fault.Canceled, "canceled", "The request was given up before it was done.")
		}
	}
	defer s.snapshots.leave(digests[0], f)
	// Others wait for it too: it does not end with this request.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadTimeout)
	defer cancel()
	f.found, f.err = s.ask(ctx, digests)
	if f.err == nil {
		s.snapshots.put(f.found, f.generation)
	}
	return f.found, f.err
}

// ask is the query.
func (s *Service) ask(ctx context.Context, digests []keys.Digest) (*snapshot, error) {
	holders, err := s.deps.Store.Keys().ByDigests(ctx, digests)
	if err != nil {
		return nil, err
	}
	for _, holder := range holders {
		for i, d := range digests {
			if d.Equal(holder.Key.Digest) { // K2
				e := &snapshot{KeyHolder: holder, pepper: i}
				if i == 0 && !holder.Key.LastUsedAt.IsZero() { // else the next use is noted, with its new digest
					e.noted.Store(holder.Key.LastUsedAt.UnixMicro())
				}
				return e, nil
			}
		}
	}
	return nil, store.ErrNotFound
}

// join returns the flight for a digest, and whether the caller is to fly it. A
// flight that began before the last changes were polled is not joined: whoever
// comes after a change must not be told what was before it.
func (s *snapshots) join(d keys.Digest) (f *flight, mine bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f = s.flights[d]; f != nil && f.generation == s.generation {
		return f, false, nil
	}
	if s.loading >= maxLoads {
		return nil, false, errBusy
	}
	s.loading++
	// What those who wait are told should the query panic.
	f = &flight{generation: s.generation, done: make(chan struct{}), err: store.ErrUnavailable}
	s.flights[d] = f
	return f, true, nil
}

// leave ends a flight.
func (s *snapshots) leave(d keys.Digest, f *flight) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loading--
	if s.flights[d] == f {
		delete(s.flights, d)
	}
	close(f.done)
}
