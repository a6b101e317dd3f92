// Package turns does the work on answers in the chat: it starts it, keeps what
// comes of it, shows it to whoever follows, and ends it (C2, C3).
//
// It keeps true that
//   - a turn belongs to the server and not to the request that began it: a browser
//     that leaves loses nothing, and any tab on any server can follow, from any
//     place in the text that it has seen;
//   - a turn is begun behind the open gate of chat (G5), and is cut when that
//     closes (K5); what a gate refuses leaves nothing behind;
//   - a key begins one turn, however often it is sent, and a thread has one turn at
//     work at a time;
//   - text that was shown is stored within a moment of it, so that a server that
//     dies leaves what was seen; who finds its turn ends it as failed, and what it
//     cost is read from the ledger later (L9);
//   - a server that lost a turn to another writes nothing to it any more;
//   - a follower holds a place in the text and no more: a slow one slows nobody.
//
// What is said to a model, and what a model says, is in messages and nowhere
// else: no event and no log has any of it (U2). It knows no HTTP, and meets the
// door and the relay through the interfaces that it declares.
package turns
