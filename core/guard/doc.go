// Package guard finds text that should not be kept: keys, tokens, cookies,
// passwords, private keys and card numbers that somebody has pasted where
// others will read them (S2).
//
// It keeps true that a secret is found wherever in a text it stands, between
// whatever else, and in the wide letters of East Asian keyboards as in plain
// ones; that what it says of a find never repeats it; and that the time it
// takes is in proportion to the text. It cannot know every secret: it goes by
// form, and lets pass what has none, such as a password that is a plain word in
// a sentence. Prose, code without secrets, UUIDs, order numbers and our own
// IDs are no finds.
package guard
