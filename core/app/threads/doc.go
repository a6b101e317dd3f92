// Package threads is what members do with their conversations besides asking
// something: beginning, finding, naming, tidying and exporting them, going
// through their branches, and keeping prompts and what was not sent yet (C1, C2).
//
// It keeps true that a conversation is its member's alone: whoever else asks
// for it, an administrator of the account too, is told what they are told of
// one that is not there; that a deleted one can be restored for a day and is
// then gone with all that is its; that each change stands beside its event
// (U1), which has nothing of what was said (U2); and that no title and no name
// of a prompt holds what looks like a secret (S2). It asks no model: package
// turns does.
package threads
