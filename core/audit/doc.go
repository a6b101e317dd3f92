// Package audit defines the evidence: events that say who did what to which
// account, when, and under which request ID; and the log that they are sealed
// into, a Merkle tree with checkpoints.
//
// It keeps true that an event holds no secret and no content (U2): IDs, kinds,
// amounts and reason codes only, and that its canonical form never changes,
// because digests are taken over it. It stores nothing and signs nothing.
package audit
