// Package pricing turns usage into microcredits by a versioned price book (L13).
//
// It keeps true that a price is never negative, that a product never wraps
// (128 bits inside), and that a request is rounded up once, to a whole
// microcredit. A model without a price has no cost here: callers refuse it.
// It reads no file; package prices and its adapters bring the book.
package pricing
