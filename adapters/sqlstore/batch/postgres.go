package batch

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/archibot/archibotchat/adapters/sqlstore/row"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

// Postgres commits batches over a pool whose connections do not use the
// simple protocol.
type Postgres struct {
	Pool  *pgxpool.Pool
	NewID func(prefix string) string
	Clock Clock

	books shelf
	chime chime
}

// Connected is to be called for each new connection: it may be to a database
// that took over from the one before.
func (p *Postgres) Connected() { p.books.clear() }

// Settings are what the connections of the pool need for the statements to be
// planned as they are meant. To plan anew for each batch took half of its time.
var Settings = map[string]string{"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off", "jit": "off"}

// The reading statements. The account's row guards all that is below it: its
// lots, its holds, its sequences. Each statement sees what was committed when
// it began, so those after the lock see what the lock waited for.
const (
	sqlFence   = `SELECT fence FROM replicas WHERE id = $1 FOR KEY SHARE`
	sqlCommit  = `COMMIT`
	sqlTimeout = `SELECT set_config('lock_timeout', $1, true)`

	// sqlAccounts takes the fence and then the accounts' locks, in order, and
	// tells the time after each: the last is when all were held. A fence that
	// is not the replica's finds nothing. A stopped process must not keep its
	// accounts locked (rule 2), so the transaction is told not to wait for it.
	// All that is one statement because each costs as much as several ops.
	sqlAccounts = `WITH fence AS MATERIALIZED (SELECT fence FROM replicas WHERE id = $2 FOR KEY SHARE
), patience AS MATERIALIZED (SELECT set_config('idle_in_transaction_session_timeout', '1000', true) AS set
), locked AS MATERIALIZED (SELECT id, entry_seq, event_seq, ledger_at, epoch, xmin FROM accounts
	WHERE id = ANY($1) AND ($2 = '' AND $3 = 0 OR (SELECT fence FROM fence) = $3) AND (SELECT set FROM patience) <> '' ORDER BY id FOR NO KEY UPDATE`
	sqlThen = `)
SELECT id, entry_seq, event_seq, ledger_at, epoch, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, xmin::text, pg_current_xact_id()::xid::text FROM locked`
	sqlKnown    = `SELECT id FROM accounts WHERE id = ANY($1)`
	sqlLots     = `SELECT ` + row.LotColumns + ` FROM lots WHERE account_id = ANY($1) AND (state = 'live' OR remaining > 0)`
	sqlLotsByID = `SELECT ` + row.LotColumns + ` FROM lots WHERE id = ANY($1)`
	sqlHolds    = `SELECT ` + row.HoldColumns + ` FROM holds WHERE request_id = ANY($1)`
	sqlCounters = `SELECT ` + row.CounterColumns + ` FROM counters WHERE scope = ANY($2) AND account_id || '' = ANY($1)`
	sqlNames    = row.SelectReservations + ` WHERE i.id = ANY($1)`
	sqlDone     = `SELECT ` + row.EntryColumns + ` FROM entries WHERE request_id = ANY($2) AND account_id || '' = ANY($1) AND kind = 'correction'`
)

// wait is what a batch does about accounts that another transaction holds.
type statement struct{ name, sql string }

// statements are all but those that write.
var statements = []statement{
	{"begin", "BEGIN"},
	{"fence", sqlFence},
	{"lock_timeout", sqlTimeout},
	{"accounts", sqlAccounts + sqlThen},
	{"free_accounts", sqlAccounts + ` SKIP LOCKED` + sqlThen},
	{"known", sqlKnown},
	{"lots", sqlLots},
	{"lots_by_id", sqlLotsByID},
	{"holds", sqlHolds},
	{"counters", sqlCounters},
	{"names", sqlNames},
	{"corrections", sqlDone},
	{"commit", sqlCommit},
}

type wait struct {
	skip    bool          // leave them out
	timeout time.Duration // wait that long for each; 0: as long as the connection does
}

// Commit commits ops; see store.Batcher.
func (p *Postgres) Commit(ctx context.Context, by store.Replica, ops []ledger.Op) ([]ledger.Outcome, error) {
	return p.commit(ctx, by, ops, wait{})
}

// TryCommit commits ops without those of busy accounts; see store.Batcher.
func (p *Postgres) TryCommit(ctx context.Context, by store.Replica, ops []ledger.Op, patience time.Duration) ([]ledger.Outcome, error) {
	if patience > 0 {
		out, err := p.commit(ctx, by, ops, wait{timeout: patience})
		if !lockTimeout(err) {
			return out, err
		}
	}
	return p.commit(ctx, by, ops, wait{skip: true})
}

// lockTimeout reports whether a transaction ended because a lock did not come.
func lockTimeout(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == lockNotAvailable
}

const lockNotAvailable = "55P03"

func (p *Postgres) commit(ctx context.Context, by store.Replica, ops []ledger.Op, wait wait) ([]ledger.Outcome, error) {
	w := newWork(ops)
	if len(w.groups) == 0 {
		return w.out, nil
	}
	conn, err := p.Pool.Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect to commit a batch: %w", err)
	}
	defer conn.Release() // drops the connection if a transaction is left open
	c := conn.Conn()
	if err := prepare(ctx, c); err != nil {
		return nil, fmt.Errorf("prepare to commit a batch: %w", err)
	}
	w.cleared = p.books.take(w.groups, time.Now())
	if wait.timeout == 0 {
		if err := p.tryKnown(ctx, c, by, w); !errors.Is(err, errStale) {
			return w.out, err
		}
		w = w.again()
	}
	now, wrote, err := p.load(ctx, c, by, w, wait)
	if err != nil {
		rollback(ctx, c)
		return nil, err
	}
	changes := w.decide(now, p.NewID)
	if changes.empty() {
		rollback(ctx, c)
		return w.out, p.learn(w, "")
	}
	if _, err := changes.send(ctx, c, granted, func(*params, bool) {}, true); err != nil {
		rollback(ctx, c)
		return nil, err
	}
	return w.out, p.learn(w, wrote)
}

