package admit

import (
	"net/netip"
	"time"

	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/keys"
)

// flights are the searches for keys under way. Those that wait for a query
// stand in a lane per network, and networks take turns, so that a flood from
// one of them keeps no other waiting for longer than a query. The mutex of
// snapshots guards them.
type flights struct {
	of      map[keys.Digest]*flight // by the digest under the first pepper
	lanes   map[netip.Prefix]*lane
	turns   []*lane // that hold flights which have not left
	loading int     // flights that have not landed
	queued  int     // of which have not left, in digests
	queries int
	last    time.Time // when the last query left
}

// landed is what flights that are over have for done.
var landed = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// lane is the flights of one network.
type lane struct {
	waiting []*flight
	loading int
}

// join returns the flight for the key of some digests, and whether the caller
// is to send a query. A flight that left before the last changes were polled is
// not joined: whoever comes after a change must not be told what was before it.
func (s *snapshots) join(digests []keys.Digest, from netip.Prefix, now time.Time) (f *flight, start bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f = s.flights.of[digests[0]]; f != nil && (!f.left || f.generation == s.generation) {
		f.waiters++
		f.until = now.Add(loadWait)
		return f, s.wanted(now), nil
	}
	if s.fresh(now) {
		for _, d := range digests {
			if e := s.get(d); e != nil { // it landed while the caller was on the way
				return &flight{found: e, done: landed}, false, nil
			}
		}
	}
	fl := &s.flights
	l := fl.lanes[from]
	if fl.loading >= maxLoads || l != nil && l.loading >= maxLoadsFrom {
		return nil, false, errBusy
	}
	if l == nil {
		l = &lane{}
		fl.lanes[from] = l
	}
	f = &flight{digests: digests, from: from, waiters: 1, until: now.Add(loadWait), done: make(chan struct{})}
	fl.of[digests[0]] = f
	fl.loading++
	l.loading++
	fl.line(f)
	return f, s.wanted(now), nil
}

// line puts a flight at the end of its network's lane.
func (fl *flights) line(f *flight) {
	l := fl.lanes[f.from]
	if l.waiting = append(l.waiting, f); len(l.waiting) == 1 {
		fl.turns = append(fl.turns, l)
	}
	fl.queued += len(f.digests)
}

// abandon says that one who waited for a flight waits no longer, and returns why
// its last query failed, nil if none has.
func (s *snapshots) abandon(f *flight) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	f.waiters--
	return f.failure
}

// wanted reports whether another query should leave: none is under way, or the
// next one is full, or the last one takes its time. It counts that query.
func (s *snapshots) wanted(now time.Time) bool {
	fl := &s.flights
	switch {
	case fl.queued == 0 || fl.queries >= maxQueries:
		return false
	case fl.queries > 0 && fl.queued < maxDigests && now.Sub(fl.last) < slowQuery:
		return false
	}
	fl.queries++
	fl.last = now // who comes next need not send another one
	return true
}

// land ends the flights of a query, save those that it could not answer and
// somebody waits for: they are to leave again. It reports whether there are any.
func (s *snapshots) land(landing []*flight) (again bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range landing {
		if fault.KindOf(f.err) == fault.Unavailable && f.waiters > 0 {
			f.failure, f.left, again = f.err, false, true
			s.flights.line(f)
			continue
		}
		if f.found != nil {
			s.keep(f.found, f.generation)
		}
		s.end(f)
		close(f.done)
	}
	return again
}

// depart returns the flights of the next query, and for how long somebody will
// wait for it, or ends the caller's querying if there are none. Those that
// nobody waits for any more are called off.
func (s *snapshots) depart(now time.Time) (leaving []*flight, patience time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fl := &s.flights
	for digests := 0; len(fl.turns) > 0; {
		l := fl.turns[0]
		f := l.waiting[0]
		if f.waiters > 0 {
			if digests += len(f.digests); digests > maxDigests && len(leaving) > 0 {
				break
			}
			leaving = append(leaving, f)
			patience = max(patience, min(f.until.Sub(now), queryTime))
		}
		l.waiting = l.waiting[1:]
		if fl.turns = fl.turns[1:]; len(l.waiting) > 0 {
			fl.turns = append(fl.turns, l)
		}
		fl.queued -= len(f.digests)
		f.left, f.generation = true, s.generation
		if f.waiters == 0 {
			s.end(f)
		}
	}
	if len(leaving) == 0 {
		fl.queries--
	}
	fl.last = now
	return leaving, patience
}

// end takes a flight off the books.
func (s *snapshots) end(f *flight) {
	fl := &s.flights
	fl.loading--
	if l := fl.lanes[f.from]; l.loading > 1 {
		l.loading--
	} else {
		delete(fl.lanes, f.from)
	}
	if fl.of[f.digests[0]] == f {
		delete(fl.of, f.digests[0])
	}
}
