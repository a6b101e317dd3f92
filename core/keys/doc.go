// Package keys knows the form of an API key, how it is recognised, and when
// it is usable.
//
// It keeps true that a token is accepted in one spelling only (K1), that what
// is stored can recognise a token but not rebuild it (K2), and that no key
// outlives one year (K4). Randomness is passed in; storage is elsewhere.
package keys