// prepare names the statements on a connection once. Each is planned once, too
// (Settings), so each is written to have one sensible plan only: a lookup by
// the keys of its arrays, whatever the tables hold. A test reads the plans of
// empty, tiny and large tables (HOTPATH 5).
func prepare(ctx context.Context, c *pgx.Conn) error {
	for _, s := range statements {
		if _, err := c.Prepare(ctx, s.name, s.sql); err != nil {
			return err
		}
	}
	return nil
}

// load is the first round trip: it begins, takes the fence, locks, and reads.
// Only where accounts were left out it takes one more, to tell the busy from
// the unknown.
func (p *Postgres) load(ctx context.Context, c *pgx.Conn, by store.Replica, w *work, wait wait) (now time.Time, wrote string, err error) {
	var b pgx.Batch
	b.Queue("begin")
	lock := "accounts"
	switch {
	case wait.skip:
		lock = "free_accounts"
	case wait.timeout > 0:
		b.Queue("lock_timeout", milliseconds(wait.timeout))
	}
	found := false
	b.Queue(lock, w.accounts, by.ID, by.Fence).Query(each(func(r pgx.Rows) error {
		var id string
		var entries, events, at, epoch, µ int64
		var version string
		err := r.Scan(&id, &entries, &events, &at, &epoch, &µ, &version, &wrote)
		w.loadAccount(id, entries, events, at, epoch)
		if g := w.of[id]; g != nil {
			g.version = version
		}
		now, found = later(now, row.Time(µ)), true
		return err
	}))
	b.Queue("lots", w.accounts).Query(each(w.scanLot))
	if len(w.lots) > 0 {
		b.Queue("lots_by_id", w.lots).Query(each(w.scanLot))
	}
	if len(w.requests) > 0 {
		b.Queue("holds", w.requests).Query(each(func(r pgx.Rows) error {
			var h row.Hold
			if err := r.Scan(h.Fields()...); err != nil {
				return err
			}
			return w.loadHold(&h)
		}))
	}
	if len(w.scopes) > 0 {
		b.Queue("counters", w.accounts, w.scopes).Query(each(w.scanCounter))
	}
	if len(w.names) > 0 {
		b.Queue("names", w.names).Query(each(func(r pgx.Rows) error {
			var n row.Reservation
			err := r.Scan(append(n.Fields(), &n.Hold)...)
			w.loadReservation(&n)
			return err
		}))
	}
	if len(w.corrections) > 0 {
		b.Queue("corrections", w.accounts, w.corrections).Query(each(func(r pgx.Rows) error {
			var e row.Entry
			err := r.Scan(e.Fields()...)
			w.loadCorrection(&e)
			return err
		}))
	}
	if err := c.SendBatch(ctx, &b).Close(); err != nil {
		return time.Time{}, "", fmt.Errorf("load a batch: %w", err)
	}
	if !found && by != (store.Replica{}) {
		if err := fenced(ctx, c, by); err != nil {
			return time.Time{}, "", err
		}
	}
	if found {
		p.chime.hear(now)
	}
	if p.Clock != nil {
		now = p.Clock()
	}
	if scopes := w.uncounted(); len(scopes) > 0 {
		rows, err := c.Query(ctx, "counters", w.accounts, scopes)
		if err == nil {
			err = each(w.scanCounter)(rows)
		}
		if err != nil {
			return time.Time{}, "", fmt.Errorf("load the counters of holds: %w", err)
		}
	}
	if missing := w.missing(); wait.skip && len(missing) > 0 {
		rows, err := c.Query(ctx, "known", missing)
		if err == nil {
			err = each(func(r pgx.Rows) error {
				var id string
				err := r.Scan(&id)
				w.markBusy(id)
				return err
			})(rows)
		}
		if err != nil {
			return time.Time{}, "", fmt.Errorf("look for busy accounts: %w", err)
		}
	}
	return now, wrote, nil
}

// stands fails with store.ErrFenced if a replica was fenced.
func fenced(ctx context.Context, c *pgx.Conn, by store.Replica) error {
	var fence int64
	switch err := c.QueryRow(ctx, "fence", by.ID).Scan(&fence); {
	case errors.Is(err, pgx.ErrNoRows), err == nil && fence != by.Fence:
		return store.ErrFenced
	case err != nil:
		return fmt.Errorf("read the fence: %w", err)
	}
	return nil
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// milliseconds writes a duration as a setting; 0 would mean no limit.
func milliseconds(d time.Duration) string {
	return strconv.FormatInt(max(d.Milliseconds(), 1), 10) + "ms"
}

func (w *work) scanLot(r pgx.Rows) error {
	var l row.Lot
	err := r.Scan(l.Fields()...)
	w.loadLot(&l)
	return err
}

func (w *work) scanCounter(r pgx.Rows) error {
	var c row.Counter
	err := r.Scan(c.Fields()...)
	w.loadCounter(&c)
	return err
}

// each calls fn for every row.
func each(fn func(pgx.Rows) error) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		defer rows.Close()
		for rows.Next() {
			if err := fn(rows); err != nil {
				return err
			}
		}
		return rows.Err()
	}
}

// rollback ends a transaction that failed, if one is open still. If that fails too, the pool drops
// the connection, and the server ends the transaction.
func rollback(ctx context.Context, c *pgx.Conn) {
	if c.IsClosed() || c.PgConn().TxStatus() == 'I' {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_, _ = c.Exec(ctx, "ROLLBACK")
}
