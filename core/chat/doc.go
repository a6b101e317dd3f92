// Package chat has the terms of conversations: threads of messages, and the
// turns that answer them.
//
// It keeps true that a thread is a tree: a question that is asked anew in other
// words and an answer that is given again are siblings of what they replace, so
// that nothing is lost (C2), and that what is shown is one path of it, from a
// root to the thread's head. It knows no store, no models and no screens.
package chat
