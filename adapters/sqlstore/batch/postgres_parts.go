package batch

import (
	"strings"

	"github.com/archibot/archibotchat/adapters/sqlstore/row"
)

// What a batch writes is one statement, put together of the parts that it
// needs: each by itself would cost the database as much as several rows. A part
// takes an array per column, or, where all have one row, a value: thirty arrays
// cost as much as several rows, too. Hence the forms of a part: a column in which
// all rows have what most have, or the same, needs no array. The first form that
// fits the rows is taken. Parameters are numbered from 1, and behind the guard's
// once the statement is put together. No part does anything unless the guard
// (stands) lets it.
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
	columns   []column
	all       bool // every row must be found
}

const ok = ` FROM stands WHERE ok`

// inserts is a part that inserts rows of columns of these types.
func inserts(name, into, types, end, also string) *part {
	p := &part{name: name, also: also, columns: columnsOf(types)}
	var rows, row []string
	params := 0
	for _, c := range p.columns {
		if c.param() {
			params++
		}
		many, one := c.expression(params)
		rows, row = append(rows, many), append(row, one)
	}
	p.rows = `INSERT INTO ` + into + ` SELECT ` + strings.Join(rows, ", ") + ok + end
	p.row = `INSERT INTO ` + into + ` SELECT ` + strings.Join(row, ", ") + ok + end
	return p
}

// updates is a part that finds rows by their first column and sets the others.
func updates(name, table, columns, types string) *part {
	p := &part{name: name, columns: columnsOf(types)}
	names := strings.Split(columns, ", ")
	var set, from, value []string
	params := 0
	for i, c := range p.columns {
		if c.kind == absent {
			continue
		}
		if c.param() {
			params++
		}
		many, one := c.expression(params)
		if c.kind == own {
			from, many = append(from, many+" AS "+names[i]), "u."+names[i]
		}
		if i > 0 {
			set, value = append(set, names[i]+" = "+many), append(value, names[i]+" = "+one)
		}
	}
	key := table + "." + names[0]
	p.rows = `UPDATE ` + table + ` SET ` + strings.Join(set, ", ") + ` FROM (SELECT ` + strings.Join(from, ", ") + ok + `) AS u
WHERE ` + key + ` = u.` + names[0] + ` AND ` + key + ` = ANY($1)`
	p.row = `UPDATE ` + table + ` SET ` + strings.Join(value, ", ") + ok + ` AND ` + key + ` = $1::text`
	return p
}

// mustFind makes the batch fail unless each row of the part is there; see written.
func mustFind(p *part) *part {
	p.all = true
	p.rows += ` RETURNING 1`
	p.row += ` RETURNING 1`
	return p
}

const (
	holdsInto   = `holds (` + row.HoldColumns + `)`
	spendsInto  = `holds (` + row.SpendColumns + `)`
	entriesInto = `entries (` + row.EntryColumns + `)`
	eventsInto  = `events (` + row.EventColumns + `)`

	openTypes = "text text =text text 'open' bigint text text text text text text text =bigint bigint " +
		"0 false false 0 0 0 0 false 0 '' 0 0 0 false 0 0 bigint bigint text 0"
	spendTypes = "text text =text text 'settled' bigint text text text text text text text =bigint bigint " +
		"0 false false 0 0 0 0 false =bigint '' bigint bigint bigint false bigint 0 bigint bigint text 0 bigint bigint"
	holdTypes = "text text text text text bigint text text text text text text text bigint bigint " +
		"bigint bool bool bigint bigint bigint bigint bool bigint text bigint bigint bigint bool bigint bigint bigint bigint text bigint"
	setTypes = "text - - - text bigint text - - - - - - - - " +
		"bigint bool bool bigint bigint bigint bigint bool bigint text bigint bigint bigint bool bigint bigint - - - bigint"
	settledTypes = "text - - - 'settled' bigint text - - - - - - - - " +
		"0 false false 0 0 0 0 false =bigint '' bigint bigint bigint false bigint 0 - - - bigint"
	holdsOpened = ` RETURNING request_id, replica_id, state`
	alsoOpened  = `INSERT INTO open_holds (request_id, replica_id) SELECT request_id, replica_id FROM `
)

