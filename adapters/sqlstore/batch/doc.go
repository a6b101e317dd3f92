// Package batch commits ledger ops: the hot path of the store (HOTPATH,
// rules 1 to 8).
//
// A batch loads under the locks of its accounts what ledger.Apply may touch,
// decides in memory, and writes what changed, in one transaction: two round
// trips on Postgres, prepared statements on a connection of its own on SQLite
// (package lite). Both share everything but the statements (type work).
//
// On Postgres most batches are one round trip: what a batch has left behind is
// kept (type book), of as many accounts as there is room for (type shelf), the
// next batch of the same accounts is decided on it, and its statement begins by
// taking the locks and looking whether it was still so. If not, it does
// nothing, and the batch begins anew by reading; tests compare the two ways.
// Nor does it do anything late, on a server that hung: the time that a batch
// was decided at has to be the database's, or has just been.
//
// On SQLite the books spare the reading. The write lock is held before anything
// is decided, so a book is believed only if no other connection has committed
// since, which SQLite tells, or if none of those was another committer, which
// would have left its mark in the file, and the account's row is as it was.
// What was edited by hand fails the batch's updates, and it begins anew.
//
// What is held and settled in one step, as most requests are, and paid from one
// lot is one row: its hold tells of its entry and its event (row.Spend). Views
// and queries bring them together with the others', and a test reads two
// histories that differ in nothing else.
//
// It keeps true that an op changes its own account only, that the replica's
// fence is read under a lock that recovery excludes, and that a batch is
// written whole or not at all. It does not retry and does not translate the
// driver's errors; its owner does.
package batch

import (
	"time"

	"github.com/archibot/archibotchat/core/fault"
)

// errTampered means that an open hold names a lot that is not there or holds
// less than it should: somebody has edited rows by hand. The ops on it are
// refused; `ledger verify` names the rows.
var errTampered = fault.New(fault.Internal, "ledger_inconsistent", "The records of this request do not add up. Contact support with the request ID.")

// Clock is where money time comes from; nil means the database's own.
type Clock func() time.Time
