// Package identitytest is the conformance suite of package ports/identity,
// and a [Fake] of the port for the tests of what stands on it.
//
// An adapter's test is a harness and a call of [Run].
package identitytest
