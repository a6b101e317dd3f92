package batch

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/archibot/archibotchat/adapters/sqlstore/row"
	"github.com/archibot/archibotchat/core/ledger"
)

// What a batch writes is one statement, put together of the parts that it
// needs: each by itself would cost the database as much as several rows. A part
// takes an array per column, or, where all have one row, a value: thirty arrays
// cost as much as several rows, too. Its parameters are numbered from 1, and
// behind the guard's once it is put together. None does anything unless the
// guard (stands) lets it.
//
// A new row is inserted and never upserted: should another account have taken
// its ID meanwhile, the batch fails as a whole and is decided again.
//
// The arrays are unnested in the list of what is selected, not as a table: of
// each array in a FROM Postgres would make a table in memory first.
type part struct {
	name      string
	rows, row string
	also      string // a sub-statement that goes on from it
}

const ok = ` WHERE (SELECT ok FROM stands)`

// inserts is a part that inserts rows of these types.
func inserts(name, into, types, end, also string) *part {
	var rows, row strings.Builder
	for i, t := range strings.Fields(types) {
		if i > 0 {
			rows.WriteString(", ")
			row.WriteString(", ")
		}
		fmt.Fprintf(&rows, "unnest($%d::%s[])", i+1, t)
		fmt.Fprintf(&row, "$%d::%s", i+1, t)
	}
	return &part{name, `INSERT INTO ` + into + ` SELECT ` + rows.String() + ok + end, `INSERT INTO ` + into + ` SELECT ` + row.String() + ok + end, also}
}

const (
	holdsInto = `holds (` + row.HoldColumns + `)`
	holdTypes = "text text text text text bigint text text text text text text text bigint bigint bigint bool bool bigint bigint bigint bigint bool bigint text bigint bigint bigint bool bigint bigint bigint bigint text bigint"
)

