// Package arch checks that the source tree keeps to the architecture: which
// layer may import which, in which order the domains stand on one another, that
// the core reads no clock and draws no random numbers, that nothing registers
// itself on import, and what lies at the top level.
//
// It reads imports from the files themselves, whatever their build tags, so that
// a violation shows even in a tree that does not compile. It does not judge what
// lies behind an interface.
package arch
