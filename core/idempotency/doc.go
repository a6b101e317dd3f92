// Package idempotency is what an Idempotency-Key means: the form of the
// header, the digests that stand for it, and the answer that is kept under it
// (W7, HOTPATH 18).
//
// It keeps true that
//   - a [Key] never shows itself in a log, an error or a printed struct;
//   - what is stored tells neither the key nor the request, and two accounts
//     that use the same key share nothing ([Secrets.Names]);
//   - an answer can be read by nobody who has not both the key and the
//     service's secret, and nobody can put one in the place of another
//     ([Secrets.Seal]).
//
// Who may have a name, and for how long, is decided by package ledger. It does
// no I/O, and the randomness that sealing needs is handed in.
package idempotency
