// Package spend turns the ledger's steps into committed rows: holds, settles
// and releases of many requests go through the writer of a replica, which
// commits them in batches (group commit). It passes by accounts that another
// transaction holds; those that stay busy, and those whose rows the database
// refuses, go to a second, patient writer, so that they cost nobody else time.
//
// It keeps true that
//   - a hold is acknowledged only once it is durable (W5), and one whose
//     caller stopped waiting is released, not forgotten;
//   - work starts before its hold only where what the account has makes a refusal
//     unlikely (HOTPATH 13): what was heard of it lately, at most a minute ago,
//     and the more the longer ago; that hold waits until an answer must leave, at
//     most 5 ms for a stream (3 if a small batch goes anyway, 25 in a crowd) and
//     250 ms for an answer in one piece, and if its settle comes before a batch
//     has taken it, both are one step (HOTPATH 14). No hold that comes later goes
//     ahead of it. A refusal calls the work off, leaves no row, and ends overlap
//     for a minute. A crash leaves no row either: nothing had been delivered;
//   - a terminal step is retried for as long as the process lives;
//   - a replica that lost its lease ends its work as errors and goes on under
//     a new identity, and the holds of a dead one are resolved by
//     ledger.Hold.Resolution (L9), each exactly once;
//   - accounts take turns, and one account's ends and steps each keep their
//     order (HOTPATH 2, 3);
//   - the queue is bounded, in all and per account: past it a hold gets ErrBusy.
//     An end is never refused, for its hold took its place.
//
// It does not know prices, gates or HTTP.
package spend
