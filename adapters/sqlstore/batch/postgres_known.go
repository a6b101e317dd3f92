package batch

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/archibot/archibotchat/adapters/sqlstore/row"
	"github.com/archibot/archibotchat/ports/store"
)

// sqlStands takes the fence and the accounts' locks as sqlAccounts does, and
// tells whether all is as the batch believes: no account is locked or has
// another version, and the time that the batch was decided at is the
// database's, or has just been. If not, none of the parts beside it does
// anything: a batch whose accounts are all known is one statement, and needs no
// transaction around it. It sees the rows as they were when it began, and an
// account with the version that it should have is one that nobody has changed
// since.
const sqlStands = `fence AS MATERIALIZED (SELECT fence FROM replicas WHERE id = $2 FOR KEY SHARE
), locked AS MATERIALIZED (SELECT id, xmin FROM accounts
	WHERE id = ANY($1) AND ($2::text = '' AND $3::bigint = 0 OR (SELECT fence FROM fence) = $3) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
), found AS MATERIALIZED (SELECT array_agg(xmin::text ORDER BY id) AS versions, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS now FROM locked
), stands AS MATERIALIZED (SELECT coalesce(versions = $4::text[] AND ($5::bigint IS NULL OR $5 BETWEEN now - $6::bigint AND now), false) AS ok,
	now, pg_current_xact_id()::xid::text AS wrote FROM found)`

// sqlStandsLone is the same for a batch of one row to a part, and so of one
// account: it costs the database a tenth less.
const sqlStandsLone = `found AS MATERIALIZED (SELECT (SELECT xmin::text FROM accounts WHERE id = $1::text
	AND ($2::text = '' AND $3::bigint = 0 OR (SELECT fence FROM replicas WHERE id = $2 FOR KEY SHARE) = $3) FOR NO KEY UPDATE SKIP LOCKED) AS version,
	(extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS now
), stands AS MATERIALIZED (SELECT coalesce(version = $4::text AND ($5::bigint IS NULL OR $5 BETWEEN now - $6::bigint AND now), false) AS ok,
	now, pg_current_xact_id()::xid::text AS wrote FROM found)`

// errStale means that a batch was decided on what is not so any more. Nothing
// was written.
var errStale = errors.New("an account is not as it was")

// lateness bounds how far the time of a batch may lie behind the database's.
const lateness = 100 * time.Millisecond

// chime remembers what the database's clock said, and when that was heard. What
// it makes of it is never ahead of that clock: the answer took its time.
type chime struct {
	mu    sync.Mutex
	said  time.Time
	heard time.Time
}

// chimeAge bounds by how much two clocks can drift apart.
const chimeAge = 10 * time.Second

func (c *chime) hear(said time.Time) {
	heard := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.said, c.heard = said, heard
}

// now returns the database's time, or a little less; false if it was not heard
// lately.
func (c *chime) now() (time.Time, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	age := time.Since(c.heard)
	if c.said.IsZero() || age > chimeAge {
		return time.Time{}, false
	}
	return row.Time(row.Micros(c.said.Add(age))), true
}

// tryKnown commits a batch by what is known of its accounts. If that is not all
// that it takes, or not true any more, it returns errStale and the groups keep
// their books.
func (p *Postgres) tryKnown(ctx context.Context, c *pgx.Conn, by store.Replica, w *work) error {
	began := time.Now()
	for _, g := range w.groups {
		if !g.opens(w.ops, began) {
			return errStale
		}
	}
	now, ok := p.chime.now()
	switch {
	case p.Clock != nil:
		now = p.Clock()
	case !ok:
		return errStale
	}
	versions := make([]string, len(w.groups))
	for i, g := range w.groups {
		w.read(g)
		versions[i] = g.book.version
	}
	changes := w.decide(now, p.NewID)
	if changes.empty() {
		return errStale // a refusal is not given out on hearsay
	}
	out, err := changes.send(ctx, c, standing, func(to *params, lone bool) {
		texts := to.texts
		if lone {
			texts = func(one []string) { to.text(one[0]) }
		}
		texts(w.accounts)
		to.text(by.ID)
		to.bigint(by.Fence)
		texts(versions)
		if p.Clock != nil {
			to.null()
		} else {
			to.bigint(row.Micros(now))
		}
		to.bigint(lateness.Microseconds())
	}, false)
	var refused *pgconn.PgError
	switch {
	case errors.As(err, &refused) && !c.IsClosed():
		rollback(ctx, c)
		return errStale // the common way says what is wrong with it
	case err != nil:
		return err
	}
	p.chime.hear(row.Time(out.now))
	if !out.ok {
		return errStale
	}
	return p.learn(w, out.wrote)
}

// learn puts what a committed batch has left behind on the shelf.
func (p *Postgres) learn(w *work, wrote string) error {
	now := time.Now()
	for _, g := range w.groups {
		if !g.found {
			g.book = nil
			continue
		}
		found := g.version
		if found == "" {
			found = g.book.version
		}
		if err := g.write(found, wrote, now); err != nil {
			return err
		}
	}
	p.books.put(w.groups, now, w.cleared)
	return nil
}

// again is the work from its start, with the books that were taken.
func (w *work) again() *work {
	next := newWork(w.ops)
	next.cleared = w.cleared
	for i, g := range w.groups {
		next.groups[i].book = g.book
	}
	return next
}
