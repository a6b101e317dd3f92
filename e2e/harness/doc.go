//go:build unix

// Package harness runs the real server for black-box suites: the program that
// ships, as processes of its own, over a real database and the scripted
// upstream, driven by its own command line.
//
// A [Site] is one deployment: a database, an upstream, a price book, the
// secrets. It starts any number of [Replica]s, kills them the hard way if
// asked, and runs operator commands beside them. [Each] runs a suite on SQLite
// and on Postgres.
//
// It keeps true that nothing of the caller's environment reaches a process it
// starts, that every process it starts is ended by its ID when the test ends,
// and that it knows the product only by its documented surface: commands,
// variables, HTTP. The tables are read and bent directly, by the names in
// database.go, only where a suite plays the part of an auditor or of a vandal.
package harness
