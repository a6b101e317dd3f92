package batch

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/archibot/archibotchat/adapters/sqlstore/row"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

// sqlSettleOne does in one statement what ledger.Apply does with the plainest
// settle there is: of an open hold of one lot, which is live, for no more than
// the hold. Whatever is not that yields no row and changes nothing.
//
// It stands behind the statements that take the fence and the account's lock,
// in one round trip with them: it begins once they have what they ask for, so
// it sees what they waited for, and nobody else changes it until the commit.
// Each table is looked up by its key alone (see prepare).
//
// The commit is on its way with it, so a server that hangs may come to it long
// after whoever sent it gave up: past the op's Until it does nothing.
const sqlSettleOne = `WITH a AS MATERIALIZED (
	SELECT entry_seq, event_seq, greatest(ledger_at, coalesce($8::bigint, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)) AS now
	FROM accounts WHERE id = $1
), h AS MATERIALIZED (
	SELECT parts::json -> 0 ->> 'lot' AS lot, (parts::json -> 0 ->> 'amount')::bigint AS held
	FROM holds WHERE request_id = $2 AND account_id || '' = $1 AND nonce = $3 AND state = 'open' AND scopes = '' AND json_array_length(parts::json) = 1
), free AS MATERIALIZED (
	SELECT coalesce(sum(remaining - held) FILTER (WHERE state = 'live' AND granted_at <= (SELECT now FROM a) AND (SELECT now FROM a) < expires_at), 0)::bigint AS before,
		coalesce(min(expires_at) FILTER (WHERE state = 'live' AND granted_at <= (SELECT now FROM a) AND (SELECT now FROM a) < expires_at), 0)::bigint AS until
	FROM lots WHERE account_id = $1 AND (state = 'live' OR remaining > 0)
), ok AS MATERIALIZED (
	SELECT a.entry_seq, a.event_seq, a.now, l.id AS lot, h.held, free.until,
		free.before + CASE WHEN l.granted_at <= a.now AND a.now < l.expires_at THEN h.held - $4::bigint ELSE 0 END AS available
	FROM a, h, free, lots AS l
	WHERE l.id = (SELECT lot FROM h) AND l.account_id || '' = $1 AND l.state || '' = 'live' AND l.held >= h.held AND $4 BETWEEN 0 AND h.held
		AND ($6 = '' OR EXISTS (SELECT FROM replicas WHERE id = $6 AND fence = $7::bigint)) AND ($27::bigint = 0 OR a.now < $27::bigint)
), lot AS (
	UPDATE lots SET remaining = remaining - $4, held = held - (SELECT held FROM ok) WHERE id = (SELECT lot FROM ok)
), hold AS (
	UPDATE holds SET state = 'settled', closed_at = (SELECT now FROM ok), reason = $5, usage_input = $9, usage_cached = $10, usage_output = $11,
		usage_estimated = $12, debited = $4, uncollected = 0, debited_by = (SELECT event_seq + 1 FROM ok)
	WHERE request_id = $2 AND EXISTS (SELECT FROM ok) RETURNING ` + row.HoldColumns + `
), closed AS (
	DELETE FROM open_holds WHERE request_id = $2 AND EXISTS (SELECT FROM ok)
), entry AS (
	INSERT INTO entries (` + row.EntryColumns + `)
	SELECT $1, entry_seq + 1, lot, 'debit', -$4, $2, $5, $13, now FROM ok WHERE $4 > 0
), event AS (
	INSERT INTO events (` + row.EventColumns + `)
	SELECT $14, $15, event_seq + 1, now, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26 FROM ok
), head AS (
	UPDATE accounts SET entry_seq = entry_seq + CASE WHEN $4 > 0 THEN 1 ELSE 0 END, event_seq = event_seq + 1, ledger_at = (SELECT now FROM ok)
	WHERE id = $1 AND EXISTS (SELECT FROM ok)
)
SELECT ok.now, ok.entry_seq, ok.lot, ok.available, ok.until, hold.* FROM ok, hold`

// lone is a batch of one settle.
type lone struct {
	op    *ledger.Op
	by    store.Replica
	wait  wait
	clock Clock
	event row.Event
}

