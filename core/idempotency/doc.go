// Package idempotency is what an Idempotency-Key means: the form of the
// header, and what a service keeps of it (W7, HOTPATH 18).
//
// It keeps true that a [Key] never shows itself in a log, an error or a
// printed struct. It does no I/O.
package idempotency
