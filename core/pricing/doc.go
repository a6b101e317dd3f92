// Package pricing turns usage into microcredits by a versioned price book (L13).
//
// It keeps true that a price is never negative, that a product never wraps
// (128 bits inside), and that a request is rounded up once, to a whole
// microcredit. A model without a price has no cost here: callers refuse it.
//
// A [Book] is what an operator writes: editions, each from a time on. A
// [Schedule] is what was published over time: books, each whole and each from a
// time on. Book and edition are named by digests of what they say, so that
// whoever has the name of a price can find it and cannot be shown another.
// It reads no file; package prices and its adapters bring the book.
package pricing