var (
	newLots = inserts("new_lots", `lots (`+row.LotColumns+`)`, "text text text text bigint bigint bigint bigint bigint", "", "")

	// A lot that is not as the batch believes was edited by hand; see written.
	setLots = &part{
		name: "set_lots", rows: `UPDATE lots SET state = u.state, remaining = u.remaining, held = u.held
FROM (SELECT unnest($1::text[]) AS id, unnest($2::text[]) AS state, unnest($3::bigint[]) AS remaining, unnest($4::bigint[]) AS held,
	unnest($5::text[]) AS was_state, unnest($6::bigint[]) AS was_remaining, unnest($7::bigint[]) AS was_held` + ok + `) AS u
WHERE lots.id = u.id AND lots.id = ANY($1) AND lots.state || '' = u.was_state AND lots.remaining = u.was_remaining AND lots.held = u.was_held RETURNING 1`,
		row: `UPDATE lots SET state = $2::text, remaining = $3::bigint, held = $4::bigint` + ok + `
AND id = $1::text AND state || '' = $5::text AND remaining = $6::bigint AND held = $7::bigint RETURNING 1`,
	}

	newHolds = inserts("new_holds", holdsInto, holdTypes, ` RETURNING request_id, replica_id, state`,
		`INSERT INTO open_holds (request_id, replica_id) SELECT request_id, replica_id FROM new_holds WHERE state = 'open'`)
	doneHolds = inserts("done_holds", holdsInto, holdTypes, "", "")

	// An upsert, although the rows are there: an update would join them, and
	// on a tiny table the planner may join by the index that the account leads.
	setHolds = inserts("set_holds", holdsInto, holdTypes, ` ON CONFLICT (request_id) DO UPDATE SET state = EXCLUDED.state, amount = EXCLUDED.amount, parts = EXCLUDED.parts,
mark_at = EXCLUDED.mark_at, mark_accepted = EXCLUDED.mark_accepted, mark_delivered = EXCLUDED.mark_delivered, mark_cost = EXCLUDED.mark_cost,
mark_input = EXCLUDED.mark_input, mark_cached = EXCLUDED.mark_cached, mark_output = EXCLUDED.mark_output, mark_estimated = EXCLUDED.mark_estimated,
closed_at = EXCLUDED.closed_at, reason = EXCLUDED.reason, usage_input = EXCLUDED.usage_input, usage_cached = EXCLUDED.usage_cached,
usage_output = EXCLUDED.usage_output, usage_estimated = EXCLUDED.usage_estimated, debited = EXCLUDED.debited, uncollected = EXCLUDED.uncollected, debited_by = EXCLUDED.debited_by`, "")

	closed = &part{name: "closed", rows: `DELETE FROM open_holds` + ok + ` AND request_id = ANY($1::text[])`, row: `DELETE FROM open_holds` + ok + ` AND request_id = $1::text`}

	newEntries = inserts("new_entries", `entries (`+row.EntryColumns+`)`, "text bigint text text bigint text text text bigint", "", "")
	newEvents  = inserts("new_events", `events (`+row.EventColumns+`)`, "text text bigint bigint text text text text text text bigint text text text bigint", "", "")

	setCounters = inserts("set_counters", `counters (`+row.CounterColumns+`)`, "text text bigint bigint bigint bigint bigint", ` ON CONFLICT (scope, account_id) DO UPDATE
SET window_at = EXCLUDED.window_at, reserved = EXCLUDED.reserved, spent = EXCLUDED.spent, requests_at = EXCLUDED.requests_at, tokens_at = EXCLUDED.tokens_at`, "")

	// A name that another request had is taken over: it was free again.
	setNames = inserts("set_names", `idempotency (`+row.ReservationColumns+`)`, "text bytea bytea text bigint text bigint bigint", ` ON CONFLICT (id, account_id) DO UPDATE
SET print = EXCLUDED.print, request_id = EXCLUDED.request_id, created_at = EXCLUDED.created_at, kept = EXCLUDED.kept, debited = EXCLUDED.debited, remaining = EXCLUDED.remaining`, "")

	heads = &part{
		name: "heads", rows: `UPDATE accounts SET entry_seq = u.entry_seq, event_seq = u.event_seq, ledger_at = u.ledger_at
FROM (SELECT unnest($1::text[]) AS id, unnest($2::bigint[]) AS entry_seq, unnest($3::bigint[]) AS event_seq, unnest($4::bigint[]) AS ledger_at` + ok + `) AS u
WHERE accounts.id = u.id AND accounts.id = ANY($1)`,
		row: `UPDATE accounts SET entry_seq = $2::bigint, event_seq = $3::bigint, ledger_at = $4::bigint` + ok + ` AND id = $1::text`,
	}

	parts = []*part{newLots, setLots, newHolds, doneHolds, setHolds, closed, newEntries, newEvents, setCounters, setNames, heads}
)

// filled is a part with what it writes.
type filled struct {
	*part
	args []any
}

// fill adds a part with rows, if there are any.
func fill[R any](out []filled, lone bool, p *part, rows []R, fields func(*R) []any) []filled {
	switch {
	case len(rows) == 0:
		return out
	case lone:
		return append(out, filled{p, fields(&rows[0])})
	}
	return append(out, filled{p, arrays(rows, fields)})
}

// filled returns the parts that the batch needs; lone says that none has more
// than one row.
func (w *writes) filled() (out []filled, lone bool) {
	requests := w.closed()
	lone = max(len(w.newLots), len(w.lots), len(w.newHolds), len(w.holds), len(requests), len(w.entries), len(w.events), len(w.counters), len(w.named), len(w.heads)) <= 1
	out = fill(make([]filled, 0, len(parts)), lone, newLots, w.newLots, (*row.Lot).Fields)
	out = fill(out, lone, setLots, w.changes(), func(l *change) []any {
		return []any{&l.now.ID, &l.now.State, &l.now.Remaining, &l.now.Held, &l.was.State, &l.was.Remaining, &l.was.Held}
	})
	holds := doneHolds
	if slices.ContainsFunc(w.newHolds, func(h row.Hold) bool { return h.State == string(ledger.HoldOpen) }) {
		holds = newHolds
	}
	out = fill(out, lone, holds, w.newHolds, (*row.Hold).Fields)
	out = fill(out, lone, setHolds, w.holds, (*row.Hold).Fields)
	out = fill(out, lone, closed, requests, func(id *string) []any { return []any{id} })
	out = fill(out, lone, newEntries, w.entries, (*row.Entry).Fields)
	out = fill(out, lone, newEvents, w.events, (*row.Event).Fields)
	out = fill(out, lone, setCounters, w.counters, (*row.Counter).Fields)
	out = fill(out, lone, setNames, w.named, (*row.Reservation).Fields)
	return fill(out, lone, heads, w.headRows(), (*head).fields), lone
}

