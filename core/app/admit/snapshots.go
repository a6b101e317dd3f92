package admit

import (
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/ports/store"
)

const (
	// shards of the map, so that requests do not wait for each other's lock.
	shards = 64
	// maxSnapshots bounds the map unless told otherwise; one takes about 1 KB.
	maxSnapshots = 200_000
	// lease is how long all snapshots may be used after a poll was sent.
	lease = time.Second
)

// snapshot is a key with its account, as they were read at one moment.
type snapshot struct {
	store.KeyHolder
	pepper int          // index of the pepper that the digest was made under
	noted  atomic.Int64 // when its use was last noted, in Unix microseconds
}

// snapshots is the map of what was read, by the digest of the key (HOTPATH 19).
//
// Reads take a shard's lock only. Writes are rare, and run one at a time under
// mu, so that what was read before a change cannot come in after it.
type snapshots struct {
	shards [shards]shard
	room   int // of each shard
	// sent is when the last good poll was sent, in Unix nanoseconds.
	sent atomic.Int64

	mu sync.Mutex
	// generation grows with each poll that brought changes; 0 means that the
	// list of changes was not read yet, and nothing may be kept.
	generation int64
	accounts   map[string][]*snapshot
	flights    flights
}

type shard struct {
	mu sync.RWMutex
	of map[keys.Digest]*snapshot
}

func newSnapshots(most int) *snapshots {
	if most == 0 {
		most = maxSnapshots
	}
	s := &snapshots{room: max(1, most/shards), accounts: map[string][]*snapshot{}, flights: flights{of: map[keys.Digest]*flight{}, lanes: map[netip.Prefix]*lane{}}}
	for i := range s.shards {
		s.shards[i].of = map[keys.Digest]*snapshot{}
	}
	return s
}

func (s *snapshots) shard(d keys.Digest) *shard { return &s.shards[d[0]%shards] }

// fresh reports whether snapshots may be used at now. A clock that stepped
// back makes none fresh.
func (s *snapshots) fresh(now time.Time) bool {
	age := now.UnixNano() - s.sent.Load()
	return 0 <= age && age < int64(lease)
}

// get returns the snapshot of a digest, or nil. Digests are secret-keyed: how
// long a look-up takes tells nothing about one that somebody could choose.
func (s *snapshots) get(d keys.Digest) *snapshot {
	sh := s.shard(d)
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	return sh.of[d]
}

// keep keeps a snapshot whose reading began in a generation, unless changes
// were polled since: one of them may be newer than what was read. The caller
// holds mu.
func (s *snapshots) keep(e *snapshot, generation int64) {
	if generation == 0 || generation != s.generation {
		return
	}
	sh := s.shard(e.Key.Digest)
	if old := sh.of[e.Key.Digest]; old != nil {
		s.drop(old)
	} else if len(sh.of) >= s.room {
		for _, some := range sh.of { // a map's order is as good as chance
			s.drop(some)
			break
		}
	}
	sh.mu.Lock()
	sh.of[e.Key.Digest] = e
	sh.mu.Unlock()
	s.accounts[e.Account.ID] = append(s.accounts[e.Account.ID], e)
}

// began returns the generation in which a reading begins.
func (s *snapshots) began() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.generation
}

// keepNow is keep for those that do not hold mu.
func (s *snapshots) keepNow(e *snapshot, generation int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keep(e, generation)
}

// drop removes one snapshot. The caller holds mu.
func (s *snapshots) drop(e *snapshot) {
	s.remove(e)
	list := s.accounts[e.Account.ID]
	if i := slices.Index(list, e); i >= 0 {
		list = slices.Delete(list, i, i+1)
	}
	if s.accounts[e.Account.ID] = list; len(list) == 0 {
		delete(s.accounts, e.Account.ID)
	}
}

func (s *snapshots) remove(e *snapshot) {
	sh := s.shard(e.Key.Digest)
	sh.mu.Lock()
	delete(sh.of, e.Key.Digest)
	sh.mu.Unlock()
}

// forget drops what is known of the accounts in changes.
func (s *snapshots) forget(changes []store.Change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.generation++
	for _, c := range changes {
		for _, e := range s.accounts[c.Account] {
			s.remove(e)
		}
		delete(s.accounts, c.Account)
	}
}

// outgrown drops what is known of an account if it was read at an epoch that is
// over, or before: a change was seen before it was polled. Whoever asks next
// waits for no query that may be as old.
func (s *snapshots) outgrown(account string, epoch int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := false
	for _, e := range slices.Clone(s.accounts[account]) {
		if e.Account.Epoch <= epoch {
			s.drop(e)
			old = true
		}
	}
	if old && s.generation > 0 {
		s.generation++
	}
}

// clear drops everything.
func (s *snapshots) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.generation++
	clear(s.accounts)
	for i := range s.shards {
		s.shards[i].mu.Lock()
		clear(s.shards[i].of)
		s.shards[i].mu.Unlock()
	}
}
