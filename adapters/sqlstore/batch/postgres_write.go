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

// The writing statements take an array per column. A new row is inserted and
// never upserted: should another account have taken its ID meanwhile, the
// batch fails as a whole and is decided again.
//
// The arrays are unnested in the list of what is selected, not as a table: of
// each array in a FROM Postgres would make a table in memory first.
var (
	sqlNewLots = `INSERT INTO lots (` + row.LotColumns + `)
` + rowsOf("text text text text bigint bigint bigint bigint bigint")

	sqlSetLots = `UPDATE lots SET state = u.state, remaining = u.remaining, held = u.held
FROM (SELECT unnest($1::text[]) AS id, unnest($2::text[]) AS state, unnest($3::bigint[]) AS remaining, unnest($4::bigint[]) AS held) AS u WHERE lots.id = u.id AND lots.id = ANY($1)`

	sqlHoldRows = `INSERT INTO holds (` + row.HoldColumns + `)
` + rowsOf("text text text text text bigint text text text text text text text bigint bigint bigint bool bool bigint bigint bigint bigint bool bigint text bigint bigint bigint bool bigint bigint bigint bigint text bigint")

	sqlNewHolds = `WITH h AS (` + sqlHoldRows + ` RETURNING request_id, replica_id, state)
INSERT INTO open_holds (request_id, replica_id) SELECT request_id, replica_id FROM h WHERE state = 'open'`

	// An upsert, although the rows are there: an update would join them, and
	// on a tiny table the planner may join by the index that the account leads.
	sqlSetHolds = sqlHoldRows + ` ON CONFLICT (request_id) DO UPDATE SET state = EXCLUDED.state, amount = EXCLUDED.amount, parts = EXCLUDED.parts,
mark_at = EXCLUDED.mark_at, mark_accepted = EXCLUDED.mark_accepted, mark_delivered = EXCLUDED.mark_delivered, mark_cost = EXCLUDED.mark_cost,
mark_input = EXCLUDED.mark_input, mark_cached = EXCLUDED.mark_cached, mark_output = EXCLUDED.mark_output, mark_estimated = EXCLUDED.mark_estimated,
closed_at = EXCLUDED.closed_at, reason = EXCLUDED.reason, usage_input = EXCLUDED.usage_input, usage_cached = EXCLUDED.usage_cached,
usage_output = EXCLUDED.usage_output, usage_estimated = EXCLUDED.usage_estimated, debited = EXCLUDED.debited, uncollected = EXCLUDED.uncollected, debited_by = EXCLUDED.debited_by`

	sqlClosed = `DELETE FROM open_holds WHERE request_id = ANY($1)`

	sqlNewEntries = `INSERT INTO entries (` + row.EntryColumns + `)
` + rowsOf("text bigint text text bigint text text text bigint")

	sqlNewEvents = `INSERT INTO events (` + row.EventColumns + `)
` + rowsOf("text text bigint bigint text text text text text text bigint text text text bigint")

	sqlSetCounters = `INSERT INTO counters (` + row.CounterColumns + `)
` + rowsOf("text text bigint bigint bigint bigint bigint") + `
ON CONFLICT (scope, account_id) DO UPDATE SET window_at = EXCLUDED.window_at, reserved = EXCLUDED.reserved, spent = EXCLUDED.spent,
requests_at = EXCLUDED.requests_at, tokens_at = EXCLUDED.tokens_at`

	// A name that another request had is taken over: it was free again.
	sqlSetNames = `INSERT INTO idempotency (` + row.ReservationColumns + `)
` + rowsOf("text bytea bytea text bigint text bigint bigint") + `
ON CONFLICT (id, account_id) DO UPDATE SET print = EXCLUDED.print, request_id = EXCLUDED.request_id, created_at = EXCLUDED.created_at,
kept = EXCLUDED.kept, debited = EXCLUDED.debited, remaining = EXCLUDED.remaining`

	sqlHeads = `UPDATE accounts SET entry_seq = u.entry_seq, event_seq = u.event_seq, ledger_at = u.ledger_at
FROM (SELECT unnest($1::text[]) AS id, unnest($2::bigint[]) AS entry_seq, unnest($3::bigint[]) AS event_seq, unnest($4::bigint[]) AS ledger_at) AS u WHERE accounts.id = u.id AND accounts.id = ANY($1)`
)

// rowsOf selects a row for each place in arrays of these types.
func rowsOf(types string) string {
	var b strings.Builder
	for i, t := range strings.Fields(types) {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "unnest($%d::%s[])", i+1, t)
	}
	return "SELECT " + b.String()
}

var statements = [...]struct{ name, sql string }{
	{"begin", "BEGIN"},
	{"fence", sqlFence},
	{"lock_timeout", sqlTimeout},
	{"accounts", sqlAccounts + sqlThen},
	{"free_accounts", sqlAccounts + ` SKIP LOCKED` + sqlThen},
	{"accounts_now", sqlAccounts + ` NOWAIT` + sqlThen},
	{"known", sqlKnown},
	{"lots", sqlLots},
	{"lots_by_id", sqlLotsByID},
	{"holds", sqlHolds},
	{"counters", sqlCounters},
	{"names", sqlNames},
	{"corrections", sqlDone},
	{"new_lots", sqlNewLots},
	{"set_lots", sqlSetLots},
	{"new_holds", sqlNewHolds},
	{"done_holds", sqlHoldRows},
	{"set_holds", sqlSetHolds},
	{"closed", sqlClosed},
	{"new_entries", sqlNewEntries},
	{"new_events", sqlNewEvents},
	{"set_counters", sqlSetCounters},
	{"set_names", sqlSetNames},
	{"heads", sqlHeads},
	{"settle_one", sqlSettleOne},
	{"commit", "COMMIT"},
}

// send is the second round trip: it writes and commits.
func (w *writes) send(ctx context.Context, c *pgx.Conn) error {
	var b pgx.Batch
	if len(w.newLots) > 0 {
		b.Queue("new_lots", arrays(w.newLots, (*row.Lot).Fields)...)
	}
	if len(w.lots) > 0 {
		b.Queue("set_lots", arrays(w.lots, func(r *row.Lot) []any { return []any{&r.ID, &r.State, &r.Remaining, &r.Held} })...)
	}
	if len(w.newHolds) > 0 {
		insert := "done_holds"
		if slices.ContainsFunc(w.newHolds, func(h row.Hold) bool { return h.State == string(ledger.HoldOpen) }) {
			insert = "new_holds"
		}
		b.Queue(insert, arrays(w.newHolds, (*row.Hold).Fields)...)
	}
	if len(w.holds) > 0 {
		b.Queue("set_holds", arrays(w.holds, (*row.Hold).Fields)...)
	}
	if requests := w.closed(); len(requests) > 0 {
		b.Queue("closed", requests)
	}
	if len(w.entries) > 0 {
		b.Queue("new_entries", arrays(w.entries, (*row.Entry).Fields)...)
	}
	if len(w.events) > 0 {
		b.Queue("new_events", arrays(w.events, (*row.Event).Fields)...)
	}
	if len(w.counters) > 0 {
		b.Queue("set_counters", arrays(w.counters, (*row.Counter).Fields)...)
	}
	if len(w.named) > 0 {
		b.Queue("set_names", arrays(w.named, (*row.Reservation).Fields)...)
	}
	b.Queue("heads", w.headArrays()...)
	b.Queue("commit").Exec(committed)
	if err := c.SendBatch(ctx, &b).Close(); err != nil {
		return fmt.Errorf("write a batch: %w", err)
	}
	return nil
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
