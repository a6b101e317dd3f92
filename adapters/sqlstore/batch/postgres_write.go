package batch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/archibot/archibotchat/adapters/sqlstore/row"
	"github.com/archibot/archibotchat/core/ledger"
)

// The writing statements take an array per column, or, to write one row, a
// value: to set up thirty arrays costs as much as several rows. A new row is
// inserted and never upserted: should another account have taken its ID
// meanwhile, the batch fails as a whole and is decided again.
//
// The arrays are unnested in the list of what is selected, not as a table: of
// each array in a FROM Postgres would make a table in memory first.
type writing struct{ name, head, types, tail string }

const (
	lotTypes         = "text text text text bigint bigint bigint bigint bigint"
	holdTypes        = "text text text text text bigint text text text text text text text bigint bigint bigint bool bool bigint bigint bigint bigint bool bigint text bigint bigint bigint bool bigint bigint bigint bigint text bigint"
	entryTypes       = "text bigint text text bigint text text text bigint"
	eventTypes       = "text text bigint bigint text text text text text text bigint text text text bigint"
	counterTypes     = "text text bigint bigint bigint bigint bigint"
	reservationTypes = "text bytea bytea text bigint text bigint bigint"
	newHoldRow       = `INSERT INTO holds (` + row.HoldColumns + `) `
)

var (
	newLots  = writing{"new_lots", `INSERT INTO lots (` + row.LotColumns + `) `, lotTypes, ``}
	newHolds = writing{"new_holds", `WITH h AS (` + newHoldRow, holdTypes, ` RETURNING request_id, replica_id, state)
INSERT INTO open_holds (request_id, replica_id) SELECT request_id, replica_id FROM h WHERE state = 'open'`}
	doneHolds = writing{"done_holds", newHoldRow, holdTypes, ``}

	// An upsert, although the rows are there: an update would join them, and
	// on a tiny table the planner may join by the index that the account leads.
	setHolds = writing{"set_holds", newHoldRow, holdTypes, ` ON CONFLICT (request_id) DO UPDATE SET state = EXCLUDED.state, amount = EXCLUDED.amount, parts = EXCLUDED.parts,
mark_at = EXCLUDED.mark_at, mark_accepted = EXCLUDED.mark_accepted, mark_delivered = EXCLUDED.mark_delivered, mark_cost = EXCLUDED.mark_cost,
mark_input = EXCLUDED.mark_input, mark_cached = EXCLUDED.mark_cached, mark_output = EXCLUDED.mark_output, mark_estimated = EXCLUDED.mark_estimated,
closed_at = EXCLUDED.closed_at, reason = EXCLUDED.reason, usage_input = EXCLUDED.usage_input, usage_cached = EXCLUDED.usage_cached,
usage_output = EXCLUDED.usage_output, usage_estimated = EXCLUDED.usage_estimated, debited = EXCLUDED.debited, uncollected = EXCLUDED.uncollected, debited_by = EXCLUDED.debited_by`}

	newEntries = writing{"new_entries", `INSERT INTO entries (` + row.EntryColumns + `) `, entryTypes, ``}
	newEvents  = writing{"new_events", `INSERT INTO events (` + row.EventColumns + `) `, eventTypes, ``}

	setCounters = writing{"set_counters", `INSERT INTO counters (` + row.CounterColumns + `) `, counterTypes, ` ON CONFLICT (scope, account_id) DO UPDATE
SET window_at = EXCLUDED.window_at, reserved = EXCLUDED.reserved, spent = EXCLUDED.spent, requests_at = EXCLUDED.requests_at, tokens_at = EXCLUDED.tokens_at`}

	// A name that another request had is taken over: it was free again.
	setNames = writing{"set_names", `INSERT INTO idempotency (` + row.ReservationColumns + `) `, reservationTypes, ` ON CONFLICT (id, account_id) DO UPDATE
SET print = EXCLUDED.print, request_id = EXCLUDED.request_id, created_at = EXCLUDED.created_at, kept = EXCLUDED.kept, debited = EXCLUDED.debited, remaining = EXCLUDED.remaining`}
)

