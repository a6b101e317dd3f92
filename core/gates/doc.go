// Package gates holds the one function that decides whether a principal may
// use an area now (G1).
//
// [Decide] is pure. It keeps true that whatever is unknown, missing or stale
// closes the gate (G3): the zero value of every field of [Input] is closed.
// It does not decide whether an amount fits; ledger.Apply does, with the same
// reason codes.
package gates