// change is a lot that a batch changes.
type change struct{ now, was *row.Lot }

func (w *writes) changes() []change {
	rows := make([]change, len(w.lots))
	for i := range rows {
		rows[i] = change{&w.lots[i], &w.were[i]}
	}
	return rows
}

// head is where a batch leaves an account.
type head struct {
	account             string
	entries, events, at int64
}

func (h *head) fields() []any { return []any{&h.account, &h.entries, &h.events, &h.at} }

func (w *writes) headRows() []head {
	rows := make([]head, len(w.heads))
	for i, g := range w.heads {
		rows[i] = head{g.account, g.entries, g.events, row.Micros(g.at)}
	}
	return rows
}

// guard decides whether what follows it is done; see sqlStands.
type guard struct {
	name, sql string
	params    int
}

var (
	standing = guard{"stands", sqlStands, 6}
	// granted is for a batch that has read what it changes, under its locks.
	granted = guard{"granted", `stands AS MATERIALIZED (SELECT true AS ok, 0::bigint AS now, '' AS wrote)`, 0}
)

// written is what the statement of a batch tells.
type written struct {
	ok    bool
	now   int64
	wrote string
}

// texts keeps the statements that were put together, by name.
var texts sync.Map

// statement returns the name and text of a batch's statement.
func (g guard) statement(lone bool, in []filled) (name, sql string) {
	set := 0
	for _, p := range in {
		set |= 1 << slices.Index(parts, p.part)
	}
	name = fmt.Sprintf("%s_%x", g.name, set) // Postgres cuts long names off
	if lone {
		name += "_lone"
	}
	if text, ok := texts.Load(name); ok {
		return name, text.(string)
	}
	var b strings.Builder
	b.WriteString("WITH " + g.sql)
	at, check := g.params, "1"
	for _, p := range in {
		text := p.rows
		if lone {
			text = p.row
		}
		if p.part == setLots {
			count := fmt.Sprintf("cardinality($%d)", at+1)
			if lone {
				count = "1"
			}
			// A division by zero: the batch fails.
			check = "1 / (NOT ok OR (SELECT count(*) FROM set_lots) = " + count + ")::int"
		}
		fmt.Fprintf(&b, "\n), %s AS (%s", p.name, shift(text, at))
		if p.also != "" {
			fmt.Fprintf(&b, "\n), %s_also AS (%s", p.name, p.also)
		}
		at += len(p.args)
	}
	sql = strings.Replace(b.String(), ")\n), ", "), ", 1) + ")\nSELECT ok, now, wrote, " + check + " FROM stands"
	texts.Store(name, sql)
	return name, sql
}

var parameter = regexp.MustCompile(`\$\d+`)

// shift numbers the parameters of a part behind others.
func shift(sql string, by int) string {
	return parameter.ReplaceAllStringFunc(sql, func(p string) string {
		n, err := strconv.Atoi(p[1:])
		if err != nil {
			panic(err) // the pattern has digits only
		}
		return "$" + strconv.Itoa(n+by)
	})
}

// send writes all, in one round trip once the connection knows the statement.
// Behind it, in the same round trip, come the statements of after.
func (w *writes) send(ctx context.Context, c *pgx.Conn, g guard, args []any, after ...string) (out written, err error) {
	in, lone := w.filled()
	name, sql := g.statement(lone, in)
	if _, err := c.Prepare(ctx, name, sql); err != nil {
		return out, fmt.Errorf("prepare to write a batch: %w", err)
	}
	for _, p := range in {
		args = append(args, p.args...)
	}
	var b pgx.Batch
	b.Queue(name, args...).QueryRow(func(r pgx.Row) error {
		var checked int
		return r.Scan(&out.ok, &out.now, &out.wrote, &checked)
	})
	for _, name := range after {
		b.Queue(name).Exec(committed)
	}
	if err := c.SendBatch(ctx, &b).Close(); err != nil {
		return out, fmt.Errorf("write a batch: %w", err)
	}
	return out, nil
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