var (
	newLots = inserts("new_lots", `lots (`+row.LotColumns+`)`, "text text text text bigint bigint bigint bigint bigint", "", "")

	// A lot that is not as the batch believes was edited by hand. Its state is
	// hidden from the planner, which would look live ones up by their expiry.
	setLots = mustFind(&part{
		name: "set_lots", columns: columnsOf("text text bigint bigint text bigint bigint"),
		rows: `UPDATE lots SET state = u.state, remaining = u.remaining, held = u.held
FROM (SELECT unnest($1::text[]) AS id, unnest($2::text[]) AS state, unnest($3::bigint[]) AS remaining, unnest($4::bigint[]) AS held,
	unnest($5::text[]) AS was_state, unnest($6::bigint[]) AS was_remaining, unnest($7::bigint[]) AS was_held` + ok + `) AS u
WHERE lots.id = u.id AND lots.id = ANY($1) AND lots.state || '' = u.was_state AND lots.remaining = u.was_remaining AND lots.held = u.was_held`,
		row: `UPDATE lots SET state = $2::text, remaining = $3::bigint, held = $4::bigint` + ok + `
AND id = $1::text AND state || '' = $5::text AND remaining = $6::bigint AND held = $7::bigint`,
	})
	setLive = mustFind(&part{
		name: "set_live", columns: columnsOf("text 'live' bigint bigint 'live' bigint bigint"),
		rows: `UPDATE lots SET remaining = u.remaining, held = u.held
FROM (SELECT unnest($1::text[]) AS id, unnest($2::bigint[]) AS remaining, unnest($3::bigint[]) AS held,
	'live' AS was_state, unnest($4::bigint[]) AS was_remaining, unnest($5::bigint[]) AS was_held` + ok + `) AS u
WHERE lots.id = u.id AND lots.id = ANY($1) AND lots.state || '' = u.was_state AND lots.remaining = u.was_remaining AND lots.held = u.was_held`,
		row: `UPDATE lots SET remaining = $2::bigint, held = $3::bigint` + ok + `
AND id = $1::text AND state || '' = 'live' AND remaining = $4::bigint AND held = $5::bigint`,
	})

	// Holds that a batch opens, those that it settles in the same step, and any
	// others.
	openHolds = inserts("opened", holdsInto, openTypes, holdsOpened, alsoOpened+`opened`)
	spends    = inserts("spends", spendsInto, spendTypes, "", "")
	anySpends = inserts("any_spends", spendsInto, holdTypes+" bigint bigint", "", "")
	newHolds  = inserts("new_holds", holdsInto, holdTypes, holdsOpened, alsoOpened+`new_holds WHERE state = 'open'`)

	setHolds = mustFind(updates("set_holds", "holds", row.HoldColumns, setTypes))
	// A hold that has no mark has never had one.
	settled = mustFind(updates("settled", "holds", row.HoldColumns, settledTypes))

	closed = &part{name: "closed", columns: columnsOf("text"), rows: `DELETE FROM open_holds USING stands WHERE ok AND request_id = ANY($1::text[])`, row: `DELETE FROM open_holds USING stands WHERE ok AND request_id = $1::text`}

	newEntries = inserts("new_entries", entriesInto, "text bigint text text bigint text text text bigint", "", "")
	debits     = inserts("debits", entriesInto, "text bigint text 'debit' bigint text '' '' =bigint", "", "")

	newEvents = inserts("new_events", eventsInto, "text text bigint bigint text text text text text text bigint text text text bigint", "", "")
	uses      = inserts("uses", eventsInto, "text text bigint =bigint 'usage.debited' 'key' text text text text bigint '' '' text 1", "", "")

	setCounters = inserts("set_counters", `counters (`+row.CounterColumns+`)`, "text text bigint bigint bigint bigint bigint", ` ON CONFLICT (scope, account_id) DO UPDATE
SET window_at = EXCLUDED.window_at, reserved = EXCLUDED.reserved, spent = EXCLUDED.spent, requests_at = EXCLUDED.requests_at, tokens_at = EXCLUDED.tokens_at`, "")

	// A name that another request had is taken over: it was free again.
	setNames = inserts("set_names", `idempotency (`+row.ReservationColumns+`)`, "text bytea bytea text bigint text bigint bigint", ` ON CONFLICT (id, account_id) DO UPDATE
SET print = EXCLUDED.print, request_id = EXCLUDED.request_id, created_at = EXCLUDED.created_at, kept = EXCLUDED.kept, debited = EXCLUDED.debited, remaining = EXCLUDED.remaining`, "")

	heads = updates("heads", "accounts", "id, entry_seq, event_seq, ledger_at", "text bigint bigint =bigint")
	// Accounts that were ahead of the clock keep their time.
	headsApart = updates("heads_apart", "accounts", "id, entry_seq, event_seq, ledger_at", "text bigint bigint bigint")

	// parts are all of them, in the order in which a batch lists those it needs.
	parts = []*part{
		newLots, setLive, setLots, openHolds, newHolds, spends, anySpends, settled, setHolds, closed, debits, newEntries, uses, newEvents, setCounters, setNames, heads, headsApart,
	}
)
