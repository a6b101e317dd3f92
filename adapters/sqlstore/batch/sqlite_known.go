package batch

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/archibot/archibotchat/adapters/sqlstore/lite"
	"github.com/archibot/archibotchat/ports/store"
)

// watch is what a committer knows about who else writes to its file. All of it
// is read under the write lock.
type watch struct {
	// version changes whenever another connection has committed anything. The
	// books carry the one that they were true at.
	version string
	// tenure is the mark that a committer leaves in the file (user_version) with
	// the first batch that it commits after another one's: while it is there, no
	// other one has committed. 0: none.
	tenure int64
	found  int64 // the mark that is there
	// fenced is the replica whose fence was looked at, and at which version.
	fenced   store.Replica
	fencedAt string
}

// look notices what others have committed since the last batch. What another
// committer did may show nowhere in the accounts' rows (a hold that is set aside
// within the same microsecond moves only its lots), so nothing that was known
// before it is believed.
func (s *SQLite) look() error {
	count, err := s.number(liteVersion)
	version := strconv.FormatInt(count, 10)
	if err != nil || version == s.watch.version {
		return err
	}
	s.watch.version = version
	if s.watch.found, err = s.number(liteMark); err == nil && s.watch.found != s.watch.tenure {
		s.watch.tenure = 0
		s.books.clear()
	}
	return err
}

// number runs a statement that yields one number.
func (s *SQLite) number(text string) (n int64, err error) {
	st := s.stmts[text]
	err = st.Query(func() error { return st.Scan(&n) })
	return n, err
}

// claim leaves the committer's mark, as a part of the batch, and returns it.
func (s *SQLite) claim() (int64, error) {
	if s.watch.tenure != 0 {
		return s.watch.tenure, nil
	}
	next := s.watch.found%math.MaxInt32 + 1
	return next, s.conn.Exec(fmt.Sprintf("PRAGMA user_version = %d", next))
}

// recall fills the groups whose books have all that their ops may touch. A book
// of an earlier version is true if the account's row is as it says: whoever
// else writes lots, holds or counters is a committer, which leaves its mark, or
// changes the row (a trigger sees to it that a new limit raises the epoch). It
// returns the accounts whose rows were read for that, and whether a book was
// believed on the word of a row.
func (s *SQLite) recall(w *work) (hearsay bool, err error) {
	w.cleared = s.books.take(w.groups, time.Now())
	var doubtful []string
	for _, g := range w.groups {
		if g.book != nil && g.book.version != s.watch.version {
			doubtful = append(doubtful, g.account)
		}
	}
	r := liteRun{stmts: s.stmts}
	eachRow(&r, liteAccount, doubtful, w.liteAccounts())
	if r.err != nil {
		return false, fmt.Errorf("look whether accounts are as they were: %w", r.err)
	}
	now := time.Now()
	for _, g := range w.groups {
		b := g.book
		if b == nil {
			continue
		}
		doubted := b.version != s.watch.version
		if doubted && !(g.found && b.entries == g.entries && b.events == g.events && b.at.Equal(g.at) && b.epoch == g.epoch) {
			g.book = nil
			continue
		}
		b.version = s.watch.version
		if g.opens(w.ops, now) {
			w.read(g)
			g.told = true
			hearsay = hearsay || doubted
		}
	}
	return hearsay, nil
}

// doubt returns errStale if a start was refused whose request has a row: books
// do not know of holds that have ended, and a granted one would have failed on
// the row.
func (s *SQLite) doubt(w *work) error {
	var refused []string
	for _, g := range w.groups {
		for _, i := range g.ops {
			if op := &w.ops[i]; g.told && w.out[i].Err != nil && !g.known[op.Request] {
				refused = append(refused, op.Request)
			}
		}
	}
	r := liteRun{stmts: s.stmts}
	var request string
	eachRow(&r, liteTaken, refused, liteInto{[]any{&request}, func() error { return errStale }})
	return r.err
}

// learn puts what a batch has left behind on the shelf.
func (s *SQLite) learn(w *work) {
	now := time.Now()
	for _, g := range w.groups {
		if !g.found || g.write(s.watch.version, s.watch.version, now) != nil {
			g.book = nil // it is read when it is needed
		}
	}
	s.books.put(w.groups, now, w.cleared)
}

// unread returns what has to be read of the accounts that were not recalled.
func (w *work) unread() (accounts, requests, scopes []string) {
	if !slices.ContainsFunc(w.groups, func(g *group) bool { return g.told }) {
		return w.accounts, w.requests, w.scopes
	}
	for _, g := range w.groups {
		if g.told {
			continue
		}
		accounts = append(accounts, g.account)
		for _, i := range g.ops {
			if op := &w.ops[i]; op.Request != "" {
				requests = append(requests, op.Request)
			}
			for _, l := range w.ops[i].Limits {
				scopes = append(scopes, l.Scope)
			}
		}
	}
	slices.Sort(requests)
	slices.Sort(scopes)
	return accounts, slices.Compact(requests), slices.Compact(scopes)
}

// refuted reports whether a batch that was decided on books failed as one does
// that believes what is not so.
func (w *work) refuted(err error) bool {
	var said *lite.Error
	return (errors.Is(err, errStale) || errors.As(err, &said) && said.Constraint()) &&
		slices.ContainsFunc(w.groups, func(g *group) bool { return g.told })
}