const (
	sqlClosed = `DELETE FROM open_holds WHERE request_id = ANY($1) AND ` + stands

	// A lot that is not as the batch believes was edited by hand: the division
	// fails, and with it the batch.
	sqlSetLots = `WITH set AS (UPDATE lots SET state = u.state, remaining = u.remaining, held = u.held
FROM (SELECT unnest($1::text[]) AS id, unnest($2::text[]) AS state, unnest($3::bigint[]) AS remaining, unnest($4::bigint[]) AS held,
	unnest($5::text[]) AS was_state, unnest($6::bigint[]) AS was_remaining, unnest($7::bigint[]) AS was_held WHERE ` + stands + `) AS u
WHERE lots.id = u.id AND lots.id = ANY($1) AND lots.state || '' = u.was_state AND lots.remaining = u.was_remaining AND lots.held = u.was_held RETURNING 1)
SELECT 1 / (count(*) = cardinality($1) OR NOT (` + stands + `))::int FROM set`
	sqlSetLot = `WITH set AS (UPDATE lots SET state = $2, remaining = $3, held = $4
WHERE id = $1 AND state || '' = $5 AND remaining = $6 AND held = $7 AND ` + stands + ` RETURNING 1)
SELECT 1 / (count(*) = 1 OR NOT (` + stands + `))::int FROM set`

	sqlHeads = `UPDATE accounts SET entry_seq = u.entry_seq, event_seq = u.event_seq, ledger_at = u.ledger_at
FROM (SELECT unnest($1::text[]) AS id, unnest($2::bigint[]) AS entry_seq, unnest($3::bigint[]) AS event_seq, unnest($4::bigint[]) AS ledger_at WHERE ` + stands + `) AS u
WHERE accounts.id = u.id AND accounts.id = ANY($1)`
	sqlHead = `UPDATE accounts SET entry_seq = $2, event_seq = $3, ledger_at = $4 WHERE id = $1 AND ` + stands
)

// one ends the name of a statement that writes one row.
const one = "_one"

// statements are the statement for rows and the one for a row.
func (w writing) statements() []statement {
	var rows, row strings.Builder
	for i, t := range strings.Fields(w.types) {
		if i > 0 {
			rows.WriteString(", ")
			row.WriteString(", ")
		}
		fmt.Fprintf(&rows, "unnest($%d::%s[])", i+1, t)
		fmt.Fprintf(&row, "$%d::%s", i+1, t)
	}
	return []statement{
		{w.name, w.head + "SELECT " + rows.String() + " WHERE " + stands + w.tail},
		{w.name + one, w.head + "SELECT " + row.String() + " WHERE " + stands + w.tail},
	}
}

// queueRows queues what writes rows, if there are any.
func queueRows[R any](b *pgx.Batch, w writing, rows []R, fields func(*R) []any) {
	switch len(rows) {
	case 0:
	case 1:
		b.Queue(w.name+one, fields(&rows[0])...)
	default:
		b.Queue(w.name, arrays(rows, fields)...)
	}
}

type statement struct{ name, sql string }

var statements = slices.Concat([]statement{
	{"begin", "BEGIN"},
	{"fence", sqlFence},
	{"lock_timeout", sqlTimeout},
	{"accounts", sqlAccounts + sqlThen},
	{"free_accounts", sqlAccounts + ` SKIP LOCKED` + sqlThen},
	{"known", sqlKnown},
	{"stands", sqlStands},
	{"lots", sqlLots},
	{"lots_by_id", sqlLotsByID},
	{"holds", sqlHolds},
	{"counters", sqlCounters},
	{"names", sqlNames},
	{"corrections", sqlDone},
	{"set_lots", sqlSetLots},
	{"set_lots" + one, sqlSetLot},
	{"closed", sqlClosed},
	{"heads", sqlHeads},
	{"heads" + one, sqlHead},
	{"commit", "COMMIT"},
}, newLots.statements(), newHolds.statements(), doneHolds.statements(), setHolds.statements(), newEntries.statements(), newEvents.statements(),
	setCounters.statements(), setNames.statements())

