// Package responses keeps whose each response is that an upstream keeps, and makes
// the calls on them: retrieve, delete, cancel, list the input.
//
// One upstream key serves all accounts, so that the upstream itself would let
// anybody have anything. The paper that says so long refused every reference to
// a stored object; this package is what it waited for. It keeps true that
//   - an ID is its account's, durably, before a client can have learned it: a
//     crash leaves no response without an owner, and a store that does not answer
//     lets no ID out (W4);
//   - an ID has one owner. A second claim is refused and logged;
//   - an ID that is unknown, another account's, deleted or no ID at all is one
//     and the same [store.ErrNotFound], decided here without asking an upstream;
//   - what an upstream is asked is made of an ID that it gave itself, and of known
//     parameters;
//   - only an answer that came to its end here can be retrieved: an upstream may
//     go on when its client has left, and what it wrote then was not paid for;
//   - what the upstream adds to a request for the response that it goes on from is
//     bounded before anything is held (HOTPATH 10). See [Service.Previous].
//
// Claims are written by one goroutine, many in a statement: while one is under
// way the next ones gather. An answer that is not to be stored (store: false) needs
// none, and cannot be named later.
//
// It offers no conversations, and no responses in the background: those outlive
// the request, and with it the hold that would have to pay for them.
package responses
