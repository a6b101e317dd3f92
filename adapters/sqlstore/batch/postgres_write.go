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

// filled is a part with the fields of its rows, one row behind another.
type filled struct {
	*part
	fields []any
}

// fill adds rows, if there are any, in the first form that fits them. Their
// fields are kept in the parameters' memory.
func fill[R any](to *params, out []filled, rows []R, fields func(*R, []any) []any, forms ...*part) []filled {
	if len(rows) == 0 {
		return out
	}
	from := len(to.fields)
	for i := range rows {
		to.fields = fields(&rows[i], to.fields)
	}
	of := to.fields[from:]
	for _, p := range forms {
		if p.fits(of) {
			return append(out, filled{p, of})
		}
	}
	panic("a part has no form for any rows")
}

// filled returns the parts that the batch needs; lone says that none has more
// than one row, and that the batch is of one account.
func (w *writes) filled(to *params) (out []filled, lone bool) {
	requests := w.closed()
	lone = max(w.accounts, len(w.newLots), len(w.lots), len(w.newHolds), len(w.spends), len(w.holds), len(requests), len(w.entries), len(w.events), len(w.counters), len(w.named), len(w.heads)) <= 1
	out = fill(to, make([]filled, 0, len(parts)), w.newLots, (*row.Lot).AppendFields, newLots)
	out = fill(to, out, w.changes(), func(l *change, to []any) []any {
		return append(to, &l.now.ID, &l.now.State, &l.now.Remaining, &l.now.Held, &l.was.State, &l.was.Remaining, &l.was.Held)
	}, setLive, setLots)
	out = fill(to, out, w.newHolds, (*row.Hold).AppendFields, openHolds, newHolds)
	out = fill(to, out, w.spends, (*row.Spend).AppendFields, spends, anySpends)
	out = fill(to, out, w.holds, (*row.Hold).AppendFields, settled, setHolds)
	out = fill(to, out, requests, func(id *string, to []any) []any { return append(to, id) }, closed)
	out = fill(to, out, w.entries, (*row.Entry).AppendFields, debits, newEntries)
	out = fill(to, out, w.events, (*row.Event).AppendFields, uses, newEvents)
	out = fill(to, out, w.counters, (*row.Counter).AppendFields, setCounters)
	out = fill(to, out, w.named, (*row.Reservation).AppendFields, setNames)
	return fill(to, out, w.headRows(), (*head).fields, heads, headsApart), lone
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
	lone      string // instead, for a lone batch; see filled
	params    int
}

var (
	standing = guard{"stands", sqlStands, sqlStandsLone, 6}
	// granted is for a batch that has read what it changes, under its locks.
	granted = guard{"granted", sqlGranted, sqlGranted, 0}
)

const sqlGranted = `stands AS MATERIALIZED (SELECT true AS ok, 0::bigint AS now, '' AS wrote)`

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
	if lone {
		b.WriteString("WITH " + g.lone)
	} else {
		b.WriteString("WITH " + g.sql)
	}
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
		for _, c := range p.columns {
			if c.param() {
				at++
			}
		}
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
func (w *writes) send(ctx context.Context, c *pgx.Conn, g guard, guarded func(to *params, lone bool), open bool) (out written, err error) {
	to := newParams()
	defer to.free()
	in, lone := w.filled(to)
	name, sql := g.statement(lone, in)
	statement, err := c.Prepare(ctx, name, sql)
	if err != nil {
		return out, fmt.Errorf("prepare to write a batch: %w", err)
	}
	commit, err := c.Prepare(ctx, "commit", sqlCommit)
	if err != nil {
		return out, fmt.Errorf("prepare to write a batch: %w", err)
	}
	guarded(to, lone)
	for _, p := range in {
		to.rows(lone, p.columns, p.fields)
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
