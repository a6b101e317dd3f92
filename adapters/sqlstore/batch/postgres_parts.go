package batch

import (
	"fmt"
	"strings"

	"github.com/archibot/archibotchat/adapters/sqlstore/row"
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
