package batch

import (
	"strings"

	"github.com/archibot/archibotchat/adapters/sqlstore/row"
)

// litePragmas make every commit durable, and keep in memory what the batches
// of some thousand accounts touch, so that it is not read again from the log.
const litePragmas = "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA cache_size = -16384"

var (
	liteBegin   = `BEGIN IMMEDIATE`
	liteCommit  = `COMMIT`
	liteUndo    = `ROLLBACK`
	liteVersion = `PRAGMA data_version`
	liteMark    = `PRAGMA user_version`
	liteFence   = `SELECT fence FROM replicas WHERE id = ?`
	liteAccount = `SELECT id, entry_seq, event_seq, ledger_at, epoch FROM accounts WHERE id = ?`
	liteLots    = `SELECT ` + row.LotColumns + ` FROM lots WHERE account_id = ? AND (state = 'live' OR remaining > 0)`
	liteLotByID = `SELECT ` + row.LotColumns + ` FROM lots WHERE id = ?`
	liteHold    = `SELECT ` + row.HoldColumns + ` FROM holds WHERE request_id = ?`
	liteTaken   = `SELECT request_id FROM holds WHERE request_id = ?`
	liteNewLot  = insert("lots", row.LotColumns)
	// A lot that is not as the batch believes was edited by hand.
	liteSetLot = `UPDATE lots SET state = ?2, remaining = ?3, held = ?4 WHERE id = ?1 AND state = ?5 AND remaining = ?6 AND held = ?7`
	// A lot that is live was live before, and the index of live ones need not move.
	liteSetLive  = `UPDATE lots SET remaining = ?2, held = ?3 WHERE id = ?1 AND state = 'live' AND remaining = ?4 AND held = ?5`
	liteNewHold  = insert("holds", row.HoldColumns)
	liteNewSpend = insert("holds", row.SpendColumns)
	liteSetHold  = `UPDATE holds SET state = ?2, mark_at = ?3, mark_accepted = ?4, mark_delivered = ?5, mark_cost = ?6, mark_input = ?7, mark_cached = ?8, mark_output = ?9, mark_estimated = ?10, closed_at = ?11, reason = ?12, usage_input = ?13, usage_cached = ?14, usage_output = ?15, usage_estimated = ?16, debited = ?17, uncollected = ?18, amount = ?19, parts = ?20, debited_by = ?21 WHERE request_id = ?1 AND state = 'open'`
	liteNewEntry = insert("entries", row.EntryColumns)
	liteNewEvent = insert("events", row.EventColumns)
	liteCounters = `SELECT ` + row.CounterColumns + ` FROM counters WHERE scope = ?`
	liteCounter  = `INSERT OR REPLACE INTO counters (` + row.CounterColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?)`
	liteNames    = row.SelectReservations + ` WHERE i.id = ?`
	liteName     = `INSERT OR REPLACE INTO idempotency (` + row.ReservationColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`
	liteDone     = `SELECT ` + row.EntryColumns + ` FROM entries WHERE request_id = ? AND kind = 'correction'`
	liteHead     = `UPDATE accounts SET entry_seq = ?2, event_seq = ?3, ledger_at = ?4 WHERE id = ?1`
)

// insert returns the statement that adds one row of the columns.
func insert(table, columns string) string {
	return `INSERT INTO ` + table + ` (` + columns + `) VALUES (?` + strings.Repeat(", ?", strings.Count(columns, ",")) + `)`
}

// liteStatements are all of them.
var liteStatements = []string{
	liteBegin, liteCommit, liteUndo, liteVersion, liteMark, liteFence, liteAccount, liteLots, liteLotByID, liteHold, liteTaken, liteNewLot, liteSetLot, liteSetLive, liteNewHold, liteNewSpend, liteSetHold,
	liteNewEntry, liteNewEvent, liteHead, liteCounters, liteCounter, liteNames, liteName, liteDone,
}
