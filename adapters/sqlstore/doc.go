// Package sqlstore keeps the store port's promises on PostgreSQL and SQLite.
//
// One set of bun queries serves both; what differs (locks, the clock, what an
// error means) sits in one flavor value that Open chooses. The ledger's hot
// path is package batch. Migrations lie in migrations/postgres and
// migrations/sqlite under the same names.
//
// It keeps true that text is checked before it is near a statement (bun
// splices values into the text), that neither statements nor passwords reach
// an error or a log, and that a store from outside a transaction fails at once
// within it instead of waiting for a lock its own caller holds. It decides
// nothing about credits: package ledger does.
package sqlstore
