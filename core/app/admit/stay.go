package admit

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/ports/store"
)

// Stay is an admitted request until it ends. Once the gate is closed to it, it
// is cut (K5). The zero value has not begun.
type Stay struct {
	in      *stays
	account string
	key     string
	area    access.Area
	scope   keys.Scope
	from    netip.Addr

	// The lock of the account's shard guards what follows.
	prev, next *Stay // of the account
	expires    time.Time
	cut        func(error)
	cause      error
}

// Stay begins a stay under a grant. Who begins it must call End. What was
// changed before it began is found by the ledger, which holds nothing under an
// epoch that is over; what is changed later is found here.
func (s *Service) Stay(in *Stay, g Grant, scope keys.Scope) {
	*in = Stay{in: &s.stays, account: g.Account.ID, key: g.Key.ID, area: g.Area, scope: scope, from: g.From, expires: g.Key.ExpiresAt}
	sh := in.in.shard(in.account)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if in.next = sh.of[in.account]; in.next != nil {
		in.next.prev = in
	}
	if sh.of == nil {
		sh.of = map[string]*Stay{}
	}
	sh.of[in.account] = in
}

// Watch has cut called, with the gate's fault, when the gate closes; at once if
// it has. It is called once at the most, and may be called while End runs.
func (in *Stay) Watch(cut func(error)) {
	sh := in.in.shard(in.account)
	sh.mu.Lock()
	cause := in.cause
	in.cut = cut
	sh.mu.Unlock()
	if cause != nil {
		cut(cause)
	}
}

// End ends the stay.
func (in *Stay) End() {
	sh := in.in.shard(in.account)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	switch {
	case in.prev != nil:
		in.prev.next = in.next
	case in.next != nil:
		sh.of[in.account] = in.next
	default:
		delete(sh.of, in.account)
	}
	if in.next != nil {
		in.next.prev = in.prev
	}
	in.prev, in.next, in.cut = nil, nil, nil
}

// CutAll cuts every stay there is for a cause, as before the server stops.
func (s *Service) CutAll(cause error) {
	s.stays.judgeAll(func(*Stay) error { return cause })
}

// stays is every stay of this replica, by account.
type stays struct {
	seed   maphash.Seed
	shards [shards]lodge

	mu    sync.Mutex
	doubt map[string]struct{} // accounts to be looked at again
	wake  chan struct{}       // one place: there are some
}

type lodge struct {
	mu sync.Mutex
	of map[string]*Stay // the newest of each account
}

func (s *stays) open() {
	s.seed, s.doubt, s.wake = maphash.MakeSeed(), map[string]struct{}{}, make(chan struct{}, 1)
}

func (s *stays) shard(account string) *lodge {
	return &s.shards[maphash.String(s.seed, account)%shards]
}

// changed notes that accounts were changed.
func (s *stays) changed(changes []store.Change) {
	var here []string
	for _, c := range changes {
		sh := s.shard(c.Account)
		sh.mu.Lock()
		if sh.of[c.Account] != nil {
			here = append(here, c.Account)
		}
		sh.mu.Unlock()
	}
	s.suspect(here)
}

// anyChanged notes that any account may have been changed.
func (s *stays) anyChanged() {
	var here []string
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		for account := range sh.of {
			here = append(here, account)
		}
		sh.mu.Unlock()
	}
	s.suspect(here)
}

// suspect has accounts looked at again.
func (s *stays) suspect(accounts []string) {
	if len(accounts) == 0 {
		return
	}
	s.mu.Lock()
	for _, a := range accounts {
		s.doubt[a] = struct{}{}
	}
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// doubtful returns the accounts to look at, each once.
func (s *stays) doubtful() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	accounts := make([]string, 0, len(s.doubt))
	for a := range s.doubt {
		accounts = append(accounts, a)
	}
	clear(s.doubt)
	return accounts
}

// keys returns the keys that an account's stays are under.
func (s *stays) keys(account string) map[string]struct{} {
	sh := s.shard(account)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	found := map[string]struct{}{}
	for in := sh.of[account]; in != nil; in = in.next {
		found[in.key] = struct{}{}
	}
	return found
}

// judge cuts those of an account's stays that a verdict is against; nil is for.
func (s *stays) judge(account string, verdict func(in *Stay) error) {
	sh := s.shard(account)
	sh.mu.Lock()
	cuts := sh.judge(sh.of[account], verdict)
	sh.mu.Unlock()
	for _, cut := range cuts {
		cut()
	}
}

// judgeAll is judge for all accounts.
func (s *stays) judgeAll(verdict func(in *Stay) error) {
	for i := range s.shards {
		sh := &s.shards[i]
		var cuts []func()
		sh.mu.Lock()
		for _, first := range sh.of {
			cuts = append(cuts, sh.judge(first, verdict)...)
		}
		sh.mu.Unlock()
		for _, cut := range cuts {
			cut()
		}
	}
}

// judge returns the cuts to make once the lock is given back.
func (*lodge) judge(first *Stay, verdict func(in *Stay) error) (cuts []func()) {
	for in := first; in != nil; in = in.next {
		if in.cause != nil {
			continue
		}
		if in.cause = verdict(in); in.cause == nil || in.cut == nil {
			continue
		}
		cut, cause := in.cut, in.cause
		cuts = append(cuts, func() { cut(cause) })
	}
	return cuts
}
