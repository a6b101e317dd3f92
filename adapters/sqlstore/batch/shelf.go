package batch

import (
	"sync"
	"time"
)

// Limits of what is kept. With more accounts in use than there are books, or
// accounts that come round later than a book lasts, nearly every batch has one
// that it must read, and then it reads all of its accounts.
const (
	maxBooks = 1 << 17
	// maxWeight bounds the bytes of all books. The usual one has less than 500,
	// and so all of them less than 64 MiB.
	maxWeight = 96 << 20
	// bookAge ends a book that is not used. A version is a number of 32 bits,
	// and must not come round while a book waits for it: that would take seven
	// million transactions a second.
	bookAge = 10 * time.Minute
)

// What the parts of a book weigh in bytes, with their texts and their place in
// a list or a map.
const (
	bookWeight    = 320
	lotWeight     = 192
	holdWeight    = 1024
	counterWeight = 256
)

// shelf keeps the books of the accounts in use: if there is no room for all of
// them, those that were used last.
type shelf struct {
	mu          sync.Mutex
	books       map[string]*book
	first, last *book // used last, and first
	weight      int   // of all
	cleared     int   // how often
}

// clear forgets all. A database that took over from another may have lost what
// that one did last, and number its own transactions the same.
func (s *shelf) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.books, s.first, s.last, s.weight = nil, nil, nil, 0
	s.cleared++
}

// take takes the books of the groups' accounts, as far as there are any. What
// it returns has to come with them when they are put back.
func (s *shelf) take(groups []*group, now time.Time) (cleared int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range groups {
		b := s.books[g.account]
		if b == nil {
			continue
		}
		s.remove(b)
		if now.Sub(b.seen) < bookAge {
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
	put := 0
	for _, g := range groups {
		if g.book == nil {
			continue
		}
		if there := s.books[g.account]; there != nil {
			s.remove(there)
		}
		g.book.account, g.book.seen = g.account, now
		s.add(g.book)
		put++
	}
	for len(s.books) > maxBooks || s.weight > maxWeight {
		s.remove(s.last)
	}
	// What is too old gives its memory back, but never so much at once that
	// the batch waits for it.
	for range 2 * put {
		if s.last == nil || now.Sub(s.last.seen) < bookAge {
			break
		}
		s.remove(s.last)
	}
}

// add puts a book before all others.
func (s *shelf) add(b *book) {
	if s.books == nil {
		s.books = map[string]*book{}
	}
	b.weight = bookWeight + lotWeight*len(b.lots) + holdWeight*b.holds.size() + counterWeight*b.counted.size()
	s.weight += b.weight
	s.books[b.account] = b
	b.older = s.first
	if s.first == nil {
		s.last = b
	} else {
		s.first.newer = b
	}
	s.first = b
}

func (s *shelf) remove(b *book) {
	delete(s.books, b.account)
	s.weight -= b.weight
	if b.newer == nil {
		s.first = b.older
	} else {
		b.newer.older = b.older
	}
	if b.older == nil {
		s.last = b.newer
	} else {
		b.older.newer = b.newer
	}
	b.newer, b.older = nil, nil
}
