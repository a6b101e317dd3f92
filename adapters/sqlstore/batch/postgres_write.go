package batch

import (
	"context"
	"encoding/binary"
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
	fixed     []bool // fields that are no parameters, by their place
	all       bool   // every row must be found
}

const ok = ` WHERE (SELECT ok FROM stands)`

// inserts is a part that inserts rows of these types. In the place of a type may
// stand the value that all rows have there: a parameter less.
func inserts(name, into, types, end, also string) *part {
	p := &part{name: name, also: also}
	var rows, row []string
	params := 0
	for _, t := range strings.Fields(types) {
		fixed := t == "0" || t == "false" || t == "''"
		p.fixed = append(p.fixed, fixed)
		if fixed {
			rows, row = append(rows, t), append(row, t)
			continue
		}
		params++
		rows, row = append(rows, fmt.Sprintf("unnest($%d::%s[])", params, t)), append(row, fmt.Sprintf("$%d::%s", params, t))
	}
	p.rows = `INSERT INTO ` + into + ` SELECT ` + strings.Join(rows, ", ") + ok + end
	p.row = `INSERT INTO ` + into + ` SELECT ` + strings.Join(row, ", ") + ok + end
	return p
}

// updates is a part that finds rows by their first column and sets those that
// have a type. Each of them must be there; see written.
func updates(name, table, columns, types string) *part {
	p := &part{name: name, all: true}
	names := strings.Split(columns, ", ")
	var set, from, value []string
	params := 0
	for i, t := range strings.Fields(types) {
		p.fixed = append(p.fixed, t == "-")
		if t == "-" {
			continue
		}
		params++
		from = append(from, fmt.Sprintf("unnest($%d::%s[]) AS %s", params, t, names[i]))
		if params > 1 {
			set, value = append(set, names[i]+" = u."+names[i]), append(value, fmt.Sprintf("%s = $%d::%s", names[i], params, t))
		}
	}
	key := table + "." + names[0]
	p.rows = `UPDATE ` + table + ` SET ` + strings.Join(set, ", ") + ` FROM (SELECT ` + strings.Join(from, ", ") + ok + `) AS u
WHERE ` + key + ` = u.` + names[0] + ` AND ` + key + ` = ANY($1) RETURNING 1`
	p.row = `UPDATE ` + table + ` SET ` + strings.Join(value, ", ") + ok + ` AND ` + key + ` = $1::text RETURNING 1`
	return p
}

const (
	holdsInto = `holds (` + row.HoldColumns + `)`

	workTypes   = "text text text text text bigint text text text text text text text bigint bigint "
	markTypes   = "bigint bool bool bigint bigint bigint bigint bool "
	unmarked    = "0 false false 0 0 0 0 false "
	endTypes    = "bigint text bigint bigint bigint bool bigint bigint "
	unended     = "0 '' 0 0 0 false 0 0 "
	limitTypes  = "bigint bigint text "
	holdTypes   = workTypes + markTypes + endTypes + limitTypes + "bigint"
	openTypes   = workTypes + unmarked + unended + limitTypes + "0"
	doneTypes   = workTypes + unmarked + endTypes + limitTypes + "bigint"
	setTypes    = "text - - - text bigint text - - - - - - - - " + markTypes + endTypes + "- - - bigint"
	holdsOpened = ` RETURNING request_id, replica_id, state`
	alsoOpened  = `INSERT INTO open_holds (request_id, replica_id) SELECT request_id, replica_id FROM `
)

var (
	newLots = inserts("new_lots", `lots (`+row.LotColumns+`)`, "text text text text bigint bigint bigint bigint bigint", "", "")

	// A lot that is not as the batch believes was edited by hand; see written.
	setLots = &part{
		name: "set_lots", all: true, rows: `UPDATE lots SET state = u.state, remaining = u.remaining, held = u.held
FROM (SELECT unnest($1::text[]) AS id, unnest($2::text[]) AS state, unnest($3::bigint[]) AS remaining, unnest($4::bigint[]) AS held,
	unnest($5::text[]) AS was_state, unnest($6::bigint[]) AS was_remaining, unnest($7::bigint[]) AS was_held` + ok + `) AS u
WHERE lots.id = u.id AND lots.id = ANY($1) AND lots.state || '' = u.was_state AND lots.remaining = u.was_remaining AND lots.held = u.was_held RETURNING 1`,
		row: `UPDATE lots SET state = $2::text, remaining = $3::bigint, held = $4::bigint` + ok + `
AND id = $1::text AND state || '' = $5::text AND remaining = $6::bigint AND held = $7::bigint RETURNING 1`,
	}

	// Holds that a batch opens, those that it opens and ends, and any others.
	openHolds = inserts("opened", holdsInto, openTypes, holdsOpened, alsoOpened+`opened`)
	doneHolds = inserts("done_holds", holdsInto, doneTypes, "", "")
	newHolds  = inserts("new_holds", holdsInto, holdTypes, holdsOpened, alsoOpened+`new_holds WHERE state = 'open'`)

	setHolds = updates("set_holds", "holds", row.HoldColumns, setTypes)

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

	parts = []*part{newLots, setLots, openHolds, doneHolds, newHolds, setHolds, closed, newEntries, newEvents, setCounters, setNames, heads}
)

// filled is a part with what puts its parameters.
type filled struct {
	*part
	put func(*params)
}

// fill adds a part with rows, if there are any.
func fill[R any](out []filled, lone bool, p *part, rows []R, fields func(*R, []any) []any) []filled {
	if len(rows) == 0 {
		return out
	}
	return append(out, filled{p, func(to *params) { putRows(to, lone, p.fixed, rows, fields) }})
}

