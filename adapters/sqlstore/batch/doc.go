// Package batch commits ledger ops: the hot path of the store (HOTPATH,
// rules 1 to 8).
//
// A batch loads under the locks of its accounts what ledger.Apply may touch,
// decides in memory, and writes what changed, in one transaction: two round
// trips on Postgres, prepared statements on a connection of its own on SQLite
// (package lite). Both share everything but the statements (type work). The
// plainest settle alone is one guarded statement on Postgres, in one round trip
// (type lone); tests compare it with ledger.Apply.
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
