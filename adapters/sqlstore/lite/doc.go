// Package lite runs prepared statements on one connection to a SQLite file,
// without database/sql: the ledger's batches run thousands of short statements
// a second, and what lay around each of them cost more than the statement.
// Everything else that the store does goes through database/sql.
//
// It calls the same library as the driver does (modernc.org/sqlite/lib), with
// what that asks of a caller written in C: texts are handed over in memory
// outside of Go's heap, which stays as it is until the statement has run.
//
// It keeps true that no error of SQLite is lost, and that a Conn which was
// closed holds nothing. A Conn and its statements are for one goroutine at a
// time; their owner sees to it.
package lite