// errNotLone means that a settle is not as plain as its statement: nothing was
// written, and the batch takes the common way.
var errNotLone = errors.New("the settle needs two round trips")

// loneSettle reports whether a batch is one settle.
func (p *Postgres) loneSettle(by store.Replica, ops []ledger.Op, wait wait) (lone, bool) {
	if len(ops) != 1 || ops[0].Kind != ledger.OpSettle || ops[0].Request == "" || len(ops[0].Limits) > 0 || ops[0].Once != nil || ops[0].Amount < 0 || ops[0].Amount > ledger.MaxAmount {
		return lone{}, false
	}
	if by.ID == "" && by.Fence != 0 {
		return lone{}, false
	}
	events := audit.OfLedger(ops[0], ledger.Outcome{Debited: ops[0].Amount})
	if len(events) != 1 {
		return lone{}, false
	}
	events[0].ID = p.NewID("evt")
	return lone{op: &ops[0], by: by, wait: wait, clock: p.Clock, event: row.OfEvent(events[0])}, true
}

// commit is the one round trip. The commit is on its way with all the rest, so
// there is no moment to stop at.
func (l lone) commit(ctx context.Context, c *pgx.Conn) ([]ledger.Outcome, error) {
	var b pgx.Batch
	b.Queue("begin")
	lock := "accounts"
	switch {
	case l.wait.skip:
		lock = "accounts_now"
	case l.wait.timeout > 0:
		b.Queue("lock_timeout", milliseconds(l.wait.timeout))
	}
	b.Queue(lock, []string{l.op.Account}, l.by.ID, l.by.Fence)
	out := []ledger.Outcome{{}}
	b.Queue("settle_one", l.arguments()...).QueryRow(func(r pgx.Row) (err error) {
		out[0], err = l.scan(r)
		if errors.Is(err, pgx.ErrNoRows) {
			return errNotLone
		}
		return err
	})
	b.Queue("commit").Exec(committed)
	err := c.SendBatch(ctx, &b).Close()
	if err == nil {
		return out, nil
	}
	rollback(ctx, c)
	var refused *pgconn.PgError
	switch {
	case errors.Is(err, errNotLone), errors.As(err, &refused) && !c.IsClosed() && (l.wait.skip || !lockTimeout(err)):
		return nil, errNotLone // the common way says what is wrong with it
	default:
		return nil, fmt.Errorf("settle: %w", err)
	}
}

func (l lone) arguments() []any {
	var now *int64
	if l.clock != nil {
		µ := row.Micros(l.clock())
		now = &µ
	}
	op, e := l.op, &l.event
	return []any{
		op.Account, op.Request, op.Nonce, op.Amount, op.Reason, l.by.ID, l.by.Fence, now,
		op.Usage.Input, op.Usage.Cached, op.Usage.Output, op.Usage.Estimated, op.Actor,
		e.ID, e.Account, e.Kind, e.ActorKind, e.Actor, e.Area, e.Request, e.Key, e.Amount, e.Reason, e.Subject, e.Model, e.Count,
		row.Micros(op.Until),
	}
}

func (l lone) scan(r pgx.Row) (ledger.Outcome, error) {
	var now, seq, available, until int64
	var lot string
	var h row.Hold
	if err := r.Scan(append([]any{&now, &seq, &lot, &available, &until}, h.Fields()...)...); err != nil {
		return ledger.Outcome{}, err
	}
	hold, err := h.Hold()
	if err != nil {
		return ledger.Outcome{}, err
	}
	op := l.op
	o := ledger.Outcome{At: row.Time(now), Hold: hold, Debited: op.Amount, Available: available, Room: ledger.MaxAmount, Until: row.Time(until)}
	if op.Amount > 0 {
		o.Entries = []ledger.Entry{{
			Account: op.Account, Seq: seq + 1, Lot: lot, Kind: ledger.EntryDebit, Amount: -op.Amount, Request: op.Request, Reason: op.Reason, Actor: op.Actor, At: o.At,
		}}
	}
	return o, nil
}