// send is the second round trip: it writes and commits.
func (w *writes) send(ctx context.Context, c *pgx.Conn) error {
	var b pgx.Batch
	w.queue(&b)
	b.Queue("commit").Exec(committed)
	if err := c.SendBatch(ctx, &b).Close(); err != nil {
		return fmt.Errorf("write a batch: %w", err)
	}
	return nil
}

// queue queues the writing statements.
func (w *writes) queue(b *pgx.Batch) {
	queueRows(b, newLots, w.newLots, (*row.Lot).Fields)
	switch len(w.lots) {
	case 0:
	case 1:
		l, was := &w.lots[0], &w.were[0]
		b.Queue("set_lots"+one, l.ID, l.State, l.Remaining, l.Held, string(was.State), was.Remaining, was.Held)
	default:
		b.Queue("set_lots", w.lotArrays()...)
	}
	insert := doneHolds
	if slices.ContainsFunc(w.newHolds, func(h row.Hold) bool { return h.State == string(ledger.HoldOpen) }) {
		insert = newHolds
	}
	queueRows(b, insert, w.newHolds, (*row.Hold).Fields)
	queueRows(b, setHolds, w.holds, (*row.Hold).Fields)
	if requests := w.closed(); len(requests) > 0 {
		b.Queue("closed", requests)
	}
	queueRows(b, newEntries, w.entries, (*row.Entry).Fields)
	queueRows(b, newEvents, w.events, (*row.Event).Fields)
	queueRows(b, setCounters, w.counters, (*row.Counter).Fields)
	queueRows(b, setNames, w.named, (*row.Reservation).Fields)
	if len(w.heads) == 1 {
		g := w.heads[0]
		b.Queue("heads"+one, g.account, g.entries, g.events, row.Micros(g.at))
		return
	}
	b.Queue("heads", w.headArrays()...)
}

// committed fails where a commit ended a transaction that had failed.
func committed(tag pgconn.CommandTag) error {
	if tag.String() != "COMMIT" {
		return errors.New("the transaction was rolled back")
	}
	return nil
}

// closed returns the requests whose holds are not open any more.
func (w *writes) closed() (requests []string) {
	for i := range w.holds {
		if w.holds[i].State != string(ledger.HoldOpen) {
			requests = append(requests, w.holds[i].Request)
		}
	}
	return requests
}

func (w *writes) lotArrays() []any {
	n := len(w.lots)
	ids, states, remaining, held := make([]string, n), make([]string, n), make([]int64, n), make([]int64, n)
	wasState, wasRemaining, wasHeld := make([]string, n), make([]int64, n), make([]int64, n)
	for i := range w.lots {
		l, was := &w.lots[i], &w.were[i]
		ids[i], states[i], remaining[i], held[i] = l.ID, l.State, l.Remaining, l.Held
		wasState[i], wasRemaining[i], wasHeld[i] = string(was.State), was.Remaining, was.Held
	}
	return []any{ids, states, remaining, held, wasState, wasRemaining, wasHeld}
}

func (w *writes) headArrays() []any {
	n := len(w.heads)
	ids, entries, events, at := make([]string, n), make([]int64, n), make([]int64, n), make([]int64, n)
	for i, g := range w.heads {
		ids[i], entries[i], events[i], at[i] = g.account, g.entries, g.events, row.Micros(g.at)
	}
	return []any{ids, entries, events, at}
}

// arrays turns rows into one array per column.
func arrays[R any](rows []R, fields func(*R) []any) []any {
	var out []any
	for i := range rows {
		for k, f := range fields(&rows[i]) {
			if i == 0 {
				out = append(out, array(f, len(rows)))
			}
			switch column := out[k].(type) {
			case []string:
				column[i] = *f.(*string)
			case []int64:
				column[i] = *f.(*int64)
			case []bool:
				column[i] = *f.(*bool)
			case [][]byte:
				column[i] = *f.(*[]byte)
			}
		}
	}
	return out
}

func array(field any, n int) any {
	switch field.(type) {
	case *string:
		return make([]string, n)
	case *int64:
		return make([]int64, n)
	case *bool:
		return make([]bool, n)
	case *[]byte:
		return make([][]byte, n)
	}
	panic("a column of a type that no row has")
}