// filled returns the parts that the batch needs; lone says that none has more
// than one row.
func (w *writes) filled() (out []filled, lone bool) {
	requests := w.closed()
	lone = max(len(w.newLots), len(w.lots), len(w.newHolds), len(w.holds), len(requests), len(w.entries), len(w.events), len(w.counters), len(w.named), len(w.heads)) <= 1
	out = fill(make([]filled, 0, len(parts)), lone, newLots, w.newLots, (*row.Lot).AppendFields)
	out = fill(out, lone, setLots, w.changes(), func(l *change, to []any) []any {
		return append(to, &l.now.ID, &l.now.State, &l.now.Remaining, &l.now.Held, &l.was.State, &l.was.Remaining, &l.was.Held)
	})
	out = fill(out, lone, holdsPart(w.newHolds), w.newHolds, (*row.Hold).AppendFields)
	out = fill(out, lone, setHolds, w.holds, (*row.Hold).AppendFields)
	out = fill(out, lone, closed, requests, func(id *string, to []any) []any { return append(to, id) })
	out = fill(out, lone, newEntries, w.entries, (*row.Entry).AppendFields)
	out = fill(out, lone, newEvents, w.events, (*row.Event).AppendFields)
	out = fill(out, lone, setCounters, w.counters, (*row.Counter).AppendFields)
	out = fill(out, lone, setNames, w.named, (*row.Reservation).AppendFields)
	return fill(out, lone, heads, w.headRows(), (*head).fields), lone
}

// holdsPart is the part for new holds: the one with the fewest parameters.
func holdsPart(holds []row.Hold) *part {
	open, done := true, true
	for i := range holds {
		h := &holds[i]
		marked := h.MarkAt != 0 || h.MarkAccepted || h.MarkDelivered || h.MarkCost != 0 || h.MarkUsage != row.Usage{}
		ended := h.State != string(ledger.HoldOpen)
		open = open && !marked && !ended
		done = done && !marked && ended
	}
	switch {
	case open:
		return openHolds
	case done:
		return doneHolds
	}
	return newHolds
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

func (h *head) fields(to []any) []any { return append(to, &h.account, &h.entries, &h.events, &h.at) }

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
	at, found := g.params, ""
	for _, p := range in {
		text := p.rows
		if lone {
			text = p.row
		}
		if p.all {
			count := fmt.Sprintf("cardinality($%d)", at+1)
			if lone {
				count = "1"
			}
			found += fmt.Sprintf(" AND (SELECT count(*) FROM %s) = %s", p.name, count)
		}
		fmt.Fprintf(&b, "\n), %s AS (%s", p.name, shift(text, at))
		if p.also != "" {
			fmt.Fprintf(&b, "\n), %s_also AS (%s", p.name, p.also)
		}
		at += strings.Count(p.row, "$") // a part names each parameter once
	}
	sql = strings.Replace(b.String(), ")\n), ", "), ", 1) + ")\nSELECT ok, now, wrote, 1 / (NOT ok OR true" + found + ")::int FROM stands" // a division by zero: the batch fails
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

// send writes all, in one round trip once the connection knows the statement,
// and commits the transaction that is open, if there is one. guarded puts the
// parameters of the guard.
func (w *writes) send(ctx context.Context, c *pgx.Conn, g guard, guarded func(*params), open bool) (out written, err error) {
	in, lone := w.filled()
	name, sql := g.statement(lone, in)
	statement, err := c.Prepare(ctx, name, sql)
	if err != nil {
		return out, fmt.Errorf("prepare to write a batch: %w", err)
	}
	commit, err := c.Prepare(ctx, "commit", sqlCommit)
	if err != nil {
		return out, fmt.Errorf("prepare to write a batch: %w", err)
	}
	to := newParams()
	defer to.free()
	guarded(to)
	for _, p := range in {
		p.put(to)
	}
	line := c.PgConn().StartPipeline(ctx)
	line.SendQueryStatement(statement, to.list(), binaryFormat, binaryFormat)
	if open {
		line.SendQueryStatement(commit, nil, nil, nil)
	}
	err = line.Sync()
	if err == nil {
		err = out.read(line)
	}
	if err == nil && open {
		err = committed(line)
	}
	if end := line.Close(); err == nil {
		err = end
	}
	if err != nil {
		return out, fmt.Errorf("write a batch: %w", err)
	}
	return out, nil
}

// read takes the one row that the statement of a batch answers.
func (out *written) read(line *pgconn.Pipeline) error {
	r, err := answer(line)
	if err != nil {
		return err
	}
	if r.NextRow() {
		v := r.Values()
		out.ok, out.now, out.wrote = v[0][0] != 0, int64(binary.BigEndian.Uint64(v[1])), string(v[2])
	}
	_, err = r.Close()
	return err
}

// committed fails where a commit ended a transaction that had failed.
func committed(line *pgconn.Pipeline) error {
	r, err := answer(line)
	if err != nil {
		return err
	}
	tag, err := r.Close()
	if err == nil && tag.String() != "COMMIT" {
		err = errors.New("the transaction was rolled back")
	}
	return err
}

// answer returns the next statement's answer.
func answer(line *pgconn.Pipeline) (*pgconn.ResultReader, error) {
	got, err := line.GetResults()
	if err != nil {
		return nil, err
	}
	r, ok := got.(*pgconn.ResultReader)
	if !ok {
		return nil, fmt.Errorf("the database answered with %T", got)
	}
	return r, nil
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
